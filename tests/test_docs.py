"""The documentation says what is there: links, commands, options, tables and modules."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tools.build_docs import (
    GATE,
    OPERATIONS,
    README,
    VERDICTS,
    WHAT_TO_DO,
    gate_page,
    operations_page,
    readme,
    verdicts_page,
)
from verifier.config import SETTINGS
from verifier.core.reasons import MEANINGS, Reason
from verifier.edges.cli.root import root

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "bench").glob("*.md"), *(ROOT / "docs").glob("*.md")]
)
OUR_PAGES = [page for page in PAGES if page.name != "contract.md"]
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, the way GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def console_commands(page: Path) -> list[list[str]]:
    """The command lines that a page tells its reader to type."""
    blocks = "".join(_CONSOLE.findall(page.read_text(encoding="utf-8")))
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in blocks.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_relative_link_is_broken(page: Path) -> None:
    """Every file that a page points at exists, and so does the heading in it."""
    broken = []
    for link in (first or second for first, second in _LINK.findall(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_parts_that_are_made_are_as_the_tool_makes_them() -> None:
    """docs/verdicts.md, the gate's table, the README's and the list of measures come from the code's own tables."""
    assert verdicts_page() == VERDICTS.read_text(encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    assert readme(text) == text
    operations = OPERATIONS.read_text(encoding="utf-8")
    assert operations_page(operations) == operations
    gate = GATE.read_text(encoding="utf-8")
    assert gate_page(gate) == gate


def test_every_reason_is_explained() -> None:
    """The README has each reason with its sentence, and docs/verdicts.md what to do about it."""
    text = README.read_text(encoding="utf-8")
    assert [r for r in Reason if f"(docs/verdicts.md#{r}) | {MEANINGS[r].sentence} |" not in text] == []
    assert set(Reason) == set(WHAT_TO_DO)


@pytest.mark.parametrize("page", OUR_PAGES, ids=name)
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    """What a reader copies is understood: the command, and each of its options."""
    assert isinstance(root, click.Group)
    context = click.Context(root)
    for words in console_commands(page):
        if words[0] != "verifier":
            continue
        command = root.get_command(context, words[1])
        assert command is not None, words
        if isinstance(command, click.Group):
            command = command.commands.get(words[2] if len(words) > 2 else "", command)
        options = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in words[2:] if word.startswith("-") and word != "-" and word not in options] == []


@pytest.mark.parametrize("page", OUR_PAGES, ids=name)
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    """`verifier …` in running text names a command that is there."""
    assert isinstance(root, click.Group)
    known = set(root.list_commands(click.Context(root)))
    mentioned = re.findall(r"`verifier ([a-z]+)", page.read_text(encoding="utf-8"))
    assert sorted(set(mentioned) - known) == []


def test_every_make_target_that_is_shown_exists() -> None:
    """The README's two commands, and the third."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {words[1] for page in PAGES for words in console_commands(page) if words[0] == "make"}
    shown |= {target for page in PAGES for target in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))}
    assert sorted(shown - targets) == []


def test_every_data_file_is_accounted_for() -> None:
    """docs/data.md has a line for each file of data/."""
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted((ROOT / "data").iterdir()) if path.name not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    """A variable that does not exist would be set in vain."""
    named = set(re.findall(r"VERIFIER_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
    assert sorted(named - {setting.variable for setting in SETTINGS}) == []


def test_the_architecture_names_every_module_and_no_other() -> None:
    """Whoever adds, moves or removes a module says so in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    map_of = text.split("## Where everything lives")[1].split("\n## ")[0]
    for layer in ("core", "service", "adapters"):
        section = map_of.split(f"### {layer}:")[1].split("\n### ")[0]
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        named = [module for cell in rows for module in re.findall(r"`(\w+)`", cell)]
        modules = [path.stem for path in (ROOT / "verifier" / layer).glob("*.py") if path.stem != "__init__"]
        assert sorted(modules) == sorted(named), layer
