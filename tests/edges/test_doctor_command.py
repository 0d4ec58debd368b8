"""`verifier doctor`: prints every check with what to do, and ends with 69 only where the commands cannot work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.clock import FakeClock
from tests.support.host_fakes import CANARIES, FOREIGN, HEALTHY, FakeDialer, FakeResolver, Records
from tests.support.redis_server import free_port
from verifier.config import Settings
from verifier.core.providers import ProviderTable
from verifier.edges import host_examination
from verifier.edges.cli import doctor_command as module
from verifier.edges.cli.exit_codes import ExitCode
from verifier.ports import DialFailure, DnsStatus


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `open_verifier` gives; tests change the parts. The user's folder and environment stay out of it."""
    parts: dict[str, Any] = {"records": HEALTHY, "failure": None, "dialer": FakeDialer()}

    @asynccontextmanager
    async def open_fake(settings: Settings, **_: object) -> AsyncIterator[SimpleNamespace]:
        assert settings.data_dir != tmp_path / "data"
        records: Records = parts["records"]
        yield SimpleNamespace(
            reference=SimpleNamespace(free=FOREIGN, providers=ProviderTable(())),
            resolver=FakeResolver(records, parts["failure"]),
            dialer=parts["dialer"],
            clock=FakeClock(),
        )

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "open_verifier", open_fake)
    monkeypatch.setattr(host_examination, "own_addresses", lambda: frozenset({"127.0.0.1", "::1"}))
    monkeypatch.setenv("VERIFIER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VERIFIER_SMTP_HELO", "mail.sender.org")
    monkeypatch.setenv("VERIFIER_SMTP_MAIL_FROM", "probe@sender.org")
    monkeypatch.setenv("VERIFIER_DNS_CANARIES", ",".join(CANARIES))
    return parts


def examined() -> tuple[str, object]:
    """What was printed, as one line of words, and the exit code that the command gave."""
    done = CliRunner().invoke(module.doctor_command, standalone_mode=False)
    assert done.exception is None, done.exception
    return " ".join(done.output.split()), done.return_value


def test_a_healthy_host_is_well(surroundings: dict[str, Any]) -> None:
    """Every check is ticked, the last line says so, nothing is coloured off a terminal."""
    text, code = examined()
    assert (code, text.count("✓"), text.count("✗"), text.count("→")) == (ExitCode.DONE, 11, 0, 0)
    assert text.endswith("All is well.")
    assert "\x1b" not in text


def test_a_closed_port_25_is_usable(surroundings: dict[str, Any]) -> None:
    """It is told with its ways out, and ends with 0."""
    surroundings["dialer"] = FakeDialer(failure=DialFailure.TIMEOUT)
    text, code = examined()
    assert code is ExitCode.DONE
    assert "✗ port 25: None of 3 large mail hosts could be reached" in text
    assert "VERIFIER_SMTP_PROXY" in text
    assert "points above want attention" in text


def test_an_absent_resolver_is_not(surroundings: dict[str, Any]) -> None:
    """Without DNS nothing can be told of any domain: 69."""
    surroundings["failure"] = DnsStatus.TIMEOUT
    text, code = examined()
    assert code is ExitCode.UNAVAILABLE
    assert "✗ DNS resolver: No name server answers" in text
    assert text.endswith("Not ready: put right what is out of reach first.")


def test_an_absent_redis_is_told_without_its_password(
    surroundings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Redis that is set and away is a needed service out of reach: 69."""
    monkeypatch.setenv("VERIFIER_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    text, code = examined()
    assert code is ExitCode.UNAVAILABLE
    assert "✗ Redis: redis://:•••@127.0.0.1:" in text
    assert "hunter2" not in text


def test_a_data_folder_that_cannot_be_written_is_told(
    surroundings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network is examined all the same."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VERIFIER_DATA_DIR", str(tmp_path / "file"))
    text, code = examined()
    assert code is ExitCode.UNAVAILABLE
    assert "✗ data folder:" in text
    assert "✓ port 25" in text


def test_a_senders_domain_is_looked_at(surroundings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """SPF, DKIM, DMARC and MX of that domain alone, each with the line to publish; nothing of this host."""

    class Names(FakeResolver):
        async def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(module, "DnspythonResolver", lambda *_: Names({}, None))
    done = CliRunner().invoke(module.doctor_command, ["--sender", "Shop.example", "--selector", "s1"])
    assert done.exit_code == 0 and done.stdout.count("sender: ") == 4
    assert "TXT at s1._domainkey.shop.example" in done.stdout and "_dmarc.shop.example" in done.stdout
    assert "port 25" not in done.stdout
