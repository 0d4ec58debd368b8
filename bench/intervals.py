"""Whether the bounds of a projected hard-bounce rate hold what they promise, against the mail world's own truth.

Of a world's list one half is mailed and calibrates the risks; the other half is planned, as the balanced policy has it.
Does the 95 % interval of the projection hold the share of mail of that half that is really refused for good? Once for
each of 100 fresh seeds, on the whole and for each reason. Verdicts are those that a patient prober finds; what becomes
of a mail is what the mailbox is. No connection is made.

    python -m bench.intervals [--seeds 100] [--first 1000] [--rows 130000] [--unknown-rate 0.1]
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from verifier.adapters.data_files import load_risks, shipped_folder
from verifier.core.calibration import Seen, calibrate, evidence_of
from verifier.core.projection import Evidence, Group, Projection, Tally
from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.core.verdict import BounceRisks
from verifier.world import World
from verifier.world.host_kinds import HOST_KINDS
from verifier.world.truth import Mailbox

LEAST_HELD, MOST_WIDTH = 0.88, 0.01
_LEFT_OUT = (Reason.DISPOSABLE, Reason.GREYLISTED, Reason.SMTP_TEMP_ERROR, Reason.CONNECT_FAILED, Reason.SMTP_TIMEOUT)
_HARD = (Mailbox.UNKNOWN, Mailbox.DISABLED)
_ENOUGH = 100
"""Planned rows of a reason from which on its own bounds are looked at."""


class Mailed(Struct, frozen=True):
    """An address that the policy lets through: why, at whose hosts, and whether mail to it bounces hard."""

    reason: Reason
    provider: str
    hard: bool


class Found(Struct, frozen=True):
    """One seed: the projection of the planned half and its true rate, on the whole ("") and by reason."""

    rows: int
    projections: dict[str, tuple[Projection, float]]


def mailed(world: World, size: int) -> Iterator[Mailed]:
    """The rows of the world's list that would be planned, each address once."""
    seen: set[str] = set()
    for row in world.rows(size):
        if row.address is None or row.address in seen:
            continue
        seen.add(row.address)
        local, _, domain = row.address.rpartition("@")
        site = world.site(domain)
        reason = row.truth(world).reasons[0]
        if site is None or site.kind is None or reason in _LEFT_OUT or verdict_of(reason) is Verdict.UNDELIVERABLE:
            continue
        state = world.mailbox(HOST_KINDS[site.kind], local, site.domain)
        yield Mailed(reason, site.kind, state in _HARD)


def held_out(world: World, size: int, prior: BounceRisks) -> Found:
    """Every second row is mailed before, the others are planned on what came of it."""
    seen: dict[Group, Counter[bool]] = defaultdict(Counter)
    planned: dict[Group, Counter[bool]] = defaultdict(Counter)
    for number, each in enumerate(mailed(world, size)):
        (planned if number % 2 else seen)[each.reason, each.provider][each.hard] += 1
    calibration = calibrate(prior, [Seen(r, p, c.total(), c[True], 0.0) for (r, p), c in seen.items()])
    return projected(planned, calibration.risks, evidence_of(calibration))


def projected(planned: Mapping[Group, Counter[bool]], risks: BounceRisks, evidence: Mapping[Group, Evidence]) -> Found:
    """What is foretold of these rows, beside what became of them."""
    tally = Tally({})
    rows, hard = Counter[str](), Counter[str]()
    for (reason, provider), counts in planned.items():
        tally.add(reason, provider, risks.risk(Reason(reason), provider), counts.total())
        for name in ("", reason):
            rows[name] += counts.total()
            hard[name] += counts[True]
    return Found(
        rows[""],
        {name: (tally.projection(evidence, name or None), hard[name] / rows[name]) for name in rows},
    )


def report(found: Sequence[Found]) -> bool:
    """A line for the whole and one for each reason; whether all is as promised."""
    by_name: dict[str, list[tuple[int, Projection, float]]] = defaultdict(list)
    for each in found:
        for name, (projection, truth) in each.projections.items():
            if not name or projection.rows >= _ENOUGH:
                by_name[name].append((projection.rows, projection, truth))
    good = True
    print("| of | planned rows | seeds | held | mean width | true rate | foretold |\n|---|---|---|---|---|---|---|")
    for name, cases in sorted(by_name.items(), key=lambda item: (item[0] != "", -len(item[1]), item[0])):
        held = sum(p.at_least <= truth <= p.at_most for _, p, truth in cases)
        width = sum(p.at_most - p.at_least for _, p, _ in cases) / len(cases)
        figures = [sum(part) / len(cases) for part in zip(*((n, t, p.rate) for n, p, t in cases), strict=True)]
        good &= held >= LEAST_HELD * len(cases) and (bool(name) or width <= MOST_WIDTH)
        print(
            f"| {name or 'everybody'} | {figures[0]:,.0f} | {len(cases)} | {held} | {width:.2%} | {figures[1]:.2%} |"
            f" {figures[2]:.2%} |"
        )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=130_000)
    parser.add_argument("--unknown-rate", type=float, default=0.1)
    given = parser.parse_args()
    prior = load_risks(shipped_folder())
    seeds = range(given.first, given.first + given.seeds)
    return 0 if report([held_out(World(s, unknown_rate=given.unknown_rate), given.rows, prior) for s in seeds]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
