"""The gate's decisions: every row of the table for every class and policy, and the laws over all of them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at
from verifier.core.gate import LONGEST_HOLD, GateFacts, conditions, decide, holding, worst
from verifier.core.gate_policies import BALANCED, BUILT_IN, Ages, Outcome, Policy
from verifier.core.gate_rules import BUCKETS, ROWS, Bucket, Rule
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.keep import HELD_UNTIL_ASKED_AGAIN, sendable
from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.core.suppressions import Suppression, SuppressionKind
from verifier.core.verdict import Assessment, Flags

NOW = at(0)
DAY = timedelta(days=1)
ALLOW, HOLD, BLOCK = GateDecision
GOOD = GateFacts(Reason.ACCEPTED, observed_at=NOW - DAY)
DEAD = GateFacts(Reason.MAILBOX_NOT_FOUND, observed_at=NOW - DAY)

CASES: dict[Rule, GateFacts] = {
    Rule.MANUAL_BLOCK: structs.replace(GOOD, kinds=frozenset({SuppressionKind.MANUAL_BLOCK})),
    Rule.INVALID_SYNTAX: GateFacts(Reason.INVALID_SYNTAX),
    Rule.COMPLAINT: structs.replace(GOOD, kinds=frozenset({SuppressionKind.COMPLAINT})),
    Rule.UNSUBSCRIBED: structs.replace(GOOD, kinds=frozenset({SuppressionKind.UNSUBSCRIBED})),
    Rule.NO_CONSENT: structs.replace(GOOD, kinds=frozenset({SuppressionKind.NO_CONSENT})),
    Rule.MANUAL_ALLOW: structs.replace(DEAD, kinds=frozenset({SuppressionKind.MANUAL_ALLOW})),
    Rule.HARD_BOUNCE: structs.replace(GOOD, kinds=frozenset({SuppressionKind.HARD_BOUNCE})),
    Rule.SOFT_BOUNCE_LIMIT: structs.replace(GOOD, kinds=frozenset({SuppressionKind.SOFT_BOUNCE_LIMIT})),
    Rule.UNDELIVERABLE: DEAD,
    Rule.UNDELIVERABLE_RETAINED: structs.replace(DEAD, authoritative=False),
    Rule.UNAVAILABLE: GateFacts(unavailable=True),
    Rule.FREQUENCY_CAP: structs.replace(GOOD, cap_until=NOW + DAY),
    Rule.QUOTA: structs.replace(GOOD, quota_until=NOW + 9 * DAY),
    Rule.DISPOSABLE: GateFacts(Reason.DISPOSABLE, Flags(disposable=True)),
    Rule.TYPO_DOMAIN: structs.replace(GOOD, flags=Flags(typo_domain=True)),
    Rule.INACTIVE: structs.replace(GOOD, last_active=NOW - 400 * DAY),
    Rule.REACTIVATION: structs.replace(GOOD, observed_at=NOW - 30 * DAY, reactivation=True),
    Rule.ROLE: structs.replace(GOOD, flags=Flags(role=True)),
    Rule.NO_REPLY: structs.replace(GOOD, flags=Flags(no_reply=True)),
    Rule.CATCH_ALL: structs.replace(GOOD, reason=Reason.CATCH_ALL, flags=Flags(catch_all=True)),
    Rule.MAILBOX_FULL: structs.replace(GOOD, reason=Reason.MAILBOX_FULL, flags=Flags(mailbox_full=True)),
    Rule.UNKNOWN_PROBE: GateFacts(),
    Rule.UNKNOWN_OTHER: GateFacts(Reason.PROVIDER_UNVERIFIABLE, observed_at=NOW),
    Rule.STALE: structs.replace(GOOD, observed_at=NOW - 180 * DAY, authoritative=False),
    Rule.OTHERWISE: GOOD,
}
# marketing, triggered, transactional: as the design has it, "-" where the next rule is asked
BALANCED_TABLE = {
    Rule.MANUAL_BLOCK: "block block block",
    Rule.INVALID_SYNTAX: "block block block",
    Rule.COMPLAINT: "block block -",
    Rule.UNSUBSCRIBED: "block block -",
    Rule.NO_CONSENT: "block block -",
    Rule.MANUAL_ALLOW: "allow allow allow",
    Rule.HARD_BOUNCE: "block block block",
    Rule.SOFT_BOUNCE_LIMIT: "block block block",
    Rule.UNDELIVERABLE: "block block block",
    Rule.UNDELIVERABLE_RETAINED: "hold hold -",
    Rule.UNAVAILABLE: "hold allow allow",
    Rule.FREQUENCY_CAP: "hold hold -",
    Rule.QUOTA: "hold hold -",
    Rule.DISPOSABLE: "block hold -",
    Rule.TYPO_DOMAIN: "hold - -",
    Rule.INACTIVE: "hold - -",
    Rule.REACTIVATION: "hold hold -",
    Rule.ROLE: "- - -",
    Rule.NO_REPLY: "- - -",
    Rule.CATCH_ALL: "- - -",
    Rule.MAILBOX_FULL: "- - -",
    Rule.UNKNOWN_PROBE: "hold - -",
    Rule.UNKNOWN_OTHER: "- - -",
    Rule.STALE: "hold - -",
    Rule.OTHERWISE: "allow allow allow",
}
STRICT_CHANGES = {
    Rule.COMPLAINT: "block block block",
    Rule.ROLE: "hold - -",
    Rule.NO_REPLY: "hold - -",
    Rule.CATCH_ALL: "hold - -",
    Rule.MAILBOX_FULL: "hold - -",
    Rule.UNKNOWN_OTHER: "hold - -",
}
TABLES = {
    "balanced": BALANCED_TABLE,
    "strict": BALANCED_TABLE | STRICT_CHANGES,
    "lenient": BALANCED_TABLE | {Rule.UNKNOWN_PROBE: "- - -"},
}
EVERY_CELL = [
    (policy, message_class, rule, cells.split()[place])
    for policy, table in TABLES.items()
    for rule, cells in table.items()
    for place, message_class in enumerate(MessageClass)
]


def with_inactivity(policy: Policy) -> Policy:
    return structs.replace(policy, ages=structs.replace(policy.ages, inactive=365))


@pytest.mark.parametrize(("policy", "message_class", "rule", "cell"), EVERY_CELL)
def test_every_cell_of_the_table(policy: str, message_class: MessageClass, rule: Rule, cell: str) -> None:
    """Where a rule's condition holds and nothing before it speaks, its cell decides; "-" leaves it to the next."""
    ruling = decide(CASES[rule], message_class, with_inactivity(BUILT_IN[policy]), NOW)
    if cell == "-":
        assert ruling.rule is not rule and ruling.decision is ALLOW
        assert rule in ruling.also or rule is Rule.OTHERWISE
    else:
        assert (ruling.rule, ruling.decision) == (rule, GateDecision(cell))


def test_the_table_is_whole() -> None:
    """Every rule has a row, a case and a cell in the tests, and rows stand in the order in which they are asked."""
    assert list(Rule) == [row.rule for row in ROWS] == list(CASES) == list(BALANCED_TABLE) == list(BUCKETS)


flags = st.builds(
    Flags,
    disposable=st.booleans(),
    role=st.booleans(),
    no_reply=st.booleans(),
    typo_domain=st.booleans(),
    mailbox_full=st.booleans(),
    catch_all=st.sampled_from([None, True, False]),
)
moments = st.integers(-500, 40).map(lambda days: NOW + days * DAY)
past = st.integers(-500, 0).map(lambda days: NOW + days * DAY)
all_facts = st.builds(
    GateFacts,
    reason=st.none() | st.sampled_from(Reason),
    flags=flags,
    observed_at=st.none() | past,
    authoritative=st.booleans(),
    retry_after=st.none() | moments,
    kinds=st.frozensets(st.sampled_from(SuppressionKind)),
    unconfirmed=st.booleans(),
    cap_until=st.none() | moments,
    quota_until=st.none() | moments,
    last_active=st.none() | past,
    reactivation=st.booleans(),
    can_probe=st.booleans(),
    unavailable=st.booleans(),
)
classes = st.sampled_from(MessageClass)
policies = st.sampled_from([with_inactivity(each) for each in BUILT_IN.values()] + list(BUILT_IN.values()))


@given(all_facts, classes, policies)
def test_the_first_rule_that_speaks_decides(facts: GateFacts, message_class: MessageClass, policy: Policy) -> None:
    """Exactly one decision, by the first met rule whose cell is not `next`; the others are told of beside it."""
    met = conditions(facts, message_class, policy.ages, NOW)
    ruling = decide(facts, message_class, policy, NOW)
    cells = policy.cells[message_class]
    before = met[: met.index(ruling.rule)]
    assert all(cells[rule] is Outcome.NEXT for rule in before)
    assert cells[ruling.rule] == ruling.decision.value
    assert set(ruling.also) == set(met) - {ruling.rule, Rule.OTHERWISE}
    assert list(met) == sorted(met, key=list(Rule).index)


@given(all_facts, classes, policies)
def test_what_is_asked_behind_stands_apart(facts: GateFacts, message_class: MessageClass, policy: Policy) -> None:
    """Whether an address is asked again depends on what is known of it, never on the rule that decided."""
    ruling = decide(facts, message_class, policy, NOW)
    lacking = facts.reason is None or not facts.authoritative
    assert ruling.probe == (facts.can_probe and lacking and not facts.unavailable)
    assert ruling.degraded == ((facts.can_probe and lacking) or facts.unconfirmed or facts.unavailable)


@given(all_facts, classes, policies)
def test_only_a_hold_has_a_time(facts: GateFacts, message_class: MessageClass, policy: Policy) -> None:
    """`until` belongs to holds, and one for a probe never lasts longer than a day."""
    ruling = decide(facts, message_class, policy, NOW)
    if ruling.decision is not HOLD:
        assert ruling.until is None
    elif ruling.rule is Rule.UNKNOWN_PROBE:
        assert ruling.until is not None and NOW <= ruling.until <= NOW + LONGEST_HOLD


@given(all_facts, policies)
def test_suppressions_hold_whatever_else_is_known(facts: GateFacts, policy: Policy) -> None:
    """Who complained, unsubscribed or is blocked by hand gets no marketing, allowance or not."""
    refused = {SuppressionKind.MANUAL_BLOCK, SuppressionKind.COMPLAINT, SuppressionKind.UNSUBSCRIBED}
    ruling = decide(facts, MessageClass.MARKETING, policy, NOW)
    if facts.kinds & refused:
        assert ruling.decision is BLOCK


@given(st.sampled_from(sorted(set(Reason) - {Reason.INVALID_SYNTAX})), flags, policies)
def test_an_obstacle_withholds_no_order_mail(reason: Reason, flags: Flags, policy: Policy) -> None:
    """Transactional mail goes out on everything but first-hand evidence against the mailbox."""
    facts = GateFacts(reason, flags, observed_at=NOW)
    ruling = decide(facts, MessageClass.TRANSACTIONAL, policy, NOW)
    dead = verdict_of(reason) is Verdict.UNDELIVERABLE
    assert ruling.decision is (BLOCK if dead else ALLOW)


@given(st.sampled_from(Reason), flags)
def test_keep_sendable_agrees_with_the_gate(reason: Reason, flags: Flags) -> None:
    """`--keep sendable` lets through what the balanced policy allows as marketing on the same fresh evidence."""
    assessment = Assessment("a@b.example", "a@b.example", verdict_of(reason), reason, 0.1, 90, flags, (), NOW)
    facts = GateFacts(reason, flags, observed_at=NOW, retry_after=NOW + DAY)
    ruling = decide(facts, MessageClass.MARKETING, BALANCED, NOW)
    assert sendable(assessment) == (ruling.decision is ALLOW)


@pytest.mark.parametrize(
    ("facts", "until"),
    [
        (CASES[Rule.FREQUENCY_CAP], NOW + DAY),
        (CASES[Rule.QUOTA], NOW + 9 * DAY),
        (CASES[Rule.UNAVAILABLE], NOW + timedelta(minutes=1)),
        (GateFacts(Reason.GREYLISTED, retry_after=NOW + timedelta(hours=1)), NOW + timedelta(hours=1)),
        (GateFacts(Reason.GREYLISTED, retry_after=NOW + 3 * DAY), NOW + DAY),
        (GateFacts(Reason.GREYLISTED, retry_after=NOW - DAY), NOW),
        (GateFacts(), NOW + timedelta(minutes=5)),
        (CASES[Rule.TYPO_DOMAIN], None),
    ],
)
def test_how_long_a_hold_lasts(facts: GateFacts, until: datetime | None) -> None:
    """Until what is in the way ends; no time where somebody has to do something first."""
    ruling = decide(facts, MessageClass.MARKETING, BALANCED, NOW)
    assert (ruling.decision, ruling.until) == (HOLD, until)


@pytest.mark.parametrize(
    ("message_class", "days", "rule"),
    [
        (MessageClass.MARKETING, 89, Rule.OTHERWISE),
        (MessageClass.MARKETING, 90, Rule.STALE),
        (MessageClass.TRIGGERED, 179, None),
        (MessageClass.TRIGGERED, 180, Rule.STALE),
    ],
)
def test_good_verdicts_age(message_class: MessageClass, days: int, rule: Rule | None) -> None:
    """Marketing wants a verdict younger than 90 days; older than 180 the others' is told of too."""
    facts = structs.replace(GOOD, observed_at=NOW - days * DAY)
    ruling = decide(facts, message_class, BALANCED, NOW)
    assert (rule is Rule.STALE) == (Rule.STALE in (ruling.rule, *ruling.also))


@pytest.mark.parametrize("reason", sorted(HELD_UNTIL_ASKED_AGAIN))
def test_what_a_probe_can_change_holds_marketing(reason: Reason) -> None:
    """Marketing waits for it, mail that somebody waits for does not."""
    facts = GateFacts(reason, observed_at=NOW, retry_after=NOW + timedelta(hours=1))
    found = [decide(facts, each, BALANCED, NOW).decision for each in MessageClass]
    assert found == [HOLD, ALLOW, ALLOW]


def test_nothing_known_and_nothing_to_be_known() -> None:
    """Where port 25 is closed, nothing known is an obstacle of ours, which withholds no mail."""
    ruling = decide(GateFacts(can_probe=False), MessageClass.MARKETING, BALANCED, NOW)
    assert (ruling.decision, ruling.also, ruling.degraded) == (ALLOW, (Rule.UNKNOWN_OTHER,), False)


def test_reactivation_needs_a_recent_verdict() -> None:
    """Somebody long silent is asked about first, unless that was within 30 days."""
    fresh = structs.replace(GOOD, reactivation=True)
    assert decide(fresh, MessageClass.TRIGGERED, BALANCED, NOW).rule is Rule.OTHERWISE
    assert decide(GateFacts(reactivation=True), MessageClass.TRIGGERED, BALANCED, NOW).rule is Rule.REACTIVATION


def test_inactivity_is_off_by_default() -> None:
    """Nobody is held for silence unless a policy says so."""
    assert decide(CASES[Rule.INACTIVE], MessageClass.MARKETING, BALANCED, NOW).decision is ALLOW
    assert BALANCED.ages == Ages(BALANCED.ages.stale, None, 30)


def entry(kind: SuppressionKind = SuppressionKind.UNSUBSCRIBED, **scope: object) -> Suppression:
    return structs.replace(Suppression("k", kind, NOW - DAY, "manual"), **scope)


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ({}, True),
        ({"sender": "shop"}, True),
        ({"sender": "other"}, False),
        ({"message_class": "marketing"}, True),
        ({"message_class": "triggered"}, False),
        ({"topic": "reviews"}, True),
        ({"topic": "news"}, False),
        ({"sender": "shop", "topic": "news"}, False),
        ({"expires": NOW}, False),
        ({"expires": NOW + DAY}, True),
    ],
)
def test_a_suppression_holds_in_its_scope(scope: dict[str, object], holds: bool) -> None:
    """Of a sender, a class, a topic, and until it expires: nowhere else."""
    kinds = holding([entry(**scope)], NOW, message_class=MessageClass.MARKETING, sender="shop", topic="reviews")
    assert kinds == (frozenset({SuppressionKind.UNSUBSCRIBED}) if holds else frozenset())


def test_order_mail_reaches_whoever_wants_no_reviews() -> None:
    """An opt-out of one topic leaves every other mail alone."""
    kinds = holding([entry(topic="reviews")], NOW, message_class=MessageClass.TRIGGERED, topic="orders")
    assert kinds == frozenset()


def test_the_worst_of_several() -> None:
    """Block over hold over allow; nobody is allowed."""
    assert [worst([ALLOW, HOLD]), worst([HOLD, BLOCK, ALLOW]), worst([])] == [HOLD, BLOCK, ALLOW]


def test_every_rule_fills_a_bucket() -> None:
    """A campaign counts each row by its deciding rule; what lets through is sendable."""
    allowing = {rule for rule in Rule if BUCKETS[rule] is Bucket.SENDABLE}
    assert allowing == {Rule.MANUAL_ALLOW, Rule.OTHERWISE}
