"""docs/dependencies.md accounts for what pyproject.toml names."""

import re
import tomllib
from pathlib import Path

from tools.npm_files import PINS, digest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def package(requirement: str) -> str:
    """The name in a requirement, without extras, versions and markers."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0]


def lines_under(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the page."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| package")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_dependency_has_its_line_and_every_line_its_dependency() -> None:
    """Nothing is installed that nobody accounted for, and nothing is accounted for that is gone."""
    groups = {
        "To run": PROJECT["dependencies"],
        "To develop": PROJECT["optional-dependencies"]["dev"],
        "To rebuild the data": PROJECT["optional-dependencies"]["data"],
        "To compare with": PROJECT["optional-dependencies"]["bench"],
    }
    for heading, requirements in groups.items():
        assert sorted(map(package, requirements)) == sorted(cells[0] for cells in lines_under(heading))
        for cells in lines_under(heading):
            assert len(cells) == 4 and all(cells), cells


def test_every_dependency_is_pinned() -> None:
    """constraints.txt names the version of each, so that a newcomer gets what was tested."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if "==" in line}
    named = [*PROJECT["dependencies"], *(r for group in PROJECT["optional-dependencies"].values() for r in group)]
    assert sorted(p for r in named if (p := package(r).lower()) not in pinned) == []


def test_what_comes_from_npm_is_accounted_for() -> None:
    """Each pinned package has its line and, where it is shipped, its very content and its notice."""
    named = [cells[0] for heading in ("Shipped in the pages", "To test the pages") for cells in lines_under(heading)]
    assert named == list(PINS)
    shipped = PINS["chart.js"]
    assert digest(shipped.target) == shipped.sha256
    assert f"v{shipped.version}" in shipped.target.read_text(encoding="utf-8")[:100]
    assert "- chart.js (npm)" in (ROOT / "data" / "NOTICES.md").read_text(encoding="utf-8")
