"""What the program says when something is wrong is said in French too, and names the same things."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifier.config import SETTINGS
from verifier.writers.sentences import typeset
from verifier.writers.told_fr import TOLD_FR, in_french

PACKAGE = Path(__file__).resolve().parents[2] / "verifier"
SPEAKING = [
    "core/campaign_columns.py",
    "core/campaign_faults.py",
    "core/campaigns.py",
    "core/diagnosis.py",
    "core/egress.py",
    "core/list_faults.py",
    "core/list_orders.py",
    "core/origins.py",
    "core/row_filter.py",
    "service/access.py",
    "service/campaign_deciding.py",
    "service/campaigns.py",
    "service/canaries.py",
    "service/doctor.py",
    "service/list_quotas.py",
    "service/list_reading.py",
    "service/list_runner.py",
    "service/list_sheets.py",
    "service/lists.py",
    "adapters/list_folder.py",
    "adapters/sqlite_sheet.py",
    "writers/xlsx_writer.py",
    "edges/http/bodies.py",
    "edges/http/api/uploads.py",
    "edges/http/middlewares/authentication.py",
    "edges/http/middlewares/limits.py",
    "edges/http/middlewares/problem_details.py",
    "edges/http/pages/campaign_page.py",
    "edges/http/pages/forms.py",
    "edges/http/pages/key_page.py",
    "edges/http/pages/list_rows.py",
    "edges/http/pages/static.py",
    *(f"readers/{path.name}" for path in sorted((PACKAGE / "readers").glob("*.py"))),
]
"""Modules whose sentences can come to a page."""
JOINED = ["{} {} refused us: {}", "{} is {}."]
"""Made of another sentence, or of halves that stand in the catalogue whole."""


def sentences(module: str) -> Iterator[str]:
    """Whatever ends like a sentence in a module's code, `{}` for each thing that it names."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in told or id(node) in inside:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
        if re.search(r"[a-z] .*\.$", text, re.DOTALL) or text.startswith(("Publish: ", "the resolver ")):
            yield text


@pytest.mark.parametrize("module", SPEAKING)
def test_every_sentence_that_a_page_can_tell_is_there_in_french(module: str) -> None:
    """Whoever writes a new one writes it twice."""
    half = re.compile(r"is an? .*\.|is protected .*\.")
    missing = [text for text in sentences(module) if text not in TOLD_FR and text not in JOINED]
    assert [text for text in missing if not (half.fullmatch(text) and "{} " + text in TOLD_FR)] == []


def test_every_setting_is_explained_in_french() -> None:
    """As the page of settings shows it."""
    assert [setting.meaning for setting in SETTINGS if in_french(setting.meaning) is None] == []


@pytest.mark.parametrize("english", sorted(TOLD_FR))
def test_a_translation_names_the_same_things(english: str) -> None:
    """No more places than the English has; and it is no English."""
    places = {int(name) for _, name, _, _ in string.Formatter().parse(TOLD_FR[english]) if name}
    assert places <= set(range(english.count("{}")))
    assert TOLD_FR[english] != english


def test_what_is_named_stays() -> None:
    """Names, numbers and causes come over; the most particular sentence is the one that is meant."""
    assert in_french("The key may ask for 60 checks a minute.") == (
        "Cette clé permet 60 vérifications par minute : attendez un peu."
    )
    assert in_french("a b.csv is a binary file, not a list: it has NUL bytes.") == (
        "a b.csv est un fichier binaire, pas une liste."
    )
    assert in_french("192.0.2.1 is mail.example, and mail.example leads back to it.") == (
        "192.0.2.1 est mail.example, et mail.example y ramène."
    )
    assert in_french("Nobody has ever said this") is None


def test_figures_are_written_as_french_writes_them() -> None:
    """Sizes, thousands and shares; a file's name stays what it is."""
    too_large = in_french("The upload is larger than 1GB: split it, or raise VERIFIER_LISTS_MAX_UPLOAD.")
    assert too_large is not None and too_large.startswith("Le fichier dépasse 1\u202fGo : ")
    assert in_french("all 2GB 1,000.csv has a row of 20,001 cells: a list has at most 16,384.") == (
        "all 2GB 1,000.csv a une ligne de 20\u202f001 cellules : une liste en a au plus 16\u202f384."
    )


def test_french_spaces() -> None:
    """No line breaks before high punctuation or a per cent sign; a place that is filled in is no per cent sign."""
    assert typeset("à la ligne %s : 5 % de %(all)s, soit 95 %% ?") == (
        "à la ligne %s\u00a0: 5\u202f% de %(all)s, soit 95\u202f%%\u00a0?"
    )
    assert typeset("« oui » !") == "«\u00a0oui\u00a0»\u00a0!"
