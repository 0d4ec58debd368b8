"""Sentences for people, in English or French: one catalogue for the summary on the terminal and for the report."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from verifier.core.reasons import MEANINGS, Reason
from verifier.writers.sentences_en import SENTENCES_EN
from verifier.writers.sentences_fr import MEANINGS_FR, SENTENCES_FR

NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
_PER_CENT = re.compile(r" (?=%(?![sd(]))")
"""The space before a per cent sign; that before a place to be filled in is one like any other."""


class Language(StrEnum):
    """The languages of the summary and the report."""

    ENGLISH = "en"
    FRENCH = "fr"


def language_of(environ: Mapping[str, str]) -> Language:
    """The reader's language by the locale variables, in POSIX order; English where they name none of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return Language.FRENCH if environ[name].lower().startswith("fr") else Language.ENGLISH
    return Language.ENGLISH


class Phrases:
    """Writes sentences, numbers, shares and times the way the language does."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._french = language is Language.FRENCH
        self._sentences = SENTENCES_FR if self._french else SENTENCES_EN

    def __call__(self, key: str, **values: str) -> str:
        """The sentence `key` with its places filled in."""
        sentence = self._sentences[key]
        return (typeset(sentence) if self._french else sentence).format(**values)

    def reason(self, reason: Reason) -> str:
        """What a reason means, in one sentence."""
        return typeset(MEANINGS_FR[reason]) if self._french else MEANINGS[reason].sentence

    def number(self, number: int) -> str:
        """Thousands apart."""
        return f"{number:,}".replace(",", NARROW_SPACE) if self._french else f"{number:,}"

    def counted(self, noun: str, number: int) -> str:
        """The number and its noun, in the singular where the language wants it."""
        return f"{self.number(number)} {self.noun(noun, number)}"

    def noun(self, noun: str, number: int) -> str:
        """The noun alone, as it stands beside that number."""
        singular = abs(number) < 2 if self._french else number == 1
        return self._sentences[f"{noun}.one" if singular else f"{noun}.other"]

    def share(self, share: float) -> str:
        """A share or rate of 0.0-1.0 in per cent, one decimal; what is not zero never reads as zero, nor as all."""
        if 0 < share < 0.001:
            return f"< {self._percent(0.1)}"
        if 0.999 < share < 1:
            return f"> {self._percent(99.9)}"
        return self._percent(share * 100)

    def moment(self, moment: datetime) -> str:
        """Day and minute in UTC."""
        at = moment.astimezone(UTC)
        month = self._sentences["months"].split()[at.month - 1]
        return self("moment", day=str(at.day), month=month, year=str(at.year), time=f"{at:%H:%M}")

    def duration(self, seconds: float) -> str:
        """A stretch of time in its two largest units."""
        whole = round(seconds)
        if seconds < 10:
            return f"{seconds:.1f} s".replace(".", "," if self._french else ".")
        if whole < 60:
            return f"{whole} s"
        if whole < 3600:
            return f"{whole // 60} min {whole % 60} s"
        return f"{whole // 3600} h {whole % 3600 // 60} min"

    def _percent(self, percent: float) -> str:
        text = f"{percent:.1f}"
        return f"{text.replace('.', ',')}{NARROW_SPACE}%" if self._french else f"{text}%"


def typeset(sentence: str) -> str:
    """French spacing: no line may break before its high punctuation, nor inside its quotation marks."""
    for before in " :", " ;", " ?", " !", " »":
        sentence = sentence.replace(before, NO_BREAK_SPACE + before[1])
    return _PER_CENT.sub(NARROW_SPACE, sentence.replace("« ", "«" + NO_BREAK_SPACE))
