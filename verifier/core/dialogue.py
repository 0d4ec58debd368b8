"""The SMTP probe session without the wire: bytes and faults in, commands and events out.

Law: every recipient offered is answered once or handed back unanswered once, whatever the server does; and DATA is
never sent. (RFC 5321 §4.1 and §4.2, RFC 2920 pipelining, RFC 3207 STARTTLS, RFC 6531 SMTPUTF8, RFC 9422 LIMITS.)
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct

from verifier.core.dialogue_events import Answered, Ended, Event, Identity, Recipient, TlsWanted, Unanswered
from verifier.core.evidence import Obstacle
from verifier.core.extensions import NO_EXTENSIONS, read_extensions
from verifier.core.pacing import CLOSE_AT_REJECTS, SessionTally
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage, parse_reply
from verifier.core.reply_lines import Broken, ReplyLines
from verifier.core.reply_rules import Rules

STARTTLS_REQUIRED = "session.starttls-required"
_MAX_TRANSCRIPT = 2000
_MAX_TRANSCRIPT_LINE = 1024
_EHLO_UNKNOWN = frozenset({500, 501, 502, 503, 504, 550})


class State(Enum):
    """Where the session is: what may be done next."""

    GREETING = auto()
    TLS = auto()
    READY = auto()
    BUSY = auto()
    OVER = auto()


class _Command(Struct, frozen=True):
    """One command line and what it is for; `stage` None is RSET."""

    stage: SmtpStage | None
    text: str
    recipient: Recipient | None = None


class Session:
    """One connection's conversation. Feed it what came, send what `outgoing` gives, act on the events."""

    def __init__(
        self,
        identity: Identity,
        rules: Rules,
        mx_host: str,
        *,
        own_addresses: Sequence[str] = (),
        starttls: bool = False,
        tls_allowed: bool = True,
        keep_transcript: bool = False,
    ) -> None:
        self.state = State.GREETING
        self.extensions = NO_EXTENSIONS
        self.replies = 0
        """Whole replies so far: a host that only dribbles makes no progress."""
        self.tally = SessionTally()
        self.transcript: list[str] | None = [] if keep_transcript else None
        self.encrypted = False
        self.tls_demanded = False
        """The host wants STARTTLS first; where that has cost too many refusals, the session ends for it."""
        self.poisoned = False
        """The server began to answer for the crowd instead of the recipient: the connection has to be given up."""
        self._identity = identity
        self._rules = rules
        self._mx_host = mx_host
        self._own_addresses = tuple(own_addresses)
        self._starttls = starttls
        self._tls_allowed = tls_allowed
        self._heard = ReplyLines()
        self._out = bytearray()
        self._queue: deque[_Command] = deque()
        self._expected: deque[_Command] = deque([_Command(SmtpStage.BANNER, "")])
        self._unsent = 0
        """How many of the last of those are not on the wire yet: no reply can be about them."""
        self._last_stage = SmtpStage.BANNER
        self._stranded: list[Recipient] = []
        self._mail_refusal: tuple[Reply, Reading] | None = None
        self._events: list[Event] = []
        self._said_helo = False
        self._in_transaction = False
        self._utf8_transaction = False

    @property
    def ready(self) -> bool:
        """Greeted, and nothing is outstanding: a group may be offered."""
        return self.state is State.READY

    @property
    def transaction_utf8(self) -> bool | None:
        """Whether the open transaction is one for SMTPUTF8; None where none is open."""
        return self._utf8_transaction if self._in_transaction else None

    @property
    def over(self) -> bool:
        return self.state is State.OVER

    @property
    def stage(self) -> SmtpStage:
        """What the server has to answer next; the last thing it answered when it has nothing to."""
        return (self._expected[0].stage if self._expected else None) or self._last_stage

    def outgoing(self) -> bytes:
        """What has to be written now; empty when nothing."""
        data = bytes(self._out)
        self._out.clear()
        self._unsent = 0
        return data

    def offer(self, recipients: Sequence[Recipient], *, reset: bool) -> None:
        """Ask about these next: in one write where the server pipelines, else one by one.

        All need SMTPUTF8 or none does. With `reset` (or where no transaction serves) a transaction is opened.
        """
        assert self.ready and recipients
        self.state = State.BUSY
        utf8 = recipients[0].smtputf8
        if reset or not self._in_transaction or utf8 != self._utf8_transaction:
            if self.tally.transactions:
                self._queue.append(_Command(None, "RSET"))
            self._queue_mail(utf8)
        self._queue_recipients(recipients)
        self._pump()

    def feed(self, data: bytes) -> list[Event]:
        """Take in what the server sent; b"" means that it closed the connection."""
        if not data:
            return self.lost(Obstacle.CONNECTION_LOST, "the server closed the connection")
        self._heard.feed(data)
        while not self.over and (lines := self._heard.take()) is not None:
            self._take_lines(lines)
        return self._drain()

    def lost(self, obstacle: Obstacle, detail: str) -> list[Event]:
        """The connection broke, or the server's time was up."""
        if not self.over:
            if self._mail_refusal is not None:
                self._end_with(Ended(SmtpStage.MAIL, *self._mail_refusal))
            else:
                self._end(obstacle, detail)
        return self._drain()

    def tls_started(self) -> list[Event]:
        """The handshake is done: greet again, and forget what was said in clear (RFC 3207 §4.2)."""
        assert self.state is State.TLS
        self.encrypted = True
        self._heard = ReplyLines()
        self.extensions = NO_EXTENSIONS
        self._greet()
        return self._drain()

    def quit(self) -> bytes:
        """The last write. The reply is not waited for."""
        self.state = State.OVER
        self._note("C", "QUIT")
        return b"QUIT\r\n"

    def _take_lines(self, lines: list[str] | Broken) -> None:
        if isinstance(lines, Broken):
            self._note("S", lines.line)
            self._end(Obstacle.PROTOCOL_ERROR, lines.detail)
            return
        self.replies += 1
        if self.transcript is not None:
            for line in lines:
                self._note("S", line)
        reply = parse_reply(lines)
        if len(self._expected) <= self._unsent:
            self._take_unasked(reply)
            return
        command = self._expected.popleft()
        self._last_stage = command.stage or self._last_stage
        self._take_reply(command, reply, lines)

    def _take_unasked(self, reply: Reply) -> None:
        """A host may end the session at any time; any other reply that nobody waits for is out of step, and so may
        those be that came with it: whom they were taken for is not answered.
        """
        reading = self._classify(self.stage, reply)
        if reading.reply_class is ReplyClass.SESSION_FATAL:
            self._end_with(Ended(self.stage, reply, reading))
            return
        doubtful = [event.recipient for event in self._events if isinstance(event, Answered)]
        self._events = [event for event in self._events if not isinstance(event, Answered)]
        self._stranded = doubtful + self._stranded
        self._end(Obstacle.PROTOCOL_ERROR, "a reply that nothing was asked for")

    def _take_reply(self, command: _Command, reply: Reply, lines: list[str]) -> None:
        match command.stage:
            case SmtpStage.RCPT:
                assert command.recipient is not None
                self._answer_recipient(reply, command.recipient)
            case SmtpStage.MAIL:
                self._answer_mail(reply)
            case SmtpStage.BANNER:
                self._greet() if reply.code // 100 == 2 else self._end_by_reply(SmtpStage.BANNER, reply)
            case SmtpStage.EHLO:
                self._answer_ehlo(reply, lines)
            case SmtpStage.STARTTLS:
                self._answer_starttls(reply)
            case _:
                self._answer_reset(reply)
        if self.state is State.BUSY:
            self._pump()
            if not self._expected:
                self._group_done()

    def _greet(self) -> None:
        self.state = State.GREETING
        self._said_helo = False
        self._say(SmtpStage.EHLO, f"EHLO {self._identity.helo}")

    def _answer_ehlo(self, reply: Reply, lines: list[str]) -> None:
        if reply.code == 220:
            self._end(Obstacle.PROTOCOL_ERROR, "a second greeting in the place of an answer")
        elif reply.code // 100 == 2:
            if not self._said_helo:
                self.extensions = read_extensions(lines)
            if self._starttls and self._may_encrypt():
                self._say(SmtpStage.STARTTLS, "STARTTLS")
            else:
                self._greeted()
        elif not self._said_helo and reply.code in _EHLO_UNKNOWN:
            self._said_helo = True
            self._say(SmtpStage.EHLO, f"HELO {self._identity.helo}")
        else:
            self._end_by_reply(SmtpStage.EHLO, reply)

    def _may_encrypt(self) -> bool:
        return self.extensions.starttls and self._tls_allowed and not self.encrypted

    def _greeted(self) -> None:
        self.state = State.READY
        self._in_transaction = False
        if self._stranded:
            stranded, self._stranded = self._stranded, []
            self.tally.transactions = 0
            self.offer(stranded, reset=False)

    def _answer_starttls(self, reply: Reply) -> None:
        if reply.code == 220 and self._heard.pending:
            self._end(Obstacle.PROTOCOL_ERROR, "something was said in clear behind the go-ahead for TLS")
        elif reply.code == 220:
            self.state = State.TLS
            self._events.append(TlsWanted())
        elif self._stranded:
            self._end_by_reply(SmtpStage.STARTTLS, reply)
        else:
            self._greeted()

    def _queue_mail(self, utf8: bool) -> None:
        self.tally.transactions += 1
        self.tally.transaction_seen = 0
        self.tally.transaction_accepted = 0
        self._in_transaction = True
        self._utf8_transaction = utf8
        suffix = " SMTPUTF8" if utf8 else ""
        self._queue.append(_Command(SmtpStage.MAIL, f"MAIL FROM:<{self._identity.mail_from}>{suffix}"))

    def _queue_recipients(self, recipients: Sequence[Recipient]) -> None:
        self._queue.extend(_Command(SmtpStage.RCPT, f"RCPT TO:<{r.path}>", r) for r in recipients)

    def _answer_reset(self, reply: Reply) -> None:
        """A host that cannot reset gets one transaction a connection: that is nobody's fault (RFC 5321 §4.1.1.5)."""
        if reply.code // 100 == 2:
            return
        reading = self._classify(SmtpStage.MAIL, reply)
        if reading.reply_class is ReplyClass.SESSION_FATAL:
            self._end_with(Ended(SmtpStage.MAIL, reply, reading))
        else:
            self._end_with(Ended(SmtpStage.MAIL, obstacle=Obstacle.PROTOCOL_ERROR, detail="RSET was refused"))

    def _answer_mail(self, reply: Reply) -> None:
        if reply.code // 100 == 2:
            return
        self.tally.rejects += 1
        reading = self._classify(SmtpStage.MAIL, reply)
        self._mail_refusal = (reply, reading)
        self._stranded += [c.recipient for c in self._queue if c.recipient is not None]
        self._queue.clear()
        if reading.reply_class is ReplyClass.SESSION_FATAL:
            self._end_with(Ended(SmtpStage.MAIL, reply, reading))

    def _group_done(self) -> None:
        if self._mail_refusal is None:
            self.state = State.READY
            return
        reply, reading = self._mail_refusal
        self.tls_demanded = reading.rule == STARTTLS_REQUIRED and self._may_encrypt()
        if self.tls_demanded and self.tally.rejects < CLOSE_AT_REJECTS:
            self.state = State.GREETING
            self._mail_refusal = None
            self._say(SmtpStage.STARTTLS, "STARTTLS")
        else:
            self._end_with(Ended(SmtpStage.MAIL, reply, reading))

    def _answer_recipient(self, reply: Reply, recipient: Recipient) -> None:
        if self._mail_refusal is not None:
            self.tally.rejects += 1
            self._stranded.append(recipient)
            return
        reading = self._classify(SmtpStage.RCPT, reply)
        tally = self.tally
        tally.recipients += 1
        tally.transaction_seen += 1
        if reply.code // 100 == 2:
            tally.transaction_accepted += 1
        else:
            tally.rejects += 1
        if reading.reply_class is ReplyClass.SESSION_FATAL:
            self._stranded.append(recipient)
            self._end_with(Ended(SmtpStage.RCPT, reply, reading))
            return
        if reading.reply_class is ReplyClass.TOO_MANY:
            self._in_transaction = False
            self.poisoned = self.poisoned or reply.code // 100 == 5
        self._events.append(Answered(recipient, reply, reading))

    def _pump(self) -> None:
        """Send what may be sent: everything where the server pipelines, else one command at a time."""
        while self._queue and (self.extensions.pipelining or not self._expected):
            command = self._queue.popleft()
            self._expected.append(command)
            self._unsent += 1
            self._out += command.text.encode("utf-8", "surrogatepass") + b"\r\n"
            self._note("C", command.text)

    def _say(self, stage: SmtpStage, text: str) -> None:
        """A command that has to travel alone."""
        self._queue.append(_Command(stage, text))
        self._pump()

    def _classify(self, stage: SmtpStage, reply: Reply) -> Reading:
        return self._rules.classify(reply, stage, self._mx_host, self._own_addresses)

    def _end_by_reply(self, stage: SmtpStage, reply: Reply) -> None:
        self._end_with(Ended(stage, reply, self._classify(stage, reply)))

    def _end(self, obstacle: Obstacle, detail: str) -> None:
        self._end_with(Ended(self.stage, obstacle=obstacle, detail=detail))

    def _end_with(self, ended: Ended) -> None:
        open_commands = (*self._expected, *self._queue)
        unanswered = (*self._stranded, *(c.recipient for c in open_commands if c.recipient is not None))
        self._stranded.clear()
        self._expected.clear()
        self._unsent = 0
        self._queue.clear()
        self._out.clear()
        self.state = State.OVER
        if unanswered:
            self._events.append(Unanswered(unanswered))
        self._events.append(ended)

    def _drain(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _note(self, who: str, text: str) -> None:
        if self.transcript is not None and len(self.transcript) < _MAX_TRANSCRIPT:
            self.transcript.append(f"{who}: {text}"[:_MAX_TRANSCRIPT_LINE])
