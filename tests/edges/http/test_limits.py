"""Rates and quotas of keys."""

from tests.support.front_desk import Visitor
from verifier.core.api_keys import Scope
from verifier.service.allowances import Reservation


async def test_a_rate_is_kept(keyed: Visitor) -> None:
    """So many checks a minute; then 429 with when to come back, and what the limits are."""
    token = await keyed.key(Scope.VERIFY, rate=3)
    question = {"email": "accepted@verifier.test"}
    answers = [await keyed.ask("POST", "/v1/verify", json=question, token=token) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"minute";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"minute";r=2;t=')
    assert answers[3].json["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 21


async def test_a_batch_costs_each_of_its_addresses(keyed: Visitor) -> None:
    """What a batch takes beyond the rate is a debt."""
    token = await keyed.key(Scope.VERIFY, rate=10)
    batch = {"emails": ["accepted@verifier.test"] * 20}
    first = await keyed.ask("POST", "/v1/verify/batch", json=batch, token=token)
    second = await keyed.ask("POST", "/v1/verify", json={"email": "nope"}, token=token)
    assert (first.status, second.status) == (200, 429)
    assert int(second.headers["Retry-After"]) > 60


async def test_a_quota_counts_what_was_learned(keyed: Visitor) -> None:
    """Unknown answers and test addresses are free; a batch that is larger than what is left is refused whole."""
    token = await keyed.key(Scope.VERIFY, daily_quota=2)
    for _ in range(3):
        for email in ("accepted@verifier.test", "jane@example.com"):
            question = {"email": email, "stages": ["syntax"]}
            assert (await keyed.ask("POST", "/v1/verify", json=question, token=token)).status == 200
    too_many = await keyed.ask("POST", "/v1/verify/batch", json={"emails": ["nope"] * 3}, token=token)
    assert (too_many.status, too_many.json["code"]) == (429, "quota_exceeded")
    assert "2 are left" in too_many.json["detail"]
    for _ in range(2):
        answer = await keyed.ask("POST", "/v1/verify", json={"email": "nope"}, token=token)
        assert answer.status == 200
    refused = await keyed.ask("POST", "/v1/verify", json={"email": "nope"}, token=token)
    free = await keyed.ask("POST", "/v1/verify", json={"email": "accepted@verifier.test"}, token=token)
    assert (refused.status, refused.json["code"], free.status) == (429, "quota_exceeded", 200)
    assert '"day";q=2;w=86400' in refused.headers["RateLimit-Policy"]
    assert int(refused.headers["Retry-After"]) <= 86_400


async def test_what_is_only_promised_comes_back_soon(keyed: Visitor) -> None:
    """Answers that are kept for checks that run just now, and may be free in the end, send nobody away for a day."""
    token = await keyed.key(Scope.VERIFY, daily_quota=3)
    key = await keyed.site.desk.access.by_token(token)
    assert key is not None
    promised = await keyed.site.desk.allowances.reserve(key, 3)
    assert isinstance(promised, Reservation)
    refused = await keyed.ask("POST", "/v1/verify", json={"email": "nope"}, token=token)
    assert (refused.status, refused.json["code"]) == (429, "quota_exceeded")
    assert int(refused.headers["Retry-After"]) <= 5
    assert "3 are left, but they are promised" in refused.json["detail"]
    keyed.site.desk.allowances.release(promised)
    assert (await keyed.ask("POST", "/v1/verify", json={"email": "nope"}, token=token)).status == 200


async def test_without_limits_there_are_no_headers(local: Visitor) -> None:
    """This machine's own users have none."""
    answer = await local.ask("POST", "/v1/verify", json={"email": "nope"})
    assert [name for name in answer.headers if name.startswith("RateLimit")] == []
