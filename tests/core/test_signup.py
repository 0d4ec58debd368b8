"""What a sign-up form does with an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at
from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.core.signup import Advice, Decision, Language, SignupPolicy, advise, preferred_language, told_to_browsers
from verifier.core.verdict import Assessment, Flags

REFUSED = {
    Reason.INVALID_SYNTAX,
    Reason.DOMAIN_NOT_FOUND,
    Reason.NO_MAIL_HOST,
    Reason.NULL_MX,
    Reason.MX_UNROUTABLE,
    Reason.MAILBOX_NOT_FOUND,
}


def assessment(reason: Reason, *, meant: str | None = None, disposable: bool = False, seen: float = 0) -> Assessment:
    return Assessment(
        email="jane@shop.example",
        normalized=None if reason is Reason.INVALID_SYNTAX else "jane@shop.example",
        verdict=verdict_of(reason),
        reason=reason,
        bounce_risk=0.5,
        score=50,
        flags=Flags(disposable=disposable or reason is Reason.DISPOSABLE),
        stages=(),
        checked_at=at(seen),
        did_you_mean=meant,
    )


_ASSESSMENTS = st.builds(
    assessment,
    st.sampled_from(Reason),
    meant=st.sampled_from([None, "jane@stop.example"]),
    disposable=st.booleans(),
    seen=st.floats(-9e5, 0),
)


@given(_ASSESSMENTS, st.sampled_from(SignupPolicy), st.sampled_from(Language))
def test_nobody_is_refused_without_proof(given_: Assessment, policy: SignupPolicy, language: Language) -> None:
    """Refused: bad syntax, a dead domain, a fresh mailbox_not_found, or disposable where that is set. Unknown: never.
    There is a sentence for everything, with nothing left to fill in.
    """
    advice = advise(given_, policy, language, at(0))
    disposable = given_.flags.disposable and policy is SignupPolicy.SIGNUP_STRICT
    if advice.decision is Decision.REFUSE:
        assert given_.reason in REFUSED or disposable
    if given_.verdict is Verdict.UNKNOWN and not disposable:
        assert advice.decision is not Decision.REFUSE
    if advice.decision is Decision.ACCEPT:
        assert given_.verdict is Verdict.DELIVERABLE
    assert advice.sentence and "{" not in advice.sentence and "None" not in advice.sentence


@pytest.mark.parametrize(
    ("given_", "decision"),
    [
        (assessment(Reason.ACCEPTED), Decision.ACCEPT),
        (assessment(Reason.ACCEPTED, meant="jane@stop.example"), Decision.SUGGEST),
        (assessment(Reason.GREYLISTED, meant="jane@stop.example"), Decision.SUGGEST),
        (assessment(Reason.GREYLISTED), Decision.CONFIRM),
        (assessment(Reason.CATCH_ALL), Decision.CONFIRM),
        (assessment(Reason.MAILBOX_DISABLED), Decision.CONFIRM),
        (assessment(Reason.MAILBOX_NOT_FOUND), Decision.REFUSE),
        (assessment(Reason.MAILBOX_NOT_FOUND, seen=-4 * 3600), Decision.CONFIRM),
        (assessment(Reason.DOMAIN_NOT_FOUND, meant="jane@stop.example"), Decision.REFUSE),
    ],
)
def test_decisions(given_: Assessment, decision: Decision) -> None:
    """Each by itself; a mailbox may have been made since it was not there."""
    assert advise(given_, SignupPolicy.SIGNUP, Language.ENGLISH, at(0)).decision is decision


def test_a_dead_domains_suggestion_is_in_the_sentence() -> None:
    """So that a typing error is mended at once."""
    given_ = assessment(Reason.DOMAIN_NOT_FOUND, meant="jane@stop.example")
    assert "jane@stop.example" in advise(given_, SignupPolicy.SIGNUP, Language.FRENCH, at(0)).sentence


@pytest.mark.parametrize(
    ("domain", "written"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("shop.example", "shop.example"),
        ("a_b.example", "a_b.example"),
        ("xn--nonsense-.example", "xn--nonsense-.example"),
    ],
)
def test_a_sentence_names_the_domain_as_people_write_it(domain: str, written: str) -> None:
    """Whoever typed `bücher.example` has never seen `xn--bcher-kva.example`; browsers send that."""
    given_ = structs.replace(assessment(Reason.DOMAIN_NOT_FOUND), normalized=f"jane@{domain}")
    assert f"delivered to {written};" in advise(given_, SignupPolicy.SIGNUP, Language.ENGLISH, at(0)).sentence


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,fr;q=0.9", "en"),
        ("de,fr;q=0.2", "fr"),
        ("fr;q=0,en;q=0.1", "en"),
        ("fr;q=nonsense, de", "en"),
        (",;,=;q", "en"),
    ],
)
def test_the_preferred_language(header: str, language: str) -> None:
    """RFC 9110: by weight, then by order; English where none of ours is named."""
    assert preferred_language(header) == language


@given(st.text(max_size=200))
def test_any_header_is_read(header: str) -> None:
    """Whatever a browser sends."""
    assert preferred_language(header) in Language


def test_the_public_does_not_learn_what_exists() -> None:
    """`confirm` is told as `accept`, without a word; what the form has to say is told as it is."""
    for decision in Decision:
        told = told_to_browsers(Advice(decision, "A sentence."))
        kept = decision in (Decision.SUGGEST, Decision.REFUSE)
        assert told == (Advice(decision, "A sentence.") if kept else Advice(Decision.ACCEPT, ""))
