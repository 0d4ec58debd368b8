"""One connection of the one-shot line: a question, an answer, the end."""

import asyncio

from verifier.core.gate_line import MOST_BYTES, line_answer, parse_line
from verifier.edges.gatekeeping import Gatekeeper
from verifier.edges.listening import Connection, Crowd

MOST_CONNECTIONS = 2000
_PATIENCE_SECONDS = 10.0
_SURFACE = "line"


class LineConnection(Connection):
    """Closes by itself when it has answered: Exim reads to the end."""

    def __init__(self, crowd: Crowd, keeper: Gatekeeper) -> None:
        super().__init__(crowd)
        self._keeper = keeper
        self._buffer = b""
        self._answering: asyncio.Task[None] | None = None

    def patience(self) -> float:
        return _PATIENCE_SECONDS

    def data_received(self, data: bytes) -> None:
        if self._answering is not None:
            return
        self._buffer += data
        line, end, _ = self._buffer.partition(b"\n")
        if end and len(line) <= MOST_BYTES:
            self._answering = asyncio.get_running_loop().create_task(self._answer(line))
        elif len(line) > MOST_BYTES:
            self._end(line_answer("ERROR", f"a line has at most {MOST_BYTES} bytes"))

    def eof_received(self) -> bool:
        """Who has sent all that he wants to send may still wait for the answer."""
        return self._answering is not None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._answering is not None:
            self._answering.cancel()

    async def _answer(self, line: bytes) -> None:
        try:
            question = parse_line(line)
        except ValueError as error:
            self._end(line_answer("ERROR", str(error)))
            return
        ruling = await self._keeper.ask(_SURFACE, question.email, question.context)
        self._end(line_answer(ruling.decision.upper(), ruling.rule))

    def _end(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()
