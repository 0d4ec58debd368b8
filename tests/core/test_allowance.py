"""How much a key may ask."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.facts import at
from verifier.core.allowance import Bucket, day_limit, minute_limit, seconds_of_day_left

_ASKS = st.lists(st.tuples(st.integers(1, 1000), st.floats(0, 100)), max_size=50)


@given(st.integers(1, 1000), _ASKS)
def test_nobody_gets_more_than_his_rate(per_minute: int, asks: list[tuple[int, float]]) -> None:
    """In any time: the rate of that time, one full bucket, and the last request, which is a debt from then on."""
    bucket, now, taken, last = Bucket.full(per_minute, 0.0), 0.0, 0, 0
    for cost, pause in asks:
        now += pause
        if bucket.take(cost, now) == 0:
            taken, last = taken + cost, cost
            assert taken <= per_minute * (1 + now / 60) + last + 1e-6


@given(st.integers(1, 1000), st.integers(1, 5000))
def test_what_is_told_is_long_enough(per_minute: int, cost: int) -> None:
    """Who waits as long as he was told gets in, and who comes a little earlier does not."""
    bucket = Bucket.full(per_minute, 0.0)
    while (wait := bucket.take(cost, 0.0)) == 0:
        pass
    early = Bucket(bucket.per_minute, bucket.left, bucket.since)
    assert early.take(1, wait * 0.99) > 0
    assert bucket.take(1, wait * 1.000001) == 0


def test_limits_are_told_in_their_headers_words() -> None:
    """draft-ietf-httpapi-ratelimit-headers: a policy, and what is left until when."""
    bucket = Bucket.full(60, 0.0)
    bucket.take(10, 0.0)
    limit = minute_limit(bucket, 0.0)
    assert (limit.policy, limit.state) == ('"minute";q=60;w=60', '"minute";r=50;t=10')
    day = day_limit(5, 7, at(0))
    assert (day.policy, day.state) == ('"day";q=5;w=86400', '"day";r=0;t=50400')


def test_a_day_ends_at_midnight_utc() -> None:
    """The clock of these tests starts at 10:00."""
    assert seconds_of_day_left(at(0)) == 14 * 3600
