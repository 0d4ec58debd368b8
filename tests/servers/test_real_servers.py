"""Lists against Debian's own Postfix, Exim, OpenSMTPD and postgrey: right, complete, and polite by their own logs."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.servers.town import FEW, MANY, SESSIONS, SOME, Town, Visit, open_town
from tests.support.debian_root import UNPACKED

RATES = (0.0, 0.1, 0.3)
SIZES = {"postfix": MANY, "exim": MANY, "opensmtpd": SOME, "terse": FEW, "tls": FEW}
"""Rows at each server; OpenSMTPD is asked one by one, so that some are enough to see each of its connections."""
GREY = "grey"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture(scope="module")
def visits(town: Town, tmp_path_factory: pytest.TempPathFactory) -> dict[float, Visit]:
    """One list for each share of unknown users, one after the other: each in a data folder of its own."""
    return {
        rate: Visit(
            town,
            tmp_path_factory.mktemp("visit"),
            [row for name, size in SIZES.items() for row in town.rows(name, size, rate)],
        )
        for rate in RATES
    }


@pytest.fixture(scope="module")
def grey_visit(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return Visit(town, tmp_path_factory.mktemp("grey"), town.rows(GREY, FEW * 2, 0.1), "--max-wait", "60s")


@pytest.mark.parametrize("rate", RATES)
def test_every_verdict_is_true(visits: dict[float, Visit], rate: float) -> None:
    """Whoever is there is deliverable, whoever is not undeliverable, and where everybody is nobody is proved."""
    visit = visits[rate]
    assert (visit.finished.code, visit.wrong) == (0, []), visit.finished.err


@pytest.mark.parametrize("rate", RATES)
def test_no_row_is_lost_or_moved(visits: dict[float, Visit], rate: float) -> None:
    """Every row in is one row out, in its place."""
    visit = visits[rate]
    assert [row.email for row in visit.rows] == [found["email"] for found in visit.cleaned]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SIZES)
def test_everybody_is_answered_once(visits: dict[float, Visit], name: str, rate: float) -> None:
    """By the server's log each address is asked for until it was answered, then no more; one control a domain, and its
    postmaster at most once.
    """
    visit = visits[rate]
    listed, domains = {row.email for row in visit.rows}, visit.domains(name)
    answered, unheard = visit.seen[name].answered, visit.seen[name].unheard
    assert {path for path in listed if path.partition("@")[2] in domains} == listed & set(answered)
    assert [] == [path for path, times in answered.items() if times > (2 if path in unheard else 1)]
    unlisted = [path for path in answered.elements() if path not in listed]
    postmasters = [path for path in unlisted if path.startswith("postmaster@")]
    assert len(postmasters) == len(set(postmasters))
    controls = Counter(path.partition("@")[2] for path in unlisted if path not in postmasters)
    assert dict.fromkeys(domains, 1) == controls


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", SIZES)
def test_it_is_polite(visits: dict[float, Visit], name: str, rate: float) -> None:
    """Never more sessions than allowed, on nine connections of ten at most ten rejects (on all but one, where there are
    fewer than ten), never twenty; no DATA, and nothing that the server complains of.
    """
    seen = visits[rate].seen[name]
    assert seen.most_open <= SESSIONS
    assert max(seen.rejects) < 20
    assert sum(rejects > 10 for rejects in seen.rejects) <= max(1, len(seen.rejects) / 10)
    assert [] == seen.complaints


def test_greylisting_is_waited_for(grey_visit: Visit) -> None:
    """Behind postgrey everybody is found out in the second round, and the control too: a catch-all is seen as one."""
    assert (grey_visit.finished.code, grey_visit.wrong) == (0, []), grey_visit.finished.err


def test_greylisting_is_not_hurried(grey_visit: Visit) -> None:
    """Nobody is asked more than twice, unknown users once, and a greylisted control is asked for by the same name."""
    asked = grey_visit.seen[GREY].asked
    listed = {row.email: row for row in grey_visit.rows}
    twice = {path for path, row in listed.items() if row.verdict != "undeliverable"}
    assert {path: 2 if path in twice else 1 for path in listed} == {p: n for p, n in asked.items() if p in listed}
    controls = {path: times for path, times in asked.items() if path not in listed}
    assert Counter(path.partition("@")[2] for path in controls) == dict.fromkeys(grey_visit.domains(GREY), 1)
    assert max(controls.values()) == 2


def test_greylisting_is_polite(grey_visit: Visit) -> None:
    """Every 450 counts as a reject, and they are within what the server bears."""
    seen = grey_visit.seen[GREY]
    assert (seen.most_open <= SESSIONS, max(seen.rejects) < 20, seen.complaints) == (True, True, [])


def test_the_folder_is_left_as_it_was(town: Town) -> None:
    """The servers run in copies: what was unpacked holds no spool, log or user of a run."""
    assert all(not (UNPACKED / name / "etc/passwd").exists() for name in ("postfix", "exim4-daemon-light", "opensmtpd"))
