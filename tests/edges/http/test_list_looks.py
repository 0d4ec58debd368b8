"""A closer look at a list before it is started: bounded, paid for, and ended with its list."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.edges.http.test_list_quotas import left
from tests.edges.http.test_lists import CSV, hand_in
from tests.support.front_desk import Visitor
from verifier.core.api_keys import Scope
from verifier.service.list_look import ListLook

BAD = b"email\n" + b"".join(b"user%d@mailinator.com\n" % n for n in range(100))


async def looked(visitor: Visitor, list_id: str, token: str = "") -> Any:
    async with asyncio.timeout(30):
        while True:
            known = (await visitor.ask("GET", f"/v1/lists/{list_id}", token=token)).json
            if known["preview"]["look"] != "running":
                return known
            await asyncio.sleep(0.02)


class NeverEnding:
    """What is looked at, for ever; `began` and `ended` count."""

    began = ended = 0

    async def look(self, *_: object) -> None:
        self.began += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


@pytest.fixture
def never_ending(monkeypatch: pytest.MonkeyPatch) -> NeverEnding:
    made = NeverEnding()
    monkeypatch.setattr(ListLook, "providers", lambda _, *given: made.look(*given))
    return made


async def test_the_preview_knows_more_afterwards(local: Visitor) -> None:
    """Mix by mail exchanges, forecast, a sample with its bounds; the list is still ready, and its events told of it."""
    made = await hand_in(local)
    assert made["preview"]["look"] is None
    path = f"/v1/lists/{made['id']}/look"
    begun = await local.ask("POST", path, json={"sample": 200})
    assert (begun.status, begun.json["preview"]["look"]) == (202, "running")
    known = await looked(local, made["id"])
    preview = known["preview"]
    assert (known["status"], preview["look"], preview["by"]) == ("ready", "done", "mx")
    assert sum(part["addresses"] for part in preview["forecast"]["mix"]) == 2
    assert {"provable", "silent", "seconds"} < set(preview["forecast"])
    assert (preview["sample"]["asked"], preview["sample"]["undeliverable"]) == (3, 1)
    assert 0 <= preview["sample"]["at_least"] <= preview["sample"]["bounce_rate"] <= preview["sample"]["at_most"] <= 1
    again = await local.ask("POST", path)
    assert (again.status, again.json["preview"]["sample"]) == (202, preview["sample"])


@pytest.mark.parametrize("body", [{"sample": 201}, {"sample": -1}, {"mx": 1}, {"rows": 3}])
@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_looked_at(shared: Visitor, body: dict[str, Any]) -> None:
    """A field that is not valid is a 422; a list that was started a 409; one that is not there a 404."""
    made = await hand_in(shared)
    assert (await shared.ask("POST", f"/v1/lists/{made['id']}/look", json=body)).status == 422
    await shared.ask("POST", f"/v1/lists/{made['id']}/start")
    late = await shared.ask("POST", f"/v1/lists/{made['id']}/look")
    assert (late.status, late.json["code"]) == (409, "list_state")
    assert (await shared.ask("POST", "/v1/lists/" + "a" * 26 + "/look")).status == 404


@pytest.mark.parametrize("step", ["start", "cancel", "delete"])
async def test_it_ends_with_its_list(local: Visitor, never_ending: NeverEnding, step: str) -> None:
    """Nobody is asked for a list that was started, cancelled or deleted; asked for twice it is one look."""
    made = await hand_in(local)
    for _ in range(2):
        assert (await local.ask("POST", f"/v1/lists/{made['id']}/look")).status == 202
        await asyncio.sleep(0.05)
    assert (never_ending.began, never_ending.ended) == (1, 0)
    path, method = (
        (f"/v1/lists/{made['id']}/{step}", "POST") if step != "delete" else (f"/v1/lists/{made['id']}", "DELETE")
    )
    assert (await local.ask(method, path)).status < 300
    assert never_ending.ended == 1
    if step != "delete":
        assert (await looked(local, made["id"]))["preview"]["look"] == "stopped"


@pytest.mark.parametrize("body", [{"column": "nope"}, {"keep": ["nobody"]}, {"webhook_url": "ftp://shop.example.com"}])
async def test_a_refused_start_ends_nothing(local: Visitor, never_ending: NeverEnding, body: dict[str, Any]) -> None:
    """What was begun before a wrong choice goes on."""
    made = await hand_in(local)
    await local.ask("POST", f"/v1/lists/{made['id']}/look")
    await asyncio.sleep(0.05)
    assert (await local.ask("POST", f"/v1/lists/{made['id']}/start", json=body)).status == 422
    assert (never_ending.began, never_ending.ended) == (1, 0)


async def test_only_a_few_lists_are_looked_at_at_once(local: Visitor, never_ending: NeverEnding) -> None:
    """The others wait for their turn."""
    for n in range(6):
        made = await hand_in(local, CSV + b"%d,a@b.example\n" % n)
        await local.ask("POST", f"/v1/lists/{made['id']}/look")
    await asyncio.sleep(0.1)
    assert never_ending.began == 4


async def test_a_fault_of_ours_is_told(local: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look has failed, and the list goes on."""

    async def broken(*_: object) -> Sequence[str]:
        raise ValueError("ours")

    monkeypatch.setattr(ListLook, "providers", broken)
    made = await hand_in(local)
    await local.ask("POST", f"/v1/lists/{made['id']}/look")
    assert (await looked(local, made["id"]))["preview"]["look"] == "failed"
    assert [str(fault) for fault in local.faults] == ["ours"]
    local.faults.clear()


async def test_a_sample_counts_against_the_quota_once(keyed: Visitor) -> None:
    """Its answers, and not again when the list is worked on; where nothing is left it says so."""
    token = await keyed.key(Scope.LISTS, daily_quota=120)
    query = "/v1/lists?stages=syntax,disposable&name=a.csv"
    made = (await keyed.ask("POST", query, data=BAD, token=token)).json
    for _ in range(2):
        question = {"mx": False, "sample": 40}
        await keyed.ask("POST", f"/v1/lists/{made['id']}/look", json=question, token=token)
        known = await looked(keyed, made["id"], token)
        assert (known["preview"]["look"], known["preview"]["sample"]["asked"]) == ("done", 40)
        assert await left(keyed, token) == 80
    await keyed.ask("POST", f"/v1/lists/{made['id']}/start", token=token)
    async with asyncio.timeout(30):
        while await left(keyed, token) != 20:
            await asyncio.sleep(0.02)
    full = (await keyed.ask("POST", query + "&start=true", data=BAD, token=token)).json
    async with asyncio.timeout(30):
        while await left(keyed, token):
            await asyncio.sleep(0.02)
    assert full["id"] != made["id"]
    third = (await keyed.ask("POST", query, data=BAD, token=token)).json
    await keyed.ask("POST", f"/v1/lists/{third['id']}/look", json={"sample": 1, "mx": False}, token=token)
    assert (await looked(keyed, third["id"], token))["preview"]["look"] == "quota_exceeded"
