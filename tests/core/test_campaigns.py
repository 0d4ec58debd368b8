"""Campaigns: buckets that add up, quotas, and what is said of the whole."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at
from verifier.core.campaign_columns import is_yes, selected_column, shared_columns, unsubscribed_column
from verifier.core.campaign_counts import (
    COUNTED,
    PARTS,
    WAVES,
    Accounts,
    Quota,
    RowFacts,
    RowFate,
    bucket_of,
    code_of,
    fate_of,
    wave_of,
)
from verifier.core.campaign_summary import CampaignRule, judged, profile_of, summary_of
from verifier.core.campaigns import Campaign, CampaignOrder, CampaignState, Release, campaign_record
from verifier.core.faults import InputError
from verifier.core.gate_rules import Bucket, Rule
from verifier.core.gate_words import GateDecision
from verifier.core.profiles import DEFAULT, PROFILES
from verifier.core.projection import Basis, Evidence
from verifier.core.reasons import Verdict

ALLOW, HOLD, BLOCK = GateDecision
NO_LIMIT = Quota()
ROW = RowFacts("accepted", None, 0.01)
fates = st.sampled_from(RowFate) | st.tuples(st.sampled_from(GateDecision), st.sampled_from(Rule))


def counted(rows: list[Any], quota: Quota = NO_LIMIT) -> Accounts:
    accounts = Accounts.empty()
    for fate in rows:
        if isinstance(fate, RowFate):
            accounts.skip(fate)
        else:
            accounts.add(*fate, ROW, quota)
    return accounts


@given(st.lists(fates), st.none() | st.integers(0, 20), st.integers(0, 20))
def test_buckets_add_up(rows: list[Any], limit: int | None, used: int) -> None:
    """Every submitted row is in one bucket; what is sendable is planned or over the quota, and no more is planned than
    is left of it.
    """
    quota = Quota(limit, used)
    counts = counted(rows, quota).counts
    assert counts["submitted"] == sum(counts[part] for part in PARTS) == len(rows) - rows.count(RowFate.NOT_SELECTED)
    assert counts["sendable"] == counts["planned"] + counts["over_quota"]
    if quota.remaining is not None:
        assert counts["planned"] <= quota.remaining
        assert not counts["over_quota"] or counts["planned"] == quota.remaining
    assert set(counts) == set(COUNTED)


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.text(max_size=9))), st.none() | st.integers(0, 9))
def test_waves_are_parts_of_what_is_planned(rows: list[tuple[Verdict, str]], limit: int | None) -> None:
    """Every planned row is in exactly one, always the same; the first has the proven ones and nobody else."""
    accounts = Accounts.empty()
    for verdict, address in rows:
        wave = wave_of(verdict, address)
        assert 1 <= wave <= WAVES and wave == wave_of(verdict, address.upper() if address.isascii() else address)
        assert (wave == 1) == (verdict is Verdict.DELIVERABLE)
        accounts.add(ALLOW, Rule.OTHERWISE, structs.replace(ROW, wave=wave), Quota(limit))
    assert sum(accounts.waves) == accounts.counts["planned"]


def test_waves_grow() -> None:
    """A twentieth, a fifth, the rest."""
    sizes = [0] * WAVES
    for number in range(10_000):
        sizes[wave_of(Verdict.UNKNOWN, f"person{number}@shop.example") - 1] += 1
    assert sizes[0] == 0 and 400 < sizes[1] < 600 and 1800 < sizes[2] < 2200 and sizes[3] > 7000


@given(st.lists(fates))
def test_projections_are_of_their_rows(rows: list[Any]) -> None:
    """The planned rate is over planned rows, the unfiltered one over every row that could have been mailed."""
    accounts = counted(rows, Quota(5))
    assert accounts.planned.rows == accounts.counts["planned"]
    assert accounts.unfiltered.rows == sum(not isinstance(fate, RowFate) for fate in rows)


@given(st.sampled_from(GateDecision), st.sampled_from(Rule))
def test_a_bucket_is_its_rules(decision: GateDecision, rule: Rule) -> None:
    """Whatever lets through is sendable; whatever does not, is not."""
    if decision is ALLOW:
        assert bucket_of(decision, rule) is Bucket.SENDABLE
    elif rule not in (Rule.OTHERWISE, Rule.MANUAL_ALLOW):
        assert bucket_of(decision, rule) is not Bucket.SENDABLE


@given(fates)
def test_a_fate_is_one_byte(fate: Any) -> None:
    """There and back."""
    assert 0 <= code_of(fate) < 256 and fate_of(code_of(fate)) == fate


def sends(risk: float, rows: int = 20_000, quota: Quota = NO_LIMIT) -> Accounts:
    accounts = Accounts.empty()
    for _ in range(rows):
        accounts.add(ALLOW, Rule.OTHERWISE, RowFacts("accepted", None, risk), quota)
    return accounts


@pytest.mark.parametrize(
    ("risk", "decision", "rule", "warned"),
    [
        (0.001, ALLOW, CampaignRule.WITHIN_LIMITS, False),
        (0.025, ALLOW, CampaignRule.WITHIN_LIMITS, True),
        (0.06, ALLOW, CampaignRule.WITHIN_LIMITS, True),
        (0.2, HOLD, CampaignRule.PROJECTED_BOUNCES, False),
        (0.4, BLOCK, CampaignRule.PROJECTED_BOUNCES, False),
    ],
)
def test_only_what_is_certain_holds_a_campaign(
    risk: float, decision: GateDecision, rule: CampaignRule, warned: bool
) -> None:
    """The lower bound decides; an expectation above the limit warns. On what was really seen it takes less."""
    judgement = judged(sends(risk), {}, DEFAULT)
    assert (judgement.decision, judgement.rule, bool(judgement.warnings)) == (decision, rule, warned)
    seen = {("accepted", ""): Evidence(5000.0, Basis.CALIBRATED)}
    certain = ALLOW if risk < 0.02 else HOLD if risk < 0.05 else BLOCK
    assert judged(sends(risk), seen, DEFAULT).decision is certain


def test_little_knowledge_and_quota_warn() -> None:
    """What could go badly is said, and what stays behind."""
    few = judged(sends(0.01, 5), {}, DEFAULT)
    assert few.decision is ALLOW and "too little is known" in few.warnings[0]
    over = judged(sends(0.001, 5000, Quota(100, 50)), {}, DEFAULT)
    assert "over the month's quota, which stay behind: 4,950." in over.warnings[-1]


def test_nothing_to_send_waits() -> None:
    """An empty send is no success."""
    assert judged(counted([RowFate.EMPTY]), {}, DEFAULT).rule is CampaignRule.NOTHING_TO_SEND


@pytest.mark.parametrize("name", PROFILES)
def test_profiles(name: str) -> None:
    """Each holds before it blocks, and says whose limits they are."""
    profile = profile_of(name)
    assert 0 < profile.hold < profile.block <= 1 and profile.source
    assert profile_of(None) is DEFAULT


def test_a_release_lets_go_and_stays() -> None:
    """The record says allow, by whom and why; what was decided before is kept in the campaign."""
    accounts = sends(0.06)
    summary = summary_of(accounts, Quota(60_000, 10), {}, "mailjet", "balanced")
    campaign = Campaign("c", CampaignOrder("w", ("l",)), at(0), CampaignState.COMPLETED, summary=summary)
    assert campaign_record(campaign)["quota"] == {"limit": 60_000, "used": 10, "remaining": 59_990}
    released = structs.replace(campaign, releases=(Release("Ann", "a new list, known risk", at(5), "key"),))
    record = campaign_record(released)
    assert (record["decision"], record["rule"], record["releases"][0]["name"]) == ("allow", "released", "Ann")
    assert released.decision is ALLOW and campaign.decision is GateDecision(summary["decision"])
    assert campaign_record(structs.replace(campaign, summary=None))["status"] == "completed"
    assert structs.replace(campaign, summary=None).decision is None


def test_a_summary_by_reason() -> None:
    """Every reason of planned rows with its own bounds; their rows add up."""
    accounts = sends(0.02, 300)
    accounts.add(ALLOW, Rule.OTHERWISE, RowFacts("catch_all", None, 0.2, stale=True), Quota())
    summary = summary_of(accounts, Quota(), {}, None, "balanced")
    reasons = summary["projected"]["by_reason"]
    assert [(each["reason"], each["rows"]) for each in reasons] == [("accepted", 300), ("catch_all", 1)]
    assert summary["stale"] == 1 and summary["projected"]["basis"] == "prior"


@pytest.mark.parametrize(
    ("header", "wish", "place"),
    [
        (["email", "Désabonné"], "", 1),
        (["email", "Opt-out"], "", 1),
        (["Unsubscribed", "email"], "", 0),
        (["email", "name"], "", None),
        (["email", "stop"], "stop", 1),
        (["email", "stop"], "2", 1),
    ],
)
def test_the_column_of_the_unsubscribed(header: list[str], wish: str, place: int | None) -> None:
    """By heading in French and English, or as it is named."""
    assert unsubscribed_column(header, wish) == place


def test_the_column_of_the_selected() -> None:
    """Likewise; a column that there is not is said."""
    assert selected_column(["email", "Sélectionné"]) == 1
    with pytest.raises(InputError, match="has no column 'x'; it has email"):
        selected_column(["email"], "x")


@pytest.mark.parametrize(
    ("cell", "yes"), [("x", True), ("Oui", True), ("2026-01-01", True), ("", False), (" Non ", False), ("0", False)]
)
def test_cells_that_say_yes(cell: str, yes: bool) -> None:
    """Anything but an explicit no: a date says when it happened."""
    assert is_yes(cell) == yes


@given(
    st.lists(
        st.lists(st.sampled_from(["email", "Email ", "name", "Name", "town", ""]), min_size=1, max_size=5), min_size=1
    ),
    st.data(),
)
def test_lists_side_by_side_lose_no_cell(headers: list[list[str]], data: st.DataObject) -> None:
    """Every cell of a row stands once, under a heading of its own name, and addresses under that of the addresses."""
    lists = [(names, data.draw(st.integers(0, len(names) - 1))) for names in headers]
    shared = shared_columns(lists)
    for number, (names, address) in enumerate(lists):
        cells = [f"cell {column}" for column in range(len(names))]
        placed = shared.placed(number, cells)
        assert sorted(filter(None, placed)) == sorted(cells) and len(placed) == len(shared.header)
        assert placed[shared.address] == cells[address]
        for column, cell in enumerate(cells):
            if column != address:
                assert shared.header[placed.index(cell)].strip().casefold() == names[column].strip().casefold()
    assert shared.header[: len(headers[0])] == tuple(headers[0])
