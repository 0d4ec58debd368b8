"""One connection to one mail host: moves bytes between the wire and the session machine, and acts on its events.

Law: who was offered to the session is answered or put back into the queue, once, however the connection ends.
"""

import contextlib
from typing import TYPE_CHECKING

from verifier.core.control import Probe
from verifier.core.dialogue import STARTTLS_REQUIRED, Session
from verifier.core.dialogue_events import Answered, Ended, Event, Recipient, TlsWanted
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import MailHost
from verifier.core.observing import ended_finding, reply_finding
from verifier.core.pacing import REJECT_BUDGET, TARPIT_SECONDS
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.ports import Connection, DialFailure, Lease
from verifier.service.grouping import Grouping
from verifier.service.outbox import Heard
from verifier.service.probing import Question

if TYPE_CHECKING:
    from verifier.service.lane import Lane

_DISLIKE = frozenset({ReplyClass.CLIENT_REFUSED, ReplyClass.SENDER_REFUSED, ReplyClass.POLICY_REFUSED})
_DISLIKE_AT_RCPT = frozenset({ReplyClass.CLIENT_REFUSED, ReplyClass.SENDER_REFUSED})
_BEFORE_RCPT = frozenset({SmtpStage.BANNER, SmtpStage.EHLO, SmtpStage.MAIL})
_VAIN_ATTEMPTS = 3
_REFUSALS_BEFORE_BREAKER = 3
_LONGEST_BACKOFF = 60.0
_SERVER_SLEEPS = 1.5
"""Seconds until a host has closed that sleeps for one before it reads QUIT, or sees that we are gone."""
_SIGN_OF_SLEEP = 0.3
_TOO_MANY_TO_SLEEP_FOR = 2
_SERVER_NEEDS = 0.25
"""Seconds from QUIT until even a busy host has closed."""
_FAR = 0.05
"""A round trip of so many seconds is long enough: a host counts the next connection no sooner than one later."""
_NOT_CONNECTED = {
    DialFailure.REFUSED: (Obstacle.CONNECT_FAILED, "the connection was refused"),
    DialFailure.TIMEOUT: (Obstacle.TIMEOUT, "nothing answered on the SMTP port"),
    DialFailure.UNREACHABLE: (Obstacle.CONNECT_FAILED, "the host cannot be reached"),
    DialFailure.FORBIDDEN: (Obstacle.CONNECT_FAILED, "the address may not be contacted"),
    DialFailure.PROXY: (Obstacle.EGRESS_BLOCKED, "the proxy did not open the connection"),
}


class Conversation:
    """`greeted` tells whether the host let us get as far as asking, `answers` how many it gave."""

    def __init__(self, lane: "Lane", host: MailHost, address: str, lease: Lease, *, backup: bool) -> None:
        self.greeted = False
        self.answers = 0
        self.tls_failed = False
        self._lane = lane
        self._equipment = lane.lanes.equipment
        self._host = host
        self._address = address
        self._lease = lease
        self._backup = backup
        self._called_at = self._started = self._heard_at = self._now = self._equipment.clock.monotonic()
        self._observed_at = self._equipment.clock.now()
        self._replies = 0
        self._round_trip = 0.0
        self._left_asleep = False
        self._outstanding: dict[Recipient, None] = {}
        self._ended: Ended | None = None
        self._out_of_time = False
        self._in_vain: Finding | None = None
        self._closing = False
        provider = lane.provider
        self._tls_first = lane.history.starttls or (provider is not None and provider.starttls)
        self._session = Session(
            self._equipment.identity,
            self._equipment.rules,
            host.name,
            own_addresses=self._equipment.own_addresses,
            starttls=self._tls_first,
            tls_allowed=address not in lane.clear_text_only,
            keep_transcript=lane.keep_transcript,
        )
        self._grouping = Grouping(lane, self._session, backup=backup)

    @property
    def worth_repeating(self) -> bool:
        """Nobody was answered, and on a fresh connection TLS would be tried first, or not again."""
        demanded_late = self._session.tls_demanded and not self._session.encrypted and not self._tls_first
        return not self.answers and (self.tls_failed or demanded_late)

    def asks(self, question: Question) -> bool:
        """The question has been put, and is not answered."""
        return any(recipient.ticket is question for recipient in self._outstanding)

    @property
    def transcript(self) -> list[str]:
        """The lines said so far, where they are kept."""
        return self._session.transcript or []

    async def hold(self) -> Finding | None:
        """Ask whoever waits, as long as the host's patience lasts; why it ended, None where we ended it."""
        equipment = self._equipment
        self._called_at = equipment.clock.monotonic()
        connection = await equipment.dialer.dial(
            self._address, pin=self._lane.group.key, timeout=equipment.timeouts.connect
        )
        if isinstance(connection, DialFailure):
            obstacle, sentence = _NOT_CONNECTED[connection]
            return Finding(equipment.clock.now(), obstacle=obstacle, mx_host=self._host.name, detail=sentence)
        self._started = self._heard_at = equipment.clock.monotonic()
        self._lane.connected += 1
        try:
            try:
                try:
                    await self._talk(connection)
                finally:
                    self._hand_back()
                await self._lane.outbox.flush()
            finally:
                if self._may_say_goodbye():
                    connection.send(self._session.quit())
            await self._let_go(connection)
        finally:
            connection.close()
            self._lane.connected -= 1
        if self._ended is not None:
            return ended_finding(equipment.clock.now(), self._ended, self._host.name)
        return None if self.answers else self._in_vain

    async def _let_go(self, connection: Connection) -> None:
        """A host counts us until it has closed, and the next connection may come before that: the slot is kept."""
        clock = self._equipment.clock
        if self._left_asleep:
            connection.close()
            self._lane.wake()
            await clock.sleep(_SERVER_SLEEPS)
            return
        near = 1 - min(1.0, self._round_trip / _FAR)
        seconds = _SERVER_SLEEPS - self._round_trip if self._strained else _SERVER_NEEDS * near
        until = clock.monotonic() + seconds
        with contextlib.suppress(TimeoutError, ConnectionError):
            while (left := until - clock.monotonic()) > 0 and await connection.receive(left):
                pass

    async def _talk(self, connection: Connection) -> None:
        session, clock = self._session, self._equipment.clock
        while not session.over:
            if session.ready or not session.extensions.pipelining:
                await self._lane.outbox.flush()
            if session.ready and not await self._offer_group():
                return
            data = session.outgoing()
            if data:
                connection.send(data)
                self._heard_at = clock.monotonic()
            await self._listen(connection)

    async def _listen(self, connection: Connection) -> None:
        session = self._session
        try:
            events = session.feed(await connection.receive(self._patience()))
        except TimeoutError:
            events = self._lost_patience()
        except ConnectionError as error:
            events = session.lost(Obstacle.CONNECTION_LOST, str(error))
        clock = self._equipment.clock
        self._now, self._observed_at = clock.monotonic(), clock.now()
        for event in events:
            if isinstance(event, TlsWanted) and not session.over:
                for later in await self._encrypt(connection):
                    self._take(later)
            else:
                self._take(event)
        if session.replies != self._replies:
            self._replies = session.replies
            if session.ready and not self.greeted:
                self._round_trip = self._now - self._heard_at
                self._grouping.setup = (self._now - self._called_at) / max(self._round_trip, 1e-6)
            self._heard_at = clock.monotonic()
        self.greeted = self.greeted or session.ready
        self._lane.history.starttls = self._lane.history.starttls or session.tls_demanded

    def _patience(self) -> float:
        """Seconds that are left for the next whole reply, and for the connection."""
        timeouts = self._equipment.timeouts
        reply = _SIGN_OF_SLEEP + self._round_trip if self._leaves_sleepers else timeouts.of(self._session.stage)
        deadline = min(self._heard_at + reply, self._end)
        left = deadline - self._equipment.clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @property
    def _end(self) -> float:
        """When the connection has to be over, whoever is being asked."""
        return min(self._started + self._equipment.timeouts.connection, self._lease.ends)

    @property
    def _strained(self) -> bool:
        """The host's patience is used up: Postfix sleeps for a second before each further reply, that to QUIT too."""
        return self._session.tally.rejects > REJECT_BUDGET

    @property
    def _leaves_sleepers(self) -> bool:
        """So many still wait for such a reply each that they are sooner answered on another connection."""
        return self._strained and len(self._outstanding) >= _TOO_MANY_TO_SLEEP_FOR

    def _lost_patience(self) -> list[Event]:
        session = self._session
        if self._leaves_sleepers:
            self._left_asleep = True
            session.lost(Obstacle.CONNECTION_LOST, "left while the host slept")
            return []
        self._out_of_time = self._equipment.clock.monotonic() >= self._end
        if self._out_of_time:
            return session.lost(Obstacle.CONNECTION_LOST, "the conversation took too long")
        return session.lost(Obstacle.TIMEOUT, f"no answer at {session.stage.value}")

    async def _encrypt(self, connection: Connection) -> list[Event]:
        session, clock = self._session, self._equipment.clock
        patience = min(self._equipment.timeouts.command, max(0.0, self._end - clock.monotonic()))
        try:
            await connection.start_tls(self._host.name, patience)
        except (TimeoutError, ConnectionError) as error:
            if clock.monotonic() < self._end:
                self.tls_failed = True
                self._lane.clear_text_only.add(self._address)
            return session.lost(Obstacle.CONNECTION_LOST, f"the TLS handshake failed: {error}")
        return session.tls_started()

    def _take(self, event: Event) -> None:
        if isinstance(event, Answered):
            self._answered(event)
            self._outstanding.pop(event.recipient, None)
        elif isinstance(event, Ended):
            self._ended = event

    def _answered(self, event: Answered) -> None:
        recipient, reply, reading = event.recipient, event.reply, event.reading
        lane, now = self._lane, self._now
        history = lane.history
        if reading.reply_class is ReplyClass.UNRECOGNISED:
            self._equipment.unrecognised(reply, self._host.name)
        if recipient.probe is Probe.REAL:
            history.note(rejected=reply.code >= 400)
        if reply.code >= 400 and now - self._heard_at >= TARPIT_SECONDS:
            history.tarpit = True
        if reading.reply_class is ReplyClass.TOO_MANY:
            if reply.code < 500:
                self._grouping.learn_limit()
            self._closing = self._closing or self._session.poisoned
            self._again(recipient, self._finding_of(event))
        elif reading.reply_class is ReplyClass.RATE_LIMITED:
            self._slow_down(event)
        else:
            self._count_refusals(event)
            self.answers += 1
            lane.group.answered()
            heard = Heard(recipient, self._host.name, self._observed_at, self._backup, self.transcript)
            lane.outbox.answered(heard, reply, reading)

    def _slow_down(self, event: Answered) -> None:
        lane, finding = self._lane, self._finding_of(event)
        if not self._closing:
            lane.lanes.groups.slow_down(lane.group)
        self._closing = True
        wait = event.reading.retry_after_s or 0
        if wait > _LONGEST_BACKOFF:
            lane.lanes.pause(lane, finding, wait)
            lane.outbox.unanswerable(event.recipient, finding, self.transcript)
        else:
            self._again(event.recipient, finding)

    def _count_refusals(self, event: Answered) -> None:
        """Three recipients in a row refused for who we are: the fourth need not be asked."""
        lane, reply_class = self._lane, event.reading.reply_class
        if reply_class in _DISLIKE_AT_RCPT:
            lane.refusals += 1
            if lane.refusals >= _REFUSALS_BEFORE_BREAKER:
                lane.lanes.trip(lane, self._finding_of(event))
                self._closing = True
        elif reply_class in (ReplyClass.ACCEPTED, ReplyClass.MAILBOX_NOT_FOUND):
            lane.refusals = 0

    def _again(self, recipient: Recipient, finding: Finding) -> None:
        """The reply was about the crowd, not about this one: ask again, but not for ever."""
        self._in_vain = finding
        recipient.attempts += 1
        if recipient.attempts > _VAIN_ATTEMPTS:
            self._lane.outbox.unanswerable(recipient, finding, self.transcript)
        else:
            self._lane.waiting.push(recipient, first=True)

    async def _offer_group(self) -> bool:
        """Ask the next group, if there is one and the connection may go on."""
        lane, session, clock = self._lane, self._session, self._equipment.clock
        while not self._has_to_close():
            group = self._grouping.take()
            if group is None:
                return False
            if group.recipients and group.recipients[0].smtputf8 and not session.extensions.smtputf8:
                self._refuse_utf8(group.recipients)
            elif group.recipients:
                self._outstanding = dict.fromkeys(group.recipients)
                pause = await lane.lanes.groups.recipients_pause(lane.group, len(group.recipients))
                if pause > 0:
                    await clock.sleep(min(pause, max(0.0, self._lease.ends - clock.monotonic())))
                if clock.monotonic() >= self._lease.ends:
                    return False
                session.offer(group.recipients, reset=group.fresh)
                return True
            await lane.outbox.flush()
        return False

    def _has_to_close(self) -> bool:
        lane = self._lane
        if self._closing or lane.lanes.refusal(lane) is not None:
            return True
        if self.answers and lane.lanes.groups.pressing(lane.group):
            return True
        return self._equipment.clock.monotonic() > self._end

    def _refuse_utf8(self, group: list[Recipient]) -> None:
        now = self._equipment.clock.now()
        finding = Finding(now, obstacle=Obstacle.SMTPUTF8_UNSUPPORTED, mx_host=self._host.name)
        for recipient in group:
            self._lane.outbox.unanswerable(recipient, finding, self.transcript)

    def _hand_back(self) -> None:
        """Put those who got no answer back in the queue. Who was being asked when the connection ended goes to its
        end, and after three such ends learns the reason.
        """
        unanswered, self._outstanding = list(self._outstanding), {}
        ended = self._ended
        if unanswered and ended is not None and ended.stage is SmtpStage.RCPT and not self._out_of_time:
            asked = unanswered.pop(0)
            asked.attempts += 1
            if ended.obstacle is Obstacle.TIMEOUT or asked.attempts >= _VAIN_ATTEMPTS:
                finding = ended_finding(self._equipment.clock.now(), ended, self._host.name)
                self._lane.outbox.unanswerable(asked, finding, self.transcript)
            else:
                self._lane.waiting.push(asked)
        for recipient in reversed(unanswered):
            self._lane.waiting.push(recipient, first=True)

    def _may_say_goodbye(self) -> bool:
        ended = self._ended
        if ended is None:
            return self.greeted and not self._left_asleep
        return ended.reading is not None and ended.reading.reply_class is not ReplyClass.SESSION_FATAL

    def _finding_of(self, event: Answered) -> Finding:
        return reply_finding(self._observed_at, SmtpStage.RCPT, event.reply, event.reading, self._host.name)


def about_us(failure: Finding) -> bool:
    """The host dislikes us: a permanent refusal before any recipient was named, and not for want of TLS."""
    return (
        failure.stage in _BEFORE_RCPT
        and failure.reply_class in _DISLIKE
        and (failure.code or 0) >= 500
        and failure.rule != STARTTLS_REQUIRED
    )
