r"""The one-shot line: `CHECK addr [context]\n` → `ALLOW|HOLD|BLOCK rule\n`, and the connection is closed.

For whatever can open a socket: Exim's `${readsocket}`, netcat, a shell. Everything that does not begin with one of the
three words is no decision: `ERROR sentence\n`.
"""

import re

from msgspec import Struct

from verifier.core.gate_context import parse_context
from verifier.core.policy_protocol import plain

MOST_BYTES = 1024
_LINE = re.compile(r'CHECK +("(?:[^"\\]|\\.)*"@[^ ]+|[^ ]+)(?: +(.*))?', re.IGNORECASE)


class LineQuestion(Struct, frozen=True):
    """One address, as it was written, and the words of `core/gate_context` that were said of the mail."""

    email: str
    context: str


def parse_line(line: bytes) -> LineQuestion:
    """The question of one line. Raises ValueError with a half sentence where it is none."""
    text = line.decode("utf-8", "replace").strip()
    match = _LINE.fullmatch(text)
    if match is None:
        raise ValueError("write CHECK, an address, and perhaps the class of mail: CHECK jane@shop.example marketing")
    context = match[2] or ""
    parse_context(context)
    return LineQuestion(match[1], context)


def line_answer(word: str, detail: str) -> bytes:
    """One answer, of one line whatever stands in `detail`."""
    return f"{word} {plain(detail)}\n".encode()
