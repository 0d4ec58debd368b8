"""The laws of what is known of a domain, and of what a store keeps of a mailbox."""

from datetime import timedelta
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.facts import at, control, facts, replied, route
from verifier.core.evidence import Finding, Obstacle, expires_at, merge, retained, retained_until
from verifier.core.facts import AcceptsAll, DomainFacts, MailRoute, RouteStatus, holds_until, merge_facts, unexpired
from verifier.core.replies import ReplyClass

NOW = at(1000)
SAYS_NOTHING = (RouteStatus.TEMP_ERROR, RouteStatus.UNTRUSTED)

seconds = st.integers(0, 1000)
routes = st.builds(
    MailRoute,
    status=st.sampled_from(RouteStatus),
    hosts=st.just(()),
    observed_at=seconds.map(at),
    expires_at=st.integers(900, 1100).map(at),
    detail=st.sampled_from(["", "SERVFAIL"]),
)
controls = st.builds(
    AcceptsAll,
    value=st.sampled_from([True, False, None]),
    observed_at=seconds.map(at),
    expires_at=st.integers(900, 1100).map(at),
)
domain_facts = st.builds(
    DomainFacts, domain=st.just("shop.example"), route=st.none() | routes, accepts_all=st.none() | controls
)
findings = st.builds(
    Finding,
    observed_at=st.integers(-200 * 86400, 1000).map(at),
    reply_class=st.sampled_from(ReplyClass),
    code=st.sampled_from([250, 450, 550]),
    retry_after=st.none() | st.integers(0, 2000).map(at),
) | st.builds(Finding, observed_at=seconds.map(at), obstacle=st.sampled_from(Obstacle))


@given(st.lists(domain_facts, min_size=1, max_size=4))
def test_facts_merge_in_any_order(known: list[DomainFacts]) -> None:
    """Law 3 for domains: whatever order facts come in, the same is known, and the same fact twice adds nothing."""
    outcomes = {
        reduce(lambda old, new: merge_facts(old, new, NOW), order) for order in permutations([*known, known[0]])
    }
    assert len(outcomes) == 1


@given(domain_facts, domain_facts, domain_facts)
def test_facts_merge_in_any_grouping(one: DomainFacts, two: DomainFacts, three: DomainFacts) -> None:
    """Merging what was merged elsewhere is the same as merging one by one."""
    left = merge_facts(merge_facts(one, two, NOW), three, NOW)
    assert left == merge_facts(one, merge_facts(two, three, NOW), NOW)


@given(domain_facts, domain_facts)
def test_a_failed_lookup_never_displaces_a_good_route(old: DomainFacts, new: DomainFacts) -> None:
    """Pin 6: if either route says something and holds, the merged one says something and holds."""
    good = [
        known.route
        for known in (old, new)
        if known.route is not None and known.route.status not in SAYS_NOTHING and known.route.expires_at > NOW
    ]
    merged = merge_facts(old, new, NOW).route
    assert not good or (merged in good and merged.observed_at == max(route.observed_at for route in good))


@given(domain_facts, domain_facts)
def test_merging_invents_nothing(old: DomainFacts, new: DomainFacts) -> None:
    """Each part of the outcome is one that came in; of the controls the newest that still says something."""
    merged = merge_facts(old, new, NOW)
    assert merged.route in (old.route, new.route)
    known = [part for part in (old.accepts_all, new.accepts_all) if part is not None]
    assert (merged.accepts_all is None) == (known == [])
    assert not known or merged.accepts_all in known
    speaking = [part for part in known if part.value is not None and part.expires_at > NOW]
    newest = max((part.observed_at for part in speaking or known), default=None)
    assert merged.accepts_all is None or merged.accepts_all.observed_at == newest


def test_ties_trust_the_domain_less() -> None:
    """Of two controls of one moment the one that saw a catch-all counts, then the one that saw none."""
    values = [
        merge_facts(facts("a.example", None, control(one)), facts("a.example", None, control(two)), NOW).accepts_all
        for one, two in ((True, False), (False, None), (None, True))
    ]
    assert [part.value if part else None for part in values] == [True, False, True]


def test_facts_of_two_domains_do_not_merge() -> None:
    """Mixing up domains is our own fault, and said at once."""
    with pytest.raises(ValueError, match=r"a\.example and of b\.example"):
        merge_facts(facts("a.example"), facts("b.example"), NOW)


@given(domain_facts)
def test_only_what_holds_is_given_out(known: DomainFacts) -> None:
    """`unexpired` keeps exactly the parts whose time has not come, and `holds_until` is the moment nothing is left."""
    left = unexpired(known, NOW)
    parts = [part for part in (known.route, known.accepts_all) if part is not None and part.expires_at > NOW]
    assert [part for part in (left.route, left.accepts_all) if part is not None] == parts if left else parts == []
    until = holds_until(known)
    assert (until is None) == (known.route is None and known.accepts_all is None)
    assert until is None or unexpired(known, until) is None
    assert until is None or unexpired(known, until - timedelta(microseconds=1)) is not None


@given(st.lists(findings, max_size=5))
def test_findings_are_kept_in_any_order(seen: list[Finding]) -> None:
    """Law 3 for mailboxes: the same findings in any order, kept one by one or all at once, leave the same."""
    outcomes = set()
    for order in permutations(seen):
        kept: tuple[Finding, ...] = ()
        for finding in order:
            kept = retained((*kept, finding), NOW)
        outcomes |= {kept, retained(order, NOW)}
    assert len(outcomes) == 1


@given(st.lists(findings, max_size=30), st.integers(0, 40 * 86400))
@example([Finding(at(seen), ReplyClass.MAILBOX_DISABLED, code=code) for seen, code in ((-1, 550), (0, 250))], 0)
def test_keeping_less_says_the_same(seen: list[Finding], later: int) -> None:
    """What a store drops never changes who speaks for a mailbox, as long as something conclusive does."""
    moment = NOW + timedelta(seconds=later)
    speaks = merge(tuple(seen), moment)
    kept = merge(retained(seen, NOW), moment)
    if speaks is not None and speaks.conclusive and expires_at(speaks) > moment:
        assert kept == speaks


@given(st.lists(findings, max_size=60))
def test_what_is_kept_is_bounded(seen: list[Finding]) -> None:
    """One finding a kind at most, none past its retention, oldest first."""
    kept = retained(seen, NOW)
    assert len({(finding.reply_class or finding.obstacle, finding.conclusive) for finding in kept}) == len(kept)
    assert [finding for finding in kept if retained_until(finding) <= NOW] == []
    assert [finding.observed_at for finding in kept] == sorted(finding.observed_at for finding in kept)
    assert set(kept) <= set(seen)


def test_a_route_alone_is_left_as_it_is() -> None:
    """Facts that touch different parts of a domain merge to both."""
    merged = merge_facts(facts("a.example", route()), facts("a.example", None, control(False)), NOW)
    assert merged == facts("a.example", route(), control(False))
    assert retained([replied(ReplyClass.ACCEPTED)], NOW) == (replied(ReplyClass.ACCEPTED),)
