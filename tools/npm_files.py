"""Brings the files of npm packages that pages ship or browser tests load, each pinned to a version and its content.

    python -m tools.npm_files chart.js     into verifier/edges/http/static, where it is committed
    python -m tools.npm_files axe-core     into .cache/npm, for the tests

A file that is there already and is the pinned one is left as it is. No script of a package runs.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent


class Pin(Struct, frozen=True):
    """One file: of which package, which content (SHA-256, hexadecimal), and where it goes."""

    version: str
    integrity: str
    """Of the whole package, as npm writes it."""
    member: str
    sha256: str
    target: Path


PINS = {
    "chart.js": Pin(
        "4.6.1",
        "sha512-hJyniucsFmq//EvXYvJ6c6mahPoI3kaxdjVH8awTaJ/fDNWeSqqqArixMJWkWNN6fcYvPU3HneSANFNYtRi61g==",
        "package/dist/chart.umd.min.js",
        "c17f2ce49fb9c71ef7fb39c03f868804ac5ab34730149976eebe6b7f807bef0c",
        ROOT / "verifier" / "edges" / "http" / "static" / "chart.js",
    ),
    "axe-core": Pin(
        "4.14.1",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        "package/axe.min.js",
        "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
        ROOT / ".cache" / "npm" / "axe.min.js",
    ),
}
_SOURCE_MAP = b"//# sourceMappingURL="


def digest(path: Path) -> str:
    """The SHA-256 of a file, "" where it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def fetch(package: str, pin: Pin) -> None:
    """The pinned file at its place; ends the program where what came is not what was pinned."""
    if digest(pin.target) == pin.sha256:
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{package}@{pin.version}", "--silent", "--ignore-scripts"]
        subprocess.run([*command, "--pack-destination", folder], check=True, stdout=subprocess.DEVNULL)
        content = next(Path(folder).iterdir()).read_bytes()
    if pin.integrity != f"sha512-{b64encode(hashlib.sha512(content).digest()).decode()}":
        raise SystemExit(f"{package} {pin.version} is not the package that was pinned: nothing was written.")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.extractfile(pin.member)
        assert member is not None
        lines = member.read().splitlines(keepends=True)
    body = b"".join(line for line in lines if not line.startswith(_SOURCE_MAP))
    pin.target.parent.mkdir(parents=True, exist_ok=True)
    pin.target.write_bytes(body)
    if digest(pin.target) != pin.sha256:
        raise SystemExit(f"{pin.target.name} of {package} {pin.version} is not what was pinned: {digest(pin.target)}")


if __name__ == "__main__":
    for name in sys.argv[1:] or PINS:
        fetch(name, PINS[name])
