"""Reads data/reply_rules.toml: terms filled in, code and phase names resolved, every row checked.

Fails with ValueError that names the rule: the file is ours, so a fault in it is ours.
"""

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from verifier.adapters.data_files import shipped_folder
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.reply_rules import Phase, Rule, Rules
from verifier.core.reply_text import without_accents

_TERM = re.compile(r"\{([a-z_]+)\}")
_CODE = re.compile(r"[2-5][0-9x][0-9x]")


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    phase: str
    reply_class: ReplyClass = msgspec.field(name="class")
    source: str
    example: str
    also: tuple[str, ...] = ()
    stages: frozenset[SmtpStage] = frozenset()
    mx: frozenset[str] = frozenset()
    codes: tuple[str, ...] = ()
    enhanced: frozenset[str] = frozenset()
    match: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    ambiguous: bool = False
    wait_s: int | None = None
    advice: str | None = None


@cache
def shipped_rules() -> Rules:
    """The rules that are shipped, compiled once a process."""
    return load_rules(shipped_folder() / "reply_rules.toml")


def load_rules(path: Path) -> Rules:
    """The rules in the TOML file at `path`, compiled."""
    return Rules(read_rules(path))


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules as they stand in the TOML file at `path`, in its order."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    terms: dict[str, str] = content["terms"]
    return tuple(_rule(raw, terms) for raw in content["rule"])


def _rule(raw: dict[str, Any], terms: dict[str, str]) -> Rule:
    try:
        row = msgspec.convert(raw, _Row)
        return Rule(
            id=row.id,
            phase=Phase[row.phase.upper()],
            reply_class=row.reply_class,
            source=row.source,
            example=row.example,
            also=row.also,
            stages=row.stages,
            mx=row.mx,
            codes=frozenset(code for pattern in row.codes for code in _codes(pattern)),
            enhanced=row.enhanced,
            match=tuple(_filled(source, terms) for source in row.match),
            links=tuple(_filled(source, terms) for source in row.links),
            unless=tuple(_filled(source, terms) for source in row.unless),
            ambiguous=row.ambiguous,
            wait_s=row.wait_s,
            advice=row.advice,
        )
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        raise ValueError(f"reply rule {raw.get('id', '?')}: {error}") from error


@lru_cache(maxsize=256)
def _codes(pattern: str) -> tuple[int, ...]:
    """The reply codes that a pattern such as "550" or "55x" stands for."""
    if not _CODE.fullmatch(pattern):
        raise ValueError(f"{pattern!r} is no reply code")
    wanted = re.compile(pattern.replace("x", "[0-9]"))
    return tuple(code for code in range(200, 600) if wanted.fullmatch(str(code)))


def _filled(source: str, terms: dict[str, str]) -> str:
    """The pattern with its {terms} filled in, which may hold terms themselves, and without accents as what it reads."""
    while _TERM.search(source):
        source = _TERM.sub(lambda found: terms[found[1]], source)
    return without_accents(source)
