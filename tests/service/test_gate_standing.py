"""A ruling that stands is the one that would be made anew, at any time and with whatever is known."""

import asyncio
from copy import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.support.desk import NAMES
from tests.support.gating import GateBench
from tests.support.knowledge import facts, findings, turns
from verifier.adapters.data_files import assemble_names, load_reference_data, shipped_folder
from verifier.core.address import Address, parse_address
from verifier.core.egress import EgressState
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.gate_policies import BALANCED, Ages
from verifier.core.gate_words import GateQuestion, MessageClass
from verifier.service.gating import Gate

policies = st.builds(
    lambda stale, reactivation: structs.replace(
        BALANCED, name="mine", ages=Ages(dict.fromkeys(MessageClass, stale), None, reactivation)
    ),
    st.sampled_from([1, 3, 10, 90]),
    st.sampled_from([1, 7, 30]),
)


questions = st.lists(
    st.builds(
        GateQuestion,
        st.sampled_from(["jane@shop.example", "info@shop.example"]),
        st.sampled_from(MessageClass),
        policy=st.sampled_from(["strict", "lenient", "mine"]),
        reactivation=st.booleans(),
    ),
    min_size=1,
    max_size=2,
)


@settings(max_examples=150, deadline=None)
@given(facts, st.lists(findings(), min_size=1, max_size=3), policies, questions, st.integers(0, 50))
def test_a_ruling_stands_as_long_as_it_would_be_made_anew(
    known: DomainFacts, found: list[Finding], mine: Any, asked: list[GateQuestion], shut: int
) -> None:
    """Asked again and again, the gate says what one says that has never been asked; also at the very moment at which
    something expires, is forgotten, or becomes too old, or when nobody can be asked any more.
    """
    bench = GateBench(glance=True)
    bench.policies["mine"] = mine
    asyncio.run(bench.memory.remember_domains([known]))
    for email in {question.email for question in asked}:
        address = parse_address(email)
        assert isinstance(address, Address)
        key = bench.judging.key_of(address)
        asyncio.run(bench.memory.remember_mailboxes([(key, finding) for finding in found]))
    for place, moment in enumerate(turns(known, found)):
        bench.clock.move((moment - bench.clock.now()).total_seconds())
        bench.outside.last = EgressState.BLOCKED if place == shut else EgressState.OPEN
        for question in asked:
            assert bench.gate.at_once(question) == Gate(bench.equipment).at_once(question)


async def test_newer_lists_hold_at_once() -> None:
    """Whatever was concluded by the older ones."""
    names, newer = assemble_names(load_reference_data(None, shipped_folder())), copy(NAMES)
    bench = GateBench(glance=True, names=names)
    await bench.know("jane@shop.example")
    question = GateQuestion("jane@shop.example", policy="strict")
    first = bench.gate.at_once(question)
    assert first is not None and first.rule == "otherwise"
    newer.local_flags = lambda address: (True, False, False)  # type: ignore[method-assign]
    names.renew(newer)
    second = bench.gate.at_once(question)
    assert second is not None and second.rule == "role"
