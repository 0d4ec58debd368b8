"""The doctor: what is seen of this host becomes a finding, how bad it is, and what to do."""

from datetime import date
from ipaddress import ip_address

import pytest

from tests.support.clock import FakeClock
from tests.support.host_fakes import CANARIES, FOREIGN, HEALTHY, OUR_ADDRESS, FakeDialer, FakeResolver, Records
from verifier.core.diagnosis import (
    BLOCKLISTS,
    Check,
    Health,
    judge_blocklists,
    judge_data,
    judge_folder,
    judge_redis,
    judge_resolver,
    quoted_addresses,
    usable,
)
from verifier.core.identity import helo_fault, identity_faults, mail_from_fault
from verifier.ports import Answer, DialFailure, DnsStatus, RecordType
from verifier.service.doctor import Patient, examine
from verifier.service.spf import SpfResult, spf_result

PATIENT = Patient(
    helo="mail.sender.org",
    mail_from="probe@sender.org",
    canaries=CANARIES,
    foreign=FOREIGN,
    patience=1.0,
)


async def examined(
    records: Records, dialer: FakeDialer | None = None, patient: Patient = PATIENT, failure: DnsStatus | None = None
) -> dict[str, Check]:
    checks = await examine(patient, FakeResolver(records, failure), dialer or FakeDialer(), FakeClock())
    return {check.name: check for check in checks}


async def test_a_healthy_host_has_nothing_to_do() -> None:
    """All is well, and mail hosts heard a greeting and a good-bye, nothing else."""
    dialer = FakeDialer()
    checks = await examined(HEALTHY, dialer)
    names = ["DNS resolver", "port 25", "public address", "HELO name", "PTR", "MAIL FROM", "SPF", "block lists"]
    assert list(checks) == names
    assert {check.health for check in checks.values()} == {Health.OK}
    assert {check.advice for check in checks.values()} == {""}
    assert {connection.heard for connection in dialer.connections} == {b"EHLO mail.sender.org\r\nQUIT\r\n"}


@pytest.mark.parametrize("failure", [DialFailure.TIMEOUT, DialFailure.REFUSED, DialFailure.UNREACHABLE])
async def test_a_closed_port_25_is_a_problem_that_one_can_live_with(failure: DialFailure) -> None:
    """It says the three ways out, and the commands stay usable."""
    checks = await examined(HEALTHY, FakeDialer(failure=failure))
    assert checks["port 25"].health is Health.PROBLEM
    assert "SOCKS5" in checks["port 25"].advice
    assert checks["public address"].health is Health.WARNING
    assert usable(tuple(checks.values()))


async def test_a_proxy_that_fails_is_blamed_by_name() -> None:
    """The advice is about the proxy, not about the hoster."""
    advice = (await examined(HEALTHY, FakeDialer(failure=DialFailure.PROXY)))["port 25"].advice
    assert "VERIFIER_SMTP_PROXY" in advice


async def test_an_intercepted_port_25_is_told_from_an_open_one() -> None:
    """One foreign banner in every mail host's place."""
    checks = await examined(HEALTHY, FakeDialer("220 relay.isp.test ESMTP\r\n"))
    assert checks["port 25"].health is Health.PROBLEM
    assert "relay.isp.test" in checks["port 25"].seen


async def test_a_host_that_refuses_us_is_quoted() -> None:
    """A 554 at the banner is about us: the way is open, and something is wrong with our name or address."""
    checks = await examined(HEALTHY, FakeDialer("554 {host} your address is listed\r\n"))
    assert checks["port 25"].health is Health.WARNING
    assert "554 mx.one.test your address is listed" in checks["port 25"].seen


async def test_smtp_switched_off_contacts_no_mail_host() -> None:
    """With VERIFIER_SMTP_ENABLED=false nobody is dialled."""
    dialer = FakeDialer()
    off = Patient("mail.sender.org", "probe@sender.org", CANARIES, FOREIGN, smtp_enabled=False)
    checks = await examined(HEALTHY, dialer, off)
    assert (checks["port 25"].health, dialer.connections) == (Health.WARNING, [])


@pytest.mark.parametrize("failure", [DnsStatus.TIMEOUT, DnsStatus.REFUSED, DnsStatus.SERVFAIL])
async def test_without_name_servers_nothing_works(failure: DnsStatus) -> None:
    """A resolver that is away is a needed service out of reach (exit 69)."""
    checks = await examined(HEALTHY, failure=failure)
    assert checks["DNS resolver"].out_of_reach
    assert not usable(tuple(checks.values()))


def answer(*texts: str) -> Answer:
    return Answer(DnsStatus.OK, tuple((0, text) for text in texts))


NOTHING = Answer(DnsStatus.NXDOMAIN)


@pytest.mark.parametrize(
    ("canaries", "random_names", "health"),
    [
        ([answer("mx"), answer("mx")], [NOTHING, NOTHING], Health.OK),
        ([answer("mx"), answer("mx")], [answer("10.0.0.1"), NOTHING], Health.PROBLEM),
        ([NOTHING, NOTHING], [NOTHING, NOTHING], Health.PROBLEM),
        ([answer("mx"), NOTHING], [NOTHING, NOTHING], Health.WARNING),
        ([answer("mx"), Answer(DnsStatus.TIMEOUT)], [NOTHING, NOTHING], Health.WARNING),
    ],
)
def test_a_resolver_that_lies_is_found_out(canaries: list[Answer], random_names: list[Answer], health: Health) -> None:
    """Well-known domains must resolve, and names that nobody has must not."""
    check = judge_resolver("192.0.2.53", canaries, random_names)
    assert (check.health, check.out_of_reach, bool(check.advice)) == (health, False, health is not Health.OK)


async def test_every_fault_of_the_identity_says_what_to_do() -> None:
    """HELO without address or elsewhere, no PTR, a PTR that does not lead back, no SPF, a sender that takes no mail."""
    bad: dict[tuple[str, RecordType], list[tuple[int, str]]]
    cases = [
        ("HELO name", Health.PROBLEM, {("mail.sender.org", RecordType.A): []}),
        ("HELO name", Health.WARNING, {("mail.sender.org", RecordType.A): [(0, "198.41.0.5")]}),
        ("PTR", Health.PROBLEM, {("4.0.41.198.in-addr.arpa", RecordType.PTR): []}),
        ("PTR", Health.PROBLEM, {("4.0.41.198.in-addr.arpa", RecordType.PTR): [(0, "other.sender.org")]}),
        ("SPF", Health.WARNING, {("sender.org", RecordType.TXT): []}),
        ("SPF", Health.PROBLEM, {("sender.org", RecordType.TXT): [(0, "v=spf1 -all")]}),
        ("SPF", Health.PROBLEM, {("sender.org", RecordType.TXT): [(0, "v=spf1 mx"), (0, "v=spf1 a")]}),
        ("MAIL FROM", Health.PROBLEM, {("sender.org", RecordType.MX): [(0, "")]}),
        ("block lists", Health.PROBLEM, {("4.0.41.198.zen.spamhaus.org", RecordType.A): [(0, "127.0.0.2")]}),
    ]
    for name, health, bad in cases:
        check = (await examined(HEALTHY | bad))[name]
        assert (name, check.health, bool(check.advice)) == (name, health, True)


async def test_a_provider_or_a_made_up_name_is_not_ours() -> None:
    """`gmail.com` as HELO or sender is flagged before anybody is asked."""
    patient = Patient("mail.gmail.com", "me@gmail.com", CANARIES, FOREIGN)
    checks = await examined(HEALTHY, patient=patient)
    assert {checks[name].health for name in ("HELO name", "MAIL FROM")} == {Health.PROBLEM}


@pytest.mark.parametrize(
    ("helo", "said"),
    [
        ("localhost", "no name of a host"),
        ("localhost.localdomain", "no name of a host"),
        ("192.0.2.1", "bare IP"),
        ("[192.0.2.1]", "bare IP"),
        ("2001:db8::1", "bare IP"),
        ("laptop", "no domain"),
        ("printer.lan", "nobody can own"),
        ("mail.example.com", "nobody can own"),
        ("gmail.com", "mail provider"),
        ("mx.gmail.com", "mail provider"),
    ],
)
def test_a_helo_name_that_cannot_be_real_is_flagged(helo: str, said: str) -> None:
    """By its spelling alone, as a whole sentence at a command's start."""
    fault = helo_fault(helo, FOREIGN)
    assert fault is not None
    assert said in fault
    assert len(identity_faults(helo, "probe@sender.org", FOREIGN)) == 1


def test_a_real_identity_is_not_flagged() -> None:
    """Neither is a sender at one's own domain."""
    assert identity_faults("mail.sender.org", "probe@sender.org", FOREIGN) == ()
    assert mail_from_fault("probe@localhost", FOREIGN) is not None
    assert mail_from_fault("probe", FOREIGN) == "is not an e-mail address"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("250-mx.test at your service, [198.41.0.4]\r\n250 SIZE", (OUR_ADDRESS,)),
        ("250-mx.test Hello mail.sender.org [198.41.0.4], pleased\r\n250 SIZE", (OUR_ADDRESS,)),
        ("250 mx.test [IPv6:2606:4700::1111]", ("2606:4700::1111",)),
        ("250 mx.test Hello [10.0.0.1]", ()),
        ("250-mx.test\r\n250 X [198.41.0.4]", ()),
        ("250 mx.test [999.1.1.1]", ()),
        ("", ()),
    ],
)
def test_our_public_address_is_read_from_the_greeting(reply: str, found: tuple[str, ...]) -> None:
    """Only public addresses, only from the greeting's own line."""
    assert quoted_addresses(reply) == tuple(ip_address(text) for text in found)


@pytest.mark.parametrize(
    ("codes", "health"),
    [
        (("127.0.0.2",), Health.PROBLEM),
        (("127.0.0.10",), Health.PROBLEM),
        ((), Health.OK),
        (("127.255.255.254",), Health.WARNING),
        (("52.1.2.3",), Health.OK),
    ],
)
def test_block_lists_are_read_by_their_codes(codes: tuple[str, ...], health: Health) -> None:
    """127.0.x.x is listed, 127.255.255.x refuses the resolver, anything else is a resolver that invents."""
    answers = [(BLOCKLISTS[0], answer(*codes) if codes else NOTHING), *((other, NOTHING) for other in BLOCKLISTS[1:])]
    assert judge_blocklists(ip_address(OUR_ADDRESS), answers).health is health


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip4:198.41.0.4 -all", SpfResult.PASS),
        ("v=spf1 ip4:198.41.0.0/24 -all", SpfResult.PASS),
        ("v=spf1 ip4:198.41.1.0/24 -all", SpfResult.FAIL),
        ("v=spf1 ip6:2001:db8::/32 ~all", SpfResult.SOFTFAIL),
        ("v=spf1 a:mail.sender.org -all", SpfResult.PASS),
        ("v=spf1 a -all", SpfResult.FAIL),
        ("v=spf1 mx/24//64 -all", SpfResult.PASS),
        ("v=spf1 include:ok.test -all", SpfResult.PASS),
        ("v=spf1 include:no.test -all", SpfResult.FAIL),
        ("v=spf1 include:none.test -all", SpfResult.PERMERROR),
        ("v=spf1 include:loop.test -all", SpfResult.PERMERROR),
        ("v=spf1 redirect=ok.test", SpfResult.PASS),
        ("v=spf1 redirect=none.test", SpfResult.PERMERROR),
        ("v=spf1", SpfResult.NEUTRAL),
        ("v=spf1 ?all", SpfResult.NEUTRAL),
        ("v=spf1 exists:%{i}.x.test -all", SpfResult.UNTOLD),
        ("v=spf1 ip4:198.41.0.4 ptr -all", SpfResult.PASS),
        ("v=spf1 nonsense -all", SpfResult.PERMERROR),
        ("v=spf1 ip4:x -all", SpfResult.PERMERROR),
        ("v=spf10 +all", SpfResult.NONE),
    ],
)
async def test_spf_is_read_as_rfc_7208_says(record: str, result: SpfResult) -> None:
    """Mechanisms from left to right, the first that matches speaks; the errors of the RFC are told apart."""
    records = HEALTHY | {
        ("sender.org", RecordType.TXT): [(0, record)],
        ("ok.test", RecordType.TXT): [(0, "v=spf1 ip4:198.41.0.4 -all")],
        ("no.test", RecordType.TXT): [(0, "v=spf1 -all")],
        ("loop.test", RecordType.TXT): [(0, "v=spf1 include:loop.test -all")],
    }
    assert await spf_result(FakeResolver(records), "sender.org", ip_address(OUR_ADDRESS)) is result


def test_old_data_and_broken_stores_are_told() -> None:
    """The oldest file speaks; a folder or a Redis that fails is out of reach, an unused Redis is fine."""
    today = date(2026, 11, 22)
    fresh = judge_data({"disposable": date(2026, 11, 1), "free": date(2026, 10, 1)}, today)
    old = judge_data({"disposable": date(2026, 11, 1), "free": date(2026, 1, 1)}, today)
    assert (fresh.health, old.health, judge_data({}, today).health) == (Health.OK, Health.WARNING, Health.PROBLEM)
    assert "free" in old.seen
    assert not usable([judge_folder("/d", "Permission denied")])
    assert usable([judge_folder("/d", None), judge_redis("", None), judge_redis("redis://h", None)])
    assert not usable([judge_redis("redis://h", "Connection refused")])
