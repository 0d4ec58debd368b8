"""Meter of a command that nobody watches."""

from collections.abc import Callable

from verifier.core.measures import Measure


class Unmetered:
    """Tells nobody."""

    def count(self, measure: Measure, *labels: str, by: int = 1) -> None:
        pass

    def observe(self, measure: Measure, seconds: float, *labels: str) -> None:
        pass

    def watch(self, measure: Measure, read: Callable[[], float]) -> None:
        pass
