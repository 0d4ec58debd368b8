"""When a service that must not keep anybody waiting collects its garbage.

Python looks through all objects there are whenever a quarter as many have been added, and stands still meanwhile: with
the lists and libraries of a service that is 100 ms, with 2,000 checks behind their answers 500 (measured). So what is
there at the start is never looked at again, what is young is looked at in small heaps, and the rest when nobody waits.
"""

import gc
from collections.abc import Awaitable, Callable

_YOUNG, _MIDDLE, _NEVER = 1_000, 5, 1_000_000
"""Objects in the first heap; how many of them make the second (5,000: 2 ms); the third is left to `collect`."""
_EVERY, _AT_LATEST = 60.0, 600.0
_LOOK_SECONDS = 1.0


async def collect_in_time(is_idle: Callable[[], bool], sleep: Callable[[float], Awaitable[None]]) -> None:
    """Runs as long as the service: collects once a minute in a moment when it is idle, at the latest after ten."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    since = 0.0
    while True:
        await sleep(_LOOK_SECONDS)
        since += _LOOK_SECONDS
        if since >= _AT_LATEST or (since >= _EVERY and is_idle()):
            gc.collect()
            since = 0.0
