"""What of a reply's text is read: its words, without accents, and apart from them its links and host names.

Laws: a link or a host name leaves a mark of its own kind, whatever its path, its labels or its length are, so what is
written in it (`see https://mx.example/user-unknown`, `spamfilter.example: welcome`) says nothing of the mailbox; text
without either stays as it is.
"""

import re
import unicodedata

LINK = "<url>"
HOST = "<host>"

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?"
_TOP_LEVEL = (
    "com|net|org|edu|gov|mil|int|info|biz|name|mobi|pro|aero|asia|coop|museum|jobs|tel|travel|cat|xyz|online|email"
    "|cloud|site|shop|store|tech|app|dev|host|hosting|group|world|agency|digital|local|localhost|localdomain|lan"
    "|internal|intranet|corp|home|arpa|example|test|invalid|xn--[a-z0-9-]+|[a-z]{2}"
)
_ALSO_WORDS = frozenset({"no", "is", "it", "to", "in", "at", "be", "me", "my", "us", "so", "as", "do", "am", "by"})
"""Country codes that begin sentences, too: `unknown.It was`."""
_IN_LINK = r"(?:[^\s<>\"]|<(?:ip|own-ip|id|\*)>)"
_NAME = re.compile(
    rf"(?:(?:https?|ftp)://|www\.){_IN_LINK}+"
    rf"|(?<![\w@/-])(?<!\w\.)(?:{_LABEL}\.)+(?:{_TOP_LEVEL})\b(?!\.?[a-z0-9-])(?::\d{{2,5}}\b)?(?:/{_IN_LINK}*)?"
)
_DOT_WITHIN = re.compile(r"\.[a-z0-9]|://")
_ENDING = re.compile(r"[.,;:!?)\]'}]+$")
_JOINED = re.compile(r"(?<=[a-z])_(?=[a-z])")


def without_links(text: str) -> tuple[str, str]:
    """`text`, which is lower-case, with `<url>` for each link and `<host>` for each host name, and with the spaces that
    some servers write as `_`; and the links and names, separated by spaces."""
    found: list[str] = []

    def mark(match: re.Match[str]) -> str:
        ending = _ENDING.search(match[0])
        name = match[0][: ending.start()] if ending else match[0]
        link = "/" in name or name.startswith("www.")
        if not link and name.count(".") == 1 and name.partition(".")[2] in _ALSO_WORDS:
            return match[0]
        found.append(name)
        return (LINK if link else HOST) + (ending[0] if ending else "")

    if ":// " in text:
        text = text.replace(":// ", "://")
    if _DOT_WITHIN.search(text) is not None:
        words = text.split(" ")
        for place, word in enumerate(words):
            if 0 < word.find(".") < len(word) - 1 or "://" in word:
                words[place] = _NAME.sub(mark, word)
        text = " ".join(words)
    if "_" in text:
        text = _JOINED.sub(" ", text)
    return text, " ".join(found)


_ACCENTS = re.compile("[\u0300-\u036f]+")
_LETTERS = str.maketrans(
    {
        "’": "'", "‘": "'", "´": "'", "`": "'", "“": '"', "”": '"', "«": '"', "»": '"',
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
    }
)  # fmt: skip


def without_accents(text: str) -> str:
    """`text` as it is spelled on a keyboard without accents (`désactivé`, `skrzynka pełna`); other scripts keep their
    letters."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text.translate(_LETTERS))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", apart))
