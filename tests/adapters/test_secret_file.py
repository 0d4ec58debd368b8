"""The secret: configured, or made once and kept."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from verifier.adapters.secret_file import load_secret
from verifier.adapters.system_clock import SystemClock
from verifier.core.faults import ConfigError, ServiceUnavailable


def test_it_is_made_once(tmp_path: Path) -> None:
    """The second start finds the first one's secret, readable by this user alone, and no draft beside it."""
    folder = tmp_path / "new"
    made = load_secret(folder, "", SystemClock())
    assert len(made) == 52
    assert load_secret(folder, "", SystemClock()) == made
    assert [path.name for path in folder.iterdir()] == ["secret.key"]
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_configured_one_comes_first(tmp_path: Path) -> None:
    """VERIFIER_SECRET_KEY counts, and nothing is written."""
    assert load_secret(tmp_path, "a secret of ours", FakeClock()) == b"a secret of ours"
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_make_it_at_once_one_counts(tmp_path: Path) -> None:
    """Whoever starts at the same moment gets the same secret."""
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: load_secret(tmp_path, "", SystemClock()), range(8)))
    assert len(made) == 1


def test_permissions_are_put_right(tmp_path: Path) -> None:
    """A secret that a backup brought back readable for all is closed again."""
    made = load_secret(tmp_path, "", FakeClock())
    (tmp_path / "secret.key").chmod(0o644)
    assert load_secret(tmp_path, "", FakeClock()) == made
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_broken_one_is_never_replaced(tmp_path: Path) -> None:
    """An emptied file is the operator's to decide on: every stored hash hangs on it."""
    (tmp_path / "secret.key").write_bytes(b"")
    with pytest.raises(ConfigError, match="holds no whole secret"):
        load_secret(tmp_path, "", FakeClock())
    assert (tmp_path / "secret.key").read_bytes() == b""


def test_an_unusable_folder_is_said(tmp_path: Path) -> None:
    """A file where the folder should be: one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceUnavailable, match="cannot be used"):
        load_secret(tmp_path / "file", "", FakeClock())
