"""Cleans off a cell what people and programs put around an address. What is reported here is never written back.

Law: each step only takes away, so that cleaning twice is cleaning once; a text that is an address already is untouched.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

_BOM = "\ufeff"
_NBSP = "\u00a0\u2007\u202f"
_SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
    "\u2028\u2029\u205f\u3000"
)
_TRAILING = ".,;:" + "．。｡，、；：" + "…"
_ZERO_WIDTH = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f]+")
# Between two letters that are not ASCII a joiner is spelling, not dirt (RFC 5892 appendix A): it is left to be refused.
_STRAY_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]++|[\u200c\u200d]++(?![^\x00-\x7f])")
_QUOTES = {'"': '"', "'": "'", "`": "`´'", "´": "´", "“": "”“", "”": "”", "„": "“”", "‘": "’‘", "’": "’", "‚": "‘’"} | {
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "＂": "＂",
}
_quoted_name = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", re.DOTALL).fullmatch
_BETWEEN_ADDRESSES = re.compile(r"[\s,;:|/<>()\[\]\"']+")
_mailto = re.compile("mailto:(?://)?", re.IGNORECASE).match


def clean_up(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its wrapping, and the names of the clean-ups that were needed, in the order of their doing."""
    names: list[str] = []
    while True:
        for name, step in _STEPS:
            shorter = step(text)
            if shorter != text:
                if name not in names:
                    names.append(name)
                text = shorter
                break
        else:
            return text, tuple(names)


def address_like(text: str) -> list[str]:
    """The parts of a text that look like addresses: more than one means that a cell holds several."""
    return [
        part for part in _BETWEEN_ADDRESSES.split(text) if not part.startswith("@") and "." in part.partition("@")[2]
    ]


def _without_bom(text: str) -> str:
    return text.replace(_BOM, "")


def _without_zero_width(text: str) -> str:
    return text if text.isascii() else _STRAY_JOINERS.sub("", _ZERO_WIDTH.sub("", text))


def _without_nbsp(text: str) -> str:
    return text.strip() if text.strip(_NBSP) != text else text


def _without_spaces(text: str) -> str:
    return text.strip(_SPACES)


def _without_trailing_punctuation(text: str) -> str:
    return text.rstrip(_TRAILING)


def _without_quotes(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[-1] in _QUOTES.get(text[0], "") else text


def _without_angle_brackets(text: str) -> str:
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _without_display_name(text: str) -> str:
    """`Name <a@b>` gives `a@b` (RFC 5322 §3.4), unless the name is, unquoted, some other address."""
    name, bracket, address = text.removesuffix(">").rpartition("<")
    name = name.strip()
    if not text.endswith(">") or not bracket or not name or "@" not in address:
        return text
    if _quoted_name(name) or not address_like(name) or name.lower() == address.strip().lower():
        return address
    return text


def _without_mailto(text: str) -> str:
    """`mailto:a@b?subject=c` gives `a@b` (RFC 6068): no header fields, percent-encoding undone where it is UTF-8."""
    match = _mailto(text)
    if match is None:
        return text
    address = text[match.end() :].partition("?")[0]
    try:
        return unquote(address, errors="strict")
    except UnicodeDecodeError:
        return address


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("bom", _without_bom),
    ("zero_width", _without_zero_width),
    ("nbsp", _without_nbsp),
    ("whitespace", _without_spaces),
    ("trailing_punctuation", _without_trailing_punctuation),
    ("quotes", _without_quotes),
    ("angle_brackets", _without_angle_brackets),
    ("mailto", _without_mailto),
    ("display_name", _without_display_name),
)
