"""One SMTP session as a host sees it: lines in, replies out. No sockets, no clock of its own (RFC 5321, RFC 2920)."""

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from verifier.world.chance import draw
from verifier.world.geography import Host, a_label, host_name
from verifier.world.host_kind import Grey, HostKind, Step, Tls
from verifier.world.log import HostLog
from verifier.world.truth import Mailbox, variant
from verifier.world.world import World

_PATH = re.compile(r"\s*<([^>]*)>(.*)|\s*(\S+)(.*)")
_VISITORS_MAX = 500_000
_HOUR = 3600.0


class After(Enum):
    """What the host does once a reply is out."""

    READ = auto()
    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()
    TLS = auto()


class Turn(NamedTuple):
    """One reply ("" for none), the seconds that the host spends before it, and what follows."""

    text: str
    wait: float = 0.0
    after: After = After.READ


class Machine:
    """What a host remembers from one session to the next: whom it has greylisted, and how much it was asked."""

    def __init__(self, world: World, host: Host, kind: HostKind, log: HostLog) -> None:
        self.world = world
        self.host = host
        self.kind = kind
        self.log = log
        self.name = host_name(host)
        self.visitors: dict[object, float] = {}
        self.hour: tuple[float, int] = (0.0, 0)
        self._served: dict[str, bool] = {}

    def serves(self, domain: str) -> bool:
        """This host is an exchange of the domain."""
        known = self._served.get(domain)
        if known is None:
            place = self.world.site(domain)
            known = place is not None and any(exchange.host == self.host for exchange in place.exchanges)
            if len(self._served) > _VISITORS_MAX:
                self._served.clear()
            self._served[domain] = known
        return known

    def still_grey(self, visitor: object, now: float) -> bool:
        """The visitor came for the first time less than the world's greylisting delay ago; remembers it."""
        if len(self.visitors) > _VISITORS_MAX:
            self.visitors.clear()
        return now - self.visitors.setdefault(visitor, now) < self.world.grey_delay

    def over_the_hour(self, now: float) -> bool:
        """More recipients were named within the hour than the host takes; counts this one."""
        start, count = self.hour
        start, count = (now, 0) if now - start > _HOUR else (start, count)
        self.hour = (start, count + 1)
        return count >= self.kind.hourly_max


class Session:
    """The state of one connection. `greet` and `command` give the host's turns; `tls` is set once TLS is on."""

    def __init__(self, machine: Machine, number: int, client: str) -> None:
        self.number = number
        self.rejects = 0
        self.tls = False
        self._machine = machine
        self._kind = machine.kind
        self._client = client
        self._greeted = False
        self._sender: str | None = None
        self._utf8 = False
        self._named = 0
        self._accepted = 0
        self._bad = 0
        self._resets = 0
        self._answered = 0
        self._domain = ""
        self._in_data = False
        self._breaks_after = self._breaking_point()
        self._verbs: dict[str, Callable[[str], Turn]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "RSET": self._rset,
            "DATA": self._data,
            "STARTTLS": self._starttls,
            "NOOP": lambda _: self._turn("250 2.0.0 Ok"),
            "VRFY": lambda _: self._turn("252 2.5.0 Cannot VRFY user"),
            "QUIT": lambda _: Turn(self._fill(self._kind.bye), self._kind.quit_delay, After.CLOSE),
        }

    def greet(self, sessions: int) -> Turn:
        """The banner for a client that is the `sessions`-th of those connected now."""
        kind = self._kind
        wait = kind.banner_delay * self._machine.world.slowness
        if kind.resets:
            return Turn("", 0.0, After.RESET)
        if kind.silent_at is Step.BANNER:
            return Turn("", 0.0, After.SILENCE)
        if kind.sessions_max and sessions > kind.sessions_max:
            return Turn(self._fill(kind.sessions_max_text), 0.0, After.CLOSE)
        if kind.refuses_at is Step.BANNER:
            return Turn(self._fill(kind.refusal or kind.banner), wait, After.CLOSE)
        return Turn(self._fill(kind.banner), wait)

    def command(self, line: str, now: float, *, early: bool = False, followed: bool = False) -> Turn:
        """The answer to one line without its end; `early`: before the banner; `followed`: another lies behind it."""
        if self._in_data:
            return self._content(line)
        kind = self._kind
        if kind.strict_sync and early:
            return Turn("554 SMTP synchronization error", 0.0, After.CLOSE)
        if kind.strict_sync and followed and "PIPELINING" not in kind.ehlo:
            return Turn("500 5.5.1 Invalid command: Pipelining not supported", 0.0, After.CLOSE)
        self._now = now
        verb, _, rest = line.partition(" ")
        answer = self._verbs.get(verb.upper())
        if answer is None:
            return self._turn("500 5.5.2 Error: command not recognized")
        return answer(rest)

    def _ehlo(self, name: str) -> Turn:
        kind = self._kind
        if kind.helo_only:
            return self._turn("502 5.5.2 Error: command not recognized", counts=False)
        refused = self._stopped(Step.EHLO)
        if refused is not None:
            return refused
        self._greeted = True
        self._sender = None
        offers = [*kind.ehlo, *(["STARTTLS"] if kind.tls is not Tls.NONE and not self.tls else [])]
        lines = [f"{self._machine.name} greets {name or 'you'}", *offers]
        return self._turn("\r\n".join(f"250{'-' if n < len(lines) else ' '}{text}" for n, text in enumerate(lines, 1)))

    def _helo(self, _: str) -> Turn:
        refused = self._stopped(Step.EHLO)
        if refused is not None:
            return refused
        self._greeted = True
        self._sender = None
        return self._turn("250 {host}")

    def _mail(self, rest: str) -> Turn:
        kind = self._kind
        path = _PATH.fullmatch(rest[5:]) if rest[:5].upper() == "FROM:" else None
        if path is None:
            return self._turn("501 5.5.4 Syntax: MAIL FROM:<address>")
        if not self._greeted:
            return self._turn("503 5.5.1 Error: send HELO/EHLO first")
        if self._sender is not None:
            return self._turn("503 5.5.1 Error: nested MAIL command")
        if kind.tls in (Tls.REQUIRED, Tls.BROKEN) and not self.tls:
            return self._turn("530 5.7.0 Must issue a STARTTLS command first", counts=False)
        sender = path[1] or ""
        refused = self._stopped(Step.MAIL, sender=sender)
        if refused is not None:
            return refused
        self._sender = sender
        self._utf8 = "SMTPUTF8" in (path[2] or "").upper()
        self._named = self._accepted = 0
        self._domain = ""
        self._machine.log.summary.mails += 1
        return self._turn(kind.mail_ok, sender=sender)

    def _rcpt(self, rest: str) -> Turn:
        path = _PATH.fullmatch(rest[3:]) if rest[:3].upper() == "TO:" else None
        local, at, domain = ((path[1] or path[3] or "") if path else "").rpartition("@")
        if not at:
            return self._turn("501 5.1.3 Bad recipient address syntax")
        if self._sender is None:
            return self._turn("503 5.5.1 Error: need MAIL command")
        if self._answered == self._breaks_after:
            return self._break()
        if self._kind.silent_at is Step.RCPT:
            return Turn("", 0.0, After.SILENCE)
        self._named += 1
        self._answered += 1
        text = self._recipient(local, a_label(domain))
        if text[0] == "2":
            self._accepted += 1
        turn = self._turn(text, rcpt=f"{local}@{domain}", local=local, domain=domain)
        self._machine.log.recipient(local, domain, text[0], self._named)
        return turn

    def _recipient(self, local: str, domain: str) -> str:
        """What the host says of one recipient, before the blanks are filled: limits, then policy, then the mailbox."""
        kind, machine = self._kind, self._machine
        if kind.refuses_at is Step.RCPT:
            return kind.refusal
        if not machine.serves(domain):
            return kind.foreign
        if kind.recipients_max and self._named > kind.recipients_max:
            return kind.recipients_max_text
        if kind.one_domain_text and domain != (self._domain or domain):
            return kind.one_domain_text
        self._domain = domain
        if kind.majority_guard and self._named > 10 and self._accepted < self._named // 2:
            return "550 Rejected for too many bad recipients"
        if kind.bad_limit and self._bad >= kind.bad_limit:
            return kind.bad_limit_text
        if kind.hourly_max and machine.over_the_hour(self._now):
            return kind.hourly_max_text
        if not local.isascii() and not self._utf8:
            return "553 5.6.7 <{rcpt}>: Address needs SMTPUTF8"
        if kind.grey is not Grey.NONE and machine.still_grey(self._visitor(local, domain), self._now):
            return kind.grey_text
        if kind.accepts_everything:
            return kind.rcpt_ok
        return self._mailbox_text(local, domain)

    def _mailbox_text(self, local: str, domain: str) -> str:
        kind, world = self._kind, self._machine.world
        match world.mailbox(kind, local, domain):
            case Mailbox.EXISTS:
                return kind.rcpt_ok
            case Mailbox.FULL:
                return kind.full[variant(world.seed, f"{local}@{domain}", len(kind.full))]
            case Mailbox.DISABLED:
                return kind.disabled
            case Mailbox.RESTRICTED:
                return kind.restricted
        self._bad += 1
        return kind.unknown

    def _visitor(self, local: str, domain: str) -> object:
        if self._kind.grey is Grey.CLIENT:
            return self._client
        return self._client.rpartition(".")[0], self._sender, local.lower(), domain

    def _rset(self, _: str) -> Turn:
        self._sender = None
        self._resets += 1
        if self._kind.reset_limit and self._resets - 1 > self._kind.reset_limit:
            return Turn("554 Too many nonmail commands", 0.0, After.CLOSE)
        return self._turn(self._kind.rset_ok)

    def _data(self, _: str) -> Turn:
        self._machine.log.summary.data += 1
        if self._sender is None or not self._accepted:
            return self._turn("554 5.5.1 Error: no valid recipients")
        self._in_data = True
        return self._turn("354 End data with <CR><LF>.<CR><LF>")

    def _content(self, line: str) -> Turn:
        if line != ".":
            return Turn("")
        self._in_data = False
        self._sender = None
        return self._turn("250 2.0.0 Ok: queued")

    def _starttls(self, _: str) -> Turn:
        if self._kind.tls is Tls.NONE or self.tls:
            return self._turn("502 5.5.1 Error: command not implemented")
        self._greeted = False
        self._sender = None
        self._machine.log.summary.tls += 1
        return Turn("220 2.0.0 Ready to start TLS", 0.0, After.TLS)

    def _stopped(self, step: Step, sender: str = "") -> Turn | None:
        """The host's refusal or silence at a step, None where it goes on."""
        kind = self._kind
        if kind.silent_at is step:
            return Turn("", 0.0, After.SILENCE)
        if kind.refuses_at is not step:
            return None
        return self._turn(kind.refusal, sender=sender)

    def _breaking_point(self) -> int:
        """After how many recipients a flaky host breaks this connection off; -1: never."""
        if not self._kind.flaky or self.number % 2 == 0:
            return -1
        return 1 + draw(self._machine.world.seed, "flaky", self._machine.name, str(self.number)) % 6

    def _break(self) -> Turn:
        if self.number % 4 == 1:
            return Turn("421 4.3.2 Service shutting down", 0.0, After.CLOSE)
        return Turn("", 0.0, After.RESET)

    def _turn(self, text: str, *, counts: bool = True, **blanks: str) -> Turn:
        """The reply with its blanks filled and the host's error limits applied."""
        kind = self._kind
        wait = 1.0 if kind.slow_after and self.rejects >= kind.slow_after else 0.0
        filled = self._fill(text, **blanks)
        if text[0] in "45" and counts:
            self.rejects += 1
            wait += kind.reject_delay * self._machine.world.slowness
            if kind.hang_up_at and self.rejects >= kind.hang_up_at:
                return Turn(f"{filled}\r\n421 4.7.0 {self._machine.name} Error: too many errors", wait, After.CLOSE)
        return Turn(filled, wait)

    def _fill(self, text: str, **blanks: str) -> str:
        if "{" not in text:
            return text
        wait = max(1, round(self._machine.world.grey_delay))
        clock = f"{wait // 3600:02}:{wait // 60 % 60:02}:{wait % 60:02}"
        return text.format(host=self._machine.name, clock=clock, **blanks)
