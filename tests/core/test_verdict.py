"""judge: the laws of the contract as properties, and each road to a verdict."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at, control, hindered, replied, route
from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.evidence import Evidence, Finding, NameFlags, Obstacle, expires_at, merge
from verifier.core.facts import AcceptsAll, MailHost, MailRoute, RouteStatus
from verifier.core.mail_events import EventKind
from verifier.core.reasons import ALL_STAGES, Reason, StageName, Verdict, verdict_of
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.verdict import Assessment, BounceRisks, Flags, SmtpEvidence, Source, judge, stated_assessment

NOW = at(600)
RISKS = BounceRisks(
    {reason: round(0.01 + place / 50, 3) for place, reason in enumerate(Reason)},
    {(Reason.ACCEPTED, "sure"): 0.001},
)
DEAD_ROUTES = {
    RouteStatus.NULL_MX: Reason.NULL_MX,
    RouteStatus.DOMAIN_NOT_FOUND: Reason.DOMAIN_NOT_FOUND,
    RouteStatus.NO_MAIL_HOST: Reason.NO_MAIL_HOST,
    RouteStatus.UNROUTABLE: Reason.MX_UNROUTABLE,
}


def address(text: str = "Jane.Doe@shop.example") -> Address | SyntaxFault:
    return parse_address(text)


def evidence(
    *findings: Finding,
    status: RouteStatus | None = RouteStatus.FOUND,
    accepts_all: AcceptsAll | None = None,
    flags: NameFlags = NameFlags(),  # noqa: B008 - frozen
    provider: str | None = None,
    text: str = "Jane.Doe@shop.example",
) -> Evidence:
    way = None if status is None else route(status)
    return Evidence(address(text), flags, ALL_STAGES, way, accepts_all, findings, provider)


def reason_of(evidence: Evidence, now: datetime = NOW) -> Reason:
    return judge(evidence, now, RISKS).reason


moments = st.integers(-40 * 86_400, 600).map(at)
findings = st.builds(
    Finding,
    observed_at=moments,
    reply_class=st.sampled_from(ReplyClass),
    stage=st.none() | st.sampled_from(SmtpStage),
    code=st.none() | st.integers(0, 999),
    enhanced=st.none() | st.sampled_from(["5.1.1", "4.2.0", "5.7.1"]),
    text=st.just("text"),
) | st.builds(Finding, observed_at=moments, obstacle=st.sampled_from(Obstacle))
routes = st.none() | st.builds(
    MailRoute,
    status=st.sampled_from(RouteStatus),
    hosts=st.sampled_from([(), (MailHost("mx.shop.example", 10, ("192.0.2.1",)),)]),
    observed_at=moments,
    expires_at=st.integers(0, 9000).map(at),
)
evidences = st.builds(
    Evidence,
    address=st.sampled_from([address(), address("no address"), address("info+x@b\u00fccher.example")]),
    flags=st.builds(NameFlags, disposable=st.booleans(), role=st.booleans(), typo_domain=st.booleans()),
    stages=st.just(ALL_STAGES),
    route=routes,
    accepts_all=st.none()
    | st.builds(
        AcceptsAll,
        value=st.sampled_from([True, False, None]),
        observed_at=moments,
        expires_at=st.integers(0, 9000).map(at),
    ),
    findings=st.lists(findings, max_size=4).map(tuple),
    provider=st.sampled_from([None, "sure", "other"]),
)


@given(evidences)
def test_undeliverable_needs_a_permanent_first_hand_statement(known: Evidence) -> None:
    """Law 1: no number and no class makes an address undeliverable, only a text that is none, a domain that DNS says
    cannot take mail, or a permanent reply about the mailbox to RCPT or DATA."""
    assessment = judge(known, NOW, RISKS)
    if assessment.verdict is not Verdict.UNDELIVERABLE:
        return
    match assessment.reason:
        case Reason.INVALID_SYNTAX:
            assert isinstance(known.address, SyntaxFault)
        case Reason.MAILBOX_NOT_FOUND | Reason.MAILBOX_DISABLED:
            speaker = merge(known.findings, NOW)
            assert speaker is not None and speaker.reply_class == assessment.reason.value
            assert speaker.code is None or 500 <= speaker.code <= 599
            assert speaker.stage in (None, SmtpStage.RCPT, SmtpStage.DATA)
        case reason:
            assert known.route is not None
            assert DEAD_ROUTES[known.route.status] is reason


@pytest.mark.parametrize("code", [0, 200, 250, 252, 354, 421, 450, 452, 500, 550, 554, 571, 599, 600])
@pytest.mark.parametrize("reply_class", ReplyClass)
def test_every_class_with_every_code(reply_class: ReplyClass, code: int) -> None:
    """Law 1, once more by hand: dead are only the two classes that say so, and only with a permanent code."""
    verdict = judge(evidence(replied(reply_class, code=code)), NOW, RISKS).verdict
    dead = reply_class in (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED) and 500 <= code <= 599
    assert (verdict is Verdict.UNDELIVERABLE) == dead


@given(evidences)
def test_order_of_findings_does_not_matter(known: Evidence) -> None:
    """Law 3: the same findings in any order give the same assessment."""
    orders = [structs.replace(known, findings=order) for order in permutations(known.findings)]
    assert len({judge(order, NOW, RISKS) for order in orders}) == 1


@given(evidences, st.builds(Finding, observed_at=st.just(NOW), obstacle=st.sampled_from(Obstacle)))
def test_a_failed_probe_changes_no_verdict(known: Evidence, failed: Finding) -> None:
    """Law 2: what could not be found out now takes nothing from what was found out and still holds."""
    speaker = merge(known.findings, NOW)
    if speaker is not None and speaker.conclusive and expires_at(speaker) > NOW:
        later = structs.replace(known, findings=(*known.findings, failed))
        assert judge(later, NOW, RISKS) == judge(known, NOW, RISKS)


@given(evidences)
def test_the_numbers_belong_together(known: Evidence) -> None:
    """The verdict is the reason's; score = round(100 × (1 − bounce_risk)); the reason that is surest comes first."""
    assessment = judge(known, NOW, RISKS)
    assert assessment.verdict is verdict_of(assessment.reason)
    assert assessment.score == round(100 * (1 - assessment.bounce_risk))
    assert assessment.bounce_risk == RISKS.risk(assessment.reason, known.provider)
    assert assessment.retry_after is None or assessment.verdict is Verdict.UNKNOWN
    if known.flags.disposable and not isinstance(known.address, SyntaxFault):
        assert list(Reason).index(assessment.reason) <= list(Reason).index(Reason.DISPOSABLE)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (evidence(text="no address"), Reason.INVALID_SYNTAX),
        (evidence(status=RouteStatus.NULL_MX), Reason.NULL_MX),
        (evidence(status=RouteStatus.DOMAIN_NOT_FOUND), Reason.DOMAIN_NOT_FOUND),
        (evidence(status=RouteStatus.NO_MAIL_HOST), Reason.NO_MAIL_HOST),
        (evidence(status=RouteStatus.UNROUTABLE), Reason.MX_UNROUTABLE),
        (evidence(status=RouteStatus.TEMP_ERROR), Reason.DNS_TEMP_ERROR),
        (evidence(status=RouteStatus.UNTRUSTED), Reason.RESOLVER_UNTRUSTED),
        (evidence(status=RouteStatus.FOUND), Reason.NOT_PROBED),
        (evidence(status=RouteStatus.IMPLICIT), Reason.NOT_PROBED),
        (evidence(status=None), Reason.NOT_PROBED),
        (evidence(status=None, flags=NameFlags(disposable=True)), Reason.DISPOSABLE),
        (evidence(status=RouteStatus.TEMP_ERROR, flags=NameFlags(disposable=True)), Reason.DISPOSABLE),
        (evidence(status=RouteStatus.NULL_MX, flags=NameFlags(disposable=True)), Reason.NULL_MX),
        (evidence(replied(ReplyClass.ACCEPTED), status=RouteStatus.TEMP_ERROR), Reason.ACCEPTED),
        (evidence(replied(ReplyClass.ACCEPTED), status=RouteStatus.NULL_MX), Reason.NULL_MX),
        (evidence(replied(ReplyClass.ACCEPTED)), Reason.ACCEPTED),
        (evidence(replied(ReplyClass.ACCEPTED), accepts_all=control(False)), Reason.ACCEPTED),
        (evidence(replied(ReplyClass.ACCEPTED), accepts_all=control(None)), Reason.ACCEPTED),
        (evidence(replied(ReplyClass.ACCEPTED), accepts_all=control(True)), Reason.CATCH_ALL),
        (evidence(replied(ReplyClass.ACCEPTED), accepts_all=control(True, lasts=60)), Reason.ACCEPTED),
        (
            evidence(replied(ReplyClass.MAILBOX_NOT_FOUND, code=550), accepts_all=control(True)),
            Reason.MAILBOX_NOT_FOUND,
        ),
        (evidence(replied(ReplyClass.MAILBOX_DISABLED, code=550)), Reason.MAILBOX_DISABLED),
        (evidence(replied(ReplyClass.MAILBOX_FULL, code=452)), Reason.MAILBOX_FULL),
        (evidence(replied(ReplyClass.MAILBOX_FULL, code=452), accepts_all=control(True)), Reason.MAILBOX_FULL),
        (evidence(replied(ReplyClass.RECIPIENT_RESTRICTED, code=550)), Reason.PROBE_BLOCKED),
        (evidence(replied(ReplyClass.GREYLISTED, code=451)), Reason.GREYLISTED),
        (evidence(replied(ReplyClass.RATE_LIMITED, code=450)), Reason.SMTP_TEMP_ERROR),
        (evidence(replied(ReplyClass.TEMP_ERROR, code=451)), Reason.SMTP_TEMP_ERROR),
        (evidence(replied(ReplyClass.SENDER_REFUSED, code=550)), Reason.SENDER_REFUSED),
        (evidence(replied(ReplyClass.CLIENT_REFUSED, code=554)), Reason.PROBE_BLOCKED),
        (evidence(replied(ReplyClass.POLICY_REFUSED, code=550)), Reason.PROBE_BLOCKED),
        (evidence(replied(ReplyClass.RELAY_DENIED, code=554)), Reason.PROBE_BLOCKED),
        (evidence(replied(ReplyClass.TOO_MANY, code=452)), Reason.SMTP_TEMP_ERROR),
        (evidence(replied(ReplyClass.SESSION_FATAL, code=421)), Reason.SMTP_TEMP_ERROR),
        (evidence(replied(ReplyClass.PROTOCOL_ERROR, code=354)), Reason.SMTP_PROTOCOL_ERROR),
        (evidence(replied(ReplyClass.UNRECOGNISED, code=550)), Reason.PROBE_BLOCKED),
        (evidence(replied(ReplyClass.UNRECOGNISED, code=450)), Reason.SMTP_TEMP_ERROR),
        (evidence(replied(ReplyClass.UNRECOGNISED, code=252)), Reason.SMTP_TEMP_ERROR),
        (evidence(hindered(Obstacle.CONNECT_FAILED)), Reason.CONNECT_FAILED),
        (evidence(hindered(Obstacle.TIMEOUT)), Reason.SMTP_TIMEOUT),
        (evidence(hindered(Obstacle.CONNECTION_LOST)), Reason.SMTP_TEMP_ERROR),
        (evidence(hindered(Obstacle.PROTOCOL_ERROR)), Reason.SMTP_PROTOCOL_ERROR),
        (evidence(hindered(Obstacle.PROBE_BLOCKED)), Reason.PROBE_BLOCKED),
        (evidence(hindered(Obstacle.EGRESS_BLOCKED)), Reason.EGRESS_BLOCKED),
        (evidence(hindered(Obstacle.EGRESS_INTERCEPTED)), Reason.EGRESS_INTERCEPTED),
        (evidence(hindered(Obstacle.PROVIDER_UNVERIFIABLE)), Reason.PROVIDER_UNVERIFIABLE),
        (evidence(hindered(Obstacle.SMTPUTF8_UNSUPPORTED)), Reason.SMTPUTF8_UNSUPPORTED),
        (evidence(hindered(Obstacle.NOT_PROBED)), Reason.NOT_PROBED),
        (evidence(hindered(Obstacle.INTERNAL_ERROR)), Reason.INTERNAL_ERROR),
        (evidence(Finding(at(0))), Reason.INTERNAL_ERROR),
    ],
)
def test_reasons(known: Evidence, reason: Reason) -> None:
    """Each observation has its reason, and the surer one comes first where several hold."""
    assert reason_of(known) is reason


def test_every_class_and_obstacle_has_a_reason() -> None:
    """No observation is left without one."""
    for reply_class in ReplyClass:
        assert reason_of(evidence(replied(reply_class, code=550))) in Reason
    for obstacle in Obstacle:
        assert reason_of(evidence(hindered(obstacle))) in Reason


def test_a_later_unknown_user_refutes_a_catch_all() -> None:
    """What accepts every name refuses none: the flag follows the later word, not the earlier."""
    refused = replied(ReplyClass.MAILBOX_NOT_FOUND, seen=100, code=550)
    flags = [
        judge(evidence(refused, accepts_all=control(True, seen=seen)), NOW, RISKS).flags.catch_all
        for seen in (0, 99, 100, 200)
    ]
    assert flags == [False, False, True, True]


@pytest.mark.parametrize(
    ("fact", "flag"), [(None, None), (control(True), True), (control(False), False), (control(None), None)]
)
def test_the_catch_all_flag(fact: AcceptsAll | None, flag: bool | None) -> None:
    """True, false, or null where it is not known; an expired fact is not known."""
    assert judge(evidence(replied(ReplyClass.ACCEPTED), accepts_all=fact), NOW, RISKS).flags.catch_all is flag
    assert judge(evidence(accepts_all=fact), at(8 * 86_400), RISKS).flags.catch_all is None


def test_flags_are_carried_through() -> None:
    """What the lists said stays beside the verdict, also where it lost."""
    names = NameFlags(
        disposable=True,
        role=True,
        free=True,
        privacy_relay=True,
        no_reply=True,
        plus_tag=True,
        idn=True,
        typo_domain=True,
    )
    full = replied(ReplyClass.MAILBOX_FULL, code=452)
    flags = judge(evidence(full, flags=names), NOW, RISKS).flags
    assert flags == Flags(True, True, True, True, None, True, True, True, True, True)


def test_the_whole_of_an_assessment() -> None:
    """Everything that is known of an address that was refused."""
    known = Evidence(
        address(),
        NameFlags(role=True),
        ALL_STAGES,
        route(),
        control(False),
        (replied(ReplyClass.MAILBOX_NOT_FOUND, seen=60, code=550, text="<*>: User unknown"),),
        "other",
        "jane.doe@shop.example",
    )
    risk = RISKS.by_reason[Reason.MAILBOX_NOT_FOUND]
    assert judge(known, NOW, RISKS) == Assessment(
        email="Jane.Doe@shop.example",
        normalized="jane.doe@shop.example",
        verdict=Verdict.UNDELIVERABLE,
        reason=Reason.MAILBOX_NOT_FOUND,
        bounce_risk=risk,
        score=round(100 * (1 - risk)),
        flags=Flags(role=True, catch_all=False),
        stages=ALL_STAGES,
        checked_at=at(60),
        did_you_mean="jane.doe@shop.example",
        provider="other",
        mx_host="mx1.shop.example",
        smtp=SmtpEvidence(
            SmtpStage.RCPT, 550, "2.1.5", ReplyClass.MAILBOX_NOT_FOUND, "generic.rule", "<*>: User unknown"
        ),
        expires_at=at(60) + timedelta(days=3),
        detail="found",
    )


def test_times() -> None:
    """Checked when the deciding thing was seen; authoritative until that expires."""
    syntax = judge(evidence(text="no address", status=None), NOW, RISKS)
    assert [syntax.checked_at, syntax.expires_at] == [NOW, None]
    null_mx = judge(evidence(status=RouteStatus.NULL_MX), NOW, RISKS)
    assert [null_mx.checked_at, null_mx.expires_at] == [at(0), at(3600)]
    unprobed = judge(evidence(), NOW, RISKS)
    assert [unprobed.checked_at, unprobed.expires_at] == [at(0), None]
    catch_all = judge(evidence(replied(ReplyClass.ACCEPTED), accepts_all=control(True, lasts=900)), NOW, RISKS)
    assert [catch_all.checked_at, catch_all.expires_at] == [at(0), at(900)]
    waiting = judge(evidence(hindered(Obstacle.TIMEOUT, retry=900)), NOW, RISKS)
    assert [waiting.retry_after, waiting.expires_at] == [at(900), at(900)]


def test_which_host() -> None:
    """The host that answered, else the first that would have been asked."""
    assert judge(evidence(replied(ReplyClass.ACCEPTED)), NOW, RISKS).mx_host == "mx1.shop.example"
    assert judge(evidence(), NOW, RISKS).mx_host == "mx1.shop.example"
    assert judge(evidence(status=RouteStatus.NULL_MX), NOW, RISKS).mx_host is None


def test_details_for_people() -> None:
    """What was wrong with the text, what the finding tells, or what DNS said."""
    assert judge(evidence(text="no address"), NOW, RISKS).detail
    told = structs.replace(hindered(Obstacle.TIMEOUT), detail="no answer at rcpt")
    assert judge(evidence(told), NOW, RISKS).detail == "no answer at rcpt"
    assert judge(evidence(status=None), NOW, RISKS).detail is None


def test_a_providers_own_risk() -> None:
    """A provider that is known to tell the truth has its own risk."""
    sure = judge(evidence(replied(ReplyClass.ACCEPTED), provider="sure"), NOW, RISKS)
    assert [sure.bounce_risk, sure.score] == [0.001, 100]


@pytest.mark.parametrize("reason", Reason)
def test_stated(reason: Reason) -> None:
    """A test address has the verdict that it states, without evidence, and the flags that belong to it."""
    stated = address(f"{reason}@verifier.test")
    assert isinstance(stated, Address)
    assessment = stated_assessment(stated, reason, NOW, RISKS)
    assert [assessment.reason, assessment.verdict] == [reason, verdict_of(reason)]
    assert assessment.score == round(100 * (1 - assessment.bounce_risk))
    assert [assessment.smtp, assessment.mx_host, assessment.stages] == [None, None, ()]
    assert assessment.flags == Flags(
        disposable=reason is Reason.DISPOSABLE,
        catch_all=True if reason is Reason.CATCH_ALL else None,
        mailbox_full=reason is Reason.MAILBOX_FULL,
    )


def test_stages_are_those_done() -> None:
    """The assessment repeats what the evidence says was done."""
    known = structs.replace(evidence(), stages=(StageName.SYNTAX, StageName.MX))
    assert judge(known, NOW, RISKS).stages == (StageName.SYNTAX, StageName.MX)


@pytest.mark.parametrize(
    ("told", "reason"),
    [(EventKind.DELIVERED, Reason.CATCH_ALL), (EventKind.OPENED, Reason.ACCEPTED), (None, Reason.CATCH_ALL)],
)
def test_mail_that_somebody_reads_is_accepted_where_every_name_is(told: EventKind | None, reason: Reason) -> None:
    """That a made-up name is accepted too says nothing against a mailbox that is read; a delivery is no more than
    another acceptance. What was told says so.
    """
    finding = Finding(at(300), ReplyClass.ACCEPTED, stage=SmtpStage.DATA, told=told)
    found = judge(evidence(finding, accepts_all=control(True)), NOW, RISKS)
    assert (found.reason, found.flags.catch_all) == (reason, True)
    assert found.source is (Source.LIVE if told is None else Source.FEEDBACK)
