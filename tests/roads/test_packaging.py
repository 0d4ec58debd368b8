"""The unit for systemd, the image and the compose file, as far as no container engine is needed."""

import re
import shlex
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import ROOT, Command
from verifier.config import SETTINGS
from verifier.edges.http.table import ROUTES

UNIT = ROOT / "packaging" / "verifier.service"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
VARIABLES = {setting.variable: setting for setting in SETTINGS}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every line is understood, and what systemd's own examination calls exposed is little."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace("/opt/verifier/bin/verifier", sys.executable)
    unit.write_text(text, encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if unit.name in line]) == (0, [])
    examined = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert examined.returncode == 0, examined.stdout[-300:]


def test_every_setting_that_is_named_exists() -> None:
    """In the unit, the image and the compose file."""
    texts = [UNIT.read_text(encoding="utf-8"), DOCKERFILE, (ROOT / "compose.yaml").read_text(encoding="utf-8")]
    assert {name for text in texts for name in re.findall(r"VERIFIER_[A-Z_]*[A-Z]", text)} <= set(VARIABLES)


def test_ports_and_folders_go_together() -> None:
    """What the image listens to is exposed, asked for its health, and published; where it writes is a volume."""
    environment = dict(word.split("=") for line in instructions("ENV") for word in line.split())
    port = VARIABLES["VERIFIER_HTTP_PORT"].default
    assert (environment["VERIFIER_HTTP_PORT"], instructions("EXPOSE")) == (port, [port])
    health = instructions("HEALTHCHECK")[0]
    path = re.search(rf"http://127\.0\.0\.1:{port}(/\w+)", health)
    assert path is not None and path[1] in {route.path for route in ROUTES if route.scope is None}
    service = COMPOSE["services"]["verifier"]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    folder = environment["VERIFIER_DATA_DIR"]
    assert (instructions("VOLUME"), service["volumes"]) == ([folder], [f"verifier:{folder}"])
    assert set(COMPOSE["volumes"]) == {"verifier"}
    assert f"VERIFIER_DATA_DIR={folder}" in UNIT.read_text(encoding="utf-8")


def test_the_compose_file_is_whole() -> None:
    """Redis is there under the name that the URL has, lets nothing be evicted, and the secret has to be given."""
    service, redis = COMPOSE["services"]["verifier"], COMPOSE["services"]["redis"]
    assert service["environment"]["VERIFIER_REDIS_URL"] == "redis://redis:6379/0"
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert all(isinstance(word, str) for word in redis["command"])
    assert redis["command"][-2:] == ["--maxmemory-policy", "noeviction"]
    assert service["environment"]["VERIFIER_SECRET_KEY"].startswith("${VERIFIER_SECRET_KEY:?")
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image's commands make of the files that it copies, in a plain virtual environment."""
    folder = tmp_path_factory.mktemp("image")
    source, environment = folder / "src", folder / "venv"
    source.mkdir()
    copied = [shlex.split(line) for line in instructions("COPY") if not line.startswith("--from")]
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    for *names, target in copied:
        assert set(names) <= allowed
        for name in names:
            where = folder / Path(target).name if target.startswith("/tmp/") else source / name
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, where)  # type: ignore[operator]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    pip = shlex.join([sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "--quiet"])
    for line in instructions("RUN"):
        if line.startswith("pip "):
            words = line.removeprefix("pip ").replace("/dist", str(folder / "dist"))
            words = words.replace("/tmp/constraints", str(folder / "constraints"))
            subprocess.run(f"{pip} {words}", shell=True, check=True, cwd=source)
    return environment / "bin" / "verifier"


def test_what_the_image_installs_serves(offline: Command, installed: Path) -> None:
    """With the image's environment it wants a key first, then it is healthy, and it ends in good order."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    environment = offline.environment | {"VERIFIER_HTTP_HOST": "0.0.0.0", "VERIFIER_HTTP_PORT": port}
    environment.pop("PYTHONPATH")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(installed), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=offline.folder)

    refused = run("serve")
    assert (refused.returncode, "verifier keys invite" in refused.stderr) == (64, True)
    assert run("keys", "invite", "admin", "--scope", "admin").returncode == 0
    service = subprocess.Popen([str(installed), "serve"], env=environment, stderr=subprocess.PIPE, cwd=offline.folder)
    try:
        assert service.stderr is not None
        assert any(b"Listening at" in line for line in iter(service.stderr.readline, b""))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4) as answer:
            assert answer.status == 200
        service.terminate()
        assert service.wait(20) == 0
    finally:
        service.kill()
        service.communicate()
