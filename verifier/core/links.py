"""Takes links and host names out of a reply's text: what stands in them says nothing of the mailbox.

Law: text without a link or a host name stays as it is; a link or a host name leaves a mark of its own kind, whatever its
path, its labels or its length are. (`see https://mx.example/user-unknown`, `spamfilter.example: no such user`.)
"""

import re

LINK = "<url>"
HOST = "<host>"

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?"
_GENERIC = (
    "com|net|org|edu|gov|mil|int|info|biz|name|mobi|pro|aero|asia|coop|museum|jobs|tel|travel|cat|xyz|online|email|cloud|site"
    "|shop|store|tech|app|dev|io|host|hosting|group|world|agency|digital|local|localhost|localdomain|lan|internal|intranet|corp"
    "|home|arpa|example|test|invalid|xn--[a-z0-9-]+"
)
_AS_WORDS = frozenset({"no", "is", "it", "to", "in", "at", "be", "me", "my", "us", "so", "as", "do", "am", "by", "id", "la"})
"""Country codes that are words, too: `unknown.It was` is the end of a sentence."""
_NAMED = re.compile(
    rf"(?:(?:https?|ftp)\s?:\s?//? ?|www\.)[^\s<>\"]+"
    rf"|(?<![\w.@/-])(?:{_LABEL}\.)+(?:{_GENERIC}|[a-z]{{2}})\b(?!\.?[a-z0-9-])(?::\d{{2,5}}\b)?(?:/[^\s<>\"]*)?"
)
_LAST = re.compile(r"[.,;:!?)\]'}]+$")


def without_links(text: str) -> tuple[str, str]:
    """`text`, which is lower-case, with `<url>` for each link and `<host>` for each host name; and those themselves,
    separated by spaces."""
    if "." not in text:
        return text, ""
    found: list[str] = []

    def mark(match: re.Match[str]) -> str:
        word = match[0]
        ending = _LAST.search(word)
        end = ending[0] if ending else ""
        word = word[: len(word) - len(end)]
        if "/" not in word and not word.startswith("www."):
            if word.count(".") == 1 and word[word.index(".") + 1 :] in _AS_WORDS:
                return match[0]
            found.append(word)
            return HOST + end
        found.append(word)
        return LINK + end

    return _NAMED.sub(mark, text), " ".join(found)
