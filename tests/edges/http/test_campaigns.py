"""Campaigns over a real socket: from addresses, a file or lists to a decision, its release and its downloads."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.edges.http.test_at_hand import remember
from tests.support.front_desk import KEYED, Visitor, visiting
from verifier.adapters.system_clock import SystemClock
from verifier.core.api_keys import Scope
from verifier.core.campaign_counts import COUNTED, PARTS
from verifier.core.gate_record import GateRecord

FILE = (
    "email,name,Désabonné\n"
    "accepted@verifier.test,Ann,\n"
    "ACCEPTED@verifier.test,Ann again,\n"
    "mailbox_not_found@verifier.test,Bob,\n"
    "disposable@verifier.test,Carl,\n"
    "greylisted@verifier.test,Dora,\n"
    "catch_all@verifier.test,Eve,oui\n"
    "mailbox_full@verifier.test,Fay,non\n"
    "provider_unverifiable@verifier.test,Gus,\n"
    ",Nobody,\n"
    "no address,Hal,\n"
)


async def sent(visitor: Visitor, content: str = FILE, query: str = "", **headers: str) -> dict[str, Any]:
    """The campaign of a file, once it is done."""
    answer = await visitor.ask(
        "POST",
        f"/v1/campaigns?wait=30&name=list.csv{query}",
        data=content.encode(),
        headers={"Content-Type": "text/csv", **headers},
    )
    assert answer.status == 202, answer.text
    assert answer.json["status"] == "completed", answer.json
    record: dict[str, Any] = answer.json
    return record


async def test_a_file_is_looked_at(local: Visitor) -> None:
    """Every row in its bucket, and they add up; the expected bounces are those of the planned rows."""
    campaign = await sent(local)
    assert campaign["counts"] == dict.fromkeys(COUNTED, 0) | {
        "submitted": 10,
        "empty": 1,
        "duplicates": 1,
        "invalid_syntax": 1,
        "unsubscribed": 1,
        "undeliverable": 1,
        "disposable": 1,
        "held": 1,
        "sendable": 3,
        "planned": 3,
    }
    assert campaign["counts"]["submitted"] == sum(campaign["counts"][part] for part in PARTS)
    projected = campaign["projected"]
    assert projected["hard_bounce_rate"] == pytest.approx((0.02 + 0.3 + 0.12) / 3, abs=1e-5)
    assert projected["interval_95"][0] <= projected["hard_bounce_rate"] <= projected["interval_95"][1]
    assert projected["unfiltered_hard_bounce_rate"] > projected["hard_bounce_rate"]
    assert (projected["basis"], campaign["policy"], campaign["profile"]) == ("prior", "balanced", None)
    assert campaign["quota"] == {"limit": None, "used": 0, "remaining": None}


async def test_addresses_and_suppressions(local: Visitor) -> None:
    """Who complained, bounced or is blocked is counted as such, whatever his mailbox says."""
    for kind, email in (
        ("complaint", "accepted@verifier.test"),
        ("hard_bounce", "catch_all@verifier.test"),
        ("manual_block", "mailbox_full@verifier.test"),
    ):
        await local.ask("POST", "/v1/suppressions", json={"emails": [email], "kind": kind})
    emails = ["accepted@verifier.test", "catch_all@verifier.test", "mailbox_full@verifier.test"]
    answer = await local.ask("POST", "/v1/campaigns?wait=30", json={"emails": [*emails, "probe_blocked@verifier.test"]})
    counts = answer.json["counts"]
    found = {name: counts[name] for name in ("complained", "bounced_before", "manual_block", "planned")}
    assert found == {"complained": 1, "bounced_before": 1, "manual_block": 1, "planned": 1}
    nobody = await local.ask("POST", "/v1/campaigns?wait=30", json={"emails": emails})
    assert (nobody.json["decision"], nobody.json["rule"]) == ("hold", "nothing_to_send")


async def test_a_quota_leaves_rows_behind(local: Visitor) -> None:
    """What the month has no room for is not planned; what was sent elsewhere can be said."""
    await local.ask("POST", "/v1/senders", json={"name": "shop", "quota": 5, "profile": "mailjet"})
    campaign = await sent(local, query="&sender=shop&quota_used=3")
    assert campaign["quota"] == {"limit": 5, "used": 3, "remaining": 2}
    assert [campaign["counts"][name] for name in ("sendable", "planned", "over_quota")] == [3, 2, 1]
    assert campaign["waves"][0] == 1 and sum(campaign["waves"]) == 2
    path = f"/v1/campaigns/{campaign['id']}/download?keep="
    kept = ("planned", "sendable", "wave-1", "wave-2", "wave-3", "wave-4")
    found = [len((await local.ask("GET", path + keep)).text.splitlines()) - 1 for keep in kept]
    assert found == [2, 3, *campaign["waves"]]
    assert campaign["profile"] == "mailjet"


async def test_the_senders_domain_is_looked_at(local: Visitor) -> None:
    """What DNS does not say is said; the decision is about the rows alone."""
    campaign = await sent(local, query="&from_domain=Shop.example&dkim_selector=s1")
    assert len([said for said in campaign["warnings"] if said.startswith("DNS did not say whether shop.example")]) == 4


async def test_several_lists_share_their_duplicates(local: Visitor) -> None:
    """Who stands in two lists gets one mail; unselected rows are not submitted."""
    one = await sent(local)
    two = await sent(
        local, "email,selected\naccepted@verifier.test,1\nsender_refused@verifier.test,1\ncatch_all@verifier.test,0\n"
    )
    assert two["counts"]["submitted"] == 2
    answer = await local.ask("POST", "/v1/campaigns?wait=30", json={"lists": one["lists"] + two["lists"]})
    counts = answer.json["counts"]
    assert (counts["submitted"], counts["duplicates"], counts["planned"]) == (12, 2, 4)
    assert answer.json["stale"] == 0


async def test_several_lists_stand_under_one_heading(local: Visitor) -> None:
    """Each cell under its own column's name, whatever the order of the columns; the addresses are one column, whatever
    each list calls it. A mail merge would else greet Ann by her town.
    """
    one = await sent(local, "email;first;town\naccepted@verifier.test;Ann;Lyon\n")
    two = await sent(local, "Town,Courriel,Points\nParis,catch_all@verifier.test,7\n")
    answer = await local.ask("POST", "/v1/campaigns?wait=30", json={"lists": one["lists"] + two["lists"]})
    path = f"/v1/campaigns/{answer.json['id']}/download"
    assert (await local.ask("GET", f"{path}?preset=brevo")).text.splitlines() == [
        "EMAIL,first,town,Points",
        "accepted@verifier.test,Ann,Lyon,",
        "catch_all@verifier.test,,Paris,7",
    ]
    planned = (await local.ask("GET", f"{path}?keep=planned")).text.splitlines()
    assert planned[0].startswith("\ufeffemail;first;town;Points;gate_decision;"), "as the first list's sheet reads it"
    assert planned[2].startswith("catch_all@verifier.test;;Paris;7;allow;")


async def test_a_held_campaign_is_released(local: Visitor) -> None:
    """By name and reason, which are kept; once, and only where it is held."""
    alone = await sent(local, "email\nsmtputf8_unsupported@verifier.test\n")
    assert (alone["decision"], alone["rule"], len(alone["warnings"])) == ("allow", "within_limits", 1)
    empty = await sent(local, "email\nmailbox_not_found@verifier.test\n")
    path = f"/v1/campaigns/{empty['id']}/release"
    released = (await local.ask("POST", path, json={"name": "Ann", "reason": "known"})).json
    assert (released["decision"], released["rule"]) == ("allow", "released")
    assert [(each["name"], each["reason"]) for each in released["releases"]] == [("Ann", "known")]
    assert (await local.ask("GET", f"/v1/campaigns/{empty['id']}")).json["decision"] == "allow"
    again = await local.ask("POST", path, json={"name": "Bob", "reason": "again"})
    assert (again.status, again.json["code"]) == (409, "campaign_state")
    assert (await local.ask("POST", path, json={"name": "", "reason": "x"})).status == 422


async def test_downloads(local: Visitor) -> None:
    """Sendable, rejected with reasons, full; and what services import."""
    campaign = await sent(local)

    async def lines(query: str) -> list[str]:
        answer = await local.ask("GET", f"/v1/campaigns/{campaign['id']}/download?{query}")
        assert answer.status == 200 and "attachment" in answer.headers["Content-Disposition"]
        return answer.text.splitlines()

    sendable, rejected, full = [await lines(f"keep={keep}") for keep in ("sendable", "rejected", "full")]
    assert sendable[0] == "email,name,Désabonné,gate_decision,gate_rule,gate_bucket,gate_reason,gate_address"
    assert [line.split(",")[1] for line in sendable[1:]] == ["Ann", "Fay", "Gus"]
    assert "mailbox_not_found@verifier.test,Bob,,block,undeliverable,undeliverable,mailbox_not_found" in rejected[2]
    assert ",Nobody,,,,empty,," in rejected and len(rejected) == 8 and len(full) == 11
    assert (await lines("preset=mailjet"))[:2] == ["email,name,Désabonné", "accepted@verifier.test,Ann,"]
    assert (await lines("preset=insider"))[0] == "accepted@verifier.test"
    assert set(campaign["downloads"]) > {"sendable", "rejected", "full", "mailjet"}
    for query in ("keep=all", "preset=mine"):
        refused = await local.ask("GET", f"/v1/campaigns/{campaign['id']}/download?{query}")
        assert refused.status == 422


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_fields"),
        ({"emails": ["a@b.example"], "lists": ["x"]}, 422, "invalid_fields"),
        ({"lists": ["nowhere"]}, 404, "list_not_found"),
        ({"emails": ["a@b.example"], "profile": "mine"}, 422, "invalid_fields"),
        ({"emails": ["a@b.example"], "policy": "mine"}, 422, "invalid_fields"),
        ({"emails": ["a@b.example"], "from_domain": "no domain"}, 422, "invalid_fields"),
        ({"emails": ["a@b.example"], "from_domain": "b.example", "dkim_selector": "a b"}, 422, "invalid_fields"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_looked_at(shared: Visitor, body: dict[str, Any], status: int, code: str) -> None:
    """By field, or by what is not there."""
    answer = await shared.ask("POST", "/v1/campaigns", json=body)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "body", "error"),
    [
        ("", "email\n", "a.csv has a heading line but no rows."),
        ("", "a,b\n1,2\n", "has no column of e-mail addresses that is known as such: name it by `column`."),
        ("&column=Mail", "email,name\na@b.example,A\n", "has no column 'Mail': its columns are email, name."),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_campaign_that_cannot_be_decided_says_what_to_do(
    shared: Visitor, query: str, body: str, error: str
) -> None:
    """One sentence, with one full stop."""
    answer = await shared.ask(
        "POST", f"/v1/campaigns?wait=30&name=a.csv{query}", data=body.encode(), headers={"Content-Type": "text/csv"}
    )
    assert answer.json["status"] == "failed"
    assert answer.json["error"].endswith(error)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_is_no_list(shared: Visitor) -> None:
    """The campaign fails with the list's own sentence."""
    answer = await shared.ask(
        "POST", "/v1/campaigns?wait=30&name=a.xlsx", data=b"\x00\x01 no list", headers={"Content-Type": "text/csv"}
    )
    assert (answer.json["status"], bool(answer.json["error"])) == ("failed", True)
    missing = await shared.ask("GET", "/v1/campaigns/nowhere")
    assert (missing.status, missing.json["code"]) == (404, "campaign_not_found")
    column = await shared.ask(
        "POST",
        "/v1/campaigns?wait=30&name=a.csv&unsubscribed_column=stop",
        data=FILE.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert "has no column 'stop'" in column.json["error"]


async def test_a_workspace_sees_its_own(tmp_path: Path) -> None:
    """Another's campaign does not exist."""
    async with visiting(tmp_path, KEYED) as visitor:
        token = await visitor.key(Scope.LISTS)
        body = {"emails": ["accepted@verifier.test"]}
        made = (await visitor.ask("POST", "/v1/campaigns?wait=30", json=body, token=token)).json
        granted = await visitor.site.desk.access.create(
            "other", [Scope.LISTS], rate=0, daily_quota=0, workspace="other", origins=()
        )
        answer = await visitor.ask("GET", f"/v1/campaigns/{made['id']}", token=granted.token)
        assert answer.status == 404
        listed = (await visitor.ask("GET", "/v1/campaigns", token=token)).json["campaigns"]
        assert [each["id"] for each in listed] == [made["id"]]
        assert (await visitor.ask("GET", "/v1/campaigns", token=granted.token)).json == {"campaigns": []}


async def test_what_was_undone_is_begun_again(tmp_path: Path) -> None:
    """A process that ends in the middle is followed by one that comes to the same numbers."""
    async with visiting(tmp_path) as visitor:
        first = await sent(visitor)
        answer = await visitor.ask("POST", "/v1/campaigns?wait=0", json={"lists": first["lists"]})
        undone = answer.json["id"]
    async with visiting(tmp_path) as visitor:
        done = (await visitor.ask("GET", f"/v1/campaigns/{undone}?wait=30")).json
        assert (done["status"], done["counts"]) == ("completed", first["counts"])


async def test_a_test_counts_nothing(local: Visitor) -> None:
    """It is decided like any other, is said to be a test, and is neither released nor counted."""
    await local.ask("POST", "/v1/senders", json={"name": "shop", "quota": 5})
    real, trial = await sent(local), await sent(local, query="&sender=shop&test=true")
    assert (real["test"], trial["test"], trial["counts"]) == (False, True, real["counts"])
    held = await sent(local, "email\nmailbox_not_found@verifier.test\n", "&test=true")
    refused = await local.ask("POST", f"/v1/campaigns/{held['id']}/release", json={"name": "Ann", "reason": "why"})
    assert (held["decision"], refused.status, refused.json["code"]) == ("hold", 409, "campaign_state")
    [shop] = (await local.ask("GET", "/v1/senders")).json["senders"]
    assert shop["quota"]["used"] == 0


class LaterClock(SystemClock):
    """The real time, but so much later, and nobody sleeps."""

    later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


async def test_stale_rows_are_asked_again_before_the_send(tmp_path: Path) -> None:
    """Also in the next process: what is known of them by then decides, and what has changed is said; who was
    suppressed meanwhile is left out, and downloads are those of the last look. Once."""
    send_at = datetime.now(UTC) + timedelta(days=3)
    async with visiting(tmp_path) as visitor:
        emails = ["late@shop.example", "accepted@verifier.test", "catch_all@verifier.test"]
        body = {"emails": emails, "send_at": send_at.isoformat()}
        made = (await visitor.ask("POST", "/v1/campaigns?wait=30", json=body)).json
        assert (made["counts"]["held"], made["counts"]["planned"], made["recheck"]) == (1, 2, None)
        assert made["send_at"] == send_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        await remember(visitor, "late@shop.example")
        await visitor.ask(
            "POST", "/v1/suppressions", json={"emails": ["catch_all@verifier.test"], "kind": "manual_block"}
        )
        campaigns = visitor.site.desk.campaigns.campaigns
        clock = LaterClock()
        clock.later = timedelta(days=2, hours=23)
        campaigns._equipment = structs.replace(campaigns._equipment, clock=clock)
        await campaigns.close()
        await campaigns.open()
        await asyncio.wait(list(campaigns._awaiting.values()), timeout=30)
        looked = (await visitor.ask("GET", f"/v1/campaigns/{made['id']}")).json
        recheck = looked["recheck"]
        assert (recheck["error"], recheck["rows"], recheck["changed"]) == (None, 1, 2)
        assert recheck["counts"] == {"held": [1, 0], "manual_block": [0, 1]}
        assert recheck["decision"] == [made["decision"], looked["decision"]]
        assert looked["counts"]["planned"] == 2
        path = f"/v1/campaigns/{made['id']}/download?keep="
        planned = (await visitor.ask("GET", path + "planned")).text.splitlines()
        assert [line.split(",")[0] for line in planned[1:]] == ["late@shop.example", "accepted@verifier.test"]
        assert "accepted" in planned[1]
        page = (await visitor.ask("GET", f"/campaigns/{made['id']}")).text
        assert "Addresses asked: 1; rows changed: 2." in page
        await campaigns.open()
        assert not campaigns._awaiting and visitor.faults == []


async def test_a_look_that_cannot_be_repeated(tmp_path: Path) -> None:
    """Where the rows are gone it is said, and the campaign stands as it was decided."""
    async with visiting(tmp_path) as visitor:
        send_at = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        body = {"emails": ["accepted@verifier.test"], "send_at": send_at}
        made = (await visitor.ask("POST", "/v1/campaigns?wait=30", json=body)).json
        await visitor.ask("DELETE", f"/v1/lists/{made['lists'][0]}")
        campaigns = visitor.site.desk.campaigns.campaigns
        campaigns._equipment = structs.replace(campaigns._equipment, clock=LaterClock())
        await campaigns.close()
        await campaigns.open()
        await asyncio.wait(list(campaigns._awaiting.values()), timeout=30)
        looked = (await visitor.ask("GET", f"/v1/campaigns/{made['id']}")).json
        assert looked["recheck"]["error"] and looked["decision"] == made["decision"]


@pytest.mark.parametrize("days", [-1, 400])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_send_that_cannot_be_waited_for(shared: Visitor, days: int) -> None:
    """One that is over, or later than its rows are kept."""
    send_at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    answer = await shared.ask("POST", "/v1/campaigns", json={"emails": ["a@b.example"], "send_at": send_at})
    assert (answer.status, answer.json["code"]) == (422, "invalid_fields")
    assert "send_at" in str(answer.json["errors"])


def test_the_record_of_the_gate_is_not_the_campaigns() -> None:
    """Both speak of decisions with the same words."""
    assert {"decision", "rule", "policy"} <= set(GateRecord.__struct_fields__)
