"""What bench/peers.py counts: an answer beside the truth, and the same answer read by a careful caller."""

import pytest

from bench.peer_answers import (
    EXISTING,
    OF_VERDICT,
    Answer,
    Said,
    Standing,
    false_invalid,
    false_valid,
    read_with_care,
    score,
    standing,
    words,
)
from verifier.core.reasons import Reason, Verdict
from verifier.world.truth import INVALID, Truth

PLAIN = "ann@acme.example"


@pytest.mark.parametrize(
    ("address", "reasons", "exists", "expected"),
    [
        (PLAIN, (Reason.ACCEPTED,), True, Standing.GOOD),
        (PLAIN, (Reason.ACCEPTED, Reason.GREYLISTED), True, Standing.GOOD),
        (PLAIN, (Reason.ACCEPTED, Reason.PROVIDER_UNVERIFIABLE), True, Standing.GOOD),
        (PLAIN, (Reason.MAILBOX_FULL, Reason.SMTP_TEMP_ERROR), True, Standing.FULL),
        (PLAIN, (Reason.PROBE_BLOCKED,), True, Standing.UNSEEN),
        (PLAIN, (Reason.PROBE_BLOCKED,), False, Standing.UNTOLD),
        (PLAIN, (Reason.DNS_TEMP_ERROR,), False, Standing.UNTOLD),
        (PLAIN, (Reason.MAILBOX_DISABLED,), True, Standing.DEAD),
        (PLAIN, (Reason.MAILBOX_NOT_FOUND, Reason.PROBE_BLOCKED), False, Standing.DEAD),
        (PLAIN, (Reason.CATCH_ALL,), None, Standing.OPEN),
        (PLAIN, (Reason.DISPOSABLE,), None, Standing.OPEN),
        ("josé@acme.example", (Reason.ACCEPTED,), True, Standing.INTERNATIONAL),
        ("josé@acme.example", (Reason.SMTPUTF8_UNSUPPORTED,), True, Standing.INTERNATIONAL),
        ("ann@XN--mnchen-3ya.example", (Reason.ACCEPTED,), True, Standing.INTERNATIONAL),
        ("xn--ann@acme.example", (Reason.ACCEPTED,), True, Standing.GOOD),
        ("josé@acme.example", (Reason.MAILBOX_NOT_FOUND,), False, Standing.DEAD),
    ],
)
def test_what_is_true_of_an_address(
    address: str, reasons: tuple[Reason, ...], exists: bool | None, expected: Standing
) -> None:
    """A mailbox is good only where it exists and somebody may be told; disabled ones are dead though they exist."""
    assert expected == standing(address, Truth(reasons, exists))


def test_what_is_no_address_is_dead() -> None:
    """Bad syntax is a permanent statement about the address."""
    assert Standing.DEAD == standing("ann", INVALID)


@pytest.mark.parametrize("true", Standing)
@pytest.mark.parametrize("said", Answer)
def test_no_answer_is_a_mistake_on_both_sides(said: Answer, true: Standing) -> None:
    """Only invalid can be a false invalid, of an existing mailbox; only valid and risky a false valid, of none."""
    assert false_invalid(said, true) == (said is Answer.INVALID and true in EXISTING)
    if false_valid(said, true):
        assert said in (Answer.VALID, Answer.RISKY)
        assert true not in EXISTING
    assert not (false_invalid(said, true) and false_valid(said, true))


def test_every_verdict_of_ours_has_its_word() -> None:
    """Ours is counted in the words that the others are counted in, and risky is never taken for a mere yes."""
    assert set(Verdict) == set(OF_VERDICT)
    assert Answer.RISKY == OF_VERDICT[Verdict.RISKY]
    assert false_valid(Answer.RISKY, Standing.DEAD)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(Answer.INVALID, "AddressNotDeliverableError", "550 5.1.1 unknown"), Answer.INVALID),
        (Said(Answer.INVALID, "DomainNotFoundError", "Domain not found."), Answer.INVALID),
        (Said(Answer.INVALID, "SMTPCommunicationError", "554 poor reputation"), Answer.UNKNOWN),
        (Said(Answer.INVALID, "DNSTimeoutError", "Domain lookup timed out."), Answer.UNKNOWN),
        (Said(Answer.INVALID, "smtp", "Mailbox not found."), Answer.INVALID),
        (Said(Answer.INVALID, "smtp", "Timeout"), Answer.UNKNOWN),
        (Said(Answer.INVALID, "typo", "Likely typo"), Answer.INVALID),
        (Said(Answer.VALID), Answer.VALID),
        (Said(Answer.UNKNOWN, "SMTPTemporaryError", "450 busy"), Answer.UNKNOWN),
        (Said(Answer.RAISED, "ValueError", "odd"), Answer.RAISED),
    ],
)
def test_care_takes_back_only_what_is_not_about_the_address(said: Said, expected: Answer) -> None:
    """A careful caller believes an invalid whose reason speaks of the address, and no other; nothing else changes."""
    assert said._replace(answer=expected) == read_with_care(said)


def test_words_name_nobody() -> None:
    """The same reply about two people at two hosts is the same words, on one line."""
    first = Said(Answer.INVALID, "E", "550 <ann@a.example>: no\n such user at mx1.a.example")
    second = Said(Answer.INVALID, "E", "550 <bob@b.example>: no such user at mx22.b.example")
    assert words(first) == words(second) == "E: 550 <…>: no such user at …"
    assert "E" == words(Said(Answer.INVALID, "E"))
    assert "" == words(Said(Answer.VALID))


def test_the_score_counts_each_answer_where_it_belongs() -> None:
    """Shares are taken of the mailboxes that exist; what was not answered is neither right nor wrong."""
    found = score(
        [
            (Answer.INVALID, Standing.GOOD),
            (Answer.INVALID, Standing.UNSEEN),
            (Answer.INVALID, Standing.DEAD),
            (Answer.VALID, Standing.GOOD),
            (Answer.VALID, Standing.UNTOLD),
            (Answer.RISKY, Standing.DEAD),
            (Answer.VALID, Standing.OPEN),
            (Answer.RISKY, Standing.OPEN),
            (Answer.UNKNOWN, Standing.FULL),
            (Answer.RAISED, Standing.GOOD),
            (Answer.UNREACHED, Standing.GOOD),
        ]
    )
    assert {Standing.GOOD: 1, Standing.UNSEEN: 1} == found.false_invalid
    assert (6, 2, 1, 1, 2) == (found.existing, found.false_valid, found.unproven, found.unknown, found.lost)
