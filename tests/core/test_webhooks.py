"""Standard Webhooks: signing, checking, and the pace of retries."""

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from verifier.core.webhooks import (
    RETRIES,
    Delivery,
    Posted,
    WebhookState,
    after,
    message,
    message_id,
    once_more,
    secret_for,
    signed_headers,
    verified,
)

SECRET = secret_for(b"root", "main")
DELIVERY = Delivery("msg_1", "l1", "https://shop.example/hook", "main", b"{}", START)


def test_the_specifications_example() -> None:
    """The example of the specification's reference libraries: same secret, id, time and body, same signature."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    moment = START.fromtimestamp(1614265330, START.tzinfo)
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_a_secret_is_whsec_and_32_bytes() -> None:
    """Derived: the same name gives the same secret, another another."""
    assert SECRET.startswith("whsec_")
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"))) == 32
    assert secret_for(b"root", "main") == SECRET != secret_for(b"root", "other") != secret_for(b"stem", "other")


@given(st.binary(max_size=200))
def test_what_was_signed_is_verified(body: bytes) -> None:
    """With the secret and within five minutes; with another body, id, time or secret it is not."""
    headers = signed_headers(SECRET, "msg_1", START, body)
    assert verified(SECRET, headers, body, START + timedelta(minutes=4))
    assert not verified(SECRET, headers, body, START + timedelta(minutes=6))
    assert not verified(SECRET, headers, body + b"!", START)
    assert not verified(SECRET, {**headers, "webhook-id": "msg_2"}, body, START)
    assert not verified(SECRET, {**headers, "webhook-timestamp": "²"}, body, START)
    assert not verified(secret_for(b"root", "other"), headers, body, START)


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is changed a message may bear two."""
    headers = signed_headers(SECRET, "msg_1", START, b"{}")
    headers["webhook-signature"] = f"v1,AAAA v1a,BBBB {headers['webhook-signature']}"
    assert verified(SECRET, headers, b"{}", START)


def test_a_secret_of_another_kind_is_refused() -> None:
    """Signing with what is no secret would sign nothing."""
    with pytest.raises(ValueError, match="whsec_"):
        signed_headers("secret", "msg_1", START, b"")


def test_the_message() -> None:
    """Type, time and data; its id is the same for the same change."""
    assert message("list.completed", START, {"id": "a"}) == (
        b'{"type":"list.completed","timestamp":"2026-11-22T10:00:00Z","data":{"id":"a"}}'
    )
    assert message_id("a", "list.completed", 3) == message_id("a", "list.completed", 3)
    assert (
        len({message_id("a", "x", 1), message_id("a", "x", 2), message_id("b", "x", 1), message_id("a", "y", 1)}) == 4
    )


@pytest.mark.parametrize("status", [200, 204, 299])
def test_only_2xx_is_delivered(status: int) -> None:
    """A redirect is not followed: it is a failure."""
    assert Posted(status).delivered
    assert not Posted(301).delivered
    assert not Posted(500).delivered
    assert not Posted(None, "timeout").delivered


@given(st.floats(0, 1))
def test_retries_grow_and_end(chance: float) -> None:
    """5 s, 5 min, 30 min … a day, at most a tenth more; then it is given up, and what was seen last is known."""
    delivery = DELIVERY
    waits = []
    while (delivery := after(delivery, Posted(500), START, chance)).state is WebhookState.PENDING:
        waits.append((delivery.due - START).total_seconds())
        assert (delivery.attempts, delivery.status, delivery.attempted) == (len(waits), 500, START)
    assert len(waits) == len(RETRIES)
    assert (delivery.state, delivery.attempts) == (WebhookState.FAILED, len(RETRIES) + 1)
    for wait, planned in zip(waits, RETRIES, strict=True):
        assert planned <= wait <= planned * 1.1 + 0.001
    assert waits == sorted(waits)


def test_what_the_receiver_asks_is_honoured() -> None:
    """Retry-After puts off, for a day at most, and never hastens; 410 ends it."""
    for asked, waited in ((60.0, timedelta(seconds=60)), (1.0, timedelta(seconds=5)), (1e9, timedelta(days=1))):
        assert after(DELIVERY, Posted(429, retry_after=asked), START, 0.0).due == START + waited
    gone = after(DELIVERY, Posted(410), START, 0.0)
    assert (gone.state, gone.attempts, gone.status) == (WebhookState.FAILED, 1, 410)


def test_what_became_of_it_is_known() -> None:
    """Delivered with its status; or why nothing was heard, in few words; sent once more it has every chance again."""
    later = after(DELIVERY, Posted(None, "x" * 5000), START, 0.0)
    assert (later.state, later.status, later.failure, later.attempts) == (WebhookState.PENDING, None, "x" * 200, 1)
    now = START + timedelta(hours=1)
    done = after(later, Posted(204), now, 0.0)
    assert (done.state, done.status, done.failure) == (WebhookState.DELIVERED, 204, "")
    assert (done.attempts, done.attempted) == (2, now)
    again = once_more(done, now)
    assert (again.state, again.due, again.attempts, again.id) == (WebhookState.PENDING, now, 0, DELIVERY.id)
    assert after(again, Posted(500), now, 0.0).due == now + timedelta(seconds=RETRIES[0])
