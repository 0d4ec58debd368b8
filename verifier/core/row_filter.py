"""Which rows of a list are shown or downloaded: by verdict, reason, flag, text, and whether they repeat another.

Law: a filter without conditions lets every row through; each further condition only leaves rows out.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from verifier.core.keep import SENDABLE, may_be_sent
from verifier.core.list_faults import BadRequest
from verifier.core.reasons import Reason, Verdict
from verifier.core.verdict import Assessment, Flags

LONGEST_TEXT = 254
ALL = "all"
FLAGS = Flags.__struct_fields__


class RowFilter(Struct, frozen=True):
    """Empty conditions let everything through. Of `verdicts`, and of `reasons`, one must hold; of `flags` (name to
    value) all. `text` is looked for in the address, case aside; `repeats` False leaves out rows that repeat another.
    """

    verdicts: frozenset[Verdict] = frozenset()
    sendable: bool = False
    """With `verdicts`: what is sendable is let through as well."""
    reasons: frozenset[Reason] = frozenset()
    flags: Mapping[str, bool] = {}
    text: str = ""
    repeats: bool = True

    @property
    def lets_all_through(self) -> bool:
        """It has no condition."""
        return self == _NONE

    def passes(self, assessment: Assessment, duplicate_of: int) -> bool:
        """Whether a row with this verdict is let through."""
        if duplicate_of and not self.repeats:
            return False
        if (self.verdicts or self.sendable) and not (
            assessment.verdict in self.verdicts or (self.sendable and may_be_sent(assessment.reason, assessment.flags))
        ):
            return False
        if self.reasons and assessment.reason not in self.reasons:
            return False
        if any(getattr(assessment.flags, name) is not value for name, value in self.flags.items()):
            return False
        return not self.text or self.text in assessment.email.casefold() or self.text in (assessment.normalized or "")

    def may_pass(self, reasons: Collection[Reason]) -> bool:
        """False where no row with one of these reasons can be let through."""
        return not self.reasons or not self.reasons.isdisjoint(reasons)


_NONE = RowFilter()


def parse_filter(
    *,
    verdict: Sequence[str] = (),
    keep: Sequence[str] = (),
    reason: Sequence[str] = (),
    flag: Sequence[str] = (),
    text: str = "",
    repeats: bool = True,
) -> RowFilter:
    """The filter that words stand for: verdicts or `sendable`, reasons, and flags, `-role` meaning its absence.

    `keep` is `verdict` by its other name, which also knows `all`: no verdict is left out. Raises BadRequest for a word
    that does not exist, naming those that do.
    """
    words = {*verdict, *keep}
    verdicts = _known("verdict", {*verdict} - {SENDABLE}, [*Verdict], (SENDABLE,))
    kept = _known("keep", {*keep} - {SENDABLE, ALL}, [*Verdict], (ALL, SENDABLE))
    if ALL in keep:
        words, verdicts, kept = set(), (), ()
    if len(text) > LONGEST_TEXT:
        raise BadRequest("q", f"q is text of at most {LONGEST_TEXT} characters.")
    flags = {name.removeprefix("-"): not name.startswith("-") for name in flag}
    _known("flag", set(flags), list(FLAGS))
    return RowFilter(
        verdicts=frozenset(Verdict(word) for word in (*verdicts, *kept)),
        sendable=SENDABLE in words,
        reasons=frozenset(Reason(word) for word in _known("reason", {*reason}, [*Reason])),
        flags=flags,
        text=text.strip().casefold(),
        repeats=repeats,
    )


def _known(field: str, words: Collection[str], known: Sequence[str], more: Sequence[str] = ()) -> Collection[str]:
    unknown = sorted(set(words) - set(known))
    if unknown:
        what = "verdict" if field == "keep" else field
        raise BadRequest(field, f"There is no {what} {unknown[0]!r}; there are {', '.join([*more, *known])}.")
    return words
