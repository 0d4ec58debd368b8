"""`verifier check` as people and programs use it, alone and beside a running `clean`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.roads.worlds import quick_world
from tests.support.command import Command
from verifier.core.reasons import Reason, verdict_of
from verifier.world.process import WorldProcess

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Command]:
    """A data folder in which a `clean` waits for greylisted rows, for as long as the test takes."""
    world = quick_world(35, grey_delay=600)
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment)
        command.write("grey.csv", f"email\nann@{world.domain('greylist')}\n")
        with command.start("clean", "grey.csv", "--max-wait", "2h") as clean:
            clean.wait_until_said("Ctrl-C")
            yield command
            assert clean.running


def test_a_record_has_the_contracts_shape(inside: Command, town: WorldProcess) -> None:
    """--json: the keys of the contract in their order, and nothing else, for an address that was asked."""
    documented = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    start = documented.index('{"email":')
    example = json.loads(documented[start : documented.index("```", start)])
    finished = inside.run("check", "--json", f"info@{town.world.domain('exim')}")
    record = json.loads(finished.out)
    assert (finished.code, finished.err) == (0, "")
    assert list(example) == list(record)
    assert list(example["flags"]) == list(record["flags"])
    assert list(example["smtp"]) == list(record["smtp"])
    said = [record[name] for name in ("verdict", "reason", "source", "stages")]
    assert said == ["deliverable", "accepted", "live", ["syntax", "disposable", "mx", "smtp"]]
    assert {name: value for name, value in record["flags"].items() if value} == {"role": True}


def test_a_table_for_people(inside: Command, town: WorldProcess) -> None:
    """Address, verdict, why, and the evidence, on stdout; nobody has to know SMTP."""
    domain = town.world.domain("postfix")
    finished = inside.run("check", f"info@{domain}", f"jkesvora48tnl@{domain}", "jane@gmail.con", "nope")
    said = " ".join(finished.out.split())
    wanted = ("accepted", "mailbox_not_found", "domain_not_found", "invalid_syntax", "jane@gmail.com", "5.1.1")
    assert (finished.code, finished.err, [words for words in wanted if words not in said]) == (0, "", [])


def test_test_addresses_need_no_network(offline: Command) -> None:
    """`<reason>@verifier.test` gives every reason's verdict, at once."""
    finished = offline.run("check", "--json", *(f"{reason}@verifier.test" for reason in Reason))
    records = [json.loads(line) for line in finished.out.splitlines()]
    assert [(record["reason"], record["verdict"]) for record in records] == [(r, verdict_of(r)) for r in Reason]
    assert finished.seconds < 10


def test_addresses_come_from_stdin(offline: Command) -> None:
    """One a line, blank ones are none, in order; Windows line ends are not part of an address."""
    lines = b"accepted@verifier.test\r\n\r\nnope\ncatch_all@verifier.test"
    records = [json.loads(line) for line in offline.run("check", "--json", stdin=lines).out.splitlines()]
    assert [(record["email"], record["reason"]) for record in records] == [
        ("accepted@verifier.test", "accepted"),
        ("nope", "invalid_syntax"),
        ("catch_all@verifier.test", "catch_all"),
    ]
    nothing = offline.run("check", "--json")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "")


def test_stages_limit_what_is_done(inside: Command, town: WorldProcess) -> None:
    """Behind the last stage nobody is asked, and the verdict says so."""
    address = f"jkesvora48tnl@{town.world.domain('sendmail')}"
    before = town.report().total.recipients
    for stages in ("syntax", "syntax,disposable", "syntax,disposable,mx"):
        record = json.loads(inside.run("check", "--json", "--stages", stages, address).out)
        assert (record["reason"], record["stages"]) == ("not_probed", stages.split(","))
    assert town.report().total.recipients == before
    assert json.loads(inside.run("check", "--json", address).out)["reason"] == "mailbox_not_found"


def test_the_conversation_can_be_shown(inside: Command, town: WorldProcess) -> None:
    """--transcript shows both sides on stderr; stdout stays the result alone; DATA is never sent."""
    finished = inside.run("check", "--json", "--transcript", f"info@{town.world.domain('starttls')}")
    assert json.loads(finished.out)["reason"] == "accepted"
    wanted = ("S: 220", "C: EHLO", "C: STARTTLS", "C: MAIL FROM:", "C: RCPT TO:", "S: 250")
    assert [words for words in wanted if words not in finished.err] == []
    assert "DATA" not in finished.err


def test_what_is_fresh_is_not_asked_again(inside: Command, town: WorldProcess) -> None:
    """A second check answers from what the first one saw, and says so."""
    address = f"jane.doe@{town.world.domain('exim', 1)}"
    first = json.loads(inside.run("check", "--json", address).out)
    asked = town.report().total.recipients
    second = json.loads(inside.run("check", "--json", address).out)
    assert town.report().total.recipients == asked
    assert (first["source"], second["source"]) == ("live", "cache")
    assert first["checked_at"] == second["checked_at"]
    assert first["reason"] == second["reason"]


def test_a_check_beside_a_clean_asks_it(busy: Command) -> None:
    """The process that holds the folder answers over its socket, in order, syntax and all."""
    finished = busy.run("check", "--json", "accepted@verifier.test", "nope", "info@acme.postfix.example")
    records = [json.loads(line) for line in finished.out.splitlines()]
    assert [record["reason"] for record in records] == ["accepted", "invalid_syntax", "accepted"]
    assert finished.code == 0
    assert "verifier clean" in finished.err


@pytest.mark.parametrize("arguments", [("clean", "other.csv"), ("forget", "ann@example.com")])
def test_who_holds_the_folder_is_said(busy: Command, arguments: tuple[str, ...]) -> None:
    """A second prober is refused, with the name and number of the first, and leaves nothing behind."""
    busy.write("other.csv", "email\njane@example.com\n")
    before = busy.names()
    finished = busy.run(*arguments)
    assert (finished.code, finished.out) == (69, "")
    assert "`verifier clean` (pid " in finished.err
    assert busy.names() == before
