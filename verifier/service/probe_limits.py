"""How often the sign-up widget may have a mailbox asked: its key is public, so everybody can use it.

Law: in the long run no client network has more than PER_CLIENT mailboxes a minute asked, and no domain's mailboxes are
asked more than PER_DOMAIN times a minute, whoever wants it. What is remembered is bounded.
"""

from collections import OrderedDict

from verifier.core.allowance import Bucket
from verifier.ports import Clock

PER_CLIENT = 6
PER_DOMAIN = 30
_REMEMBERED = 10_000


class ProbeLimits:
    """Counts in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, Bucket] = OrderedDict()
        self._domains: OrderedDict[str, Bucket] = OrderedDict()

    @property
    def remembered(self) -> int:
        """Of how many clients and domains something is known."""
        return len(self._clients) + len(self._domains)

    def admit(self, client: str, domain: str) -> bool:
        """A mailbox may be asked, and is counted. Who has had his share takes nothing from the domain's."""
        return self._take(self._clients, client, PER_CLIENT) and self._take(self._domains, domain, PER_DOMAIN)

    def _take(self, buckets: OrderedDict[str, Bucket], name: str, per_minute: int) -> bool:
        now = self._clock.monotonic()
        bucket = buckets.get(name)
        if bucket is None:
            bucket = buckets[name] = Bucket.full(per_minute, now)
            if len(buckets) > _REMEMBERED:
                buckets.popitem(last=False)
        buckets.move_to_end(name)
        return not bucket.take(1, now)
