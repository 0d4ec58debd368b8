"""The list looks like a customer's, holds every personality, and agrees with its truth row by row."""

import csv
import io
from pathlib import Path

import email_validator
import pytest
from click.testing import CliRunner
from msgspec import json

from verifier.edges.cli.world_command import world_command
from verifier.world import PERSONALITIES, World
from verifier.world.people import ALWAYS, mailbox_name, plausible
from verifier.world.sample import COLUMNS, row, write_list

SHIPPED = Path(__file__).parents[2] / "data" / "sample_list.csv"
SEED, SIZE = 2026, 2000


def syntax_holds(address: str) -> bool:
    try:
        email_validator.validate_email(
            address, check_deliverability=False, strict=True, allow_quoted_local=True, allow_smtputf8=True
        )
    except email_validator.EmailNotValidError:
        return False
    return True


def test_the_shipped_list_is_current() -> None:
    """`data/sample_list.csv` is what `verifier world list --seed 2026 --size 2000` writes."""
    result = CliRunner().invoke(world_command, ["list", "--seed", str(SEED), "--size", str(SIZE)])
    assert SHIPPED.read_bytes() == result.stdout_bytes


def test_it_holds_every_personality() -> None:
    """Five rows a personality are enough to show them all."""
    listed = {name for name, p in PERSONALITIES.items() if p.listed}
    assert listed == {each.personality for each in World(3).rows(5 * len(listed))}


def test_a_row_does_not_depend_on_the_size() -> None:
    """The first rows of a long list are the short list."""
    world = World(SEED)
    assert [row(world, n) for n in range(1, 101)] == [*world.rows(300)][:100]


def test_rows_and_truths_agree() -> None:
    """Row n of the file is line n of the truth, cell for cell."""
    rows = list(csv.reader(io.StringIO(SHIPPED.read_text(encoding="utf-8"))))
    assert [*COLUMNS] == rows[0]
    result = CliRunner().invoke(world_command, ["truth", "--seed", str(SEED), "--size", str(SIZE)])
    truths = [json.decode(line) for line in result.stdout.splitlines()]
    assert [(n, cells[3] if len(cells) > 3 else "") for n, cells in enumerate(rows[1:], 1)] == [
        (truth["row"], truth["email"]) for truth in truths
    ]
    assert {"row", "email", "verdicts", "decidable", "exists"} == set(truths[0])
    assert all(truth["verdicts"] for truth in truths)


def test_addresses_are_addresses_and_the_rest_is_not() -> None:
    """Every address passes email-validator, every cell that is said to hold none fails it."""
    rows = [*World(SEED).rows(6000)]
    assert [each.address for each in rows if each.address is not None and not syntax_holds(each.address)] == []
    assert [each.email for each in rows if each.address is None and syntax_holds(each.email)] == []


def test_it_looks_like_a_customers_list() -> None:
    """Duplicates, other case, blanks, rows too short and too long, commas, quotes and accents are all there."""
    rows = [*World(SEED).rows(SIZE)]
    addresses = [each.address.lower() for each in rows if each.address]
    repeated = len(addresses) - len(set(addresses))
    assert 0.01 * SIZE < repeated < 0.03 * SIZE
    assert {3, 4, 6, 8} == {len(each.cells) for each in rows}
    text = "".join(write_list(World(SEED), SIZE))
    marks = (
        ",",
        '""',
        "é",
        "+news@",
        "\u00a0",
        "mailto:",
        ".EXAMPLE",
        "@xn--",
        "info@",
        "@gmail.com",
        "@mailinator.com",
    )
    assert [mark for mark in marks if mark not in text] == []
    assert any(not each.email for each in rows)
    assert any(not each.address.isascii() for each in rows if each.address)


def test_customers_have_names_that_people_have() -> None:
    """No address of the list looks like a control to the hosts' logs."""
    locals_ = {mailbox_name(each.address.rpartition("@")[0]) for each in World(SEED).rows(SIZE) if each.address}
    assert set() == {name for name in locals_ if name not in ALWAYS and not plausible(name)}


def test_the_list_is_a_stream() -> None:
    """A long list costs no more memory than a short one: it comes line by line."""
    lines = write_list(World(1), 10**9)
    assert next(lines) == "id,first name,last name,email,company,signup date\n"
    assert next(lines).startswith("1,")


@pytest.mark.parametrize("options", [["--egress", "blocked"], ["--resolver", "nxdomain"], ["--unwaited"]])
def test_truth_of_other_networks(options: list[str]) -> None:
    """The truth command knows the same networks as the serving one."""
    result = CliRunner().invoke(world_command, ["truth", "--size", "50", *options])
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 50)


def test_the_worlds_names_are_those_of_the_shipped_data() -> None:
    """Its disposable domains are in the list, and no other domain that it lists is."""
    shipped = set((SHIPPED.parent / "disposable_domains.txt").read_text(encoding="utf-8").split())
    for name, personality in PERSONALITIES.items():
        expected = set(personality.domains) if name == "disposable" else set()
        assert (name, expected) == (name, shipped & set(personality.domains))
