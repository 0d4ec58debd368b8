"""The recipes of the documentation, as they stand there; only the ports are replaced, by those of a test."""

import re
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def recipe(page: str, kind: str, holding: str, ports: Mapping[int, int]) -> str:
    """The one block of this kind on the page that has `holding` in it, with each port that it names replaced."""
    text = (_ROOT / page).read_text(encoding="utf-8")
    (found,) = [block for name, block in _BLOCK.findall(text) if name == kind and holding in block]
    for shown, real in ports.items():
        assert str(shown) in found
        found = found.replace(str(shown), str(real))
    return found
