"""What bench/peers.py prints: one program's run beside another's, as tables in Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.peer_answers import EXISTING, Answer, Said, Standing, false_invalid, read_with_care, score, words
from verifier.world.process import Report

_WORDS_MAX = 76


class Run(NamedTuple):
    """One program's way with one list: its answers in the list's order, the seconds, and what the world's hosts saw."""

    name: str
    answers: list[Said]
    seconds: float
    seen: Report

    @property
    def answered(self) -> int:
        return sum(said.answer is not Answer.UNREACHED for said in self.answers)


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table as Markdown."""
    print("\n| " + " | ".join(heading) + " |\n|" + "---|" * len(heading))
    for row in rows:
        print("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |")
    print(flush=True)


def speed(runs: Iterable[Run]) -> None:
    table(
        ("way", "answered", "seconds", "addresses a second", "connections", "DNS questions"),
        (
            (
                run.name,
                f"{run.answered:,} of {len(run.answers):,}",
                f"{run.seconds:.1f}",
                f"{run.answered / run.seconds:,.1f}",
                run.seen.total.connections,
                run.seen.questions,
            )
            for run in runs
        ),
    )


def mistakes(runs: Iterable[Run], true: Sequence[Standing]) -> None:
    """Each run's answers against the truth."""
    rows = []
    for run in runs:
        found = score((said.answer, place) for said, place in zip(run.answers, true, strict=True))
        bad = found.false_invalid.total()
        by_standing = (found.false_invalid[place] for place in EXISTING)
        share = f"{bad:,} ({bad / found.existing:.1%})"
        rows.append((run.name, share, *by_standing, found.false_valid, found.unproven, found.unknown, found.lost))
    by = (f"of those {place}" for place in EXISTING)
    table(("way", "false invalid", *by, "false valid", "valid, unproven", "unknown", "no answer"), rows)


def with_care(run: Run) -> Run:
    """The same run, its answers read by a careful caller."""
    return run._replace(name=f"{run.name}, read with care", answers=[read_with_care(said) for said in run.answers])


def answers_by_standing(runs: Sequence[Run], true: Sequence[Standing]) -> None:
    """What was said of the good, the unseen, the dead …: valid / risky / invalid / unknown."""
    said = (Answer.VALID, Answer.RISKY, Answer.INVALID, Answer.UNKNOWN)
    rows = []
    for place in Standing:
        row: list[object] = [place.value, true.count(place)]
        for run in runs:
            counts = Counter(s.answer for s, t in zip(run.answers, true, strict=True) if t is place)
            row.append(" / ".join(f"{counts[answer]:,}" for answer in said))
        rows.append(row)
    table(("truth", "addresses", *(run.name for run in runs)), rows)


def false_invalid_by_personality(runs: Sequence[Run], true: Sequence[Standing], personalities: Sequence[str]) -> None:
    """Who called existing mailboxes bad at which kind of domain, and with which words most often (the others').

    Full mailboxes and international addresses are kinds of their own, wherever they are.
    """
    kinds = [
        f"any, {place}" if place in (Standing.FULL, Standing.INTERNATIONAL) else personality
        for place, personality in zip(true, personalities, strict=True)
    ]
    existing = Counter(kind for kind, place in zip(kinds, true, strict=True) if place in EXISTING)
    bad: dict[str, list[Counter[str]]] = {kind: [Counter() for _ in runs] for kind in existing}
    for number, run in enumerate(runs):
        for said, kind, place in zip(run.answers, kinds, true, strict=True):
            if false_invalid(said.answer, place):
                bad[kind][number][words(said)] += 1
    worst = sorted(bad, key=lambda kind: (-sum(counts.total() for counts in bad[kind]), kind))
    names = [run.name for run in runs]
    table(
        ("domains", "existing", *names, *(f"{name} says" for name in names[1:])),
        (
            (kind, existing[kind], *(counts.total() for counts in bad[kind]), *map(_quoted, bad[kind][1:]))
            for kind in worst
            if any(bad[kind])
        ),
    )
    spared = sorted(kind for kind in bad if not any(bad[kind]))
    print("No existing mailbox was called invalid at: " + ", ".join(spared), flush=True)


def _quoted(counts: Counter[str]) -> str:
    """The words said most often, shortened, made safe for a table."""
    if not counts:
        return ""
    text = counts.most_common(1)[0][0].replace("|", "\\|")
    return f"`{text if len(text) <= _WORDS_MAX else text[:_WORDS_MAX] + '…'}`"
