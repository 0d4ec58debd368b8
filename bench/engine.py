"""Processor time a probed address takes in the engine by itself: hosts in memory, neither sockets nor a network.

    python bench/engine.py [--addresses 50000] [--profile FILE]

Lanes, sessions, dialogues, the reading of replies, controls, pacing and the handing out of answers, all as they are;
only the wire is a stand-in that answers in the words of Postfix. With 0, 10 and 30 % unknown users over 50 hosts, and
with 10 % over 2,000 hosts with 19 addresses of four domains each. What a whole process needs beside it, sockets first,
is in bench/probe.py.
"""

import argparse
import asyncio
import cProfile
import gc
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.targets import target  # noqa: E402
from verifier.__main__ import YOUNG  # noqa: E402
from verifier.adapters.memory_pacer import MemoryPacer  # noqa: E402
from verifier.adapters.reply_rule_file import shipped_rules  # noqa: E402
from verifier.adapters.system_clock import SystemClock  # noqa: E402
from verifier.core.dialogue_events import Identity  # noqa: E402
from verifier.core.facts import MailHost, MailRoute, RouteStatus  # noqa: E402
from verifier.core.replies import ReplyClass  # noqa: E402
from verifier.service import pacing_groups  # noqa: E402
from verifier.service.lanes import Lanes  # noqa: E402
from verifier.service.pacing_groups import PacingGroups  # noqa: E402
from verifier.service.probing import Equipment, Target, Timeouts  # noqa: E402

MOST_CPU = 40.0
_CONNECTIONS = 500
_SESSIONS = 4
_NO_PAUSE = 100_000
"""Connections a second that a host bears: in memory nobody is spared."""


class Case(NamedTuple):
    """So many hosts with so many addresses each, of so many domains a host, `unknown` of them unknown."""

    unknown: float
    hosts: int
    each: int
    domains: int


class Wire:
    """A connection to a host that knows everybody whose name begins with `u`, in Postfix's words."""

    def __init__(self) -> None:
        self._said = [b"220 mx.example ESMTP Postfix\r\n"]

    def send(self, data: bytes) -> None:
        self._said.append(b"".join(map(_answer, data.split(b"\r\n")[:-1])))

    async def receive(self, timeout: float) -> bytes:
        await asyncio.sleep(0)
        return self._said.pop(0) if self._said else b""

    async def start_tls(self, server_name: str, timeout: float) -> None:
        raise ConnectionError("nobody offered it")

    def close(self) -> None:
        self._said.clear()


class Wires:
    """Whoever is called answers."""

    async def dial(self, address: str, *, pin: str, timeout: float) -> Wire:
        return Wire()


def _answer(line: bytes) -> bytes:
    match line[:4]:
        case b"RCPT" if line.startswith(b"RCPT TO:<u"):
            return b"250 2.1.5 Ok\r\n"
        case b"RCPT":
            return b"550 5.1.1 %b: Recipient address rejected: User unknown in virtual mailbox table\r\n" % line[8:]
        case b"EHLO":
            return (
                b"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ENHANCEDSTATUSCODES\r\n"
                b"250-8BITMIME\r\n250 SMTPUTF8\r\n"
            )
        case b"QUIT":
            return b"221 2.0.0 Bye\r\n"
        case _:
            return b"250 2.0.0 Ok\r\n"


def _targets(case: Case, clock: SystemClock) -> list[Target]:
    now = clock.now()
    targets: list[Target] = []
    for number in range(case.hosts):
        host = MailHost(f"mx{number}.example", 10, (f"192.{number // 250}.{number % 250}.1",))
        route = MailRoute(RouteStatus.FOUND, (host,), now, now + timedelta(hours=1))
        for place in range(case.each):
            unknown = (len(targets) * 7919) % 1000 < 1000 * case.unknown
            path = f"{'x' if unknown else 'u'}{place}@d{place % case.domains}.h{number}.example"
            targets.append(target(path, route))
    return targets


async def cost(case: Case) -> tuple[float, float]:
    """Microseconds of processor time an address, and a recipient that was named, the controls among them; every answer
    is checked.
    """

    def fail(fault: BaseException) -> None:
        raise fault

    clock = SystemClock()
    rules = shipped_rules()
    equipment = Equipment(Wires(), rules, clock, Identity("probe.example.org", "probe@example.org"), Timeouts())
    groups = PacingGroups(clock, MemoryPacer(clock), default_sessions=_SESSIONS, connections=_CONNECTIONS)
    lanes = Lanes(equipment, groups, fail)
    targets = _targets(case, clock)
    begun = time.process_time()
    lanes.submit(targets)
    await asyncio.wait([each.future for each in targets])
    spent = time.process_time() - begun
    await lanes.close()
    for each in targets:
        wanted = ReplyClass.ACCEPTED if each.path.startswith("u") else ReplyClass.MAILBOX_NOT_FOUND
        assert each.future.result().finding.reply_class is wanted, each.path
    return 1e6 * spent / len(targets), 1e6 * spent / (len(targets) + case.hosts * case.domains)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", type=Path, help="where a profile of the last case goes (cProfile)")
    given = parser.parse_args()
    gc.set_threshold(YOUNG)
    pacing_groups.CONNECTIONS_A_SECOND_PER_SESSION = _NO_PAUSE
    few = [Case(unknown, 50, given.addresses // 50, 2) for unknown in (0.0, 0.1, 0.3)]
    cases = [*few, Case(0.1, given.addresses // 25, 19, 4)]
    worst = 0.0
    for case in cases:
        best = min(uvloop.run(cost(case)) for _ in range(given.runs))
        worst = max(worst, best[1])
        print(
            f"{case.hosts:,} hosts, {case.each:,} addresses each, {case.unknown:.0%} unknown: "
            f"{best[0]:.1f} µs an address, {best[1]:.1f} a recipient"
        )
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(uvloop.run, cost(cases[-1]))
        profile.dump_stats(given.profile)
    sys.exit(0 if worst <= MOST_CPU else 1)


if __name__ == "__main__":
    main()
