"""What the engine is measured against: clients that ask one host and do nothing else: no verdict, no memory."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from math import sqrt

HELO = "probe.verifier-tests.example"
MAIL = f"MAIL FROM:<probe@{HELO}>\r\n"
_BUDGET = 10
_CLOSE_AT = 8
_TRANSACTIONS = 10
_LARGEST = 100
_FIRST = 10


class Line:
    """One SMTP connection over asyncio streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str, port: int) -> "Line":
        line = cls(*await asyncio.open_connection(address, port))
        await line.reply()
        await line.ask(f"EHLO {HELO}\r\n")
        return line

    def say(self, text: str) -> None:
        self._writer.write(text.encode())

    async def reply(self) -> bytes:
        """The last line of the next reply; ConnectionError at the end of the connection."""
        while True:
            line = await self._reader.readline()
            if not line:
                raise ConnectionResetError
            if line[3:4] != b"-":
                return line

    async def ask(self, text: str) -> bytes:
        self.say(text)
        return await self.reply()

    def leave(self) -> None:
        """QUIT, whose answer is not waited for."""
        self.say("QUIT\r\n")
        self._writer.close()


class Adaptive:
    """Pipelined groups as large as the host's patience allows, over a few connections that share what they learn."""

    def __init__(self, address: str, port: int, recipients: Iterable[str]) -> None:
        self._place = (address, port)
        self._queue = deque(recipients)
        self._seen = 0
        self._bad = 0
        self.answers: dict[str, bool] = {}

    async def run(self, connections: int) -> None:
        await asyncio.gather(*(self._work() for _ in range(connections)))

    async def _work(self) -> None:
        while self._queue:
            line = await Line.open(*self._place)
            await self._converse(line)
            line.leave()

    async def _converse(self, line: Line) -> None:
        rejects = transactions = in_transaction = accepted = 0
        while self._queue and rejects < _CLOSE_AT and transactions <= _TRANSACTIONS:
            p = max(0.02, (self._bad + 1) / (self._seen + 5))
            size = _FIRST if not self._seen else _largest(p, _BUDGET - rejects)
            wakes = in_transaction + size > 10 and accepted + size * (1 - p) < 0.55 * (in_transaction + size)
            opening = ""
            if not transactions or wakes or in_transaction + size > _LARGEST:
                if transactions == _TRANSACTIONS:
                    return
                opening = MAIL if not transactions else f"RSET\r\n{MAIL}"
                transactions += 1
                in_transaction = accepted = 0
                size = min(size, 10) if wakes else size
            group = [self._queue.popleft() for _ in range(min(size, len(self._queue)))]
            line.say(opening + "".join(f"RCPT TO:<{path}>\r\n" for path in group))
            for _ in range(opening.count("\r\n")):
                await line.reply()
            for path in group:
                reply = await line.reply()
                if b"too many bad" in reply:
                    self._queue.appendleft(path)
                    rejects = _CLOSE_AT
                    continue
                good = reply.startswith(b"2")
                self.answers[path] = good
                self._seen += 1
                self._bad += not good
                rejects += not good
                accepted += good
            in_transaction += len(group)


def _largest(p: float, budget: int) -> int:
    size = 1
    while size < _LARGEST and (size + 1) * p + 3 * sqrt((size + 1) * p * (1 - p)) <= budget:
        size += 1
    return size


async def one_by_one(address: str, port: int, recipients: Sequence[str], workers: int) -> dict[str, bool]:
    """A connection for each address, several at a time: what every other verifier does."""
    queue = deque(recipients)
    answers: dict[str, bool] = {}

    async def work() -> None:
        while queue:
            path = queue.popleft()
            try:
                line = await Line.open(address, port)
                await line.ask(MAIL)
                answers[path] = (await line.ask(f"RCPT TO:<{path}>\r\n")).startswith(b"2")
            except ConnectionError:
                queue.append(path)
                continue
            line.leave()

    await asyncio.gather(*(work() for _ in range(workers)))
    return answers
