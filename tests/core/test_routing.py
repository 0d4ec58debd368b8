"""From DNS answers to a route: RFC 5321 §5.1, RFC 7505, RFC 2308, and what must never be concluded."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.dns import Answer, DnsStatus
from verifier.core.facts import MailHost, MailRoute, RouteStatus
from verifier.core.guard import Guard
from verifier.core.routing import (
    MOST_EXCHANGES_ASKED,
    HostAddresses,
    believed,
    exchanges,
    exchanges_to_ask,
    failure_lifetime,
    host_addresses,
    is_host_name,
    mail_route,
    needs_ipv6,
    negative_lifetime,
    positive_lifetime,
)

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_GUARD = Guard()
_FAILURES = [DnsStatus.SERVFAIL, DnsStatus.REFUSED, DnsStatus.TIMEOUT, DnsStatus.BROKEN]
_NODATA = Answer(DnsStatus.NODATA, ttl=600)
_NXDOMAIN = Answer(DnsStatus.NXDOMAIN, ttl=600)


def _mx(*records: tuple[int, str], ttl: int = 3600) -> Answer:
    return Answer(DnsStatus.OK, records, ttl, "192.0.2.53")


def _a(*addresses: str, ttl: int = 3600) -> Answer:
    return Answer(DnsStatus.OK, tuple((0, address) for address in addresses), ttl)


def _route(mx: Answer, answers: Mapping[str, tuple[Answer, ...]], key: float = 0.5) -> MailRoute:
    """The route of x.example, every host that is asked for answered from `answers`."""
    known: dict[str, HostAddresses] = {}
    if mx.status is DnsStatus.NODATA:
        known["x.example"] = host_addresses("x.example", answers["x.example"], _GUARD, NOW)
    ordered = exchanges(mx, key)
    while names := exchanges_to_ask(ordered, known):
        known |= {name: host_addresses(name, answers[name], _GUARD, NOW) for name in names}
    return mail_route("x.example", mx, ordered, known, now=NOW)


def test_hosts_come_by_preference() -> None:
    """The lowest preference first, whatever the order of the records."""
    mx = _mx((30, "c.example"), (10, "a.example"), (20, "b.example"))
    route = _route(mx, {name: (_a("8.8.8.8"),) for name in ("a.example", "b.example", "c.example")})
    assert [host.name for host in route.hosts] == ["a.example", "b.example", "c.example"]
    assert (route.status, route.complete) == (RouteStatus.FOUND, True)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdefgh")), max_size=10), st.floats(0, 1))
def test_every_exchange_once_by_ascending_preference(records: list[tuple[int, str]], key: float) -> None:
    """Order is by preference; a name that comes twice keeps its better one; the same key gives the same order."""
    mx = _mx(*((preference, f"{name}.example") for preference, name in records))
    ordered = exchanges(mx, key)
    best = {name: min(p for p, n in mx.records if n == name) for _, name in mx.records}
    assert {exchange.name: exchange.preference for exchange in ordered} == best
    assert [e.preference for e in ordered] == sorted(best.values())
    assert ordered == exchanges(mx, key)


def test_equal_preferences_are_shuffled() -> None:
    """Over many lookups each of four equals comes first about as often (RFC 5321 §5.1)."""
    mx = _mx(*((10, f"{name}.example") for name in "abcd"))
    firsts = [exchanges(mx, key / 1000)[0].name for key in range(1000)]
    assert all(200 <= firsts.count(f"{name}.example") <= 300 for name in "abcd")


def test_a_null_mx_alone_accepts_no_mail() -> None:
    """RFC 7505 §3."""
    assert _route(_mx((0, "")), {}).status is RouteStatus.NULL_MX


def test_a_null_mx_among_others_is_ignored() -> None:
    """RFC 7505 §3: a domain with other MX records has no null MX."""
    route = _route(_mx((0, ""), (10, "a.example")), {"a.example": (_a("8.8.8.8"),)})
    assert (route.status, [host.name for host in route.hosts]) == (RouteStatus.FOUND, ["a.example"])


def test_implicit_mx() -> None:
    """Without MX records the domain's own address takes its mail, with preference 0."""
    route = _route(_NODATA, {"x.example": (_a("8.8.8.8"),)})
    assert route.status is RouteStatus.IMPLICIT
    assert route.hosts == (MailHost("x.example", 0, ("8.8.8.8",)),)


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((_NODATA, _NODATA), RouteStatus.NO_MAIL_HOST),
        ((_NXDOMAIN,), RouteStatus.NO_MAIL_HOST),
        ((_a("10.0.0.1"), _NODATA), RouteStatus.UNROUTABLE),
        ((_NODATA, Answer(DnsStatus.TIMEOUT)), RouteStatus.TEMP_ERROR),
        ((_a("10.0.0.1"), Answer(DnsStatus.SERVFAIL)), RouteStatus.TEMP_ERROR),
        ((Answer(DnsStatus.SERVFAIL), _a("2a00::1")), RouteStatus.IMPLICIT),
        ((_NODATA, _a("2a00::1")), RouteStatus.IMPLICIT),
    ],
)
def test_a_domain_without_mx(answers: tuple[Answer, ...], status: RouteStatus) -> None:
    """No address, only forbidden ones, and "could not be asked" are told apart."""
    assert _route(_NODATA, {"x.example": answers}).status is status


def test_nxdomain() -> None:
    """The domain does not exist."""
    assert _route(_NXDOMAIN, {}).status is RouteStatus.DOMAIN_NOT_FOUND


@pytest.mark.parametrize("status", _FAILURES)
def test_a_failed_question_concludes_nothing(status: DnsStatus) -> None:
    """SERVFAIL, REFUSED, TIMEOUT and BROKEN are TEMP_ERROR, with words that name the server."""
    route = _route(Answer(status, server="192.0.2.53"), {})
    assert (route.status, "192.0.2.53" in route.detail) == (RouteStatus.TEMP_ERROR, True)
    assert route.expires_at == NOW + timedelta(seconds=30)


@pytest.mark.parametrize("gone", [(_NXDOMAIN,), (_NODATA, _NODATA), (_a("127.0.0.1"), _NODATA)])
def test_dangling_exchanges_are_unroutable(gone: tuple[Answer, ...]) -> None:
    """MX records that lead nowhere do not fall back to the domain's own address (RFC 5321 §5.1)."""
    assert _route(_mx((10, "a.example")), {"a.example": gone}).status is RouteStatus.UNROUTABLE


@pytest.mark.parametrize("status", _FAILURES)
def test_one_failed_exchange_keeps_the_question_open(status: DnsStatus) -> None:
    """Where no host is usable and one could not be looked up, nothing is concluded."""
    answers = {"a.example": (_NXDOMAIN,), "b.example": (Answer(status), Answer(status))}
    assert _route(_mx((10, "a.example"), (20, "b.example")), answers).status is RouteStatus.TEMP_ERROR


def test_one_usable_exchange_is_enough() -> None:
    """A failed exchange beside a usable one: FOUND, not complete, and asked again soon."""
    answers = {"a.example": (Answer(DnsStatus.SERVFAIL),) * 2, "b.example": (_a("8.8.8.8"),)}
    route = _route(_mx((10, "a.example"), (20, "b.example")), answers)
    assert (route.status, route.complete) == (RouteStatus.FOUND, False)
    assert route.expires_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "name", ["192.0.2.1", "[192.0.2.1]", "localhost", "mail", "x.localhost", "::1", "::ffff:1.2.3.4", ""]
)
def test_exchanges_that_are_no_host_names(name: str) -> None:
    """An IP literal, a single label and localhost are never looked up: the domain is unroutable."""
    assert not is_host_name(name)
    if name:
        assert _route(_mx((10, name)), {}).status is RouteStatus.UNROUTABLE


def test_the_first_hosts_and_addresses_are_kept() -> None:
    """Three hosts with two addresses each; the words say that there are more."""
    mx = _mx(*((n, f"m{n}.example") for n in range(5)))
    route = _route(mx, {f"m{n}.example": (_a("8.8.8.8", "8.8.4.4", "1.1.1.1"),) for n in range(5)})
    assert [(h.name, len(h.addresses)) for h in route.hosts] == [
        ("m0.example", 2),
        ("m1.example", 2),
        ("m2.example", 2),
    ]
    assert "2 more" in route.detail


def test_unusable_hosts_make_room_for_the_next() -> None:
    """Three usable hosts are looked for behind those that lead nowhere."""
    mx = _mx(*((n, f"m{n}.example") for n in range(6)))
    route = _route(mx, {f"m{n}.example": (_NXDOMAIN,) if n < 3 else (_a("8.8.8.8"),) for n in range(6)})
    assert [host.name for host in route.hosts] == ["m3.example", "m4.example", "m5.example"]


def test_a_thousand_dangling_exchanges_are_not_all_asked() -> None:
    """A hostile zone costs a bounded number of questions, and then nothing is concluded."""
    mx = _mx(*((n, f"m{n}.example") for n in range(1000)))
    asked: dict[str, HostAddresses] = {}
    ordered = exchanges(mx, 0)
    while names := exchanges_to_ask(ordered, asked):
        asked |= {name: host_addresses(name, (_NXDOMAIN,), _GUARD, NOW) for name in names}
    assert len(asked) == MOST_EXCHANGES_ASKED
    assert mail_route("x.example", mx, ordered, asked, now=NOW).status is RouteStatus.TEMP_ERROR


def test_ipv6_only_without_ipv4() -> None:
    """AAAA is asked where A gives nothing that may be contacted, and not for a name that does not exist."""
    cases = [_a("8.8.8.8"), _a("10.0.0.1"), _NODATA, Answer(DnsStatus.TIMEOUT), _NXDOMAIN, _a("10.0.0.1", "8.8.8.8")]
    assert [needs_ipv6(a, _GUARD) for a in cases] == [False, True, True, True, False, False]


def test_forbidden_addresses_are_dropped_beside_good_ones() -> None:
    """A host keeps only the addresses that the guard lets pass."""
    route = _route(_mx((10, "a.example")), {"a.example": (_a("10.0.0.1", "8.8.8.8"),)})
    assert route.hosts == (MailHost("a.example", 10, ("8.8.8.8",)),)


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_lifetimes_stay_in_their_bounds(mx_ttl: int, a_ttl: int) -> None:
    """Positive: the least TTL, 5 minutes to 1 day; negative: 30 seconds to 3 hours; failures: to 5 minutes."""
    route = _route(_mx((10, "a.example"), ttl=mx_ttl), {"a.example": (_a("8.8.8.8", ttl=a_ttl),)})
    expected = min(max(timedelta(seconds=min(mx_ttl, a_ttl)), timedelta(minutes=5)), timedelta(days=1))
    assert route.expires_at - NOW == expected == positive_lifetime(min(mx_ttl, a_ttl))
    gone = _route(Answer(DnsStatus.NXDOMAIN, ttl=mx_ttl), {})
    assert gone.expires_at - NOW == negative_lifetime(mx_ttl)
    assert timedelta(seconds=30) <= negative_lifetime(mx_ttl) <= timedelta(hours=3)


def test_lifetimes_at_their_edges() -> None:
    """RFC 2308's negative TTL is kept; without a SOA it is 5 minutes; failures grow from 30 seconds to 5 minutes."""
    assert [negative_lifetime(ttl).total_seconds() for ttl in (0, 1, 600, 86400)] == [300, 30, 600, 10800]
    assert [positive_lifetime(ttl).total_seconds() for ttl in (0, 600, 10**6)] == [300, 600, 86400]
    assert [failure_lifetime(n).total_seconds() for n in (0, 1, 2, 3, 4, 99)] == [30, 60, 120, 240, 300, 300]


@given(
    st.sampled_from(list(DnsStatus)),
    st.lists(st.sampled_from([*_FAILURES, DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN]), min_size=2, max_size=5),
)
def test_permanent_only_from_permanent_answers(mx_status: DnsStatus, hosts: list[DnsStatus]) -> None:
    """Law: where any failed question could have found a host, and none was found, the route is TEMP_ERROR."""
    names = [f"m{n}.example" for n in range(len(hosts))]
    mx = _mx(*((10, name) for name in names)) if mx_status is DnsStatus.OK else Answer(mx_status)
    answers = {
        name: (_a("8.8.8.8") if status is DnsStatus.OK else Answer(status),)
        for name, status in zip([*names, "x.example"], [*hosts, hosts[0]], strict=True)
    }
    route = _route(mx, answers)
    asked = {DnsStatus.OK: hosts, DnsStatus.NODATA: hosts[:1]}.get(mx_status, [])
    if mx_status in _FAILURES or (DnsStatus.OK not in asked and any(status in _FAILURES for status in asked)):
        assert route.status is RouteStatus.TEMP_ERROR
    else:
        assert route.status is not RouteStatus.TEMP_ERROR


def test_a_doubted_resolver_is_believed_only_what_is_not_its_lie() -> None:
    """No "no" is believed, nor a host with only the lie's addresses; other hosts and failures stay what they are."""
    good = _route(_mx((10, "a.example")), {"a.example": (_a("8.8.8.8"),)})
    led_away = _route(_NODATA, {"x.example": (_a("9.9.9.9"),)})
    failed = _route(Answer(DnsStatus.TIMEOUT), {})
    denied = [_route(_NXDOMAIN, {}), _route(_mx((0, "")), {}), _route(_NODATA, {"x.example": (_NODATA, _NODATA)})]
    lies = frozenset({"9.9.9.9"})

    def after(route: MailRoute, doubt: str | None) -> MailRoute:
        return believed(route, lies, doubt, NOW, timedelta(minutes=2))

    assert [after(route, "it lies").status for route in [led_away, *denied]] == [RouteStatus.UNTRUSTED] * 4
    assert after(led_away, "it lies").detail == "it lies"
    assert after(led_away, "it lies").hosts == ()
    assert [after(route, "it lies") for route in (good, failed)] == [good, failed]
    assert [after(route, None) for route in (good, led_away, failed, *denied)] == [good, led_away, failed, *denied]
