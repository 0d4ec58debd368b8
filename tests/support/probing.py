"""A set of lanes over hosts in memory, and the targets that go into it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tests.support.clock import FakeClock
from tests.support.facts import at
from tests.support.mail_host import Host, MemoryDialer
from verifier.adapters.memory_pacer import MemoryPacer
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.dialogue_events import Identity
from verifier.core.facts import MailHost, MailRoute, RouteStatus
from verifier.core.providers import Provider
from verifier.ports import Pacer
from verifier.service.lanes import Lanes
from verifier.service.pacing_groups import PacingGroups
from verifier.service.probing import Ahead, Equipment, Probed, Target, Timeouts

Record = Callable[[Sequence[tuple[Target, Probed]]], Awaitable[None]]
IDENTITY = Identity("probe.example.org", "probe@example.org")
A_DAY = 86_400.0


def hosts_at(*places: tuple[str, int, str]) -> tuple[MailHost, ...]:
    """Mail hosts as (name, preference, address)."""
    return tuple(MailHost(name, preference, (address,)) for name, preference, address in places)


ONE_HOST = hosts_at(("mx.example", 10, "192.0.2.1"))


class Bench:
    """Lanes with a clock that the test moves; a context, so that no task outlives a test."""

    def __init__(
        self,
        hosts: dict[str, Host] | Host,
        *,
        sessions: int = 2,
        connections: int = 500,
        timeouts: Timeouts | None = None,
        clock: FakeClock | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.host = hosts if isinstance(hosts, Host) else next(iter(hosts.values()))
        self.dialer = MemoryDialer({"192.0.2.1": hosts} if isinstance(hosts, Host) else hosts, self.clock)
        self.faults: list[BaseException] = []
        self.recorded: list[list[tuple[str, Probed]]] = []
        self.groups = PacingGroups(
            self.clock, pacer or MemoryPacer(self.clock), default_sessions=sessions, connections=connections
        )
        equipment = Equipment(self.dialer, shipped_rules(), self.clock, IDENTITY, timeouts or Timeouts())
        self.lanes = Lanes(equipment, self.groups, self.faults.append)

    async def __aenter__(self) -> "Bench":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.lanes.close()

    async def record(self, results: Sequence[tuple[Target, Probed]]) -> None:
        await asyncio.sleep(0)
        self.recorded.append([(target.path, probed) for target, probed in results])

    def target(
        self,
        path: str,
        *,
        hosts: tuple[MailHost, ...] = ONE_HOST,
        provider: Provider | None = None,
        accepts_all: bool | None = None,
        control_wanted: bool = False,
        source: str = "list",
        interactive: bool = False,
        record: Record | None = None,
        complete: bool = True,
        keep_transcript: bool = False,
        ahead: Ahead | None = None,
    ) -> Target:
        return Target(
            key=path,
            path=path,
            domain=path.rpartition("@")[2],
            smtputf8=not path.isascii(),
            route=MailRoute(RouteStatus.FOUND, hosts, at(0), at(A_DAY), complete=complete),
            provider=provider,
            accepts_all=accepts_all,
            control_wanted=control_wanted,
            source=source,
            interactive=interactive,
            record=record or self.record,
            future=asyncio.get_running_loop().create_future(),
            keep_transcript=keep_transcript,
            ahead=ahead,
        )

    async def probe(self, targets: Sequence[Target]) -> list[Probed]:
        """Submit and let time pass until everybody knows."""
        self.lanes.submit(targets)
        await self.until_done(targets)
        return [target.future.result() for target in targets]

    async def until_done(self, targets: Sequence[Target], patience: float = 7 * A_DAY) -> None:
        """Let time pass until all futures are done; a standstill is a failure."""
        await self.until(lambda: all(target.future.done() for target in targets), patience)

    async def until(self, holds: Callable[[], bool], patience: float = 7 * A_DAY) -> None:
        end = self.clock.monotonic() + patience
        quiet = 0
        while not holds():
            for _ in range(20):
                await asyncio.sleep(0)
                if holds():
                    return
            wake_up = self.clock.next_wake_up()
            if wake_up is None:
                quiet += 1
                assert quiet < 50, "nothing moves any more, and somebody still waits"
                continue
            quiet = 0
            assert wake_up <= end, "somebody waits for longer than it may take"
            self.clock.move(max(0.0, wake_up - self.clock.monotonic()))


async def submit_and_wait(bench: Bench, paths: Sequence[str], **options: object) -> dict[str, Probed]:
    """The outcome by path."""
    targets = [bench.target(path, **options) for path in paths]  # type: ignore[arg-type]
    return dict(zip(paths, await bench.probe(targets), strict=True))
