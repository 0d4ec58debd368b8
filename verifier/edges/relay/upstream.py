"""The mail server behind the relay: one connection for one client, kept from message to message."""

import asyncio
import base64
import ssl

from msgspec import Struct

from verifier.core.mail_server import MailServer, Security
from verifier.core.reply_lines import Broken, ReplyLines
from verifier.edges.relay.channel import Channel, ChannelGone

_CONNECT_SECONDS = 20.0
_COMMAND_SECONDS = 240.0
"""Less than the five minutes that a client waits (RFC 5321 §4.5.3.2), so that it always hears something."""
_END_SECONDS = 600.0
"""After the final dot: who gives up too early is sent the message twice (RFC 1047)."""


class UpstreamGone(Exception):
    """It cannot be reached, or has broken off; the text is a half sentence for the client."""


class UpstreamReply(Struct, frozen=True):
    """A whole reply; `lines` as they came, each with its code."""

    lines: list[str]

    @property
    def code(self) -> int:
        return int(self.lines[0][:3])


class Upstream:
    """Connected, greeted, encrypted and logged in, as the settings want it."""

    def __init__(self, channel: Channel, helo: str) -> None:
        self._channel = channel
        self._helo = helo
        self._replies = ReplyLines()
        self.extensions: dict[str, str] = {}

    @classmethod
    async def connect(cls, server: MailServer, helo: str) -> "Upstream":
        """Raises UpstreamGone."""
        loop = asyncio.get_running_loop()
        implicit = ssl.create_default_context() if server.security is Security.IMPLICIT else None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, channel = await loop.create_connection(Channel, server.host, server.port, ssl=implicit)
        except (OSError, TimeoutError):
            raise UpstreamGone("the mail server behind this relay cannot be reached") from None
        upstream = cls(channel, helo)
        try:
            await upstream._begin(server)
        except BaseException:
            channel.abort()
            raise
        return upstream

    @property
    def is_open(self) -> bool:
        """Nothing says that it has gone."""
        transport = self._channel.transport
        return transport is not None and not transport.is_closing() and not self._channel.ended

    async def command(self, line: str) -> UpstreamReply:
        """One command, one reply. Raises UpstreamGone."""
        return await self._exchange(line.encode() + b"\r\n", _COMMAND_SECONDS)

    async def send(self, data: bytes) -> None:
        """A piece of a message. Raises UpstreamGone."""
        try:
            async with asyncio.timeout(_COMMAND_SECONDS):
                await self._channel.write(data)
        except (ChannelGone, TimeoutError):
            raise _broken_off() from None

    async def end_of_message(self) -> UpstreamReply:
        """The reply to a message that was sent whole. Raises UpstreamGone."""
        return await self._exchange(b"", _END_SECONDS)

    def quit(self) -> None:
        """Its reply is not waited for."""
        if self.is_open and self._channel.transport is not None:
            self._channel.transport.write(b"QUIT\r\n")
        self._channel.close()

    def abort(self) -> None:
        """At once: a message that is not whole is not delivered."""
        self._channel.abort()

    async def _begin(self, server: MailServer) -> None:
        await self._expect(2, b"")
        await self._greet()
        encrypt = "STARTTLS" in self.extensions
        if server.security is Security.DEMANDED and not encrypt:
            raise UpstreamGone("the mail server behind this relay does not offer STARTTLS")
        if server.security is not Security.IMPLICIT and encrypt:
            await self._expect(2, b"STARTTLS\r\n")
            await self._encrypt(server)
            await self._greet()
        if server.user:
            secret = base64.b64encode(f"\0{server.user}\0{server.password}".encode())
            await self._expect(2, b"AUTH PLAIN " + secret + b"\r\n")

    async def _greet(self) -> None:
        reply = await self._expect(2, f"EHLO {self._helo}\r\n".encode())
        words = [line[4:].strip().partition(" ") for line in reply.lines[1:]]
        self.extensions = {name.upper(): value for name, _, value in words}

    async def _encrypt(self, server: MailServer) -> None:
        """Verified where a password depends on it; else better than nothing, as between mail servers."""
        context = ssl.create_default_context()
        if server.security is Security.OFFERED:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._channel.start_tls(context, server_hostname=server.host)
        except (ChannelGone, TimeoutError):
            raise UpstreamGone("TLS with the mail server behind this relay cannot be begun") from None
        self._replies = ReplyLines()

    async def _expect(self, first: int, data: bytes) -> UpstreamReply:
        reply = await self._exchange(data, _COMMAND_SECONDS)
        if reply.code // 100 != first:
            raise UpstreamGone("the mail server behind this relay does not let it in")
        return reply

    async def _exchange(self, data: bytes, seconds: float) -> UpstreamReply:
        try:
            async with asyncio.timeout(seconds):
                if data:
                    await self._channel.write(data)
                while (lines := self._replies.take()) is None:
                    self._replies.feed(await self._channel.some())
        except (ChannelGone, TimeoutError):
            raise _broken_off() from None
        if isinstance(lines, Broken):
            raise UpstreamGone("the mail server behind this relay said something that is no reply")
        return UpstreamReply(lines)


def _broken_off() -> UpstreamGone:
    return UpstreamGone("the mail server behind this relay broke off")
