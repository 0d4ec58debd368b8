"""Which rows of a campaign a download holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.lists import assessed
from verifier.core.campaign_counts import Fate, RowFate, wave_of
from verifier.core.campaign_cut import KEEPS, WAVE_KEEPS, CampaignCut
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateDecision
from verifier.core.list_rows import ShownRow
from verifier.core.reasons import Reason

fates = st.sampled_from(RowFate) | st.tuples(st.sampled_from(GateDecision), st.sampled_from(Rule))
rows = st.lists(st.tuples(st.sampled_from([Reason.ACCEPTED, Reason.CATCH_ALL, Reason.GREYLISTED]), fates), max_size=30)


def kept(decided: list[tuple[Reason, Fate]], keep: str, planned: int) -> list[int]:
    """The numbers of the rows that the download holds."""
    cut = CampaignCut(keep, planned)
    shown = [
        (ShownRow(number, (), 0, structs.replace(assessed(reason), email=f"{number}@shop.example")), fate)
        for number, (reason, fate) in enumerate(decided)
    ]
    return [row.number for row, fate in shown if cut.keeps(row, fate)]


@given(rows, st.integers(0, 30))
def test_downloads_are_parts_of_each_other(decided: list[tuple[Reason, Fate]], planned: int) -> None:
    """All rows are sendable or rejected; the first so many sendable ones are planned, and each of those goes out in one
    wave, that of its verdict and address.
    """
    held = {keep: kept(decided, keep, planned) for keep in KEEPS}
    assert list(range(len(decided))) == held["full"] == sorted(held["sendable"] + held["rejected"])
    assert held["sendable"][:planned] == held["planned"]
    assert sorted(number for keep in WAVE_KEEPS for number in held[keep]) == held["planned"]
    for wave, keep in enumerate(WAVE_KEEPS, 1):
        for number in held[keep]:
            assert wave == wave_of(assessed(decided[number][0]).verdict, f"{number}@shop.example")


@pytest.mark.parametrize("fate", [*RowFate, (GateDecision.HOLD, Rule.OTHERWISE), (GateDecision.BLOCK, Rule.OTHERWISE)])
def test_only_what_is_allowed_goes(fate: Fate) -> None:
    """What is held, blocked, or decided by nobody is in no file that is mailed, whatever room is left."""
    for keep in ("planned", "sendable", *WAVE_KEEPS):
        assert [] == kept([(Reason.ACCEPTED, fate)], keep, 10)
    assert [0] == kept([(Reason.ACCEPTED, fate)], "rejected", 10)
