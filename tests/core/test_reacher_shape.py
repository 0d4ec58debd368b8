"""Reacher's shape around our verdict."""

import msgspec
import pytest

from tests.core.test_signup import assessment
from tests.support.facts import at
from verifier.core.reacher_shape import ReacherAnswer, to_reacher
from verifier.core.reasons import Reason, Verdict, verdict_of

_REACHABLE = {"deliverable": "safe", "risky": "risky", "undeliverable": "invalid", "unknown": "unknown"}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_shape(reason: Reason) -> None:
    """Our verdict in its words; unknown is an error with our reason, everything else its five facts."""
    answer = to_reacher(assessment(reason), "verifier", at(0))
    msgspec.convert(answer, ReacherAnswer, strict=True)
    assert answer["is_reachable"] == _REACHABLE[verdict_of(reason)]
    if verdict_of(reason) is Verdict.UNKNOWN:
        assert answer["smtp"]["error"]["message"].startswith(f"{reason}: ")
    else:
        facts = {name for name, value in answer["smtp"].items() if value and name != "can_connect_smtp"}
        assert facts == {
            Reason.ACCEPTED: {"is_deliverable"},
            Reason.CATCH_ALL: {"is_deliverable"},
            Reason.MAILBOX_DISABLED: {"is_disabled"},
        }.get(reason, set())
