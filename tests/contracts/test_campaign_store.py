"""The contract of CampaignStore: what was written down stays, and what became of each row."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from tests.support.facts import at
from verifier.adapters.sqlite_campaigns import SqliteCampaigns
from verifier.core.campaigns import Campaign, CampaignOrder, CampaignState, Release
from verifier.core.faults import ServiceUnavailable
from verifier.core.gate_words import MessageClass


def campaign(name: str, seconds: float = 0, workspace: str = "w") -> Campaign:
    order = CampaignOrder(workspace, ("l1", "l2"), MessageClass.TRIGGERED, "shop", "strict", "ses", "news", name, 7)
    return Campaign(name, order, at(seconds), CampaignState.VERIFYING)


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteCampaigns]:
    made = SqliteCampaigns(tmp_path / "campaigns.sqlite")
    yield made
    await made.close()


async def test_a_campaign_is_kept_whole(store: SqliteCampaigns) -> None:
    """As it was last put; what is not there is None."""
    made = campaign("a")
    await store.put(made)
    assert await store.get("a") == made and await store.get("b") is None
    done = structs.replace(
        made,
        state=CampaignState.COMPLETED,
        summary={"decision": "hold", "counts": {"planned": 3}},
        releases=(Release("Ann", "known", at(5), "key"),),
    )
    await store.put(done)
    assert await store.get("a") == done


async def test_the_newest_come_first(store: SqliteCampaigns) -> None:
    """Of a workspace or of all, those made before a moment, so many."""
    made = [campaign(name, seconds, "v" if name == "b" else "w") for seconds, name in enumerate("abcd")]
    for each in made:
        await store.put(each)
    assert [each.id for each in await store.campaigns()] == ["d", "c", "b", "a"]
    assert [each.id for each in await store.campaigns("w", limit=2)] == ["d", "c"]
    assert [each.id for each in await store.campaigns("w", before=at(2))] == ["a"]
    assert await store.campaigns("nobody's") == []


async def test_fates_are_kept_by_list(store: SqliteCampaigns) -> None:
    """A byte a row, replaced when they are worked out again."""
    await store.keep_fates("a", "l1", bytes(range(200)) * 1000)
    await store.keep_fates("a", "l2", b"\x01")
    await store.keep_fates("a", "l2", b"\x02\x03")
    assert await store.fates("a", "l1") == bytes(range(200)) * 1000
    assert [await store.fates("a", "l2"), await store.fates("b", "l2")] == [b"\x02\x03", b""]


async def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    """Who released what is never forgotten silently."""
    (tmp_path / "c.sqlite").write_bytes(b"this is no database" * 300)
    store = SqliteCampaigns(tmp_path / "c.sqlite")
    with pytest.raises(ServiceUnavailable):
        await store.get("a")
    await store.close()
