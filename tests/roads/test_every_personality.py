"""A list that holds every kind of domain, cleaned in worlds whose networks are as they should be, and as they are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.roads.worlds import list_text, quick_world, untouched, wrong_rows, wrongly_removed
from tests.support.command import Command, Finished, rows_of
from tests.support.hasty import HASTY
from verifier.core.reasons import Verdict
from verifier.world import PERSONALITIES, Egress, Honesty, World
from verifier.world.process import WorldProcess

ROWS = 420
WORLDS = {
    "open": quick_world(40),
    "open, another seed": quick_world(39, hosts=5, domains=200, unknown_rate=0.3),
    "blocked": quick_world(42, egress=Egress.BLOCKED),
    "intercepted": quick_world(43, egress=Egress.INTERCEPTED),
    "search page": quick_world(44, honesty=Honesty.SEARCH_PAGE),
    "nothing exists": quick_world(45, honesty=Honesty.NXDOMAIN),
}
SAID = {
    ("blocked", "en"): ("Port 25 is closed", "Three ways", "no fault found (mailbox not asked)", "proved bad"),
    ("blocked", "fr"): ("Le port 25 est fermé", "Trois moyens", "aucun défaut trouvé", "prouvées mauvaises"),
    ("intercepted", "en"): ("answers in the place of every mail server", "no fault found (mailbox not asked)"),
    ("intercepted", "fr"): ("répond à la place de tous les serveurs", "aucun défaut trouvé", "Trois moyens"),
    ("search page", "en"): ("The DNS resolver gives false answers", "VERIFIER_DNS_NAMESERVERS"),
    ("search page", "fr"): ("Le résolveur DNS donne de fausses réponses", "VERIFIER_DNS_NAMESERVERS"),
    ("nothing exists", "en"): ("The DNS resolver gives false answers",),
    ("nothing exists", "fr"): ("Le résolveur DNS donne de fausses réponses",),
}
LANGUAGES = {"en": "en_GB.UTF-8", "fr": "fr_FR.UTF-8"}


class Visit:
    """What came of cleaning one world's list: the whole file, then only the sendable rows, in French."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.given = list_text(world, ROWS)
        with WorldProcess(world) as running:
            command = Command(folder, running.environment, module=HASTY)
            source = command.write("list.csv", self.given)
            self.whole = command.run("clean", source, "--max-wait", "20s", LANG=LANGUAGES["en"])
            kept = ("--keep", "sendable", "-o", "sendable.csv", "--max-wait", "0")
            self.sendable = command.run("clean", source, *kept, LANG=LANGUAGES["fr"])
        self.cleaned = (folder / "list.clean.csv").read_text(encoding="utf-8")
        self.kept = (folder / "sendable.csv").read_text(encoding="utf-8")

    def said(self, language: str) -> Finished:
        return self.whole if language == "en" else self.sendable


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Visit]]:
    """All worlds, three at a time: most of it is waiting."""
    with ThreadPoolExecutor(3) as pool:
        begun = {name: pool.submit(Visit, world, tmp_path_factory.mktemp("visit")) for name, world in WORLDS.items()}
        yield {name: visit.result() for name, visit in begun.items()}


def test_the_list_holds_every_personality() -> None:
    """No kind of domain that customers have is left out."""
    listed = {name for name, personality in PERSONALITIES.items() if personality.listed}
    for world in WORLDS.values():
        assert listed == {row.personality for row in world.rows(ROWS)}


@pytest.mark.parametrize("name", WORLDS)
def test_every_verdict_is_true(visits: dict[str, Visit], name: str) -> None:
    """Whatever the network does, each row's reason is one of those that are right there, and the command succeeds."""
    visit = visits[name]
    assert (visit.whole.code, wrong_rows(visit.world, visit.cleaned)) == (0, []), visit.whole.err


@pytest.mark.parametrize("name", WORLDS)
def test_nothing_is_wrongly_removed(visits: dict[str, Visit], name: str) -> None:
    """Undeliverable is only what an honest, open network would prove to be so."""
    assert wrongly_removed(visits[name].world, visits[name].cleaned) == []


@pytest.mark.parametrize("name", WORLDS)
def test_every_row_stays_as_it_was(visits: dict[str, Visit], name: str) -> None:
    """No row is lost, added or moved, and no cell of the customer's is changed."""
    assert untouched(visits[name].given, visits[name].cleaned) == []


@pytest.mark.parametrize("name", WORLDS)
def test_sendable_is_a_useful_file(visits: dict[str, Visit], name: str) -> None:
    """It keeps, in order, the addresses that nothing speaks against, and nothing that is proved bad."""
    visit = visits[name]
    kept, ids = [row["id"] for row in rows_of(visit.kept)], [row["id"] for row in rows_of(visit.cleaned)]
    assert kept == [number for number in ids if number in set(kept)]
    assert Verdict.UNDELIVERABLE.value not in {row["ev_verdict"] for row in rows_of(visit.kept)}
    assert "disposable" not in {row["ev_reason"] for row in rows_of(visit.kept)}
    assert len(kept) > ROWS // 3


@pytest.mark.parametrize(("name", "language"), SAID)
def test_the_summary_says_what_happened(visits: dict[str, Visit], name: str, language: str) -> None:
    """A marketer reads what went wrong and what to do, in the language of the terminal."""
    said = " ".join(visits[name].said(language).err.split())
    assert [words for words in SAID[name, language] if words not in said] == [], said


def test_a_closed_port_is_said_at_once(tmp_path: Path) -> None:
    """Within 10 seconds of the start, not at the end; nothing else is waited for."""
    world = WORLDS["blocked"]
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment)
        source = command.write("list.csv", list_text(world, 2000))
        with command.start("clean", source, LANG=LANGUAGES["fr"]) as clean:
            assert clean.wait_until_said("Le port 25 est fermé") < 10
            assert clean.wait().seconds < 20
