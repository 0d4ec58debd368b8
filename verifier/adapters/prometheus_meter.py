"""Meter over prometheus-client, in a registry of its own, and the page that Prometheus reads."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from verifier.core.measures import MEASURES, Kind, Measure

_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0, 15.0, 30.0, 60.0)
_TOGETHER = 256
CONTENT_TYPE = CONTENT_TYPE_LATEST

_Key = tuple[str, tuple[str, ...]]
"""The name of a measure, and the values of its labels."""


class PrometheusMeter:
    """All measures of the table, from the start; those with labels show once they were told something."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            m.name: Counter(m.name, m.sentence, m.labels, registry=self._registry) for m in _of(Kind.COUNTER)
        }
        self._histograms = {
            m.name: Histogram(m.name, m.sentence, m.labels, registry=self._registry, buckets=_BUCKETS)
            for m in _of(Kind.HISTOGRAM)
        }
        self._counted: dict[_Key, int] = {}
        self._observed: dict[_Key, list[float]] = {}
        self._gauges = {m: Gauge(m.name, m.sentence, registry=self._registry) for m in _of(Kind.GAUGE)}

    def count(self, measure: Measure, *labels: str, by: int = 1) -> None:
        key = measure.name, labels
        self._counted[key] = self._counted.get(key, 0) + by

    def observe(self, measure: Measure, seconds: float, *labels: str) -> None:
        seen = self._observed.setdefault((measure.name, labels), [])
        seen.append(seconds)
        if len(seen) >= _TOGETHER:
            self._take_in()

    def watch(self, measure: Measure, read: Callable[[], float]) -> None:
        self._gauges[measure].set_function(read)

    def page(self) -> bytes:
        """Everything, in the OpenMetrics text format."""
        self._take_in()
        text: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return text

    def _take_in(self) -> None:
        """Into the library's own: what is told one by one is taken in together, which costs a third."""
        counted, self._counted = self._counted, {}
        for (name, labels), by in counted.items():
            counter = self._counters[name]
            (counter.labels(*labels) if labels else counter).inc(by)
        observed, self._observed = self._observed, {}
        for (name, labels), seen in observed.items():
            histogram = self._histograms[name].labels(*labels) if labels else self._histograms[name]
            for seconds in seen:
                histogram.observe(seconds)


def _of(kind: Kind) -> list[Measure]:
    return [measure for measure in MEASURES if measure.kind is kind]
