"""A small internet of mail on loopback, with ground truth: for the demo, the tests and the benchmarks.

`World` is what is true; `World(...).serve()` runs it in this process, `WorldProcess` in one of its own.
"""

from verifier.world.personalities import PERSONALITIES
from verifier.world.process import Report, WorldProcess
from verifier.world.running import RunningWorld
from verifier.world.truth import Egress, Honesty, Truth
from verifier.world.world import World

__all__ = ["PERSONALITIES", "Egress", "Honesty", "Report", "RunningWorld", "Truth", "World", "WorldProcess"]
