"""The one JSON form: the contract's keys, in its order, and nothing else."""

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_verdict import NOW, RISKS, evidence, evidences
from tests.support.facts import at, replied
from verifier.core.evidence import Evidence
from verifier.core.reasons import Verdict
from verifier.core.record import timestamp, to_json, to_record
from verifier.core.replies import ReplyClass
from verifier.core.verdict import judge

CONTRACT = json.loads("""
{"email":"Jane.Doe@gmial.example","normalized":"jane.doe@gmial.example","verdict":"undeliverable",
 "reason":"mailbox_not_found","bounce_risk":0.98,"score":2,"did_you_mean":null,
 "flags":{"disposable":false,"role":false,"free":false,"privacy_relay":false,"catch_all":false,"mailbox_full":false,
          "no_reply":false,"plus_tag":false,"idn":false,"typo_domain":false},
 "provider":"postfix-host","mx_host":"mx1.gmial.example","stages":["syntax","disposable","mx","smtp"],"source":"live",
 "smtp":{"stage":"rcpt","code":550,"enhanced":"5.1.1","class":"mailbox_not_found","rule":"generic.user-unknown",
         "text":"<*>: User unknown"},
 "retry_after":null,"checked_at":"2026-11-22T10:00:00Z","expires_at":"2026-11-25T10:00:00Z","duration_ms":41}
""")


@given(evidences)
def test_the_record_has_the_contracts_keys(known: Evidence) -> None:
    """Every assessment has all keys of the contract and no other, in its order, one level down too; and is JSON."""
    record = json.loads(to_json(judge(known, NOW, RISKS)))
    assert list(record) == list(CONTRACT)
    assert list(record["flags"]) == list(CONTRACT["flags"])
    assert record["smtp"] is None or list(record["smtp"]) == list(CONTRACT["smtp"])
    assert record["verdict"] in list(Verdict)
    assert {type(record[key]) for key in ("bounce_risk",)} == {float}
    assert isinstance(record["score"], int)


def test_values() -> None:
    """Words on the wire are the contract's; times are UTC, in whole seconds."""
    found = replied(ReplyClass.MAILBOX_NOT_FOUND, code=550, text="<*>: User unknown")
    record = to_record(judge(evidence(found), NOW, RISKS))
    assert [record[key] for key in ("email", "normalized", "verdict", "reason", "source", "duration_ms")] == [
        "Jane.Doe@shop.example",
        "jane.doe@shop.example",
        "undeliverable",
        "mailbox_not_found",
        "live",
        0,
    ]
    assert record["smtp"] == {
        "stage": "rcpt",
        "code": 550,
        "enhanced": "2.1.5",
        "class": "mailbox_not_found",
        "rule": "generic.rule",
        "text": "<*>: User unknown",
    }
    assert [record["checked_at"], record["expires_at"], record["retry_after"]] == [
        "2026-11-22T10:00:00Z",
        "2026-11-25T10:00:00Z",
        None,
    ]


def test_one_line() -> None:
    """A record is one line without an end."""
    assert b"\n" not in to_json(judge(evidence(), NOW, RISKS))


@given(
    st.datetimes(min_value=at(0).replace(tzinfo=None), max_value=at(10**9).replace(tzinfo=None)), st.integers(-12, 14)
)
def test_times_of_any_zone(moment: datetime, hours: int) -> None:
    """A time is written in UTC whatever zone it was given in."""
    zoned = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    written = timestamp(zoned)
    assert written is not None
    assert datetime.fromisoformat(written) == zoned.astimezone(UTC).replace(microsecond=0)
    assert timestamp(None) is None
    assert timestamp(at(0)) == "2026-11-22T10:00:00Z"
