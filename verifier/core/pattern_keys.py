"""Which words a text must hold for a pattern to match it: what lets hundreds of patterns be passed over unread.

Law: if the pattern, begun at a word, matches a text, then some word of the text begins with one of its keys.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

KEY_LENGTH = 4
"""Keys are the first so many characters of a word, or the whole word where it is shorter."""

_TOKEN = re.compile(
    r"[a-z0-9]+(?![?*+{])|\(\?(?:[:=!]|<[=!])|\(|\)|\||\[(?:\\.|[^\]\\])*\]|\\.|[?*+]\??|\{\d*,?\d*\}\??|.", re.DOTALL
)
"""Letters that no quantifier follows are one token: they are most of every pattern."""
_OPTIONAL = ("?", "*", "{0", "{,")
_QUANTIFIERS = ("?", "*", "+", "{")
_WORDS = re.compile(rf"([a-z0-9]{{1,{KEY_LENGTH}}})[a-z0-9]*+")
_LOOK_AROUND = frozenset({"(?=", "(?!", "(?<=", "(?<!"})
_NO_LETTER = frozenset({r"\b", r"\W"})

Keys = frozenset[str]
NOT_ASCII: Keys = frozenset({"=not-ascii"})
"""Stands for "some letter beyond ASCII", which has to be added to the words of a text that has one."""


class _Piece(Struct, frozen=True):
    """What one stretch of a pattern is sure to bring: `sets`, of each of which one key is met, and whether what
    follows it begins a word."""

    sets: tuple[Keys, ...]
    at_word: bool


@lru_cache(maxsize=4096)
def key_sets_of(pattern: str) -> tuple[Keys, ...]:
    """The keys of `pattern`, a lower-case regular expression that is only tried where a word begins: of each set one
    key is met wherever the pattern matches. Empty where no word is sure to be there. ValueError: unbalanced."""
    return _Reader(pattern).key_sets()


def words_of(text: str) -> set[str]:
    """What `key_sets_of` has to be compared with: the beginnings of the words of a lower-case text."""
    words = set(_WORDS.findall(text))
    return words if text.isascii() else words | NOT_ASCII


def elsewhere(words: Iterable[str]) -> Keys:
    """These words, marked as met in another text than the others."""
    return frozenset(f"~{word}" for word in words)


class Vocabulary:
    """Numbers the key sets of all patterns, so that which of them a text meets is one integer."""

    def __init__(self) -> None:
        self._bits: dict[Keys, int] = {}
        self._bits_of_word: dict[str, int] = {}

    def needed(self, key_sets: Iterable[Keys]) -> int:
        """The bits of these sets."""
        needed = 0
        for keys in key_sets:
            bit = self._bits.setdefault(keys, 1 << len(self._bits))
            needed |= bit
            for word in keys:
                self._bits_of_word[word] = self._bits_of_word.get(word, 0) | bit
        return needed

    def met(self, words: set[str]) -> int:
        """The bits of all sets of which one of these words is a member."""
        met = 0
        for word in words & self._bits_of_word.keys():
            met |= self._bits_of_word[word]
        return met


class WordPattern:
    """A regular expression to be found at the beginning of a word, and the bits of the words it needs.

    Compiled when first asked: most are never. The expression is tried without its tie to the word before it is tried
    with it, because a text that does not match fails sooner so.
    """

    __slots__ = ("_quick", "_search", "_source", "apart", "key_sets", "needed")

    def __init__(self, source: str, vocabulary: Vocabulary, *, apart: bool = False) -> None:
        """`apart`: it is looked for in a text whose words are marked by `elsewhere`."""
        keys = key_sets_of(source)
        self.apart = apart
        self.key_sets = tuple(elsewhere(each) for each in keys) if apart else keys
        self.needed = vocabulary.needed(self.key_sets)
        self._source = source
        self._quick: re.Pattern[str] | None = None
        self._search: re.Pattern[str] | None = None

    def found(self, text: str) -> bool:
        if self._quick is None or self._search is None:
            self._quick = re.compile(self._source)
            self._search = re.compile(f"(?<![a-z0-9])(?:{self._source})")
        return self._quick.search(text) is not None and self._search.search(text) is not None


class _Reader:
    """Reads a pattern once from left to right."""

    def __init__(self, pattern: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(pattern), ""]
        self._at = 0

    def key_sets(self) -> tuple[Keys, ...]:
        piece = self._alternatives(at_word=True)
        if self._tokens[self._at]:
            raise ValueError(f"unbalanced pattern: {''.join(self._tokens)}")
        return piece.sets

    def _alternatives(self, *, at_word: bool) -> _Piece:
        """The alternatives from here to the closing parenthesis, or to the end."""
        branches = [self._sequence(at_word=at_word)]
        while self._tokens[self._at] == "|":
            self._at += 1
            branches.append(self._sequence(at_word=at_word))
        at_word = all(branch.at_word for branch in branches)
        if len(branches) == 1:
            return _Piece(branches[0].sets, at_word)
        if not all(branch.sets for branch in branches):
            return _Piece((), at_word)
        rarest = (max(branch.sets, key=_distinction) for branch in branches)
        return _Piece((frozenset[str]().union(*rarest),), at_word)

    def _sequence(self, *, at_word: bool) -> _Piece:
        found: list[Keys] = []
        word: str | None = "" if at_word else None
        while (token := self._tokens[self._at]) not in ("", "|", ")"):
            self._at += 1
            inner = self._group(token, at_word=word == "") if token[0] == "(" else None
            literal = "" if inner is not None else _literal(token)
            quantifier = self._quantifier()
            optional = quantifier.startswith(_OPTIONAL)
            if literal.isalnum() and literal.isascii() and not optional:
                word = word + literal if word is not None else None
                if quantifier:
                    found.extend(_sure_beginning(word))
                    word = None
                continue
            breaks = literal != "" and not literal.isalnum() and not optional
            if breaks and word:
                found.append(frozenset({word[:KEY_LENGTH]}))
            else:
                found.extend(_sure_beginning(word))
            if inner is None:
                if not (literal.isascii() or optional):
                    found.append(NOT_ASCII)
                apart = literal != "" and not literal.isalnum() and literal.isascii()
                word = "" if breaks or (apart and word == "") else None
                continue
            if not optional:
                found.extend(inner.sets)
            word = "" if inner.at_word and (word == "" or not optional) else None
        found.extend(_sure_beginning(word))
        return _Piece(tuple(found), word == "")

    def _group(self, token: str, *, at_word: bool) -> _Piece:
        piece = self._alternatives(at_word=at_word)
        if self._tokens[self._at] != ")":
            raise ValueError(f"unbalanced pattern: {''.join(self._tokens)}")
        self._at += 1
        return _Piece((), at_word) if token in _LOOK_AROUND else piece

    def _quantifier(self) -> str:
        """Takes the quantifier that follows, "" if none does."""
        quantifier = self._tokens[self._at]
        if not quantifier.startswith(_QUANTIFIERS) or quantifier == "{":
            return ""
        self._at += 1
        return quantifier


def _sure_beginning(word: str | None) -> tuple[Keys, ...]:
    """The key of a word that may go on; none while fewer letters than a key has are known."""
    return (frozenset({word[:KEY_LENGTH]}),) if word is not None and len(word) >= KEY_LENGTH else ()


def _distinction(keys: Keys) -> tuple[int, int]:
    """Few and long words tell most."""
    return (-len(keys), min(map(len, keys)))


def _literal(token: str) -> str:
    """The character or letters that a token surely is; a space where it is none of a word, "" where it is not known."""
    if token in _NO_LETTER:
        return " "
    if len(token) == 2 and token[0] == "\\":
        return token[1] if not token[1].isalnum() else ""
    return token if token.isalnum() or (len(token) == 1 and token not in ".^$") else ""
