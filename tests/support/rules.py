"""The rules that are shipped, compiled once for all tests."""

from functools import cache
from pathlib import Path

from verifier.adapters.reply_rule_file import load_rules
from verifier.core.reply_rules import Rules

DATA = Path(__file__).parent.parent.parent / "data"


@cache
def shipped_rules() -> Rules:
    return load_rules(DATA / "reply_rules.toml")
