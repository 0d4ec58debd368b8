"""Who waits for a mail host, and who is next: controls, interactive checks, then lists in fair turns.

Law: a list gets as many turns as any other, and within a list a domain as many as any other, however long they are;
everybody that was pushed is taken once. Recipients that need SMTPUTF8 never share a group with others (RFC 6531 §3.4).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from verifier.core.control import Probe
from verifier.core.dialogue_events import Recipient


class Waiting:
    """The queue of one mail exchange.

    Plain lists: there is one for each domain that waits, mostly of a few recipients, and a deque takes 760 bytes.
    """

    def __init__(self) -> None:
        self._controls: list[Recipient] = []
        self._interactive: list[Recipient] = []
        self._turns = {False: _Turns(), True: _Turns()}
        self._utf8_was_last = True

    def __len__(self) -> int:
        return len(self._controls) + len(self._interactive) + sum(turns.waiting for turns in self._turns.values())

    def __iter__(self) -> Iterator[Recipient]:
        yield from self._controls
        yield from self._interactive
        for turns in self._turns.values():
            yield from turns

    @property
    def urgent(self) -> bool:
        """An interactive check waits."""
        return bool(self._interactive)

    def controls(self, domain: str | None = None) -> int:
        """How many controls wait; with `domain` only its own."""
        return sum(1 for control in self._controls if domain is None or control.domain == domain)

    def push(self, recipient: Recipient, *, first: bool = False) -> None:
        """Queue a recipient; `first` puts one that was asked in vain before its fellows."""
        if recipient.probe is not Probe.REAL:
            queue = self._controls
        elif recipient.interactive:
            queue = self._interactive
        else:
            self._turns[recipient.smtputf8].push(recipient, first)
            return
        queue.insert(0 if first else len(queue), recipient)

    def head(self, domain: str | None = None) -> Recipient | None:
        """Whose turn it is; among equally urgent ones somebody of `domain`, if there is one."""
        for queue in (self._controls, self._interactive):
            if queue:
                return next((r for r in queue if r.domain == domain), queue[0])
        halves = [self._turns[not self._utf8_was_last], self._turns[self._utf8_was_last]]
        staying = [turns for turns in halves if domain is not None and turns.holds(domain)]
        for turns in (*staying, *halves):
            if turns.waiting:
                return turns.head(domain)
        return None

    def take(self, limit: int, *, smtputf8: bool, domain: str | None = None) -> list[Recipient]:
        """Up to `limit` recipients for one group, all with the same need of SMTPUTF8; with `domain` only its own."""
        group: list[Recipient] = []
        for queue in (self._controls, self._interactive):
            _take_fitting(queue, group, limit, smtputf8, domain)
        if len(group) < limit and self._turns[smtputf8].waiting:
            self._turns[smtputf8].take(group, limit, domain)
            self._utf8_was_last = smtputf8
        return group

    def hurry(self, chosen: Callable[[Recipient], bool], source: str, domain: str) -> None:
        """Somebody who waits in the turn of `source` and `domain` has become urgent."""
        for turns in self._turns.values():
            for recipient in turns.remove(chosen, source, domain):
                recipient.interactive = True
                self._interactive.append(recipient)

    def discard(self, unwanted: Callable[[Recipient], bool]) -> list[Recipient]:
        """Those that nobody wants to know about any more leave the queue."""
        everybody = self.drain()
        gone = []
        for recipient in everybody:
            gone.append(recipient) if unwanted(recipient) else self.push(recipient)
        return gone

    def drain(self) -> list[Recipient]:
        """Everybody, and the queue is empty."""
        everybody = list(self)
        self._controls.clear()
        self._interactive.clear()
        self._turns = {False: _Turns(), True: _Turns()}
        return everybody


class _Turns:
    """Round and round: the lists, and within each list its domains."""

    def __init__(self) -> None:
        self.waiting = 0
        self._lists: OrderedDict[str, OrderedDict[str, list[Recipient]]] = OrderedDict()

    def __iter__(self) -> Iterator[Recipient]:
        for domains in self._lists.values():
            for queue in domains.values():
                yield from queue

    def push(self, recipient: Recipient, first: bool) -> None:
        domains = self._lists.get(recipient.source)
        if domains is None:
            domains = self._lists[recipient.source] = OrderedDict()
        queue = domains.get(recipient.domain)
        if queue is None:
            queue = domains[recipient.domain] = []
        queue.insert(0 if first else len(queue), recipient)
        self.waiting += 1

    def holds(self, domain: str) -> bool:
        return any(domain in domains for domains in self._lists.values())

    def head(self, domain: str | None) -> Recipient:
        for domains in self._lists.values():
            if domain is not None and domain in domains:
                return domains[domain][0]
        domains = next(iter(self._lists.values()))
        return next(iter(domains.values()))[0]

    def take(self, group: list[Recipient], limit: int, domain: str | None) -> None:
        """Fill the group, one recipient a turn."""
        while len(group) < limit and self.waiting:
            source = self._next_list(domain)
            if source is None:
                return
            domains = self._lists[source]
            turn = next(iter(domains)) if domain is None else domain
            group.append(self._pop(source, turn))
            if turn in domains:
                domains.move_to_end(turn)
            if domains:
                self._lists.move_to_end(source)

    def remove(self, chosen: Callable[[Recipient], bool], source: str, domain: str) -> list[Recipient]:
        if domain not in self._lists.get(source, ()):
            return []
        queue = self._lists[source][domain]
        everybody = [self._pop(source, domain) for _ in range(len(queue))]
        removed = [recipient for recipient in everybody if chosen(recipient)]
        for recipient in everybody:
            if recipient not in removed:
                self.push(recipient, first=False)
        return removed

    def _next_list(self, domain: str | None) -> str | None:
        if domain is None:
            return next(iter(self._lists))
        return next((source for source, domains in self._lists.items() if domain in domains), None)

    def _pop(self, source: str, domain: str) -> Recipient:
        domains = self._lists[source]
        queue = domains[domain]
        recipient = queue.pop(0)
        self.waiting -= 1
        if not queue:
            del domains[domain]
            if not domains:
                del self._lists[source]
        return recipient


def _take_fitting(
    queue: list[Recipient], group: list[Recipient], limit: int, smtputf8: bool, domain: str | None
) -> None:
    left: list[Recipient] = []
    for recipient in queue:
        fits = recipient.smtputf8 == smtputf8 and (domain is None or recipient.domain == domain)
        (group if fits and len(group) < limit else left).append(recipient)
    queue[:] = left
