"""The loader of the reference data and the operator's own lists."""

import time
import zipfile
from datetime import date
from pathlib import Path

import pytest

from verifier.adapters import list_packages
from verifier.adapters.data_files import (
    ReferenceData,
    assemble_names,
    data_headers,
    disposable_file,
    load_reference_data,
    read_header,
    shipped_folder,
    shipped_rows,
)
from verifier.adapters.list_packages import PackageList, fetch_lists, read_wheel
from verifier.adapters.operator_lists import allow_domain, deny_domain, refresh_disposable
from verifier.core.faults import ConfigError, ServiceUnavailable

TODAY = date(2026, 11, 22)
HEADER = (
    "# What: w\n# Source: disposable-email-domains 1 (PyPI), MIT, 3 names\n# Licence: MIT\n# Date: {}\n# Rows: {}\n"
)


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A small set of shipped data: real files, but for the lists that decide what is disposable."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for path in shipped_folder().iterdir():
        if path.suffix in (".toml", ".csv", ".txt") and path.stat().st_size < 100_000:
            (folder / path.name).write_bytes(path.read_bytes())
    lists = {
        "disposable_domains.txt": ["junk.example", "relay.example", "trash.example"],
        "not_disposable.txt": ["known.example"],
        "privacy_relays.txt": ["relay.example"],
        "free_providers.txt": ["free.example"],
    }
    for name, rows in lists.items():
        (folder / name).write_text(HEADER.format("2026-11-01", len(rows)) + "\n".join(rows) + "\n")
    return folder


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "own"


def disposable(data: ReferenceData, domain: str) -> bool:
    """What the pipeline says of the name by these lists."""
    return assemble_names(data).is_disposable(domain, None)


def names(*domains: str) -> PackageList:
    return PackageList("disposable-email-domains", "2", frozenset(domains))


def test_loading_is_cheap() -> None:
    """All shipped data is in memory in a fraction of a second, best of five."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        load_reference_data()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


def test_disposable_by_name_and_parent(shipped: Path) -> None:
    """A listed domain and everything under it is disposable; a stranger and a relay are not."""
    data = load_reference_data(None, shipped)
    assert disposable(data, "trash.example")
    assert disposable(data, "a.b.trash.example")
    assert not disposable(data, "nottrash.example")
    assert not disposable(data, "relay.example")
    assert not disposable(data, "mx.relay.example")


def test_a_list_of_ones_own_in_another_encoding_is_named(tmp_path: Path, shipped: Path) -> None:
    """A deny.txt that an editor saved as Latin-1 is the operator's to mend: the sentence says which file and how."""
    own = tmp_path / "data" / "lists" / "deny.txt"
    own.parent.mkdir(parents=True)
    own.write_bytes("# gelöscht\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"deny\.txt is not UTF-8 text: save it as such"):
        load_reference_data(tmp_path / "data", shipped)


def test_precedence(shipped: Path, data_dir: Path) -> None:
    """deny > allow > never disposable > disposable."""
    deny_domain(data_dir, "known.example")
    deny_domain(data_dir, "sub.trash.example")
    allow_domain(data_dir, "trash.example")
    data = load_reference_data(data_dir, shipped)
    assert disposable(data, "known.example")
    assert not disposable(data, "trash.example")
    assert disposable(data, "sub.trash.example")
    assert disposable(data, "junk.example")


def test_the_last_word_counts(shipped: Path, data_dir: Path) -> None:
    """Allowing a denied domain takes it off the other list, and back; removing leaves it to the shipped lists."""
    deny_domain(data_dir, "trash.example")
    allow_domain(data_dir, "trash.example")
    assert not disposable(load_reference_data(data_dir, shipped), "trash.example")
    deny_domain(data_dir, "trash.example")
    assert len(load_reference_data(data_dir, shipped).allowed) == 0
    deny_domain(data_dir, "trash.example", remove=True)
    assert disposable(load_reference_data(data_dir, shipped), "trash.example")


def test_own_domains_are_normalised(data_dir: Path, shipped: Path) -> None:
    """What a person types becomes the A-label form: case, an `@`, an address, a U-label."""
    assert deny_domain(data_dir, " jane@Bücher.Example ") == "xn--bcher-kva.example"
    assert allow_domain(data_dir, "@Known.EXAMPLE.") == "known.example"


@pytest.mark.parametrize("text", ["", "com", "no domain", "a..b", "#x.example"])
def test_what_is_no_domain_is_refused(data_dir: Path, text: str) -> None:
    """A word that is no domain changes nothing and is said so."""
    with pytest.raises(ConfigError, match="is not a domain name"):
        allow_domain(data_dir, text)
    assert not data_dir.exists()


def test_removing_what_is_not_there(data_dir: Path) -> None:
    """Taking off a domain that is on no list is an error of the operator."""
    with pytest.raises(ConfigError, match=r"x\.example is not on that list"):
        deny_domain(data_dir, "x.example", remove=True)


def test_version_changes_with_the_data(shipped: Path, data_dir: Path) -> None:
    """The fingerprint is stable, and another one when a list, a header or the operator's lists change."""
    first = load_reference_data(data_dir, shipped).version
    assert load_reference_data(data_dir, shipped).version == first
    deny_domain(data_dir, "new.example")
    second = load_reference_data(data_dir, shipped).version
    path = shipped / "roles.txt"
    path.write_text(path.read_text().replace("# Date: 2026-11-22", "# Date: 2026-11-23"))
    third = load_reference_data(data_dir, shipped).version
    assert len({first, second, third}) == 3


def test_refresh_adds_and_keeps(shipped: Path, data_dir: Path) -> None:
    """A refresh keeps what is shipped, adds what is believed of the new names, and dates the list."""
    known = load_reference_data(data_dir, shipped)
    fetched = names("trash.example", "new.example.org", "sub.junk.example", "free.example", "gmail.com", "co.uk")
    done = refresh_disposable(data_dir, [fetched], known, TODAY, shipped)
    path = data_dir / "lists" / "disposable_domains.txt"
    header = read_header(path)
    assert (done.before, done.after) == (3, len(shipped_rows(path)))
    added = set(shipped_rows(path)) - {"junk.example", "relay.example", "trash.example"}
    assert "example.org" not in added
    assert {"free.example", "co.uk", "sub.junk.example"} & added == set()
    assert "new.example.org" in added
    assert (header.date, header.rows) == (TODAY, done.after)
    assert header.sources == ("disposable-email-domains 2 (PyPI), MIT, 6 names",)
    assert disposable_file(shipped, data_dir / "lists") == path
    assert data_headers(data_dir, shipped)["disposable_domains.txt"][0] == path


def test_newer_shipped_list_wins(shipped: Path, data_dir: Path) -> None:
    """After an update of the package its newer list is used, not the older refreshed one."""
    known = load_reference_data(data_dir, shipped)
    refresh_disposable(data_dir, [names("a.example.org", "b.example.org")], known, date(2026, 10, 1), shipped)
    assert disposable_file(shipped, data_dir / "lists").parent == shipped


@pytest.mark.parametrize("fetched", [names(), names("only.example.org")])
def test_shrunken_list_changes_nothing(shipped: Path, data_dir: Path, fetched: PackageList) -> None:
    """A source that lost more than half of its names is not believed, and the list in use stays."""
    known = load_reference_data(data_dir, shipped)
    with pytest.raises(ServiceUnavailable, match="nothing was changed"):
        refresh_disposable(data_dir, [fetched], known, TODAY, shipped)
    assert not (data_dir / "lists").exists()


def test_wheels_are_read_as_text(tmp_path: Path) -> None:
    """Quoted domains of a wheel's modules are its list; nothing of it runs."""
    path = tmp_path / "some_lists-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("lists/__init__.py", "raise SystemExit\nnames = {'a.example', \"B.example\", 'plain'}")
        wheel.writestr("lists/readme.txt", "'c.example'")
    assert read_wheel("some-lists", path) == PackageList("some-lists", "1.2", frozenset({"a.example", "B.example"}))


def test_oversized_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than any list could be is not unpacked."""
    monkeypatch.setattr(list_packages, "_LARGEST", 10)
    path = tmp_path / "big-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("big.py", "x" * 11)
    with pytest.raises(ValueError, match="unpacks to more than 10 bytes"):
        read_wheel("big", path)


def test_unreachable_index_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the index cannot be reached, the operator hears so in one sentence."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(ServiceUnavailable, match="The package index could not be used"):
        fetch_lists()


def test_headers_must_be_complete(tmp_path: Path) -> None:
    """A file without one of the header's fields is refused by name."""
    path = tmp_path / "list.txt"
    path.write_text("# What: w\n# Source: s\n# Date: 2026-11-22\n# Rows: 0\n")
    with pytest.raises(ValueError, match=r"list\.txt has no 'Licence' on top"):
        read_header(path)
