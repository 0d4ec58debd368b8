"""`verifier data`: ages, own domains, refresh."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from verifier.adapters.data_files import DESCRIBED_FILES, load_reference_data
from verifier.adapters.list_packages import PackageList
from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.edges.cli import data_command as command


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERIFIER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.data_command, arguments)


def test_every_list_is_shown(data_dir: Path) -> None:
    """One line a list, tab-separated off the terminal: rows, date, age, licence, origin."""
    lines = [line.split("\t") for line in run().stdout.splitlines()]
    assert [line[0] for line in lines] == sorted(DESCRIBED_FILES)
    assert {line[5] for line in lines} == {"shipped"}
    assert all(line[3].endswith(" d") for line in lines)
    assert ["opt_out.txt"] == [line[0] for line in lines if int(line[1]) == 0]


def test_own_domains_are_listed(data_dir: Path) -> None:
    """Allowed and denied domains are counted beside the shipped lists, and can be taken off again."""
    assert run("allow", "Friend.example").stdout == "friend.example is never disposable now.\n"
    assert run("deny", "foe.example").stdout == "foe.example is always disposable now.\n"
    assert [line.split("\t")[0] for line in run().stdout.splitlines()][-2:] == ["allow.txt", "deny.txt"]
    assert run("allow", "friend.example", "--remove").stdout == "friend.example is no longer on your allow list.\n"
    assert run("deny", "foe.example", "--remove").stdout == "foe.example is no longer on your deny list.\n"
    assert len(run().stdout.splitlines()) == len(DESCRIBED_FILES)


def test_who_opted_out_is_listed(data_dir: Path) -> None:
    """`opt-out` puts a domain on the operator's list, which is shown, and takes it off again."""
    assert run("opt-out", "Alone.example").stdout == "alone.example is never probed now.\n"
    assert [line.split("\t")[:2] for line in run().stdout.splitlines()][-1] == ["opt_out.txt", "1"]
    assert run("opt-out", "alone.example", "--remove").stdout == "alone.example is no longer on your opt-out list.\n"
    assert len(run().stdout.splitlines()) == len(DESCRIBED_FILES)


def test_a_lift_leaves_its_trace(data_dir: Path) -> None:
    """`lift` writes the domain, the list's name and the moment; what else stands in the file stays."""
    path = data_dir / "lists" / "harvest_lifted.txt"
    assert (
        run("lift", "Dead.example", "old customers.csv").stdout
        == "The harvest guard lets old customers.csv pass at dead.example now.\n"
    )
    path.write_text("# asked for by the owner\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    lifts = load_reference_data(data_dir).lifts
    assert [lifts.cover("dead.example", name) for name in ("old customers.csv", "customers.csv", "")] == [
        True,
        False,
        False,
    ]
    assert re.search(r"^dead\.example old customers\.csv  # lifted \d{4}-\d\d-\d\dT[0-9:]{8}Z$", path.read_text(), re.M)
    assert run("lift", "dead.example", "old customers.csv", "--remove").exit_code == 0
    assert path.read_text(encoding="utf-8") == "# asked for by the owner\n"
    assert isinstance(run("lift", "dead.example", "customers.csv", "--remove").exception, ConfigError)
    assert isinstance(run("lift", "nonsense", "customers.csv").exception, ConfigError)
    assert isinstance(run("lift", "dead.example", " ").exception, ConfigError)


def test_nonsense_is_bad_usage(data_dir: Path) -> None:
    """A word that is no domain ends as an error of the operator."""
    assert isinstance(run("deny", "nonsense").exception, ConfigError)


def test_refresh_says_what_it_did(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh names the sources and counts the new domains; the refreshed list is in use from then on."""
    fetched = frozenset(f"throw-away-{i}.example.org" for i in range(6_000))
    listing = PackageList("disposable-email-domains", "9.9", fetched)
    monkeypatch.setattr(command, "fetch_lists", lambda: (listing,))
    assert "6000 of them new (disposable-email-domains 9.9)" in run("refresh").stdout
    origins = {line.split("\t")[0]: line.split("\t")[5] for line in run().stdout.splitlines()}
    assert origins["disposable_domains.txt"] == "refreshed"


def test_unreachable_index_leaves_everything(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the index is out of reach the error is that of a missing service, and no list is written."""

    def unreachable() -> tuple[PackageList, ...]:
        raise ServiceUnavailable("The package index did not answer within 120 s.")

    monkeypatch.setattr(command, "fetch_lists", unreachable)
    assert isinstance(run("refresh").exception, ServiceUnavailable)
    assert not data_dir.exists()
