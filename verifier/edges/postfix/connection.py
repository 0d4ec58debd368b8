"""One connection of Postfix: policy requests or socketmap lookups, as its first byte says; many of them, in order.

No attribute's name begins with a digit, and every netstring does. What cannot be read ends the connection without an
answer, as the protocol has it: Postfix then goes by its own `default_action`.
"""

import asyncio
from collections import deque
from functools import lru_cache

from verifier.core.gate_replies import gate_reply, postfix_action, postfix_transport
from verifier.core.gate_words import GateDecision
from verifier.core.policy_protocol import PolicyFault, PolicyReader, PolicyRequest, policy_answer
from verifier.core.socketmap import NOT_FOUND, Lookup, SocketmapFault, SocketmapReader, socketmap_found
from verifier.edges.gatekeeping import PASSES, Gatekeeper, Ruling
from verifier.edges.listening import Connection, Crowd

MOST_CONNECTIONS = 2000
_IDLE_SECONDS = 1000.0
"""Postfix keeps a connection for at most that long (`smtpd_policy_service_max_ttl`)."""
_REQUEST_SECONDS = 10.0
_MOST_WAITING = 100
_POLICY, _SOCKETMAP = "postfix", "socketmap"


class PostfixConnection(Connection):
    """Answers one after the other: at once where that can be, else in a task, in which all wait that came after.

    What is more than `_MOST_WAITING` at once stays in the socket.
    """

    def __init__(self, crowd: Crowd, keeper: Gatekeeper) -> None:
        super().__init__(crowd)
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        self._reader: PolicyReader | SocketmapReader | None = None
        self._waiting: deque[PolicyRequest | Lookup] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._ended = False

    def patience(self) -> float:
        if self._answering is not None:
            return _IDLE_SECONDS
        return _REQUEST_SECONDS if self._reader is not None and self._reader.pending else _IDLE_SECONDS

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self._reader = SocketmapReader() if data[:1].isdigit() else PolicyReader()
        if not self._reader.pending:
            self.began = self._loop.time()
        try:
            came = self._reader.feed(data)
        except (PolicyFault, SocketmapFault):
            self.transport.close()
            return
        self._waiting.extend(came)
        if self._answering is None and self._waiting:
            self._answer_at_once()
        if self._answering is None and self._waiting:
            self._answering = self._loop.create_task(self._answer())
        if len(self._waiting) > _MOST_WAITING:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Who has sent all that he wants to send may still wait for the answers."""
        self._crowd.outgoing.flush()
        self._ended = True
        return self._answering is not None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._answering is not None:
            self._answering.cancel()

    def _answer_at_once(self) -> None:
        """As many as need not wait, up to the first that has to."""
        answers = []
        while self._waiting:
            answer = self._at_once(self._waiting[0])
            if answer is None:
                break
            answers.append(answer)
            self._waiting.popleft()
        if answers:
            self._crowd.outgoing.send(self.transport, b"".join(answers))
            self.began = self._loop.time()

    def _at_once(self, asked: PolicyRequest | Lookup) -> bytes | None:
        question = _question(asked)
        if question is None:
            return _said(asked, PASSES)
        ruling = self._keeper.ask_at_once(*question)
        return None if ruling is None else _said(asked, ruling)

    async def _answer(self) -> None:
        while self._waiting:
            asked = self._waiting.popleft()
            question = _question(asked)
            ruling = PASSES if question is None else await self._keeper.ask(*question)
            self._crowd.outgoing.send(self.transport, _said(asked, ruling))
        self._crowd.outgoing.flush()
        self._answering = None
        self.began = self._loop.time()
        if self._ended:
            self.transport.close()
        elif not self.transport.is_closing():
            self.transport.resume_reading()


def _question(asked: PolicyRequest | Lookup) -> tuple[str, str, str, str] | None:
    """What the gatekeeper is asked; None where nobody is named to whom mail goes."""
    if isinstance(asked, Lookup):
        return (_SOCKETMAP, asked.key, asked.name, "") if "@" in asked.key else None
    return (_POLICY, asked.recipient, asked.context, asked.sender) if asked.names_recipient else None


def _said(asked: PolicyRequest | Lookup, ruling: Ruling) -> bytes:
    """The ruling in the protocol of the question."""
    says = _found if isinstance(asked, Lookup) else _action
    return says(ruling.decision, ruling.rule)


@lru_cache
def _action(decision: GateDecision, rule: str) -> bytes:
    return policy_answer(postfix_action(gate_reply(decision, rule)))


@lru_cache
def _found(decision: GateDecision, rule: str) -> bytes:
    way = postfix_transport(gate_reply(decision, rule))
    return NOT_FOUND if way is None else socketmap_found(way)
