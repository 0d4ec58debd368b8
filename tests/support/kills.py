"""kill -9 at random moments of a command that asks mail hosts."""

import random
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.support.command import Running
from verifier.world.process import WorldProcess

_STARTING = (0.3, 1.0)
_WORKING = (0.2, 1.0)
_PATIENCE = 30.0


class Kill(NamedTuple):
    """When it fell, by the monotonic clock, and how many recipients the hosts had seen by then."""

    at: float
    asked: int


def killed_at_random(start: Callable[[], Running], world: WorldProcess, times: int, seed: int) -> list[Kill]:
    """Starts the command so many times and kills it: by turns while it works, at a random moment after it has asked
    somebody, and while it starts.
    """
    draw, kills = random.Random(seed), list[Kill]()
    for number in range(times):
        before = _asked(world)
        with start() as running:
            if number % 2:
                time.sleep(draw.uniform(*_STARTING))
            else:
                while _asked(world) == before and running.running and running.seconds < _PATIENCE:
                    time.sleep(0.01)
                time.sleep(draw.uniform(*_WORKING))
            kills.append(Kill(time.monotonic(), _asked(world)))
    return kills


def _asked(world: WorldProcess) -> int:
    return world.report().total.recipients
