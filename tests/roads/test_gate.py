"""The gate as it is used: a command, beside a running service, the README's curl, and probes behind answers."""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.roads.conftest import NOBODY
from tests.roads.test_serve import README, serving
from tests.roads.worlds import quick_world
from tests.support.command import Command
from verifier.world.process import WorldProcess

_SECTION = README.read_text(encoding="utf-8").split("## Before you send")[1].split("\n## ")[0]
_RECIPE = re.findall(r"```sh\n(.*?)```", _SECTION, re.DOTALL)[0]


def may_send(folder: Path, url: str, key: str, *arguments: str) -> int:
    """The exit code of the README's example."""
    script = folder / "may_send.sh"
    script.write_text(_RECIPE.replace("http://127.0.0.1:8080", url), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "GATE_KEY": key}
    return subprocess.run(["sh", str(script), *arguments], env=environment, timeout=30, check=False).returncode


def test_the_recipe_sends_drops_and_waits(tmp_path: Path) -> None:
    """As it stands in the README: 204, 410 and 409 are decisions; nothing else is, and then order mail goes out."""
    command = Command(tmp_path, NOBODY)
    with serving(command) as (_, url):
        key = command.run("keys", "create", "shop", "--scope", "gate").out.strip()
        asked = [
            may_send(tmp_path, url, key, f"{reason}@verifier.test") for reason in ("accepted", "null_mx", "greylisted")
        ]
        assert asked == [0, 1, 2]
        assert may_send(tmp_path, url, key, "a+b&c@verifier.test", "transactional") == 0
        assert may_send(tmp_path, url, "vfk_wrong", "null_mx@verifier.test", "transactional") == 0
        assert may_send(tmp_path, url, "vfk_wrong", "accepted@verifier.test") == 2
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        codes = [
            may_send(tmp_path, away, key, "null_mx@verifier.test", each) for each in ("transactional", "triggered")
        ]
        assert codes == [0, 2]


def test_beside_a_running_service(tmp_path: Path) -> None:
    """The service is asked, it knows at once what `suppress` adds, and its report counts both."""
    command = Command(tmp_path, NOBODY)
    with serving(command):
        assert command.run("gate", "accepted@verifier.test").code == 0
        assert command.run("suppress", "add", "accepted@verifier.test", "--kind", "complaint").code == 0
        deadline = time.monotonic() + 20
        while (found := command.run("gate", "--json", "accepted@verifier.test")).code != 1:
            assert time.monotonic() < deadline
        assert json.loads(found.out)["rule"] == "complaint"
        refused = command.run("gate", "accepted@verifier.test", "--policy", "mine")
        assert (refused.code, "There is no policy mine" in refused.err) == (64, True)
        time.sleep(1.5)
        assert "complaint" in command.run("gate", "report").out


def test_what_is_not_known_is_verified_behind(tmp_path: Path) -> None:
    """The first answer holds and says that something lacked; the mailbox is asked, and then the answer is known."""
    world = quick_world(37)
    good = f"ann.smith@{world.domain('postfix')}"
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment)
        first = command.run("gate", "--json", good)
        record = json.loads(first.out)
        assert (first.code, record["decision"], record["rule"], record["degraded"]) == (
            2,
            "hold",
            "unknown_probe",
            True,
        )
        later = command.run("gate", "--json", good)
        record = json.loads(later.out)
        assert record["degraded"] is False and record["verdict"] is not None
        assert later.code in (0, 1)


@pytest.mark.parametrize("text", ["accepted@verifier.test"])
def test_the_forgotten_stay_suppressed(tmp_path: Path, text: str) -> None:
    """`forget` without a service erases the text of a suppression, and its hash blocks all the same."""
    command = Command(tmp_path, NOBODY)
    assert command.run("suppress", "add", text, "--kind", "unsubscribed").code == 0
    assert command.run("forget", text).code == 0
    assert command.run("gate", text).code == 1
    held = [path.name for path in command.data_dir.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
    assert held == []


def test_another_secret_mails_nobody_again(tmp_path: Path) -> None:
    """Who sets VERIFIER_SECRET_KEY on a folder that made its own would have every suppression match nobody: the service
    does not start, nothing is decided, nothing is added where it would have no effect, nobody is said to be forgotten.
    """
    command = Command(tmp_path, NOBODY)
    assert command.run("suppress", "add", "accepted@verifier.test", "--kind", "unsubscribed").code == 0
    for words in (
        ("serve",),
        ("gate", "accepted@verifier.test"),
        ("suppress", "add", "jane@shop.example"),
        ("forget", "accepted@verifier.test"),
    ):
        ended = command.run(*words, VERIFIER_SECRET_KEY="0123456789" * 4)
        assert (ended.code, ended.out) == (64, "")
        assert "suppressions.sqlite was written with another secret" in ended.err
    own = (command.data_dir / "secret.key").read_text()
    assert command.run("gate", "accepted@verifier.test", VERIFIER_SECRET_KEY=own).code == 1
