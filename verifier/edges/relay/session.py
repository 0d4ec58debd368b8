"""One client of the relay: its commands, one transaction after the other, each inside one of the upstream's.

Law: nothing is queued, so nothing can be lost. 250 after a message is the upstream's own; where the upstream is gone,
or the client, the upstream has seen no end of the message, and the client hears something that it can retry on.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import format_datetime

from msgspec import Struct

from verifier.core.faults import ServiceUnavailable
from verifier.core.mail_server import MailServer
from verifier.core.relay_commands import LONGEST_LINE, Refused, parse_command, parse_mail, parse_rcpt
from verifier.edges.gatekeeping import Gatekeeper, context_of
from verifier.edges.relay.accounts import HoldsKey, log_in
from verifier.edges.relay.channel import Channel, ChannelGone
from verifier.edges.relay.passage import pass_message
from verifier.edges.relay.upstream import Upstream, UpstreamGone, UpstreamReply
from verifier.ports import Clock

MOST_BYTES = 100_000_000
_MOST_RECIPIENTS = 1000
_MOST_FAULTS = 20
_MOST_LOGINS = 3
_SILENCE_SECONDS = 300.0
_SURFACE = "relay"
_GONE = "451 4.4.2"
_ENDS = "421 4.3.2 the service is ending, try again later"


class Relaying(Struct, frozen=True):
    """What all clients of a relay share. `open_to_all`: only this machine reaches it, so nobody has to log in."""

    keeper: Gatekeeper
    server: MailServer
    helo: str
    clock: Clock
    holds_key: HoldsKey
    tls: ssl.SSLContext | None
    open_to_all: bool
    unsubscribe_link: Callable[[str, str | None], str] | None = None
    """The https link by which a recipient leaves a sender (None: all of them); None where nobody could open one."""


class RelaySession:
    """`run` talks with the client until one of them ends it."""

    def __init__(self, channel: Channel, relaying: Relaying) -> None:
        self._channel = channel
        self._relaying = relaying
        self._upstream: Upstream | None = None
        self._greeted = ""
        self._user: str | None = None
        self._faults = 0
        self._logins = 0
        self._mail_from: str | None = None
        self._utf8 = False
        self._accepted: list[str] = []
        self._asked = 0
        self.in_message = False
        """The client has been told to send, and not yet what became of it."""
        self.ending = False
        """The service ends: the message that is on its way is the last."""
        self._verbs: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "VRFY": self._vrfy,
        }

    async def run(self) -> None:
        """Raises nothing but CancelledError, after which the client has heard 421."""
        try:
            await self._say(f"220 {self._relaying.helo} ESMTP")
            while not self.ending and await self._obey():
                pass
            if self.ending:
                self._say_last(_ENDS)
        except (ChannelGone, TimeoutError):
            pass
        except asyncio.CancelledError:
            self._say_last(_ENDS)
            raise
        finally:
            if self._upstream is not None:
                self._upstream.abort() if self.in_message else self._upstream.quit()
            self._channel.close()

    async def _obey(self) -> bool:
        """One command; False where that was the last."""
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                line = await self._channel.line(LONGEST_LINE)
        except TimeoutError:
            await self._say("421 4.4.2 nothing was said for too long")
            return False
        except ValueError:
            await self._say("421 4.5.2 a command line is too long")
            return False
        try:
            command = parse_command(line)
            if command.verb == "QUIT":
                await self._say("221 2.0.0 goodbye")
                return False
            obey = self._verbs.get(command.verb)
            if obey is None:
                raise Refused("500 5.5.1 that command is not known here")
            await obey(command.argument)
        except Refused as refused:
            self._faults += 1
            if self._faults > _MOST_FAULTS or self._logins > _MOST_LOGINS:
                await self._say("421 4.7.0 too many errors")
                return False
            await self._say(str(refused))
        except UpstreamGone as gone:
            self._lose_upstream()
            await self._say(f"{_GONE} {gone}, try again later")
        return not self._channel.ended

    async def _ehlo(self, argument: str) -> None:
        await self._greet(argument)
        lines = [self._relaying.helo, "PIPELINING", f"SIZE {MOST_BYTES}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self._relaying.tls is not None and not self._channel.is_encrypted:
            lines.append("STARTTLS")
        if self._may_log_in:
            lines.append("AUTH PLAIN LOGIN")
        *first, last = lines
        await self._say("".join(f"250-{line}\r\n" for line in first) + f"250 {last}")

    async def _helo(self, argument: str) -> None:
        await self._greet(argument)
        await self._say(f"250 {self._relaying.helo}")

    async def _greet(self, name: str) -> None:
        if not name:
            raise Refused("501 5.5.4 say who you are")
        self._greeted = name
        await self._forget_transaction()

    async def _starttls(self, argument: str) -> None:
        if self._relaying.tls is None or self._channel.is_encrypted:
            raise Refused("502 5.5.1 there is no STARTTLS here now")
        await self._forget_transaction()
        await self._say("220 2.0.0 go ahead")
        await self._channel.start_tls(self._relaying.tls)
        self._greeted, self._user = "", None

    async def _auth(self, argument: str) -> None:
        self._require_greeting()
        if self._user is not None or self._mail_from is not None:
            raise Refused("503 5.5.1 not now")
        if not self._may_log_in:
            raise Refused("538 5.7.11 STARTTLS first")
        self._logins += 1
        async with asyncio.timeout(_SILENCE_SECONDS):
            try:
                self._user = await log_in(self._channel, argument, self._relaying.holds_key)
            except ServiceUnavailable:
                raise Refused("454 4.7.0 keys cannot be looked up now, try again later") from None
        if context_of(self._user).one_click and self._relaying.unsubscribe_link is None:
            self._user = None
            raise Refused("535 5.7.8 one-click needs an https VERIFIER_HTTP_PUBLIC_URL")
        await self._say("235 2.7.0 welcome")

    @property
    def _may_log_in(self) -> bool:
        return self._channel.is_encrypted or self._relaying.open_to_all

    async def _mail(self, argument: str) -> None:
        self._require_greeting()
        if self._user is None and not self._relaying.open_to_all:
            raise Refused("530 5.7.0 log in first")
        if self._mail_from is not None:
            raise Refused("503 5.5.1 there is a sender already")
        envelope = parse_mail(argument, MOST_BYTES)
        upstream = await self._open_upstream()
        line = f"MAIL FROM:<{envelope.address}>"
        for name in ("SIZE", "BODY", "SMTPUTF8"):
            extension = "8BITMIME" if name == "BODY" else name
            if name not in envelope.parameters:
                continue
            if extension in upstream.extensions:
                value = envelope.parameters[name]
                line += f" {name}={value}" if value else f" {name}"
            elif name == "SMTPUTF8" or envelope.parameters[name].upper() == "8BITMIME":
                raise Refused(f"555 5.6.3 the mail server behind this relay does not know {extension}")
        reply = await upstream.command(line)
        if reply.code // 100 == 2:
            self._mail_from, self._utf8 = envelope.address, "SMTPUTF8" in envelope.parameters
        await self._pass_on(reply)

    async def _rcpt(self, argument: str) -> None:
        if self._mail_from is None:
            raise Refused("503 5.5.1 MAIL first")
        if self._asked >= _MOST_RECIPIENTS:
            raise Refused("452 4.5.3 too many recipients")
        self._asked += 1
        address = parse_rcpt(argument, utf8=self._utf8).address
        if "@" in address:
            ruling = await self._relaying.keeper.ask(_SURFACE, address, self._user or "", self._mail_from)
            if ruling.reply is not None:
                await self._say(str(ruling.reply))
                return
        reply = await self._required_upstream().command(f"RCPT TO:<{address}>")
        if reply.code // 100 == 2:
            self._accepted.append(address)
        await self._pass_on(reply)

    async def _data(self, argument: str) -> None:
        if self._mail_from is None:
            raise Refused("503 5.5.1 MAIL and RCPT first")
        upstream = self._required_upstream()
        if not self._accepted:
            raise Refused("554 5.5.1 no recipient")
        reply = await upstream.command("DATA")
        if reply.code != 354:
            await self._forget_transaction()
            await self._pass_on(reply)
            return
        self.in_message = True
        await self._say("354 send it, and end with a dot on a line of its own")
        try:
            answer = await pass_message(
                self._channel, upstream, self._trace(), self._link(), MOST_BYTES, _SILENCE_SECONDS
            )
        except (Refused, UpstreamGone):
            self._lose_upstream()
            self.in_message = False
            self._end_transaction()
            raise
        self.in_message = False
        self._end_transaction()
        await self._pass_on(answer)

    def _link(self) -> str | None:
        """By which this message's recipient leaves; None where it is not wanted, or several share the message."""
        context = context_of(self._user or "")
        if not context.one_click or len(self._accepted) != 1 or self._relaying.unsubscribe_link is None:
            return None
        return self._relaying.unsubscribe_link(self._accepted[0], context.sender)

    def _trace(self) -> bytes:
        """RFC 5321 §4.4; where it came from is the sender's business."""
        protocol = ("UTF8SMTP" if self._utf8 else "ESMTP") + "S" * self._channel.is_encrypted
        protocol += "A" * (self._user is not None)
        date = format_datetime(self._relaying.clock.now())
        return f"Received: by {self._relaying.helo} (verifier relay) with {protocol};\r\n\t{date}\r\n".encode()

    async def _rset(self, argument: str) -> None:
        await self._forget_transaction()
        await self._say("250 2.0.0 forgotten")

    async def _noop(self, argument: str) -> None:
        await self._say("250 2.0.0 yes")

    async def _vrfy(self, argument: str) -> None:
        await self._say("252 2.5.0 send mail, and see")

    def _require_greeting(self) -> None:
        if not self._greeted:
            raise Refused("503 5.5.1 EHLO first")

    async def _open_upstream(self) -> Upstream:
        if self._upstream is not None and not self._upstream.is_open:
            self._lose_upstream()
        if self._upstream is None:
            self._upstream = await Upstream.connect(self._relaying.server, self._relaying.helo)
        return self._upstream

    def _required_upstream(self) -> Upstream:
        """That of the transaction: another one would know nothing of it. Raises UpstreamGone."""
        if self._upstream is None:
            raise UpstreamGone("the mail server behind this relay has gone")
        return self._upstream

    def _lose_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
        self._upstream = None

    async def _forget_transaction(self) -> None:
        """RSET, there too: what was begun is not gone on with."""
        if self._mail_from is not None and self._upstream is not None:
            try:
                if (await self._upstream.command("RSET")).code // 100 != 2:
                    self._lose_upstream()
            except UpstreamGone:
                self._lose_upstream()
        self._end_transaction()

    def _end_transaction(self) -> None:
        self._mail_from, self._utf8, self._accepted, self._asked = None, False, [], 0

    async def _pass_on(self, reply: UpstreamReply) -> None:
        """Word for word; a server that says 421 has gone, and so have we. Raises UpstreamGone for what is no answer."""
        if reply.code // 100 == 3:
            raise UpstreamGone("the mail server behind this relay said something that is no answer")
        await self._say("\r\n".join(reply.lines))
        if reply.code == 421:
            raise ChannelGone

    async def _say(self, reply: str) -> None:
        await self._channel.write(reply.encode() + b"\r\n")

    def _say_last(self, reply: str) -> None:
        with suppress(ChannelGone):
            self._channel.write_now(reply.encode() + b"\r\n")
