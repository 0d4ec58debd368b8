"""Two processes and one pacer: the hosts see no more than one process would show them, and everybody is answered."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from tests.support.clock import FakeClock
from tests.support.mail_host import Host, mailboxes
from tests.support.probing import Bench, hosts_at
from verifier.adapters.memory_pacer import MemoryPacer
from verifier.core.providers import Provider
from verifier.core.sharing import Rate
from verifier.ports import Lease, Standing
from verifier.service.probing import Target

KNOWN = mailboxes([f"u{number}" for number in range(1000) if number % 5])


class EndingPacer(MemoryPacer):
    """Its leases end after so many seconds, as they do when Redis has gone."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        super().__init__(clock)
        self._fake = clock
        self._seconds = seconds

    async def acquire(self, group: str, limit: int) -> Lease | float:
        answer = await super().acquire(group, limit)
        if isinstance(answer, Lease):
            answer.ends = self._fake.monotonic() + self._seconds
        return answer


class WantedPacer(MemoryPacer):
    """Somebody else always waits."""

    async def take(self, group: str, rate: Rate, count: int = 1, *, scope: str = "") -> Standing:
        return Standing((await super().take(group, rate, count, scope=scope)).pause, contended=True)


def paths(count: int, prefix: str = "u") -> list[str]:
    return [f"{prefix}{number}@a.example" for number in range(count)]


async def test_two_processes_keep_one_limit() -> None:
    """Never more connections than the group bears, whichever process opens them; nobody is lost or asked twice."""
    clock, host = FakeClock(), Host(rcpt=KNOWN)
    pacer = MemoryPacer(clock)
    async with AsyncExitStack() as stack:
        benches = [await stack.enter_async_context(Bench(host, clock=clock, pacer=pacer)) for _ in range(2)]
        waiting: list[Target] = []
        for number, bench in enumerate(benches):
            targets = [bench.target(path) for path in paths(500)[number::2]]
            bench.lanes.submit(targets)
            waiting += targets
        await benches[0].until_done(waiting)
    assert host.most_open == 2
    assert Counter(host.asked) == Counter(paths(500))
    assert [bench.faults for bench in benches] == [[], []]


async def test_whoever_waits_is_served_when_a_lease_is_free_again() -> None:
    """Lanes of one group wait in their order for what another process holds, and each gets its session."""
    clock, pacer = FakeClock(), MemoryPacer(FakeClock())
    hosts = {f"192.0.2.{number}": Host(rcpt=KNOWN) for number in range(1, 6)}
    async with Bench(hosts, clock=clock, pacer=pacer) as bench:
        elsewhere = [await pacer.acquire("192.0.2.0/24", 2) for _ in range(2)]
        targets = [
            bench.target(f"u1@d{number}.example", hosts=hosts_at((f"mx{number}.example", 10, f"192.0.2.{number}")))
            for number in range(1, 6)
        ]
        bench.lanes.submit(targets)
        for _ in range(20):
            clock.move(1.0)
            for _ in range(20):
                await asyncio.sleep(0)
        assert [host.asked for host in hosts.values()] == [[]] * 5
        assert isinstance(elsewhere[0], Lease)
        await pacer.release(elsewhere[0])
        await bench.until_done(targets)
        assert [address for address, _ in bench.dialer.dialled] == list(hosts)


async def test_people_come_first_when_a_lease_is_free_again() -> None:
    """Whoever cannot wait overtakes the lists, also where everybody waits for another process."""
    clock, pacer = FakeClock(), MemoryPacer(FakeClock())
    hosts = {f"192.0.2.{number}": Host(rcpt=KNOWN) for number in (1, 2, 3)}
    async with Bench(hosts, clock=clock, pacer=pacer, sessions=1) as bench:
        elsewhere = await pacer.acquire("192.0.2.0/24", 1)
        assert isinstance(elsewhere, Lease)
        targets = [
            bench.target(
                f"u1@d{number}.example",
                hosts=hosts_at((f"mx{number}.example", 10, f"192.0.2.{number}")),
                interactive=number == 3,
            )
            for number in (1, 2, 3)
        ]
        for target in targets:
            bench.lanes.submit([target])
            for _ in range(20):
                await asyncio.sleep(0)
        await pacer.release(elsewhere)
        await bench.until_done(targets)
        assert [address for address, _ in bench.dialer.dialled] == ["192.0.2.3", "192.0.2.1", "192.0.2.2"]


async def test_a_session_ends_with_its_lease() -> None:
    """No connection outlives the right to it, none is begun that might, and whoever was not answered is asked again."""
    assert callable(KNOWN)
    clock, answer = FakeClock(), KNOWN
    host = Host(rcpt=lambda visit, path: f"7~{answer(visit, path)}")
    async with Bench(host, clock=clock, pacer=EndingPacer(clock, 24.0), sessions=1) as bench:
        targets = [bench.target(path) for path in paths(60)]
        bench.lanes.submit(targets)
        until: dict[int, float] = {}
        while not all(target.future.done() for target in targets):
            await bench.until(lambda: clock.sleeping > 0)
            wake_up = clock.next_wake_up()
            assert wake_up is not None
            clock.move(max(0.0, wake_up - clock.monotonic()))
            for _ in range(40):
                await asyncio.sleep(0)
            for number, visit in enumerate(host.visits):
                if not visit.closed:
                    until[number] = clock.monotonic()
    assert round(max(until[number] - host.visits[number].opened for number in until), 6) <= 24.0
    results = [target.future.result().finding.code for target in targets]
    assert results == [250 if number % 5 else 550 for number in range(60)]
    assert host.most_open == 1


async def test_a_session_is_given_up_to_another_process() -> None:
    """Where another process waits, a session ends after its connection, however much is left to ask."""
    clock, host = FakeClock(), Host(rcpt=KNOWN)
    pacer = WantedPacer(clock)
    released: list[int] = []
    release = pacer.release

    async def noted(lease: Lease) -> None:
        released.append(len(host.visits))
        await release(lease)

    pacer.release = noted  # type: ignore[method-assign]
    async with Bench(host, clock=clock, pacer=pacer, sessions=1) as bench:
        await bench.probe([bench.target(path) for path in paths(300)])
        await bench.lanes.close()
    assert len(host.visits) > 3
    assert released == list(range(1, len(host.visits) + 1))


async def test_what_one_met_the_other_heeds() -> None:
    """A host that dislikes us is left alone by everybody, and each of their mailboxes gets the finding."""
    clock, host = FakeClock(), Host(banner="554 5.7.1 Your IP is blocked")
    pacer, provider = MemoryPacer(clock), Provider(name="p", share_tenants=True)
    async with (
        Bench(host, clock=clock, pacer=pacer) as one,
        Bench({"192.0.2.1": host, "192.0.2.9": host}, clock=clock, pacer=pacer) as two,
    ):
        (first,) = await one.probe([one.target("u1@a.example", provider=provider)])
        elsewhere = hosts_at(("mx9.example", 10, "192.0.2.9"))
        (same, sibling) = await two.probe(
            [
                two.target("u2@a.example", provider=provider),
                two.target("u3@b.example", provider=provider, hosts=elsewhere),
            ]
        )
    assert len(host.visits) == 1
    assert same.finding == sibling.finding
    assert (first.finding.code, same.finding.code) == (554, 554)


async def test_recipients_a_minute_are_of_both() -> None:
    """A provider's minute is one minute, however many ask."""
    clock, host = FakeClock(), Host(rcpt=KNOWN)
    pacer, provider = MemoryPacer(clock), Provider(name="p", recipients_per_minute=60, sessions=2)
    async with (
        Bench(host, clock=clock, pacer=pacer) as one,
        Bench(host, clock=clock, pacer=pacer) as two,
    ):
        targets = [
            bench.target(path, provider=provider)
            for bench, prefix in ((one, "a"), (two, "b"))
            for path in paths(60, prefix)
        ]
        one.lanes.submit(targets[:60])
        two.lanes.submit(targets[60:])
        await one.until_done(targets)
    assert clock.monotonic() >= (120 - 10) / 60 * 60
