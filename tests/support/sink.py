"""A mail server that takes everything, or dies where it is told to; it remembers what it answered 250 to."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SILENCE = ""
"""As an answer: none."""
STEPS = ("connect", "banner", "EHLO", "MAIL", "RCPT", "DATA", "body", "end", "after")
"""Where it can die: on connecting, before its banner, on hearing a command, in a message, before its last answer, right
after it."""


@dataclass
class Sink:
    """`dies_at` is one of STEPS; `refused` answers by the beginning of a command."""

    dies_at: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """With STARTTLS, or from the first byte where `implicit`."""
    implicit: bool = False
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8")
    messages: list[tuple[list[str], bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port; the sink dies at a step by closing that connection."""
        server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=1 << 20, ssl=self.tls if self.implicit else None
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.dies_at != "connect":
                await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.dies_at == "banner":
            return
        writer.write(b"220 sink\r\n")
        recipients: list[str] = []
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            verb = line.partition(" ")[0].upper()
            if verb == self.dies_at:
                return
            refusal = next((text for begin, text in self.refused.items() if line.startswith(begin)), None)
            if refusal is not None:
                if refusal != SILENCE:
                    writer.write(refusal.encode() + b"\r\n")
                continue
            match verb:
                case "EHLO":
                    words = ("sink", *self.extensions)
                    writer.write("".join(f"250{' ' if w is words[-1] else '-'}{w}\r\n" for w in words).encode())
                case "RCPT":
                    recipients.append(line.partition("<")[2].partition(">")[0])
                    writer.write(b"250 2.1.5 ok\r\n")
                case "DATA":
                    writer.write(b"354 go\r\n")
                    if self.dies_at == "body":
                        await reader.readline()
                        return
                    body = await self._message(reader)
                    if self.dies_at == "end":
                        return
                    self.messages.append((recipients, body))
                    recipients = []
                    writer.write(self.refused.get("END", "250 2.0.0 taken").encode() + b"\r\n")
                    if self.dies_at == "after":
                        return
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case "STARTTLS":
                    writer.write(b"220 go\r\n")
                    assert self.tls is not None
                    await writer.start_tls(self.tls)
                case "AUTH":
                    writer.write(b"235 2.7.0 welcome\r\n")
                case "MAIL" | "RSET":
                    recipients = []
                    writer.write(b"250 2.0.0 ok\r\n")

    @staticmethod
    async def _message(reader: asyncio.StreamReader) -> bytes:
        body = bytearray()
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            body += line
        return bytes(body)


class SinkThread:
    """A sink beside a test that has no loop; `port` is where it listens."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> "SinkThread":
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        async with self.sink.listening() as port:
            self.port = port
            self._listening.set()
            await self._ended.wait()
