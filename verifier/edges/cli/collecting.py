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
_QUIET_SECONDS = 1.0


async def collect_in_time(
    waiting: Callable[[], bool], asked: Callable[[], int], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Runs as long as the service: collects once a minute when it is quiet, at the latest after ten.

    `waiting`: somebody waits for an answer; `asked`: how many questions there have been. It is quiet where nobody has
    asked for a second: between two questions of many there is no time for it. Beside a list of 500,000 rows it takes
    300 to 600 ms (measured), all of them of the next who ask.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    since = 0.0
    while True:
        before = asked()
        await sleep(_QUIET_SECONDS)
        since += _QUIET_SECONDS
        is_quiet = asked() == before and not waiting()
        if since >= _AT_LATEST or (since >= _EVERY and is_quiet):
            gc.collect()
            since = 0.0
