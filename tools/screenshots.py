"""Makes docs/images/*.png by headless Chromium: the terminal output of the demo, its report, the pages of lists.

Needs the Debian package `chromium`, the demo needs nothing else; `make screenshots` runs it.
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tools.list_pictures import take_pictures

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COLUMNS = 118
COMMAND = "make demo ARGS=--once"
_REDRAWN = re.compile(r"\x1b\[\?25l.*?\x1b\[\?25h(?:\x1b\[1A\x1b\[2K)?", re.DOTALL)
_CURSOR = re.compile(r"\x1b\[\d*[AK]|\x1b\[\?25[lh]|\r")
_WAITING = re.compile(r"(\d[\d,]* rows? greylisted: [^\r\n]*)")
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def terminal_output(columns: int) -> str:
    """What `verifier demo --once` prints on a terminal of that width, colours included, without the moving bar."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "verifier", "demo", "--once"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, cwd=ROOT, env=environment)
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other end of a pseudo-terminal was closed
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    if process.wait():
        raise SystemExit(f"`verifier demo --once` ended with {process.returncode}.")
    raw = b"".join(parts).decode()
    still = _REDRAWN.sub(lambda moving: "".join(f"{line}\n" for line in _WAITING.findall(moving[0])), raw)
    return _CURSOR.sub("", still).replace(str(Path.home()), "~")


def terminal_svg(output: str, columns: int) -> tuple[str, int, int]:
    """The output as a picture of a terminal, with its width and height in pixels."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (COMMAND, "bold")))
    console.print(Text.from_ansi(output.rstrip()))
    svg = _FONT.sub("", console.export_svg(title="verifier", theme=MONOKAI)).replace("Fira Code", "DejaVu Sans Mono")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    return svg, round(float(box[1])), round(float(box[2]))


def photograph(page: Path, picture: Path, width: int, height: int, *flags: str) -> None:
    """Headless Chromium's view of a page."""
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-extensions",
            f"--window-size={width},{height}", f"--screenshot={picture}", *flags, page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def main() -> None:
    """Runs the demo once and takes the three pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    svg, width, height = terminal_svg(terminal_output(COLUMNS), COLUMNS)
    report = Path(platformdirs.user_cache_dir("verifier-demo", appauthor=False)) / "report.html"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "terminal.html"
        page.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:0">{svg}', encoding="utf-8")
        photograph(page, IMAGES / "terminal.png", width, height)
        photograph(report, IMAGES / "report-light.png", 1000, 1250, "--blink-settings=preferredColorScheme=1")
        photograph(report, IMAGES / "report-dark.png", 1000, 1250, "--blink-settings=preferredColorScheme=0")
    take_pictures(IMAGES)


if __name__ == "__main__":
    main()
