"""What a program's answer about an address is worth beside what is true of it in the mail world. Pure.

A program says valid, invalid, risky or unknown; the world knows whether the mailbox exists and whether anybody could
have been told. So that the other programs lose nothing by having fewer words than ours, a second reading of their
answers looks at the reasons that they give.
"""

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from verifier.core.reasons import Reason, Verdict
from verifier.world.truth import Truth


class Answer(StrEnum):
    """What a program said of one address."""

    VALID = "valid"
    RISKY = "risky"
    INVALID = "invalid"
    UNKNOWN = "unknown"
    RAISED = "raised"
    """An exception that the program does not document came out of it."""
    UNREACHED = "unreached"
    """The run's time was over before."""


class Standing(StrEnum):
    """What is true of one address."""

    GOOD = "good"
    """The mailbox exists and takes mail, and its host tells whoever asks politely and waits."""
    FULL = "full"
    """The same, but the mailbox is full at the moment."""
    INTERNATIONAL = "international"
    """The mailbox exists, and its address is not all ASCII, or its domain would not be without its A-labels."""
    UNSEEN = "unseen"
    """The mailbox exists, but its host refuses, defers or loses whoever asks, or takes mail from members only."""
    DEAD = "dead"
    """No mail arrives there, and it can be found out."""
    UNTOLD = "untold"
    """No mailbox of that name, but nobody is told; or the DNS does not answer."""
    OPEN = "open"
    """There is no mailbox to speak of: the host accepts every name, or the domain is a throw-away one."""


class Said(NamedTuple):
    """One answer: `kind` is the program's own class of reason, `text` its own words ("" for none)."""

    answer: Answer
    kind: str = ""
    text: str = ""


OF_VERDICT = {
    Verdict.DELIVERABLE: Answer.VALID,
    Verdict.RISKY: Answer.RISKY,
    Verdict.UNDELIVERABLE: Answer.INVALID,
    Verdict.UNKNOWN: Answer.UNKNOWN,
}
"""Our verdicts in the common words."""

_ABOUT_THE_ADDRESS = frozenset(
    {
        "AddressFormatError",
        "DomainBlacklistedError",
        "DomainNotFoundError",
        "NoMXError",
        "NoValidMXError",
        "AddressNotDeliverableError",
        "regex",
        "typo",
        "disposable",
        "mx",
    }
)
"""Kinds of reason that speak of the address: py3-validate-email's exceptions, deep-email-validator's levels."""
_NOT_FOUND = ("smtp", "Mailbox not found.")
"""What deep-email-validator says on any 550."""
_A_LABEL = re.compile(r"[@.]xn--", re.IGNORECASE)
_ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
_HOST = re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:example|com|net|org)\b(?:/\S*)?")


EXISTING = (Standing.GOOD, Standing.FULL, Standing.INTERNATIONAL, Standing.UNSEEN)
"""Where there is a mailbox."""


def standing(address: str, truth: Truth) -> Standing:
    """What is true of an address, as far as it matters to whoever asks."""
    if truth.exists is None:
        return Standing.OPEN
    if Verdict.UNDELIVERABLE in truth.verdicts:
        return Standing.DEAD
    if not truth.exists:
        return Standing.UNTOLD
    if not address.isascii() or _A_LABEL.search(address):
        return Standing.INTERNATIONAL
    if truth.verdicts == {Verdict.UNKNOWN}:
        return Standing.UNSEEN
    return Standing.FULL if Reason.MAILBOX_FULL in truth.reasons else Standing.GOOD


def false_invalid(said: Answer, true: Standing) -> bool:
    """A mailbox that exists was called bad."""
    return said is Answer.INVALID and true in EXISTING


def false_valid(said: Answer, true: Standing) -> bool:
    """An address that takes no mail was called good, or good enough to be merely risky."""
    return said in (Answer.VALID, Answer.RISKY) and true in (Standing.DEAD, Standing.UNTOLD)


def read_with_care(said: Said) -> Said:
    """The same answer as a careful caller could read it: invalid only where the reason speaks of the address.

    Everything else that was called invalid (refused at the banner or at MAIL, timed out, no name server) is unknown.
    """
    about = said.kind in _ABOUT_THE_ADDRESS or (said.kind, said.text) == _NOT_FOUND
    return said if said.answer is not Answer.INVALID or about else said._replace(answer=Answer.UNKNOWN)


def words(said: Said) -> str:
    """The reason in the program's own words, without what names one address or host; one line."""
    text = " ".join(said.text.split())
    text = _HOST.sub("…", _ADDRESS.sub("<…>", text))
    return f"{said.kind}: {text}" if said.kind and text else said.kind or text


class Score(NamedTuple):
    """How many of a program's answers were what."""

    existing: int
    """Addresses whose mailbox exists."""
    false_invalid: Counter[Standing]
    false_valid: int
    unproven: int
    """Called valid where the host accepts every name, or the domain is a throw-away one."""
    unknown: int
    lost: int
    """Raised or unreached."""


def score(answers: Iterable[tuple[Answer, Standing]]) -> Score:
    """Counts answers against the truth."""
    pairs = list(answers)
    return Score(
        existing=sum(true in EXISTING for _, true in pairs),
        false_invalid=Counter(true for said, true in pairs if false_invalid(said, true)),
        false_valid=sum(false_valid(said, true) for said, true in pairs),
        unproven=pairs.count((Answer.VALID, Standing.OPEN)),
        unknown=sum(said is Answer.UNKNOWN for said, _ in pairs),
        lost=sum(said in (Answer.RAISED, Answer.UNREACHED) for said, _ in pairs),
    )
