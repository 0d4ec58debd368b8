"""Judging many at once: a list is its rows, and nothing that one row taught is told of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from tests.support.facts import at, control, facts, hindered, replied, route
from tests.support.judging import judging
from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import DomainFacts, RouteStatus
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import ALL_STAGES, Reason, StageName, Verdict
from verifier.core.replies import ReplyClass
from verifier.core.verdict import Source

_DOMAINS = ("shop.example", "trash.example", "big.example", "fre.example", "shop.nonsense", "verifier.test")
_LOCALS = ("jane", "Jane", "info", "noreply", "jane+tag", "j.a.n.e", "mailbox_not_found", "büro")
_CELLS = st.one_of(
    st.builds("{}@{}".format, st.sampled_from(_LOCALS), st.sampled_from(_DOMAINS)),
    st.builds(" <{}@{}>;".format, st.sampled_from(_LOCALS), st.sampled_from(_DOMAINS)),
    st.sampled_from(["", "jane", "jane@", "a@b@shop.example"]),
)
_ROUTES = st.one_of(st.none(), st.sampled_from(RouteStatus).map(route))
_FINDINGS = st.lists(
    st.one_of(st.sampled_from(ReplyClass).map(replied), st.sampled_from(Obstacle).map(hindered)), max_size=2
).map(tuple)
_STAGES = st.integers(1, len(ALL_STAGES)).map(lambda count: ALL_STAGES[:count])


@st.composite
def _known(draw: st.DrawFn, cells: list[str]) -> Knowledge:
    """Facts of some of the domains, findings of some of the mailboxes, some of them live."""
    parsed = [address for cell in cells if isinstance(address := parse_address(cell), Address)]
    known: dict[str, DomainFacts] = {}
    for domain in {address.domain for address in parsed}:
        if draw(st.booleans()):
            known[domain] = facts(domain, draw(_ROUTES), draw(st.sampled_from([None, control(True), control(False)])))
    knowledge = Knowledge.of(known)
    for key in {judging().key_of(address) for address in parsed}:
        found: tuple[Finding, ...] = draw(_FINDINGS) if draw(st.booleans()) else ()
        if found:
            knowledge.findings[key] = found
            if draw(st.booleans()):
                knowledge.live.add(key)
    return knowledge


@given(st.data(), st.lists(_CELLS, max_size=12), _STAGES)
def test_a_list_is_judged_as_its_rows_are(data: st.DataObject, cells: list[str], stages: tuple[StageName, ...]) -> None:
    """Each row gets what it would have got alone, whatever stands beside it, and in the same order."""
    knowledge = data.draw(_known(cells))
    parsed = [parse_address(cell) for cell in cells]
    alone = [judging().judge([each], knowledge, stages)[0] for each in parsed]
    assert alone == judging().judge(parsed, knowledge, stages)


@given(st.lists(_CELLS, max_size=12))
def test_without_a_finding_only_the_syntax_condemns(cells: list[str]) -> None:
    """Law 1, offline: `undeliverable` is what is no address, or a test address that asks for it."""
    parsed = [parse_address(cell) for cell in cells]
    for each, assessment in zip(parsed, judging().judge(parsed, Knowledge.of({}), ALL_STAGES), strict=True):
        stated = isinstance(each, Address) and each.domain == "verifier.test" and each.local == "mailbox_not_found"
        condemned = isinstance(each, SyntaxFault) or stated
        assert condemned == (assessment.verdict is Verdict.UNDELIVERABLE)
        assert assessment.checked_at == START


@pytest.mark.parametrize(
    ("cell", "reason", "suggestion", "provider", "risk"),
    [
        ("jane@shop.example", Reason.NOT_PROBED, None, None, 0.25),
        ("jane@big.example", Reason.NOT_PROBED, None, "big", 0.5),
        ("jane@trash.example", Reason.DISPOSABLE, None, None, 0.25),
        ("Jane@fre.example", Reason.NOT_PROBED, "Jane@free.example", None, 0.25),
        ("null_mx@verifier.test", Reason.NULL_MX, None, None, 0.25),
        ("jane", Reason.INVALID_SYNTAX, None, None, 0.25),
    ],
)
def test_what_the_lists_say(
    cell: str, reason: Reason, suggestion: str | None, provider: str | None, risk: float
) -> None:
    """Reason, suggestion, provider and risk of an address that nobody was asked about."""
    (assessment,) = judging().judge([parse_address(cell)], Knowledge.of({}), ALL_STAGES)
    told = assessment.reason, assessment.did_you_mean, assessment.provider, assessment.bounce_risk
    assert (reason, suggestion, provider, risk) == told


def test_what_was_not_seen_just_now_is_from_the_cache() -> None:
    """`source` is `cache` where the findings are older than the run, `live` where they are of it or there are none."""
    parsed = [parse_address(f"{local}@shop.example") for local in ("jane", "joe", "jill")]
    keys = [judging().key_of(address) for address in parsed if isinstance(address, Address)]
    knowledge = Knowledge.of({"shop.example": facts("shop.example", route())})
    knowledge.findings.update(dict.fromkeys(keys[:2], (replied(ReplyClass.ACCEPTED, -60),)))
    knowledge.live.add(keys[0])
    judged = judging().judge(parsed, knowledge, ALL_STAGES)
    assert [assessment.source for assessment in judged] == [Source.LIVE, Source.CACHE, Source.LIVE]
    assert [at(-60), at(-60), at(0)] == [assessment.checked_at for assessment in judged]


def test_stages_are_what_was_done() -> None:
    """A stage that was wished for, but not reached, is not told."""
    parsed = [parse_address("jane@shop.example"), parse_address("joe@big.example")]
    knowledge = Knowledge.of({"shop.example": facts("shop.example", route())})
    knowledge.findings[judging().key_of(parsed[0])] = (replied(ReplyClass.ACCEPTED),)  # type: ignore[arg-type]
    asked, unasked = judging().judge(parsed, knowledge, ALL_STAGES)
    assert (ALL_STAGES, ALL_STAGES[:2]) == (asked.stages, unasked.stages)
    looked_up = judging().judge(parsed, Knowledge.of(knowledge.facts), ALL_STAGES)[0]
    assert ALL_STAGES[:3] == looked_up.stages
    assert ALL_STAGES[:1] == judging().judge(parsed, knowledge, ALL_STAGES[:1])[0].stages
