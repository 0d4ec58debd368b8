"""Lists of disposable domains inside packages of the package index: downloaded, read as data, never executed."""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from msgspec import Struct

from verifier.core.faults import ServiceUnavailable

INDEX_PACKAGES = ("disposable-email-domains", "MailChecker")
CURATED_PACKAGES = frozenset({"disposable-email-domains"})  # every entry of theirs is reviewed by a person
_SECONDS = 120
_LARGEST = 64 * 1024 * 1024  # bytes unpacked; the lists are a few MB
QUOTED_NAME = re.compile(r"""["']([a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)+)["']""")
"""A domain name as it stands in a program, or in JSON."""


class PackageList(Struct, frozen=True):
    """What one package lists, before anything is believed. `version` is the package's own."""

    package: str
    version: str
    names: frozenset[str]


def fetch_lists() -> tuple[PackageList, ...]:
    """The newest `INDEX_PACKAGES`, through pip. Raises ServiceUnavailable when the index or pip cannot serve them."""
    with tempfile.TemporaryDirectory(prefix="verifier-lists-") as folder:
        _download(Path(folder))
        wheels = {_key(path.name.partition("-")[0]): path for path in Path(folder).glob("*.whl")}
        try:
            return tuple(read_wheel(package, wheels[_key(package)]) for package in INDEX_PACKAGES)
        except (KeyError, OSError, zipfile.BadZipFile, UnicodeDecodeError, ValueError) as error:
            raise ServiceUnavailable(
                f"What the package index sent cannot be read ({error}); the lists were left as they are."
            ) from error


def read_wheel(package: str, path: Path) -> PackageList:
    """Every quoted domain name in the wheel's modules. Raises zipfile.BadZipFile or ValueError for what is no wheel."""
    version = path.name.split("-")[1]
    with zipfile.ZipFile(path) as wheel:
        if sum(entry.file_size for entry in wheel.infolist()) > _LARGEST:
            raise ValueError(f"{path.name} unpacks to more than {_LARGEST} bytes")
        texts = [wheel.read(entry).decode() for entry in wheel.infolist() if entry.filename.endswith(".py")]
    return PackageList(package, version, frozenset(name for text in texts for name in QUOTED_NAME.findall(text)))


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), *INDEX_PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceUnavailable(f"The package index did not answer within {_SECONDS} s.") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise ServiceUnavailable(f"The package index could not be used; the lists were left as they are. pip: {said}")


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
