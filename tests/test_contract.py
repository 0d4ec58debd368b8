"""docs/contract.md says what the code does: settings, commands, verdicts, reasons and reply classes."""

import re
from pathlib import Path

import click
import pytest

from verifier.config import SETTINGS
from verifier.core.evidence import NameFlags
from verifier.core.reasons import MEANINGS, Reason, Verdict
from verifier.core.replies import ReplyClass
from verifier.core.verdict import Flags
from verifier.edges.cli.exit_codes import ExitCode
from verifier.edges.cli.root import root

CONTRACT = (Path(__file__).parents[1] / "docs" / "contract.md").read_text(encoding="utf-8")
WORDS, COMMANDS, SETTINGS_PART = (re.split(r"^## \d+\. ", CONTRACT, flags=re.MULTILINE)[number] for number in (1, 3, 4))
WITH_OPTIONS_IN_THE_CONTRACT = ("check", "clean", "explain")


def words_after(heading: str) -> list[str]:
    """The code words of the paragraph that begins with `**heading**`."""
    paragraph = WORDS.split(f"**{heading}**", 1)[1].split("\n**", 1)[0].split("A role address", 1)[0]
    return re.findall(r"`([a-z_]+)`", paragraph)


def documented_settings() -> dict[str, str]:
    """Variable to default, as the table of §4 has them."""
    found = {}
    for line in SETTINGS_PART.splitlines():
        if not line.startswith("| `"):
            continue
        names, default, _ = (cell.strip() for cell in line.strip("|").split("|", 2))
        written = re.findall(r"`([A-Z_]+)`", names)
        prefix = written[0].rsplit("_", 1)[0] if written[0].count("_") > 1 else written[0]
        for name, value in zip(written, re.split(r"[,;] (?!and)", default) + [""] * 9, strict=False):
            found[prefix.removesuffix("_MAX") + name if name.startswith("_") else name] = value.strip()
    return found


def test_verdicts_and_reasons_are_those_of_the_contract() -> None:
    """Same words, same order, and each reason stands in its verdict's row."""
    assert sorted(Verdict) == sorted(words_after("Verdict")[:4])
    rows = re.findall(r"^\| (\w+) \| (`.*`) \|$", WORDS, flags=re.MULTILINE)
    listed = [(verdict, reason) for verdict, cell in rows for reason in re.findall(r"`(\w+)`", cell)]
    assert {reason: verdict for verdict, reason in listed} == {r.value: MEANINGS[r].verdict.value for r in Reason}
    by_verdict = {verdict: [r for v, r in listed if v == verdict] for verdict, _ in rows}
    assert by_verdict == {v: [r.value for r in Reason if MEANINGS[r].verdict == v] for v, _ in rows}


def test_reply_classes_are_those_of_the_contract() -> None:
    """The closed list of what one reply can say."""
    assert {c.value for c in ReplyClass} == set(words_after("Reply class"))


def test_flags_are_those_of_the_contract() -> None:
    """Every flag is named there, and those that spelling decides are among them."""
    assert list(Flags.__struct_fields__) == words_after("Flags")[: len(Flags.__struct_fields__)]
    assert set(NameFlags.__struct_fields__) <= set(Flags.__struct_fields__)


def test_settings_are_those_of_the_contract() -> None:
    """Every setting of the table exists, and no other."""
    assert set(documented_settings()) == {setting.variable for setting in SETTINGS}


def test_defaults_are_those_of_the_contract() -> None:
    """Where the table quotes a default as code, it is the very one."""
    documented = documented_settings()
    for setting in SETTINGS:
        quoted = re.fullmatch(r"`([^`]*)`", documented[setting.variable])
        if quoted and "@" not in quoted[1]:
            assert (setting.variable, quoted[1]) == (setting.variable, setting.default)


@pytest.mark.parametrize("name", root.list_commands(click.Context(root)))
def test_commands_are_those_of_the_contract(name: str) -> None:
    """Every command that exists is in the table, can be loaded, and has no option that the contract does not name."""
    assert re.search(rf"`(?:verifier )?{name}\b", COMMANDS)
    command = root.get_command(click.Context(root), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    if name in WITH_OPTIONS_IN_THE_CONTRACT:
        options = [param.opts for param in command.params if isinstance(param, click.Option)]
        assert [spellings for spellings in options if not any(text in COMMANDS for text in spellings)] == []


def test_exit_codes_are_those_of_the_contract() -> None:
    """Every code that the command line knows is explained, and no other number is."""
    sentence = COMMANDS.split("Exit codes, tested:", 1)[1].split("Diagnostics", 1)[0]
    assert {int(code) for code in re.findall(r"\b\d+\b", sentence)} == {code.value for code in ExitCode}
