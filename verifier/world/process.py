"""A world in a process of its own, so that prober and hosts share neither loop nor core.

Parent and child speak in lines of JSON over the child's stdin and stdout; the child ends when its stdin does, so it
never outlives its parent.
"""

import subprocess
import sys
from types import TracebackType
from typing import Any

import msgspec

from verifier.world.log import HostSummary
from verifier.world.world import World

_START_SECONDS = 30.0


class Report(msgspec.Struct):
    """What a world's hosts and its name server saw so far."""

    hosts: dict[str, HostSummary] = {}
    kinds: dict[str, HostSummary] = {}
    total: HostSummary = msgspec.field(default_factory=HostSummary)
    questions: int = 0
    """DNS questions."""
    names: int = 0
    """Distinct (name, type) among them."""


class Start(msgspec.Struct):
    """What the child is told first: the world's options, and those of `World.serve`."""

    world: dict[str, Any]
    serve: dict[str, Any]


class WorldProcess:
    """`with WorldProcess(world) as running`: the same world, served by a child. Blocks while the child starts.

    Keyword arguments are those of `World.serve`. Raises OSError when the child does not come up.
    """

    def __init__(self, world: World, **serve: object) -> None:
        self.world = world
        self.environment: dict[str, str] = {}
        self._serve = serve

    def __enter__(self) -> "WorldProcess":
        self._child = subprocess.Popen(
            [sys.executable, "-m", "verifier.world"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt at the terminal is the parent's affair
        )
        self._send(msgspec.json.encode(Start(self.world.options, dict(self._serve))))
        answer = self._receive()
        if not answer:
            self._end()
            raise OSError("the world's process did not start; what it said is on stderr")
        self.environment = msgspec.json.decode(answer, type=dict[str, str])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def report(self) -> Report:
        """What was seen so far."""
        self._send(b'"report"')
        return msgspec.json.decode(self._receive(), type=Report)

    def _send(self, line: bytes) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + b"\n")
        self._child.stdin.flush()

    def _receive(self) -> bytes:
        assert self._child.stdout is not None
        return self._child.stdout.readline()

    def _end(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._child.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
