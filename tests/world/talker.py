"""A raw SMTP client: what the wire brings, nothing read into it."""

import asyncio
import contextlib
import ssl

from verifier.world import RunningWorld
from verifier.world.geography import Host


class Talker:
    """One connection to a host of a running world."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to_host(cls, running: RunningWorld, host: Host) -> "Talker":
        return cls(*await asyncio.wait_for(asyncio.open_connection(host.address, running.port), 5))

    @classmethod
    async def to(cls, running: RunningWorld, domain: str, exchange: int = 0) -> "Talker":
        """Connected to an exchange of the domain."""
        site = running.world.site(domain)
        assert site is not None
        host = site.exchanges[exchange].host
        assert host is not None
        return await cls.to_host(running, host)

    async def reply(self) -> str:
        """One whole reply, its lines joined by a newline; "" at the end of the stream."""
        lines = []
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 5)).decode().rstrip("\r\n")
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, *lines: str) -> list[str]:
        """Sends the lines in one write and reads one reply for each."""
        self.send(*lines)
        return [await self.reply() for _ in lines]

    def send(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def begin(self) -> list[str]:
        """Banner, EHLO and MAIL."""
        return [
            await self.reply(),
            *await self.say("EHLO probe.verifier.example"),
            *await self.say("MAIL FROM:<probe@probe.verifier.example>"),
        ]

    async def ask(self, *addresses: str) -> list[str]:
        """One pipelined group of recipients."""
        return await self.say(*(f"RCPT TO:<{address}>" for address in addresses))

    async def start_tls(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await self.writer.start_tls(context)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()
