"""Who waits for a mail host, and who is next: controls, interactive checks, then lists and domains in fair turns."""

from collections import OrderedDict, deque
from collections.abc import Iterator

from verifier.core.control import Probe
from verifier.core.dialogue import Recipient


class Waiting:
    """A queue in which turns go round (list, domain): no list and no domain holds up the others."""

    def __init__(self) -> None:
        self._controls: deque[Recipient] = deque()
        self._interactive: deque[Recipient] = deque()
        self._turns: OrderedDict[tuple[str, str], deque[Recipient]] = OrderedDict()
        self._bulk = 0

    def __len__(self) -> int:
        return len(self._controls) + len(self._interactive) + self._bulk

    def __iter__(self) -> Iterator[Recipient]:
        yield from self._controls
        yield from self._interactive
        for turn in self._turns.values():
            yield from turn

    def push(self, recipient: Recipient, *, first: bool = False) -> None:
        """Queue a recipient; `first` puts one that was asked in vain before its fellows."""
        if recipient.probe is not Probe.REAL:
            queue = self._controls
        elif recipient.interactive:
            queue = self._interactive
        else:
            queue = self._turns.setdefault((recipient.source, recipient.domain), deque())
            self._bulk += 1
        queue.appendleft(recipient) if first else queue.append(recipient)

    def take(self, limit: int, *, domain: str | None = None, one_domain: bool = False) -> list[Recipient]:
        """Up to `limit` recipients for one group: all need SMTPUTF8 or none; with `one_domain` all of one domain,
        with `domain` of just that one.
        """
        group: list[Recipient] = []
        for queue in (self._controls, self._interactive):
            self._take_from(queue, group, limit, domain, one_domain)
        while len(group) < limit and self._take_turns(group, limit, domain, one_domain):
            pass
        return group

    def drain(self) -> list[Recipient]:
        """Everybody, and the queue is empty."""
        everybody = list(self)
        self._controls.clear()
        self._interactive.clear()
        self._turns.clear()
        self._bulk = 0
        return everybody

    def _take_from(
        self, queue: deque[Recipient], group: list[Recipient], limit: int, domain: str | None, one_domain: bool
    ) -> None:
        for _ in range(len(queue)):
            if len(group) >= limit:
                return
            if _fits(queue[0], group, domain, one_domain):
                group.append(queue.popleft())
            else:
                queue.rotate(-1)

    def _take_turns(self, group: list[Recipient], limit: int, domain: str | None, one_domain: bool) -> bool:
        """One round, one recipient a turn; False when the round yielded nobody."""
        before = len(group)
        for turn in list(self._turns) if domain is None and not one_domain else self._turns_of(domain, group):
            if len(group) >= limit:
                break
            queue = self._turns[turn]
            if not _fits(queue[0], group, domain, one_domain):
                continue
            group.append(queue.popleft())
            self._bulk -= 1
            if queue:
                self._turns.move_to_end(turn)
            else:
                del self._turns[turn]
        return len(group) > before

    def _turns_of(self, domain: str | None, group: list[Recipient]) -> list[tuple[str, str]]:
        wanted = domain or (group[0].domain if group else None)
        if wanted is None:
            return [next(iter(self._turns))] if self._turns else []
        return [turn for turn in self._turns if turn[1] == wanted]


def _fits(recipient: Recipient, group: list[Recipient], domain: str | None, one_domain: bool) -> bool:
    if domain is not None and recipient.domain != domain:
        return False
    if not group:
        return True
    first = group[0]
    return recipient.smtputf8 == first.smtputf8 and (not one_domain or recipient.domain == first.domain)
