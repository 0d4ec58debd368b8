"""One connection to one mail host: moves bytes between the wire and the session machine, and acts on its events."""

from typing import TYPE_CHECKING

from verifier.core.control import Probe
from verifier.core.dialogue import Answered, Ended, Event, Recipient, Session, TlsWanted, Unanswered
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import MailHost
from verifier.core.pacing import (
    RECIPIENTS_PER_TRANSACTION,
    TARPIT_SECONDS,
    TRANSACTIONS_PER_CONNECTION,
    Allowance,
    GroupPlan,
    plan_group,
)
from verifier.core.providers import Provider
from verifier.core.replies import ReplyClass, SmtpStage, mask
from verifier.ports import Connection, DialFailure
from verifier.service.outbox import Heard

if TYPE_CHECKING:
    from verifier.service.lanes import Lane

ABOUT_US = frozenset({ReplyClass.CLIENT_REFUSED, ReplyClass.SENDER_REFUSED, ReplyClass.POLICY_REFUSED})
_VAIN_ATTEMPTS = 3
_REFUSALS_BEFORE_BREAKER = 3


class Conversation:
    """`greeted` tells whether the host let us get as far as asking; `hold` gives the reason when it did not."""

    def __init__(self, lane: "Lane", host: MailHost, address: str, *, backup: bool) -> None:
        self.greeted = False
        self._lane = lane
        self._equipment = lane.lanes.equipment
        self._host = host
        self._address = address
        self._backup = backup
        self._started = self._equipment.clock.monotonic()
        self._last_heard = self._started
        self._answers = 0
        self._domain: str | None = None
        self._unanswered: list[Recipient] = []
        self._ended: Ended | None = None
        provider = lane.provider
        self._session = Session(
            self._equipment.identity,
            self._equipment.rules,
            host.name,
            own_addresses=self._equipment.own_addresses,
            starttls=provider is not None and provider.starttls,
            tls_allowed=not lane.clear_text_only,
            keep_transcript=any(r.ticket is not None and r.ticket.keep_transcript for r in lane.waiting),
        )

    async def hold(self) -> Finding | None:
        """Ask whoever waits, as long as the host's patience lasts."""
        equipment = self._equipment
        connection = await equipment.dialer.dial(
            self._address, pin=self._lane.group.key, timeout=equipment.timeouts.connect
        )
        if isinstance(connection, DialFailure):
            return self._not_connected(connection)
        try:
            await self._talk(connection)
        finally:
            connection.close()
            if self.greeted:
                self._lane.conversing -= 1
            self._hand_back()
        return await self._conclude()

    async def _talk(self, connection: Connection) -> None:
        session = self._session
        while not session.over:
            if session.ready:
                await self._lane.outbox.flush()
                group, plan = await self._next_group()
                if not group:
                    connection.send(session.quit())
                    return
                self._last_heard = self._equipment.clock.monotonic()
                session.offer(group, reset=plan.reset)
            data = session.outgoing()
            if data:
                connection.send(data)
            await self._listen(connection)

    async def _listen(self, connection: Connection) -> None:
        session = self._session
        try:
            data = await connection.receive(self._equipment.timeouts.of(session.stage))
            events = session.feed(data)
        except TimeoutError:
            events = session.lost(Obstacle.TIMEOUT, f"no answer at {session.stage.value}")
        except ConnectionError as error:
            events = session.lost(Obstacle.CONNECTION_LOST, str(error))
        for event in events:
            if isinstance(event, TlsWanted):
                await self._encrypt(connection)
            else:
                self._take(event)
        now = self._equipment.clock.monotonic()
        self._last_heard = now
        if session.ready and not self.greeted:
            self.greeted = True
            self._lane.conversing += 1

    async def _encrypt(self, connection: Connection) -> None:
        session = self._session
        try:
            await connection.start_tls(self._host.name, self._equipment.timeouts.command)
        except (TimeoutError, ConnectionError) as error:
            self._lane.clear_text_only = True
            events = session.lost(Obstacle.CONNECTION_LOST, f"the TLS handshake failed: {error}")
        else:
            events = session.tls_started()
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Answered():
                self._answered(event)
            case Unanswered():
                self._unanswered += event.recipients
            case Ended():
                self._ended = event
            case TlsWanted():
                pass

    def _answered(self, event: Answered) -> None:
        recipient, reply, reading = event.recipient, event.reply, event.reading
        lane = self._lane
        history = lane.history
        if recipient.probe is Probe.REAL:
            history.seen += 1
            history.rejected += reply.code >= 400
        if reply.code >= 400 and self._equipment.clock.monotonic() - self._last_heard >= TARPIT_SECONDS:
            history.tarpit = True
        match reading.reply_class:
            case ReplyClass.TOO_MANY:
                if reply.code < 500:
                    history.recipients_per_transaction = max(1, self._session.tally.transaction_accepted)
                self._again(recipient, event)
                return
            case ReplyClass.RATE_LIMITED:
                lane.group.slow_down(self._equipment.clock.monotonic())
                self._session.poisoned = True
                self._again(recipient, event)
                return
            case ReplyClass.CLIENT_REFUSED:
                lane.refusals += 1
                if lane.refusals >= _REFUSALS_BEFORE_BREAKER:
                    lane.lanes.trip(lane, self._finding_of(Ended(SmtpStage.RCPT, reply, reading)))
                    self._session.poisoned = True
            case ReplyClass.ACCEPTED | ReplyClass.MAILBOX_NOT_FOUND:
                lane.refusals = 0
            case _:
                pass
        self._answers += 1
        lane.group.answered()
        transcript = tuple(self._session.transcript or ())
        heard = Heard(recipient, self._host.name, self._equipment.clock.now(), self._backup, transcript)
        lane.outbox.answered(heard, reply, reading)

    def _again(self, recipient: Recipient, event: Answered) -> None:
        """The reply was about the crowd, not about this one: ask again, but not for ever."""
        recipient.attempts += 1
        if recipient.attempts > _VAIN_ATTEMPTS:
            self._lane.outbox.unanswerable(
                recipient, self._finding_of(Ended(SmtpStage.RCPT, event.reply, event.reading))
            )
        else:
            self._lane.requeue(recipient)

    async def _next_group(self) -> tuple[list[Recipient], GroupPlan]:
        """Whom to ask next on this connection; nobody when it has to be closed."""
        nobody: tuple[list[Recipient], GroupPlan] = ([], GroupPlan(0, reset=False))
        lane, session, clock = self._lane, self._session, self._equipment.clock
        if session.poisoned or clock.monotonic() - self._started > self._equipment.timeouts.connection:
            return nobody
        plan = plan_group(lane.history, session.tally, self._allowance())
        if plan is None:
            return nobody
        one_domain = session.extensions.one_domain or (
            lane.provider is not None and lane.provider.one_domain_per_transaction
        )
        group = lane.waiting.take(plan.size, domain=None if plan.reset else self._domain, one_domain=one_domain)
        if not group and self._domain is not None and len(lane.waiting):
            plan = GroupPlan(plan.size, reset=True)
            group = lane.waiting.take(plan.size, one_domain=one_domain)
        if not group:
            return nobody
        if group[0].smtputf8 and not session.extensions.smtputf8:
            await self._refuse_utf8(group)
            return await self._next_group()
        self._domain = group[0].domain if one_domain else None
        group += self._controls_beside(group, plan)
        pause = lane.group.recipients.take(len(group), clock.monotonic())
        if pause > 0:
            await clock.sleep(pause)
        return group, plan

    def _controls_beside(self, group: list[Recipient], plan: GroupPlan) -> list[Recipient]:
        """An interactive check does not wait for a second round trip: its control travels behind it."""
        room = max(0, min(plan.size, self._lane.history.recipients_per_transaction) - len(group))
        controls: list[Recipient] = []
        for recipient in group:
            if len(controls) >= room:
                break
            if recipient.interactive and recipient.probe is Probe.REAL:
                control = self._lane.outbox.control_beside(recipient)
                if control is not None:
                    controls.append(control)
        return controls

    async def _refuse_utf8(self, group: list[Recipient]) -> None:
        now = self._equipment.clock.now()
        finding = Finding(now, obstacle=Obstacle.SMTPUTF8_UNSUPPORTED, mx_host=self._host.name)
        for recipient in group:
            self._lane.outbox.unanswerable(recipient, finding)
        await self._lane.outbox.flush()

    def _allowance(self) -> Allowance:
        """The stricter of the provider's row and the host's own LIMITS."""
        provider = self._lane.provider or Provider(name="")
        extensions = self._session.extensions
        return Allowance(
            recipients_per_transaction=_least(
                RECIPIENTS_PER_TRANSACTION, provider.recipients_per_transaction, extensions.recipients_max
            ),
            recipients_per_connection=provider.recipients_per_connection,
            transactions_per_connection=_least(
                TRANSACTIONS_PER_CONNECTION, provider.transactions_per_connection, extensions.mail_max
            ),
        )

    def _hand_back(self) -> None:
        """Put those who got no answer back in the queue; whoever was asked in vain too often gets the reason."""
        if not self._unanswered:
            return
        finding = self._finding_of(self._ended or Ended(self._session.stage, obstacle=Obstacle.CONNECTION_LOST))
        limit = 1 if finding.obstacle is Obstacle.TIMEOUT else _VAIN_ATTEMPTS
        for recipient in reversed(self._unanswered):
            recipient.attempts += self._answers == 0
            if recipient.attempts >= limit:
                self._lane.outbox.unanswerable(recipient, finding)
            else:
                self._lane.requeue(recipient)
        self._unanswered.clear()

    async def _conclude(self) -> Finding | None:
        lane, ended = self._lane, self._ended
        await lane.outbox.flush()
        if ended is None:
            return None
        if not self.greeted:
            return self._finding_of(ended)
        finding = self._finding_of(ended)
        if ended.stage is SmtpStage.MAIL and finding.reply_class in ABOUT_US and (finding.code or 0) >= 500:
            lane.lanes.trip(lane, finding)
            await lane.give_up(finding)
        else:
            lane.group.slow_down(self._equipment.clock.monotonic())
        return finding

    def _finding_of(self, ended: Ended) -> Finding:
        now = self._equipment.clock.now()
        if ended.reply is None or ended.reading is None:
            return Finding(
                now, obstacle=ended.obstacle, stage=ended.stage, mx_host=self._host.name, detail=ended.detail or None
            )
        return Finding(
            now,
            reply_class=ended.reading.reply_class,
            stage=ended.stage,
            code=ended.reply.code,
            enhanced=ended.reply.enhanced,
            text=mask(ended.reply.text),
            rule=ended.reading.rule,
            mx_host=self._host.name,
        )

    def _not_connected(self, failure: DialFailure) -> Finding:
        obstacle = Obstacle.TIMEOUT if failure is DialFailure.TIMEOUT else Obstacle.CONNECT_FAILED
        sentence = {
            DialFailure.REFUSED: "the connection was refused",
            DialFailure.TIMEOUT: "nothing answered on the SMTP port",
            DialFailure.UNREACHABLE: "the host cannot be reached",
            DialFailure.FORBIDDEN: "the address may not be contacted",
            DialFailure.PROXY: "the proxy did not open the connection",
        }[failure]
        return Finding(self._equipment.clock.now(), obstacle=obstacle, mx_host=self._host.name, detail=sentence)


def _least(*limits: int) -> int:
    """The smallest limit; 0 means none."""
    return min(limit for limit in limits if limit > 0)
