"""The queue of one mail exchange and the sessions that work on it.

A session is one slot of the pacing group: connection after connection until nobody waits, and after each it is given
up to another lane that waits for one.
"""

from typing import TYPE_CHECKING

from verifier.core.dialogue import STARTTLS_REQUIRED
from verifier.core.dialogue_events import Recipient
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import MailHost
from verifier.core.pacing import HostHistory, expected_group
from verifier.core.providers import Provider
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.waiting import Waiting
from verifier.ports import Lease
from verifier.service.conversation import Conversation, about_us
from verifier.service.outbox import Outbox
from verifier.service.pacing_groups import PacingGroup
from verifier.service.probing import Question

if TYPE_CHECKING:
    from verifier.service.lanes import Lanes

_VAIN_CONNECTIONS = 3
_SILENT_CONNECTIONS = 2
_GROUPS_WORTH_A_SESSION = 3
"""A new connection costs four round trips before its first group, a group on an open one costs one."""
_HOSTS = 3
_ADDRESSES = 2
_GREYLISTED = ReplyClass.GREYLISTED
_CROWDED_SECONDS = 60.0
"""A host that refused one connection while it talked on another is spared a further one for so long."""


class Lane:
    """Who waits for one mail exchange, and how it has behaved."""

    def __init__(
        self,
        lanes: "Lanes",
        key: str,
        hosts: tuple[MailHost, ...],
        provider: Provider | None,
        group: PacingGroup,
        history: HostHistory,
        *,
        doubtful: bool,
    ) -> None:
        """`doubtful`: the addresses of some host could not be looked up; it may be one that is preferred to these."""
        self.lanes = lanes
        self.key = key
        self.hosts = hosts
        self.provider = provider
        self.group = group
        self.history = history
        self.waiting = Waiting()
        self.outbox = Outbox(lanes, self.waiting)
        self.queued = False
        self.connected = 0
        self.refusals = 0
        self.keep_transcript = False
        self.clear_text_only: set[str] = set()
        """Addresses whose TLS handshake failed."""
        self._doubtful = doubtful
        self._sessions = 0
        self._conversations: set[Conversation] = set()
        self._failures = 0
        self._bearable = group.sessions_allowed
        self._bearable_until = 0.0
        self._transcript: list[str] = []

    def add(self, question: Question) -> None:
        """Somebody begins to wait."""
        target = question.target
        self.keep_transcript = self.keep_transcript or target.keep_transcript
        self.waiting.push(
            Recipient(
                path=target.path,
                domain=target.domain,
                smtputf8=target.smtputf8,
                source=target.source,
                interactive=target.interactive,
                ticket=question,
            )
        )
        self.outbox.opened(target.domain)

    def hurry(self, question: Question) -> None:
        """What a list had asked for is now waited for by somebody."""
        target = question.target
        self.waiting.hurry(lambda recipient: recipient.ticket is question, target.source, target.domain)

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that may be dialled, the best first."""
        return tuple(address for _, address in self._every_candidate())

    @property
    def urgent(self) -> bool:
        """Somebody waits here who cannot wait long."""
        return self.waiting.urgent

    @property
    def busy(self) -> bool:
        """A session works here."""
        return self._sessions > 0

    def is_silent_to(self, question: Question) -> bool:
        """The host was called and has not greeted us, or was asked this very question and has not answered."""
        return any(not each.greeted or each.asks(question) for each in self._conversations)

    def wake(self) -> None:
        """Open as many sessions as the queue is worth and the group allows."""
        while self._worth_another() and self.lanes.groups.acquire(self.group, self):
            self._begin()

    def offered(self) -> bool:
        """A slot of the group is free: True when it is taken."""
        if not self._worth_another():
            return False
        self._begin()
        return True

    async def serve(self) -> None:
        """One session slot."""
        groups = self.lanes.groups
        lease: Lease | None = None
        try:
            lease = await groups.lease(self)
            while lease is not None and self.waiting and await self._one_connection(lease):
                if groups.contended(self.group):
                    break
                self.wake()
        except Exception as fault:  # noqa: BLE001 - the job loop: a fault of ours is no verdict on anybody
            self.lanes.report_fault(fault)
            await self._fail(self.lanes.fault_finding(fault))
        finally:
            self._sessions -= 1
            await groups.give_back(self.group, lease)
            if self.waiting:
                self.wake()
            elif self._sessions == 0 and self.outbox.empty:
                self.lanes.retire(self)
        await groups.look_again(self.group)

    async def give_up(self, finding: Finding) -> None:
        """Nobody of those who wait can be asked: the finding says why."""
        transcript = tuple(self._transcript)
        for recipient in self.waiting.drain():
            self.outbox.unanswerable(recipient, finding, transcript)
        await self.outbox.flush()

    def _begin(self) -> None:
        self._sessions += 1
        self.lanes.spawn(self)

    def _worth_another(self) -> bool:
        crowded = self.lanes.equipment.clock.monotonic() < self._bearable_until
        bearable = self._bearable if crowded else self.group.sessions_allowed
        worth = expected_group(self.history) * _GROUPS_WORTH_A_SESSION
        return self._sessions < min(bearable, -(-len(self.waiting) // worth))

    async def _fail(self, finding: Finding) -> None:
        try:
            await self.give_up(finding)
        except Exception as fault:  # noqa: BLE001 - what is broken is the lane itself: nobody may be left in it
            self.lanes.report_fault(fault)
            self.lanes.abandon(self, finding)

    async def _one_connection(self, lease: Lease) -> bool:
        """False when this session has no more business here."""
        clock = self.lanes.equipment.clock
        if await self._left_alone():
            return False
        pause = await self.lanes.connect_pause(self)
        if pause > 0:
            await clock.sleep(min(pause, max(0.0, lease.ends - clock.monotonic())))
        if not self._may_dial(lease) or await self._left_alone():
            return False
        answers, failure = await self._try_hosts(lease)
        if failure is None or answers:
            self._failures = 0
            if failure is not None:
                self.lanes.groups.slow_down(self.group)
            return True
        return self._after_failure(failure)

    def _after_failure(self, failure: Finding) -> bool:
        """Nobody was answered on this connection: whether this session goes on, if only to tell everybody."""
        now = self.lanes.equipment.clock.monotonic()
        if self.connected:
            self._bearable, self._bearable_until = self.connected, now + _CROWDED_SECONDS
            return False
        if about_us(failure):
            self.lanes.trip(self, failure)
            return True
        self._failures += 1
        if failure.rule == STARTTLS_REQUIRED:
            self.clear_text_only.clear()
        self.lanes.in_vain(self, failure)
        if self._failures < vain_connections(failure) and self.lanes.known_dead(self) is None:
            self.lanes.groups.slow_down(self.group)
            return True
        self._failures = 0
        self.lanes.unreachable(self, failure)
        return True

    async def _left_alone(self) -> bool:
        """Nobody waits, or the host is not to be bothered and everybody knows."""
        head = self.waiting.head()
        if head is not None and _is_unwanted(head):
            for recipient in self.waiting.discard(_is_unwanted):
                self.outbox.dropped(recipient)
            await self.outbox.flush()
        refusal = self.lanes.refusal(self) or self.lanes.known_dead(self)
        if refusal is not None:
            await self.give_up(refusal)
        return not self.waiting

    def _may_dial(self, lease: Lease) -> bool:
        """A connection would come about while the lease holds."""
        equipment = self.lanes.equipment
        return equipment.clock.monotonic() + equipment.timeouts.connect <= lease.ends

    async def _try_hosts(self, lease: Lease) -> tuple[int, Finding | None]:
        """Go through the hosts by preference until one has greeted us: how many answers it gave, and why it ended,
        None where we ended it. While another session is connected, what fails here is only too much; and where the
        lease ends, nothing has failed.
        """
        failure: Finding | None = None
        self._transcript.clear()
        best = self.hosts[0].preference
        for host, address in self._candidates():
            conversation, found = await self._hold(
                host, address, lease, backup=self._doubtful or host.preference > best
            )
            if not self._may_dial(lease):
                return conversation.answers, None
            if conversation.greeted:
                self.lanes.greeted(address)
            if conversation.greeted or found is None:
                return conversation.answers, found
            if failure is None or (found.code is not None and failure.code is None):
                failure = found
            if self.connected:
                break
            if found.obstacle is not Obstacle.EGRESS_BLOCKED:
                self.lanes.mark_bad(address)
        return 0, failure

    async def _hold(
        self, host: MailHost, address: str, lease: Lease, *, backup: bool
    ) -> tuple[Conversation, Finding | None]:
        """A conversation; where TLS was demanded too late once more with it, and where it failed once more in clear."""
        for _ in range(3):
            conversation = Conversation(self, host, address, lease, backup=backup)
            self._conversations.add(conversation)
            try:
                found = await conversation.hold()
            finally:
                self._conversations.discard(conversation)
            self._transcript += conversation.transcript
            if not conversation.worth_repeating or not self._may_dial(lease):
                break
        return conversation, found

    def _candidates(self) -> list[tuple[MailHost, str]]:
        """At most 3 hosts × 2 addresses, equal preferences in the route's shuffled order; not those known to be dead,
        unless all are.
        """
        every = self._every_candidate()
        return [pair for pair in every if not self.lanes.is_bad(pair[1])] or every

    def _every_candidate(self) -> list[tuple[MailHost, str]]:
        return [(host, address) for host in self.hosts[:_HOSTS] for address in host.addresses[:_ADDRESSES]]


def _is_unwanted(recipient: Recipient) -> bool:
    return isinstance(recipient.ticket, Question) and not recipient.ticket.wanted


def vain_connections(failure: Finding) -> int:
    """How many connections in a row may come to nothing before a lane is given up."""
    if failure.stage is None and failure.obstacle is Obstacle.TIMEOUT:
        return 1
    if failure.rule == STARTTLS_REQUIRED:
        return _VAIN_CONNECTIONS
    if failure.obstacle is Obstacle.TIMEOUT:
        return _SILENT_CONNECTIONS
    if failure.stage is not SmtpStage.RCPT and ((failure.code or 0) >= 500 or failure.reply_class is _GREYLISTED):
        return 1
    return _VAIN_CONNECTIONS
