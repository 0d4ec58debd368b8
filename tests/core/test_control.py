"""Controls: what a random name and postmaster make of the answers about real ones."""

import re
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FakeClock
from verifier.core.control import DomainTrial, Probe, Ruling, control_local_part, draws, plain_text
from verifier.core.reasons import Reason
from verifier.core.replies import Reading, Reply, ReplyClass
from verifier.core.verdict import reason_of_reply

YES = (Reply(250, "2.1.5", "Ok"), Reading(ReplyClass.ACCEPTED, "default.accepted"))
NO = (Reply(550, "5.1.1", "User unknown"), Reading(ReplyClass.MAILBOX_NOT_FOUND, "generic.user-unknown"))
LATER = (Reply(450, "4.2.0", "Greylisted"), Reading(ReplyClass.GREYLISTED, "greylisting.words"))
POLICY = (Reply(550, "5.7.1", "Access denied"), Reading(ReplyClass.POLICY_REFUSED, "policy"))
UNRECOGNISED = Reading(ReplyClass.UNRECOGNISED, "default.unrecognised-permanent", ambiguous=True)
GUESSED = Reading(ReplyClass.MAILBOX_NOT_FOUND, "ambiguous.words", ambiguous=True)

Answer = tuple[Reply, Reading]


def unclear(text: str = "<*> not here", reading: Reading = UNRECOGNISED) -> Answer:
    return Reply(550, None, text), reading


def trial(known: bool | None = None, *, wanted: bool = True) -> DomainTrial:
    return DomainTrial(known, control_wanted=wanted)


def classes(rulings: list[Ruling]) -> list[tuple[object, str]]:
    return [(ruling.ticket, ruling.reading.reply_class.value) for ruling in rulings]


@pytest.mark.parametrize("seed", range(20))
def test_a_control_looks_natural(seed: int) -> None:
    """12 to 14 characters: letters that can be spoken, then two digits; no name that anybody has, no separators."""
    local = control_local_part(FakeClock(seed=seed).random)
    assert re.fullmatch(
        r"(?:[bdfghjklmnprstvz][aeiou]){5,6}[1-9][0-9]|(?:[bdfghjklmnprstvz][aeiou]){5}[a-z][1-9][0-9]", local
    )
    assert 12 <= len(local) <= 14


def test_an_acceptance_waits_for_the_control() -> None:
    """The control is asked once, on the first acceptance, and the acceptance is settled by it."""
    court = trial()
    assert court.wanted() is None
    assert court.answered("a", *YES) == []
    assert [court.wanted(), court.wanted()] == [Probe.CONTROL, None]
    assert court.pending and not court.complete
    assert classes(court.learn(Probe.CONTROL, NO)) == [("a", "accepted")]
    assert [court.accepts_all, court.learned, court.complete, court.pending] == [False, True, True, False]


@pytest.mark.parametrize(
    ("answer", "accepts_all"),
    [(YES, True), (NO, False), (LATER, None), (POLICY, None), (unclear(), False), (None, None)],
)
def test_what_a_control_says(answer: Answer | None, accepts_all: bool | None) -> None:
    """Accepted: everything is. Unknown user: not everything. Anything else is undetermined, and never either; a refusal
    that nobody recognises counts where somebody of the domain was accepted."""
    court = trial()
    court.answered("a", *YES)
    assert classes(court.learn(Probe.CONTROL, answer)) == [("a", "accepted")]
    assert [court.accepts_all, court.learned] == [accepts_all, True]


def test_an_unrecognised_control_alone_is_undetermined() -> None:
    """Where nobody was accepted, an unrecognised refusal of the control may be for everybody."""
    court = trial()
    court.answered("a", *unclear("other words"))
    court.learn(Probe.CONTROL, unclear())
    assert court.accepts_all is None


def test_what_is_known_is_not_asked_again() -> None:
    """A fresh fact, or a provider whose row knows, settles an acceptance at once."""
    for court in (trial(False), trial(True), trial(None, wanted=False)):
        assert classes(court.answered("a", *YES)) == [("a", "accepted")]
        assert [court.wanted(), court.learned, court.asked_beside()] == [None, False, False]


@pytest.mark.parametrize("answer", [NO, POLICY])
def test_other_answers_are_settled_at_once(answer: Answer) -> None:
    """Whoever was not accepted does not wait for a control, and needs none."""
    court = trial()
    assert classes(court.answered("a", *answer)) == [("a", answer[1].reply_class.value)]
    assert [court.wanted(), court.complete] == [None, True]


def test_a_control_waits_beside_the_greylisted() -> None:
    """The control's clock runs from when theirs does, and what it is told counts only until it may come back."""
    court = trial()
    assert classes(court.answered("a", *LATER)) == [("a", "greylisted")]
    assert [court.wanted(), court.wanted(), court.complete] == [Probe.CONTROL, None, False]
    assert court.learn(Probe.CONTROL, LATER) == []
    assert [court.accepts_all, court.control_greylisted, court.complete] == [None, True, True]


def test_whose_control_needs_no_asking_is_not_greylisted() -> None:
    """Where the answer is known nobody random waits."""
    for court in (trial(False), trial(True), trial(None, wanted=False)):
        court.answered("a", *LATER)
        assert [court.wanted(), court.complete] == [None, True]


@given(st.binary(max_size=64), st.from_regex(r"[a-z]{1,20}\.example", fullmatch=True))
def test_a_domains_control_keeps_its_name(key: bytes, domain: str) -> None:
    """A greylisting host lets only a name pass that it has seen: the same key and domain give the same one."""
    assert control_local_part(draws(key, domain)) == control_local_part(draws(key, domain))
    assert all(0 <= draw() < 1 for draw in [draws(key, domain)] * 20)


def test_controls_differ() -> None:
    """Each domain's name is its own, and nobody who lacks the key knows it."""
    names = {control_local_part(draws(key, f"d{n}.example")) for key in (b"a", b"b") for n in range(500)}
    assert len(names) == 1000


def test_an_unknown_user_refutes_a_catch_all() -> None:
    """A later 5.1.1 from a domain once thought to accept everybody clears that fact."""
    court = trial(True)
    assert classes(court.answered("a", *NO)) == [("a", "mailbox_not_found")]
    assert [court.accepts_all, court.learned] == [False, True]


def test_an_undetermined_control_refutes_nothing() -> None:
    """What was known before stays known when a control comes to nothing."""
    court = trial(True)
    court.answered("a", *unclear())
    assert court.wanted() is Probe.CONTROL
    court.learn(Probe.CONTROL, LATER)
    assert [court.accepts_all, court.learned] == [True, False]


def test_a_control_beside_an_interactive_check_is_asked_once() -> None:
    """It travels with the group, and is not asked again when the acceptance comes."""
    court = trial()
    assert [court.asked_beside(), court.asked_beside()] == [True, False]
    court.answered("a", *YES)
    assert [court.wanted(), court.complete] == [None, False]


@pytest.mark.parametrize("reading", [UNRECOGNISED, GUESSED])
@pytest.mark.parametrize("order", list(permutations(["real", "good", "control"])))
def test_a_refusal_like_the_controls_is_an_unknown_user(reading: Reading, order: tuple[str, ...]) -> None:
    """Same refusal as a name that nobody has, while somebody is accepted: in whatever order they were heard."""
    court = trial()
    for what in order:
        if what == "real":
            court.answered("a", *unclear("<*> is not here 17", reading))
        elif what == "good":
            court.answered("b", *YES)
        else:
            court.learn(Probe.CONTROL, unclear("<*> is not here 99", reading))
    assert ("a", "mailbox_not_found") in classes(court.close())


@pytest.mark.parametrize(
    ("control", "postmaster", "says"),
    [
        (unclear(), YES, "mailbox_not_found"),
        (unclear(), unclear(), "unrecognised"),
        (unclear(), NO, "unrecognised"),
        (unclear(), None, "unrecognised"),
        (unclear("different words"), YES, "unrecognised"),
        (YES, YES, "unrecognised"),
        (NO, YES, "unrecognised"),
        (LATER, YES, "unrecognised"),
        (None, YES, "unrecognised"),
    ],
)
def test_postmaster_decides_where_nobody_was_accepted(
    control: Answer | None, postmaster: Answer | None, says: str
) -> None:
    """Refused like a random name, where postmaster is accepted: an unknown user. All else proves nothing."""
    court = trial()
    assert court.answered("a", *unclear()) == []
    assert court.wanted() is Probe.CONTROL
    assert court.learn(Probe.CONTROL, control) == []
    if court.wanted() is Probe.POSTMASTER:
        assert not court.complete
        court.learn(Probe.POSTMASTER, postmaster)
    assert court.wanted() is None
    assert court.complete
    assert classes(court.close()) == [("a", says)]


def test_a_guess_that_nothing_proves_is_withdrawn() -> None:
    """Words that might mean an unknown user are never one without a control's word."""
    court = trial()
    court.answered("a", *unclear(reading=GUESSED))
    court.learn(Probe.CONTROL, None)
    [ruling] = court.close()
    assert (ruling.reading.reply_class, ruling.reading.rule) == (ReplyClass.POLICY_REFUSED, "ambiguous.words")


@pytest.mark.parametrize(("refused", "accepted", "says"), [(19, 1, "unrecognised"), (18, 2, "mailbox_not_found")])
def test_the_same_words_for_nearly_everybody_say_nothing(refused: int, accepted: int, says: str) -> None:
    """95 % or more of at least ten refused with one text: that is about the domain, or about us."""
    court = trial()
    for number in range(refused):
        court.answered(number, *unclear())
    for number in range(accepted):
        court.answered(f"good {number}", *YES)
    court.learn(Probe.CONTROL, unclear())
    assert {says} == {name for ticket, name in classes(court.close()) if isinstance(ticket, int)}


SYSTEM = Reading(ReplyClass.TEMP_ERROR, "enhanced.system", ambiguous=True)


@pytest.mark.parametrize("reading", [UNRECOGNISED, GUESSED, SYSTEM])
@pytest.mark.parametrize(("control", "postmaster"), [(True, YES), (True, None), (False, YES)])
def test_a_whole_domain_that_refuses_has_blocked_us(reading: Reading, control: bool, postmaster: Answer | None) -> None:
    """Whatever was read from the one text, and whatever the controls say: the rows are `probe_blocked`, none is dead,
    and the addresses that the text quotes are no difference."""
    court = trial()
    for number in range(10):
        court.answered(number, Reply(550, None, f"<jane.doe{number}@shop.example>: no service here"), reading)
    assert court.wanted() is Probe.CONTROL
    quoted = Reply(550, None, "<kotamiru42@shop.example>: no service here")
    court.learn(Probe.CONTROL, (quoted, reading) if control else None)
    if court.wanted() is Probe.POSTMASTER:
        court.learn(Probe.POSTMASTER, postmaster)
    rulings = court.close()
    assert {Reason.PROBE_BLOCKED} == {reason_of_reply(r.reading.reply_class, r.reply.code) for r in rulings}
    assert {reading.rule} == {ruling.reading.rule for ruling in rulings}


@pytest.mark.parametrize(("same", "others", "says"), [(9, 0, True), (10, 0, False), (19, 1, False), (18, 2, True)])
def test_below_ten_or_95_percent_nothing_is_withdrawn(same: int, others: int, says: bool) -> None:
    """Batch sanity begins with ten answers of which 95 % are one text; what refused otherwise has no part in it."""
    court = trial()
    for number in range(same):
        court.answered(number, *unclear(f"<a{number}@shop.example> not here"))
    for number in range(others):
        court.answered(f"other {number}", *unclear("quite another thing"))
    court.learn(Probe.CONTROL, unclear("<b@shop.example> not here"))
    assert court.wanted() is Probe.POSTMASTER
    court.learn(Probe.POSTMASTER, YES)
    dead = {ticket for ticket, said in classes(court.close()) if said == "mailbox_not_found"}
    assert (set(range(same)) if says else set()) == dead


def test_who_cannot_wait_is_settled_by_what_is_known() -> None:
    """An urgent ruling is given before the rest of its domain has been asked; the others go on waiting."""
    court = trial()
    court.answered("urgent", *unclear())
    court.answered("patient", *unclear())
    court.learn(Probe.CONTROL, unclear())
    court.learn(Probe.POSTMASTER, YES)
    assert classes(court.release(lambda ticket: ticket == "urgent")) == [("urgent", "mailbox_not_found")]
    assert classes(court.close()) == [("patient", "mailbox_not_found")]


@given(
    st.lists(
        st.sampled_from([YES, NO, LATER, POLICY, unclear(), unclear("other"), unclear(reading=GUESSED)]), max_size=30
    ),
    st.sampled_from([YES, NO, LATER, POLICY, unclear(), unclear(reading=GUESSED), None]),
    st.sampled_from([YES, NO, LATER, unclear(), None]),
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.integers(0, 30),
)
def test_everybody_is_settled_once(
    answers: list[Answer],
    control: Answer | None,
    postmaster: Answer | None,
    known: bool | None,
    wanted: bool,
    when: int,
) -> None:
    """However a domain answers, each recipient is ruled once; dead only by a clear word, or by the control's same
    words while somebody, or postmaster, was accepted."""
    court = trial(known, wanted=wanted)
    rulings: list[Ruling] = []
    asked: list[Probe] = []

    def hear_controls() -> None:
        while (probe := court.wanted()) is not None:
            asked.append(probe)
            rulings.extend(court.learn(probe, control if probe is Probe.CONTROL else postmaster))

    for number, answer in enumerate(answers):
        rulings.extend(court.answered(number, *answer))
        if number >= when:
            hear_controls()
    hear_controls()
    assert court.complete
    rulings.extend(court.close())
    assert sorted(ruling.ticket for ruling in rulings) == list(range(len(answers)))
    assert len(asked) == len(set(asked))
    somebody = YES in answers or postmaster == YES
    for ruling in rulings:
        if ruling.reading.reply_class is ReplyClass.MAILBOX_NOT_FOUND and answers[ruling.ticket] != NO:
            reply = answers[ruling.ticket][0]
            assert somebody and control is not None and plain_text(control[0]) == plain_text(reply)


def test_texts_are_compared_without_what_changes() -> None:
    """Numbers, case and the address are no difference; codes are."""
    one, other = (f"550 <{name}@shop.example>: Recipient refused" for name in ("jane.doe", "kotamiru42"))
    assert plain_text(Reply(550, "5.1.1", one)) == plain_text(Reply(550, "5.1.1", other))
    same = plain_text(Reply(550, "5.4.1", "<*>: Access denied [AM0EUR 17]"))
    assert same == plain_text(Reply(550, "5.4.1", ": ACCESS denied [AM2EUR 99]"))
    assert same != plain_text(Reply(553, "5.4.1", "<*>: Access denied [AM0EUR 17]"))
