"""When a service that must not keep anybody waiting collects its garbage.

Python looks through all objects there are whenever a quarter as many have been added, and stands still meanwhile: with
the lists and libraries of a service that is 100 ms, with 2,000 checks behind their answers 500 (measured). So what is
there at the start is never looked at again, what is young is looked at in small heaps, and the rest when nobody waits.
"""

import gc
from collections.abc import Awaitable, Callable

YOUNG, MIDDLE, NEVER = 300, 2, 1_000_000
"""How many more objects there may be until the first heap is looked through; after how many such looks the second is,
too; the third is left to `collect`. What counts is objects made less objects gone: beside a large list, where most go
as fast as they come, the first heap holds up to 20,000 by then. At 1,000 and 5 a look took up to 25 ms (measured), at
300 and 2 up to 14, at the same cost in all, and nothing more was left to `collect`.
"""
_EVERY, _AT_LATEST = 60.0, 600.0
_LOOK_SECONDS = 1.0


async def collect_in_time(is_idle: Callable[[], bool], sleep: Callable[[float], Awaitable[None]]) -> None:
    """Runs as long as the service: collects once a minute in a moment when it is idle, at the latest after ten."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    since = 0.0
    while True:
        await sleep(_LOOK_SECONDS)
        since += _LOOK_SECONDS
        if since >= _AT_LATEST or (since >= _EVERY and is_idle()):
            gc.collect()
            since = 0.0
