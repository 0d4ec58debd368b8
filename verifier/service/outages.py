"""Which domains refuse the mailboxes that they accepted lately: what the probes of the last day said of proven ones."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from verifier.core.evidence import Finding
from verifier.core.outage import LEAST_PROVEN, is_outage, is_refusal
from verifier.ports import Clock

_DOMAINS = 10_000
_MAILBOXES = 1000  # of one domain: more say nothing more
_REMEMBERED_FOR = timedelta(days=1)


class _Watch(Struct):
    """Proven mailboxes that were asked, or are about to be: True where refused, None while there is no answer."""

    since: datetime
    refused: dict[str, bool | None]


class Outages:
    """Kept in this process for a day. Costs nothing where no proven mailbox is asked again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watches: OrderedDict[str, _Watch] = OrderedDict()

    def expect(self, domain: str, key: str) -> None:
        """A proven mailbox is about to be asked."""
        watch = self._watch(domain)
        if watch is None:
            watch = self._watches[domain] = _Watch(self._clock.now(), {})
            while len(self._watches) > _DOMAINS:
                self._watches.popitem(last=False)
        if len(watch.refused) < _MAILBOXES:
            watch.refused.setdefault(key, None)

    def heard(self, domain: str, key: str, finding: Finding, *, withdrawn: bool = False) -> None:
        """What a mailbox answered; `withdrawn`: the finding is a refusal that waits for its second look."""
        watch = self._watch(domain)
        if watch is not None and key in watch.refused and (finding.conclusive or withdrawn):
            watch.refused[key] = withdrawn or is_refusal(finding)

    def possible(self, domain: str) -> bool:
        """Enough proven mailboxes are asked to tell an outage."""
        watch = self._watch(domain)
        return watch is not None and len(watch.refused) >= LEAST_PROVEN

    def going_on(self, domain: str) -> bool:
        """By what was heard so far, the domain is in outage."""
        watch = self._watch(domain)
        if watch is None:
            return False
        answers: Sequence[bool] = [refused for refused in watch.refused.values() if refused is not None]
        return is_outage(sum(answers), len(answers))

    def _watch(self, domain: str) -> _Watch | None:
        watch = self._watches.get(domain)
        if watch is not None and self._clock.now() - watch.since >= _REMEMBERED_FOR:
            del self._watches[domain]
            return None
        return watch
