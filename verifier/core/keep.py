"""Which rows `--keep` lets through: whole verdicts, or everything that the gate would allow for marketing.

`sendable` is the gate's balanced policy for marketing as far as an assessment alone can tell it (suppressions, caps and
quotas know more): nothing undeliverable, disposable or of a look-alike domain, and nothing that a second look can still
change. An obstacle of ours or of a provider withholds no mail; its bounce risk counts.
"""

import difflib
from collections.abc import Callable

from verifier.core.faults import OperatorError
from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.core.verdict import Assessment, Flags

Keep = Callable[[Assessment], bool]

SENDABLE = "sendable"
HELD_UNTIL_ASKED_AGAIN = frozenset(
    {
        Reason.GREYLISTED,
        Reason.SMTP_TEMP_ERROR,
        Reason.CONNECT_FAILED,
        Reason.SMTP_TIMEOUT,
        Reason.DNS_TEMP_ERROR,
    }
)


def may_be_sent(reason: Reason, flags: Flags) -> bool:
    """Whether the gate's balanced policy would allow marketing mail on this evidence."""
    return not (
        verdict_of(reason) is Verdict.UNDELIVERABLE
        or flags.disposable
        or reason is Reason.DISPOSABLE
        or flags.typo_domain
        or reason in HELD_UNTIL_ASKED_AGAIN
    )


def sendable(assessment: Assessment) -> bool:
    """`may_be_sent` of an assessment."""
    return may_be_sent(assessment.reason, assessment.flags)


def parse_keep(text: str) -> Keep:
    """The predicate that `sendable`, verdicts such as `deliverable,risky`, or a mixture of them stands for.

    Raises OperatorError for anything else.
    """
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    known = [SENDABLE, *Verdict]
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise OperatorError(f"--keep knows no {word!r}; {hint}")
    if not words:
        raise OperatorError(f"--keep needs {SENDABLE} or verdicts: {', '.join(Verdict)}.")
    verdicts = frozenset(Verdict(word) for word in words if word != SENDABLE)
    if SENDABLE not in words:
        return lambda assessment: assessment.verdict in verdicts
    return lambda assessment: sendable(assessment) or assessment.verdict in verdicts
