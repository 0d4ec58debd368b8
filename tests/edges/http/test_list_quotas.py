"""Lists count against the quota of the key that handed them in, as single checks do, and stop where it ends."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.edges.http.test_lists import OFFLINE
from tests.support.front_desk import Answer, Visitor
from verifier.core.api_keys import Scope
from verifier.service import list_quotas

MIXED = b"email\nno address\nann@mailinator.com\nANN@mailinator.com\n\nbob@shop.example\n"
MIXED += b"mailbox_full@verifier.test\nx@y@z\n"
"""Three answers: two are no addresses, one is disposable; a repeat, a blank, an unknown and a test address are free."""
ANSWERS = 3
LONG = b"email\n" + b"".join(b"user%d@mailinator.com\n" % n for n in range(1700))


async def upload(visitor: Visitor, token: str, content: bytes, more: str = "&start=true") -> Answer:
    return await visitor.ask("POST", f"/v1/lists?{OFFLINE}&name=a.csv{more}", data=content, token=token)


async def until(visitor: Visitor, token: str, list_id: str, *states: str) -> Any:
    async with asyncio.timeout(30):
        while (known := (await visitor.ask("GET", f"/v1/lists/{list_id}", token=token)).json)["status"] not in states:
            await asyncio.sleep(0.02)
    return known


async def left(visitor: Visitor, token: str) -> int:
    """Of the day, as the headers say."""
    answer = await visitor.ask("GET", "/v1/lists", token=token)
    day = next(part for part in answer.headers["RateLimit"].split(", ") if part.startswith('"day"'))
    return int(dict(part.split("=") for part in day.split(";")[1:])["r"])


async def test_rows_count_as_single_checks_do(keyed: Visitor) -> None:
    """Each once; unknown ones, repeats, blanks and test addresses never; another list counts by itself."""
    token = await keyed.key(Scope.LISTS, Scope.VERIFY, daily_quota=100)
    assert await left(keyed, token) == 100
    for total in (ANSWERS, 2 * ANSWERS):
        made = await upload(keyed, token, MIXED)
        assert made.status == 202 and '"day"' in made.headers["RateLimit"]
        await until(keyed, token, made.json["id"], "completed")
        assert await left(keyed, token) == 100 - total
    for email in ("no address", "ann@mailinator.com", "bob@shop.example", "mailbox_full@verifier.test"):
        question = {"email": email, "stages": ["syntax", "disposable"]}
        assert (await keyed.ask("POST", "/v1/verify", json=question, token=token)).status == 200
    assert await left(keyed, token) == 100 - 2 * ANSWERS - 2


async def test_every_column_of_addresses_counts(keyed: Visitor) -> None:
    """Two addresses a row are two answers."""
    token = await keyed.key(Scope.LISTS, daily_quota=100)
    content = b"a,b\n" + b"".join(b"a%d@mailinator.com,b%d@mailinator.com\n" % (n, n) for n in range(5))
    made = await upload(keyed, token, content, "&column=1,2&start=true")
    await until(keyed, token, made.json["id"], "completed")
    assert await left(keyed, token) == 90


async def test_nothing_is_started_where_nothing_is_left(keyed: Visitor, tmp_path: Path) -> None:
    """429 with Retry-After; a list may still be handed in and looked at; another key goes on."""
    token, other = [await keyed.key(Scope.LISTS, daily_quota=ANSWERS, name=name) for name in ("one", "two")]
    made = await upload(keyed, token, MIXED)
    await until(keyed, token, made.json["id"], "completed")
    refused = await upload(keyed, token, LONG)
    assert (refused.status, refused.json["code"]) == (429, "quota_exceeded"), refused.text
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert len([path for path in (tmp_path / "list-jobs").iterdir() if "." not in path.name]) == 1
    waiting = await upload(keyed, token, LONG, "")
    assert (waiting.status, waiting.json["status"]) == (202, "ready")
    started = await keyed.ask("POST", f"/v1/lists/{waiting.json['id']}/start", token=token)
    assert (started.status, started.json["code"]) == (429, "quota_exceeded")
    assert (await upload(keyed, other, MIXED)).status == 202


async def test_a_quota_that_ends_in_the_middle_pauses_the_list(
    keyed: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`paused` with the code `quota_exceeded`, at most one block late; what is known can be read; on the next day it
    goes on by itself, and what it has used already is not counted again.
    """
    monkeypatch.setattr(list_quotas, "_LOOK_EVERY", 0.02)
    token = await keyed.key(Scope.LISTS, daily_quota=600)
    made = (await upload(keyed, token, LONG)).json
    paused = await until(keyed, token, made["id"], "paused", "completed")
    assert (paused["status"], paused["code"]) == ("paused", "quota_exceeded")
    assert "midnight" in paused["error"]
    assert paused["progress"]["judged"] == 1000
    rows = await keyed.ask("GET", f"/v1/lists/{made['id']}/results?verdict=risky&limit=1000", token=token)
    assert len(rows.json["rows"]) == 1000
    for judged in (1700, 1700):
        with sqlite3.connect(tmp_path / "keys.sqlite", isolation_level=None) as keys:
            keys.execute("DELETE FROM usage")
        keys.close()
        known = await until(keyed, token, made["id"], "completed")
        assert known["progress"]["judged"] == judged
    with sqlite3.connect(tmp_path / "keys.sqlite", isolation_level=None) as keys:
        assert keys.execute("SELECT used FROM owners").fetchall() == [(1700,)]
    keys.close()


async def test_a_list_that_is_paused_can_be_cancelled(keyed: Visitor) -> None:
    """It does not have to wait for its key's next day."""
    token = await keyed.key(Scope.LISTS, daily_quota=10)
    made = (await upload(keyed, token, LONG)).json
    await until(keyed, token, made["id"], "paused")
    cancelled = await keyed.ask("POST", f"/v1/lists/{made['id']}/cancel", token=token)
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
