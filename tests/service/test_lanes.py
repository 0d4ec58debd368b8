"""Lanes: every future is resolved once, whatever hosts do, and no host is asked more than it bears."""

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at
from tests.support.mail_host import CLOSE, RESET, SILENCE, Host, Says, mailboxes
from tests.support.probing import A_DAY, Bench, hosts_at, submit_and_wait
from verifier.core.evidence import Obstacle
from verifier.core.facts import MailHost
from verifier.core.providers import Provider
from verifier.core.replies import ReplyClass
from verifier.ports import DialFailure
from verifier.service.probing import Probed, Target, Timeouts

KNOWN = mailboxes([f"u{number}" for number in range(1000) if number % 5])
PRIMARY_AND_BACKUP = hosts_at(("mx1.example", 10, "192.0.2.1"), ("mx2.example", 20, "192.0.2.2"))


def paths(count: int, domain: str = "a.example") -> list[str]:
    return [f"u{number}@{domain}" for number in range(count)]


def says(probed: Probed) -> str:
    finding = probed.finding
    return str(finding.reply_class or finding.obstacle)


def tally(results: dict[str, Probed]) -> dict[str, int]:
    return dict(Counter(map(says, results.values())))


def seconds_to_wait(probed: Probed) -> float:
    """From being told to wait until it makes sense to ask again."""
    finding = probed.finding
    assert finding.retry_after is not None
    return (finding.retry_after - finding.observed_at).total_seconds()


async def test_many_over_few_sessions() -> None:
    """A thousand recipients go over two sessions at a time, in large groups, and each gets its own answer."""
    async with Bench(Host(rcpt=KNOWN)) as bench:
        results = await submit_and_wait(bench, paths(1000))
    assert tally(results) == {"accepted": 800, "mailbox_not_found": 200}
    assert [path for path in results if (says(results[path]) == "accepted") != bool(int(path[1:-10]) % 5)] == []
    assert Counter(bench.host.asked) == Counter(paths(1000))
    assert bench.host.most_open == 2
    assert max(max(visit.groups) for visit in bench.host.visits) > 10
    assert bench.faults == []


async def test_a_connection_ends_before_the_hosts_patience() -> None:
    """At most ten transactions a connection, and a new one at eight rejects: never near the twenty at which Postfix
    hangs up."""
    async with Bench(Host(rcpt=KNOWN)) as bench:
        await submit_and_wait(bench, paths(600))
    assert max(visit.transactions for visit in bench.host.visits) <= 10
    assert max(visit.rejects for visit in bench.host.visits) <= 16
    assert sum(visit.rejects for visit in bench.host.visits) / len(bench.host.visits) <= 10


async def test_a_host_without_pipelining_is_asked_one_by_one() -> None:
    """No command is sent before the reply to the last one, unless PIPELINING was offered."""
    async with Bench(Host(rcpt=KNOWN, extensions=())) as bench:
        results = await submit_and_wait(bench, paths(30))
    assert tally(results) == {"accepted": 24, "mailbox_not_found": 6}
    assert {max(visit.groups) for visit in bench.host.visits} == {1}


async def test_one_recipient_a_transaction() -> None:
    """A host that answers 452 to the second recipient is given one at a time from then on."""

    def one(visit: object, path: str) -> str:
        second = len(bench.host.visits[-1].transaction) > 1
        return "452 4.5.3 Too many recipients" if second else "250 OK"

    async with Bench(Host(rcpt=one), sessions=1) as bench:
        results = await submit_and_wait(bench, paths(40))
    assert tally(results) == {"accepted": 40}
    assert max(visit.transactions for visit in bench.host.visits) <= 10
    assert [visit.most_in_transaction for visit in bench.host.visits][1:] == [1] * (len(bench.host.visits) - 1)


async def test_one_domain_a_transaction_is_learned() -> None:
    """A host that refuses a second domain in one transaction gets one domain at a time from then on, not one
    recipient."""

    def one_domain(visit: object, path: str) -> str:
        domains = {p.rpartition("@")[2] for p in bench.host.visits[-1].transaction}
        return "451 4.3.0 Multiple destination domains per transaction is unsupported" if len(domains) > 1 else "250 OK"

    everybody = [f"u{number}@d{number % 3}.example" for number in range(60)]
    async with Bench(Host(rcpt=one_domain), sessions=1) as bench:
        results = await submit_and_wait(bench, everybody)
    assert tally(results) == {"accepted": 60}
    assert max(visit.most_in_transaction for visit in bench.host.visits) > 5


@pytest.mark.parametrize(
    ("provider", "shared"),
    [
        (None, True),
        (Provider(name="p", share_tenants=True), True),
        (Provider(name="p", share_tenants=True, one_domain_per_transaction=True), False),
        (Provider(name="p"), False),
    ],
)
async def test_tenants_share_where_the_row_allows_it(provider: Provider | None, shared: bool) -> None:
    """Two domains are in one transaction at an unknown host, and at a provider whose row says so."""
    async with Bench(Host()) as bench:
        await submit_and_wait(bench, [*paths(4), *paths(4, "b.example")], provider=provider)
    together = False
    for visit in bench.host.visits:
        domains = set[str]()
        for command in visit.commands:
            if command.startswith("MAIL"):
                domains.clear()
            elif command.startswith("RCPT"):
                domains.add(command.rpartition("@")[2])
                together = together or len(domains) > 1
    assert together is shared


async def test_exims_guard_makes_nobody_unknown() -> None:
    """Once more than ten were seen and fewer than half accepted, Exim refuses everybody with one text: those are asked
    again in a new transaction, and no good mailbox is called anything else."""

    def guarded(visit: object, path: str) -> str:
        now = bench.host.visits[-1]
        accepted = sum(KNOWN(now, p).startswith("250") for p in now.transaction[:-1])  # type: ignore[operator]
        if len(now.transaction) > 10 and accepted * 2 < len(now.transaction) - 1:
            return "550 Rejected for too many bad recipients"
        return str(KNOWN(now, path) if int(path[1:-10]) % 5 > 2 else "550 5.1.1 User unknown")  # type: ignore[operator]

    async with Bench(Host(rcpt=guarded), sessions=1) as bench:
        results = await submit_and_wait(bench, paths(200))
    assert tally(results) == {"accepted": 80, "mailbox_not_found": 120}


async def test_421_is_no_verdict() -> None:
    """Whoever was not answered when the host closed the connection is asked again, and nobody twice who was."""

    def tired(visit: object, path: str) -> str:
        return "421 4.7.0 Error: too many errors|CLOSE" if len(bench.host.visits[-1].recipients) == 7 else "250 OK"

    async with Bench(Host(rcpt=tired), sessions=1) as bench:
        results = await submit_and_wait(bench, paths(50))
    assert tally(results) == {"accepted": 50}
    answered = [path for visit in bench.host.visits for path in visit.recipients[:6]]
    assert Counter(answered) == Counter(paths(50))


async def test_one_recipient_that_ends_every_connection_harms_nobody_else() -> None:
    """A recipient at whose name the host falls over learns so after three times; all others get their answers."""

    def fragile(visit: object, path: str) -> str:
        return RESET if path.startswith("u0@") else "250 OK"

    async with Bench(Host(rcpt=fragile), sessions=1) as bench:
        results = await submit_and_wait(bench, paths(30))
    assert tally(results) == {"connection_lost": 1, "accepted": 29}
    assert len(bench.host.visits) <= 6


@pytest.mark.parametrize(
    ("host", "outcome", "connections"),
    [
        (Host(dial=DialFailure.REFUSED), "connect_failed", 0),
        (Host(dial=DialFailure.TIMEOUT), "timeout", 0),
        (Host(dial=DialFailure.UNREACHABLE), "connect_failed", 0),
        (Host(dial=DialFailure.FORBIDDEN), "connect_failed", 0),
        (Host(dial=DialFailure.PROXY), "egress_blocked", 0),
        (Host(banner=SILENCE), "timeout", 3),
        (Host(banner=CLOSE), "connection_lost", 4),
        (Host(banner=RESET), "connection_lost", 4),
        (Host(banner="SSH-2.0-OpenSSH"), "protocol_error", 4),
        (Host(banner="421 4.3.2 try later|CLOSE"), "session_fatal", 4),
        (Host(banner="554 5.7.1 your address is on our block list"), "client_refused", 2),
        (Host(ehlo="550 5.7.1 HELO rejected"), "accepted", 2),
        (Host(ehlo=SILENCE), "timeout", 3),
        (Host(mail="451 4.3.0 temporary"), "temp_error", 4),
        (Host(mail="550 5.1.8 sender domain does not exist"), "sender_refused", 2),
        (Host(mail=f"450 4.7.1 no|{CLOSE}"), "temp_error", 4),
        (Host(mail=SILENCE), "timeout", 3),
        (Host(rcpt=SILENCE), "timeout", 3),
        (Host(rcpt=CLOSE), "connection_lost", 4),
        (Host(rcpt=f"421 4.3.2 closing|{CLOSE}"), "session_fatal", 4),
        (Host(rcpt="garbage"), "protocol_error", 4),
        (Host(rcpt="550 Rejected for too many bad recipients"), "too_many", 5),
        (Host(rcpt="452 4.5.3 Too many recipients"), "too_many", 5),
        (Host(rcpt="451 4.7.1 Greylisted, try again in 5 minutes"), "greylisted", 30),
        (Host(rcpt="550 5.7.1 Client host blocked using dnsbl"), "client_refused", 2),
        (Host(rcpt="550 5.1.8 Sender address rejected: Domain not found"), "sender_refused", 2),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_hosts_that_say_nothing_of_anybody(host: Host, outcome: str, connections: int) -> None:
    """However a host fails, each of many recipients learns why, after a few connections and not one for each."""
    async with Bench(host) as bench:
        results = await submit_and_wait(bench, paths(100))
        assert tally(results) == {outcome: 100}
        assert len(host.visits) <= connections
        assert bench.clock.monotonic() <= 300
    assert bench.faults == []


@pytest.mark.parametrize(("banner", "outcome"), [(SILENCE, "timeout"), (CLOSE, "connection_lost")])
async def test_a_dead_host_is_found_dead_once(banner: str, outcome: str) -> None:
    """Hundreds of domains that each have their own name for one dead host cost a few connections, not some each."""
    async with Bench(Host(banner=banner)) as bench:
        targets = [
            bench.target(f"ann@d{number}.example", hosts=hosts_at((f"mx.d{number}.example", 10, "192.0.2.1")))
            for number in range(300)
        ]
        results = await bench.probe(targets)
        assert {says(probed) for probed in results} == {outcome}
        assert [probed.finding.mx_host for probed in results] == [f"mx.d{number}.example" for number in range(300)]
        assert len(bench.host.visits) <= 6
        assert bench.clock.monotonic() <= 120


async def test_a_dead_host_is_asked_again_later() -> None:
    """Two minutes later it may live again, under whichever name."""
    async with Bench(Host(banner=SILENCE)) as bench:
        first = bench.target("ann@a.example", hosts=hosts_at(("mx.a.example", 10, "192.0.2.1")))
        await bench.probe([first])
        await bench.clock.advance(130)
        bench.host.banner = "220 mx.example ESMTP"
        second = bench.target("ann@b.example", hosts=hosts_at(("mx.b.example", 10, "192.0.2.1")))
        await bench.probe([second])
        assert [says(target.future.result()) for target in (first, second)] == ["timeout", "accepted"]


async def test_a_dead_name_does_not_kill_a_host_with_another_address() -> None:
    """Who has a second address that answers is asked there."""
    hosts = {"192.0.2.1": Host(banner=SILENCE), "192.0.2.2": Host()}
    async with Bench(hosts) as bench:
        alone = bench.target("ann@a.example", hosts=hosts_at(("mx.a.example", 10, "192.0.2.1")))
        both = MailHost("mx.b.example", 10, ("192.0.2.1", "192.0.2.2"))
        await bench.probe([alone])
        lucky = bench.target("ann@b.example", hosts=(both,))
        await bench.probe([lucky])
        assert [says(target.future.result()) for target in (alone, lucky)] == ["timeout", "accepted"]


async def test_a_dribbling_host_is_left() -> None:
    """A host that sends a little of a reply now and then, and never the whole, is no less silent for it."""

    def dribble(visit: object, path: str) -> str:
        return "|".join(["30~250-more"] * 200)

    async with Bench(Host(rcpt=dribble)) as bench:
        results = await submit_and_wait(bench, paths(20))
        assert tally(results) == {"timeout": 20}
        assert bench.clock.monotonic() <= 120


async def test_a_slow_conversation_ends_in_time() -> None:
    """Past the time for one connection it is ended, nobody is blamed for it, and a new one goes on."""
    async with Bench(Host(rcpt="40~250 OK"), sessions=1, timeouts=Timeouts(connection=200.0)) as bench:
        results = await submit_and_wait(bench, paths(20))
        assert tally(results) == {"accepted": 20}
        assert len(bench.host.visits) == 4


async def test_a_tarpit_is_spared() -> None:
    """Where a reject takes four seconds or more, a connection is given at most a handful of them."""

    def tarpit(visit: object, path: str) -> str:
        return "250 OK" if int(path[1:-10]) % 2 else "5~550 5.1.1 User unknown"

    async with Bench(Host(rcpt=tarpit), sessions=1) as bench:
        results = await submit_and_wait(bench, paths(60))
    assert tally(results) == {"accepted": 30, "mailbox_not_found": 30}
    assert max(visit.rejects for visit in bench.host.visits[1:]) <= 4


async def test_greylisted_rows_know_when_to_come_back() -> None:
    """What the reply says, but no less than the round's delay, and a little more so that not all come at once."""
    replies = {"u0@a.example": "in 10 minutes", "u1@a.example": "in 60 seconds"}
    host = Host(rcpt=lambda _, path: f"451 4.7.1 Greylisted, please try again {replies[path]}")
    async with Bench(host) as bench:
        results = await submit_and_wait(bench, list(replies))
    waits = [(results[path].finding.retry_after or at(0)) - results[path].finding.observed_at for path in replies]
    assert [600 <= waits[0].total_seconds() <= 600, 310 <= waits[1].total_seconds() <= 320] == [True, True]


async def test_greylisting_before_any_recipient_is_not_retried_at_once() -> None:
    """A whole session put off is put off for everybody, with a time; no second connection is opened."""
    async with Bench(Host(mail="451 4.7.1 Greylisted, please try again in 300 seconds"), sessions=1) as bench:
        results = await submit_and_wait(bench, paths(30))
    assert tally(results) == {"greylisted": 30}
    assert len(bench.host.visits) == 1
    assert {r.finding.retry_after is not None for r in results.values()} == {True}


async def test_a_host_that_sleeps_is_left() -> None:
    """Postfix takes a second a reply after ten rejects: whoever still waits is asked on a fresh connection."""
    answers = mailboxes([f"u{number}" for number in range(100, 1000)])
    assert callable(answers)
    host = Host(rcpt=lambda visit, path: ("1~" if visit.rejects >= 10 else "") + answers(visit, path))
    everybody = [f"u{number}@a.example" for number in (*range(200, 700), *range(100), *range(700, 1000))]
    async with Bench(host, sessions=1) as bench:
        results = await submit_and_wait(bench, everybody)
        assert bench.clock.monotonic() < 30
    assert tally(results) == {"accepted": 800, "mailbox_not_found": 100}
    asked = Counter(host.asked)
    assert max(visit.rejects for visit in host.visits) >= 10
    assert set(asked) == set(everybody)


class TestTls:
    """STARTTLS where it is demanded or the provider's row says so; any failure of it costs one connection."""

    PROVIDER = Provider(name="p", starttls=True, sessions=1)

    async def test_by_row(self) -> None:
        """The session is encrypted before MAIL, and greets again."""
        async with Bench(Host(extensions=("PIPELINING", "STARTTLS"))) as bench:
            results = await submit_and_wait(bench, paths(3), provider=self.PROVIDER)
        assert tally(results) == {"accepted": 3}
        assert [c.split()[0] for c in bench.host.visits[0].commands[:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]

    @pytest.mark.parametrize("fault", [ConnectionError("handshake"), TimeoutError()])
    async def test_once_more_in_clear(self, fault: Exception) -> None:
        """A handshake that fails is no verdict: the same host is asked at once without."""
        host = Host(extensions=("PIPELINING", "STARTTLS"), tls=fault)
        async with Bench(host, sessions=1) as bench:
            results = await submit_and_wait(bench, paths(30), provider=self.PROVIDER)
        assert tally(results) == {"accepted": 30}
        assert [sum(c == "STARTTLS" for c in visit.commands) for visit in host.visits] == [1, 0]

    async def test_words_behind_the_go_ahead(self) -> None:
        """What is said in clear behind the go-ahead may come from anybody: no handshake, and no answer, follows it."""
        host = Host(extensions=("PIPELINING", "STARTTLS"), starttls="220 go|250 injected")
        async with Bench(host, sessions=1) as bench:
            results = await submit_and_wait(bench, paths(3), provider=self.PROVIDER)
        assert tally(results) == {"protocol_error": 3}
        assert bench.faults == []

    @pytest.mark.parametrize("seen_before", [False, True])
    async def test_demanded(self, seen_before: bool) -> None:
        """Nobody is asked in clear more often than the host takes without offence, and from then on TLS comes first."""
        must = "530 5.7.0 Must issue a STARTTLS command first"
        host = Host(extensions=("PIPELINING", "STARTTLS"))
        async with Bench(host, sessions=1) as bench:
            if seen_before:
                await submit_and_wait(bench, paths(50, "before"))
            demanding_from = len(host.visits)
            host.mail = lambda visit, _: "250 OK" if "STARTTLS" in visit.commands else must
            host.rcpt = lambda visit, _: "250 OK" if "STARTTLS" in visit.commands else must
            assert tally(await submit_and_wait(bench, paths(200))) == {"accepted": 200}
        visits = host.visits[demanding_from:]
        assert [visit.rejects for visit in visits[1:]] == [0] * len(visits[1:])
        encrypted = [[command.split()[0] for command in visit.commands].index("STARTTLS") for visit in visits[1:]]
        assert encrypted == [1] * len(encrypted)
        if not seen_before:
            assert visits[0].rejects < 8 and "STARTTLS" in visits[0].commands

    async def test_demanded_but_broken(self) -> None:
        """A host that wants TLS and cannot do it answers nobody; that opens no breaker."""
        must = "530 5.7.0 Must issue a STARTTLS command first"
        host = Host(extensions=("PIPELINING", "STARTTLS"), tls=ConnectionError("no"), mail=must)
        async with Bench(host, sessions=1) as bench:
            results = await submit_and_wait(bench, paths(3))
            assert tally(results) == {"policy_refused": 3}
            await bench.clock.advance(200)
            host.mail = "250 OK"
            assert tally(await submit_and_wait(bench, ["later@a.example"])) == {"accepted": 1}


class TestControls:
    """One control a domain, where it is needed and not where it is not."""

    async def test_one_a_domain(self) -> None:
        """However many recipients and sessions, one random name a domain is asked, after the first acceptance."""
        everybody = [*paths(100), *paths(100, "b.example")]
        async with Bench(Host(rcpt=KNOWN)) as bench:
            results = await submit_and_wait(bench, everybody, control_wanted=True)
        extra = [path for path in bench.host.asked if path not in results]
        assert sorted(path.rpartition("@")[2] for path in extra) == ["a.example", "b.example"]
        facts = {r.accepts_all.value for r in results.values() if r.accepts_all is not None}
        assert facts == {False}

    async def test_their_refusals_are_reckoned_with(self) -> None:
        """Many domains on one host: the refused controls and other refusals of a connection stay below what costs
        patience."""
        everybody = [f"u{7 * n % 1000}@d{number}.example" for number in range(60) for n in range(25)]
        known = {path for place, path in enumerate(everybody) if place % 9 != 3}
        host = Host(rcpt=lambda _, path: "250 2.1.5 OK" if path in known else "550 5.1.1 User unknown")
        async with Bench(host) as bench:
            results = await submit_and_wait(bench, everybody, control_wanted=True)
        assert tally(results) == {"accepted": 1333, "mailbox_not_found": 167}
        assert max(visit.rejects for visit in bench.host.visits) <= 12

    async def test_catch_all(self) -> None:
        """A random name that is accepted says so of the whole domain, and to everybody who was accepted."""
        async with Bench(Host()) as bench:
            results = await submit_and_wait(bench, paths(30), control_wanted=True)
        assert {r.accepts_all.value if r.accepts_all else "nothing" for r in results.values()} == {True}

    async def test_all_refused_need_none(self) -> None:
        """Where nobody was accepted, nobody random is asked."""
        async with Bench(Host(rcpt="550 5.1.1 User unknown")) as bench:
            await submit_and_wait(bench, paths(20), control_wanted=True)
        assert sorted(bench.host.asked) == sorted(paths(20))

    @pytest.mark.parametrize("known", [True, False])
    async def test_what_is_known_is_not_asked(self, known: bool) -> None:
        """A fresh fact spares the control."""
        async with Bench(Host()) as bench:
            await submit_and_wait(bench, paths(20), control_wanted=True, accepts_all=known)
        assert len(bench.host.asked) == 20

    async def test_what_was_learned_reaches_those_who_come_later(self) -> None:
        """Targets that were made before the control was settled learn its outcome with their own."""
        async with Bench(Host()) as bench:
            first = await submit_and_wait(bench, paths(3), control_wanted=True)
            later = await submit_and_wait(bench, ["late@a.example"], control_wanted=True)
        assert len(bench.host.asked) == 5
        assert later["late@a.example"].accepts_all == first["u0@a.example"].accepts_all

    async def test_a_greylisted_control_is_asked_again_with_the_others(self) -> None:
        """It begins to wait when they do, by the name that it comes back with, and is not taken for an answer."""
        async with Bench(Host(rcpt="450 4.2.0 Greylisted")) as bench:
            waiting = await submit_and_wait(bench, paths(5), control_wanted=True)
            assert tally(waiting) == {"greylisted": 5}
            assert len(bench.host.asked) == 6
            await bench.clock.advance(max(seconds_to_wait(probed) for probed in waiting.values()))
            bench.host.rcpt = "250 OK"
            passed = await submit_and_wait(bench, paths(5), control_wanted=True)
        assert [probed.accepts_all is not None and probed.accepts_all.value for probed in passed.values()] == [True] * 5
        assert len(bench.host.asked) == 12 and len(set(bench.host.asked)) == 6

    async def test_an_undetermined_control_is_not_asked_again_within_the_hour(self) -> None:
        """It is cached for an hour, and then asked again."""
        good = mailboxes(["u0", "u1", "u2"], otherwise="451 4.3.0 Try again")
        async with Bench(Host(rcpt=good)) as bench:
            first = await submit_and_wait(bench, ["u0@a.example"], control_wanted=True)
            await submit_and_wait(bench, ["u1@a.example"], control_wanted=True)
            assert len(bench.host.asked) == 3
            await bench.clock.advance(3601)
            await submit_and_wait(bench, ["u2@a.example"], control_wanted=True)
            assert len(bench.host.asked) == 5
        fact = first["u0@a.example"].accepts_all
        assert fact is not None
        assert [fact.value, fact.expires_at] == [None, at(3600)]

    async def test_beside_an_interactive_check(self) -> None:
        """A person's check does not wait for a second round trip: the control travels in the same group, behind."""
        async with Bench(Host(rcpt=KNOWN)) as bench:
            results = await submit_and_wait(bench, ["u1@a.example"], control_wanted=True, interactive=True)
        assert [bench.host.visits[0].groups[1], len(bench.host.visits)] == [2, 1]
        assert bench.host.asked[0] == "u1@a.example"
        assert says(results["u1@a.example"]) == "accepted"

    async def test_not_beside_where_a_transaction_has_one_recipient(self) -> None:
        """The only place of a transaction belongs to the real name."""
        provider = Provider(name="p", recipients_per_transaction=1)
        async with Bench(Host(rcpt=KNOWN)) as bench:
            await submit_and_wait(bench, ["u1@a.example"], control_wanted=True, interactive=True, provider=provider)
        assert [visit.most_in_transaction for visit in bench.host.visits] == [1]
        assert len(bench.host.asked) == 2

    async def test_an_ambiguous_refusal_is_decided(self) -> None:
        """Refused like the random name, while postmaster is taken: an unknown user; one row, one answer."""
        strange = mailboxes([], otherwise="550 Wrong door")
        async with Bench(Host(rcpt=strange)) as bench:
            results = await submit_and_wait(bench, paths(3))
        assert tally(results) == {"mailbox_not_found": 3}
        assert [path for path in bench.host.asked if path.startswith("postmaster")] == ["postmaster@a.example"]

    async def test_the_same_strange_words_for_all_of_many(self) -> None:
        """Ten and more refused with one strange text are not thereby dead."""
        strange = mailboxes([], otherwise="550 Wrong door")
        async with Bench(Host(rcpt=strange)) as bench:
            results = await submit_and_wait(bench, paths(30))
        assert tally(results) == {"unrecognised": 30}

    async def test_an_interactive_check_does_not_wait_for_its_domains_list(self) -> None:
        """An ambiguous answer to a person is settled as soon as the controls have spoken."""

        def strange(_: object, path: str) -> str:
            good = path.startswith(("postmaster@", "u"))
            return "1~250 OK" if good else "550 Wrong door"

        async with Bench(Host(rcpt=strange), sessions=1) as bench:
            bulk = [bench.target(path) for path in paths(500)]
            bench.lanes.submit(bulk)
            await bench.clock.advance(3)
            person = bench.target("person@a.example", interactive=True, source="person")
            bench.lanes.submit([person])
            await bench.until_done([person])
            assert not all(target.future.done() for target in bulk)
            assert says(person.future.result()) == "mailbox_not_found"
            await bench.until_done(bulk)


class TestBackups:
    """A less preferred exchange is asked when a better one fails, and believed when it can say no."""

    async def test_refusals_count(self) -> None:
        """An unknown user is unknown, whichever exchange says so."""
        hosts = {"192.0.2.1": Host(dial=DialFailure.REFUSED), "192.0.2.2": Host(rcpt=KNOWN)}
        async with Bench(hosts) as bench:
            results = await submit_and_wait(bench, paths(20), hosts=PRIMARY_AND_BACKUP)
        assert tally(results) == {"accepted": 16, "mailbox_not_found": 4}
        assert {r.finding.mx_host for r in results.values()} == {"mx2.example"}

    @pytest.mark.parametrize("known", [None, False])
    async def test_one_that_accepts_everybody_proves_nothing(self, known: bool | None) -> None:
        """Its 250 counts only if it refused the control itself, whatever is known of the domain; and what it accepts
        makes no catch-all of the domain."""
        hosts = {"192.0.2.1": Host(dial=DialFailure.REFUSED), "192.0.2.2": Host()}
        async with Bench(hosts) as bench:
            results = await submit_and_wait(bench, paths(20), hosts=PRIMARY_AND_BACKUP, accepts_all=known)
            assert tally(results) == {"connect_failed": 20}
            assert {r.accepts_all for r in results.values()} == {None}
            again = await submit_and_wait(bench, ["later@a.example"], hosts=PRIMARY_AND_BACKUP, accepts_all=known)
            assert tally(again) == {"connect_failed": 1}

    async def test_a_host_known_to_be_dead_makes_its_backup_no_better(self) -> None:
        """A best host that is spared for two minutes has still failed."""
        hosts = {"192.0.2.1": Host(banner=CLOSE), "192.0.2.2": Host()}
        async with Bench(hosts, sessions=1) as bench:
            await submit_and_wait(bench, paths(3), hosts=PRIMARY_AND_BACKUP)
            results = await submit_and_wait(bench, ["x@b.example"], hosts=PRIMARY_AND_BACKUP)
            assert len(hosts["192.0.2.1"].visits) == 1
            assert tally(results) == {"connect_failed": 1}
            await bench.clock.advance(121)
            hosts["192.0.2.1"].banner = "220 here again"
            assert tally(await submit_and_wait(bench, ["y@b.example"], hosts=PRIMARY_AND_BACKUP)) == {"accepted": 1}

    async def test_hosts_that_could_not_be_looked_up(self) -> None:
        """Where some exchange's addresses are not known for the moment, the others are no better than backups."""
        async with Bench(Host()) as bench:
            results = await submit_and_wait(bench, paths(3), complete=False)
        assert tally(results) == {"connect_failed": 3}

    async def test_equal_hosts_are_no_backups(self) -> None:
        """A second host of the same preference is as good as the first."""
        equal = hosts_at(("mx1.example", 10, "192.0.2.1"), ("mx2.example", 10, "192.0.2.2"))
        hosts = {"192.0.2.1": Host(dial=DialFailure.REFUSED), "192.0.2.2": Host()}
        async with Bench(hosts) as bench:
            assert tally(await submit_and_wait(bench, paths(3), hosts=equal)) == {"accepted": 3}

    async def test_too_many_connections_are_no_reason_for_a_backup(self) -> None:
        """Where the best host talks to us on one connection and refuses a second, nobody asks the next host."""

        def crowded(visit: object, about: str) -> str:
            return "421 4.7.0 too many connections|CLOSE" if bench.host.open_now > 1 else "220 mx.example ESMTP"

        hosts = {"192.0.2.1": Host(banner=crowded, rcpt="0.1~250 OK"), "192.0.2.2": Host()}
        async with Bench(hosts) as bench:
            results = await submit_and_wait(bench, paths(300), hosts=PRIMARY_AND_BACKUP)
            assert tally(results) == {"accepted": 300}
            assert hosts["192.0.2.2"].visits == []

    async def test_at_most_three_hosts_and_two_addresses(self) -> None:
        """A domain with many dead exchanges is not walked to its end."""
        many = tuple(MailHost(f"mx{n}.example", n, tuple(f"192.0.2.{n * 10 + m}" for m in range(3))) for n in range(5))
        async with Bench({"192.0.2.99": Host()}) as bench:
            assert tally(await submit_and_wait(bench, paths(1), hosts=many)) == {"connect_failed": 1}
            assert {address for address, _ in bench.dialer.dialled} == {f"192.0.2.{n}" for n in (0, 1, 10, 11, 20, 21)}


class TestBreaker:
    """A host that dislikes us is left alone for three hours, and everybody is told so."""

    @pytest.mark.parametrize(
        "host",
        [
            Host(banner="554 5.7.1 your address is on our block list"),
            Host(mail="550 5.7.1 go away"),
            Host(rcpt="550 5.7.1 Client host blocked using dnsbl"),
        ],
    )
    async def test_three_hours(self, host: Host) -> None:
        """No connection is opened while it is shut; afterwards the host is asked again."""
        async with Bench(host, sessions=1) as bench:
            await submit_and_wait(bench, paths(30))
            visits, named = len(host.visits), len(host.asked)
            for hour in range(3):
                await bench.clock.advance(3600 if hour else 1800)
                results = await submit_and_wait(bench, [f"h{hour}@a.example"])
                assert [len(host.visits), len(host.asked)] == [visits, named]
                finding = results[f"h{hour}@a.example"].finding
                assert finding.retry_after is not None
                assert finding.retry_after > bench.clock.now()
            await bench.clock.advance(1801)
            host.banner, host.mail, host.rcpt = "220 mx", "250 OK", "250 OK"
            assert tally(await submit_and_wait(bench, ["back@a.example"])) == {"accepted": 1}

    async def test_three_refusals_in_a_row(self) -> None:
        """Two may be chance: an acceptance between them counts from the start again."""
        replies = iter(["550 5.7.1 Client host blocked using dnsbl", "550 5.7.1 Client host blocked", "250 OK"] * 10)
        async with Bench(Host(rcpt=lambda _, __: next(replies), extensions=()), sessions=1) as bench:
            results = await submit_and_wait(bench, paths(30))
        assert len(bench.host.asked) == 30
        assert tally(results) == {"client_refused": 20, "accepted": 10}

    async def test_a_known_provider_is_left_alone_as_a_whole(self) -> None:
        """Another exchange of the same provider is not bothered either; an unknown host's neighbour is."""
        for provider, outcome in ((Provider(name="p"), "client_refused"), (None, "accepted")):
            hosts = {"192.0.2.1": Host(banner="554 5.7.1 your address is on our block list"), "192.0.2.2": Host()}
            async with Bench(hosts) as bench:
                await submit_and_wait(bench, paths(3), provider=provider)
                second = hosts_at(("other.example", 10, "192.0.2.2"))
                results = await submit_and_wait(bench, ["x@b.example"], provider=provider, hosts=second)
                assert tally(results) == {outcome: 1}

    async def test_a_rate_that_takes_an_hour_is_waited_for_elsewhere(self) -> None:
        """A host that wants an hour's pause gets it, and everybody is told when to come back."""
        async with Bench(Host(rcpt="451 4.7.1 Rate limited, try again in 60 minutes"), sessions=1) as bench:
            results = await submit_and_wait(bench, paths(40))
            assert len(bench.host.visits) == 1
            assert bench.clock.monotonic() < 5
        assert tally(results) == {"rate_limited": 40}
        assert {r.finding.retry_after for r in results.values()} == {at(3600)}

    async def test_a_dead_host_is_not_tried_for_every_chunk(self) -> None:
        """Who comes within two minutes is told the same at once."""
        async with Bench(Host(dial=DialFailure.TIMEOUT)) as bench:
            await submit_and_wait(bench, paths(3))
            tried, then = len(bench.dialer.dialled), bench.clock.monotonic()
            assert tally(await submit_and_wait(bench, ["x@a.example"])) == {"timeout": 1}
            assert [len(bench.dialer.dialled), bench.clock.monotonic()] == [tried, then]
            await bench.clock.advance(121)
            await submit_and_wait(bench, ["y@a.example"])
            assert len(bench.dialer.dialled) > tried


class TestFairness:
    """Sessions, connections and turns are shared; people come before lists."""

    async def test_never_more_sessions_than_the_group_allows(self) -> None:
        """Fifty exchanges in one network share its two sessions, and each gets its turn."""
        hosts = {f"192.0.2.{n}": Host(rcpt="0.1~250 OK") for n in range(1, 51)}
        async with Bench(hosts) as bench:
            targets = [
                bench.target(f"u{m}@d{n}.example", hosts=hosts_at((f"mx{n}.example", 10, f"192.0.2.{n}")))
                for m in range(15)
                for n in range(1, 51)
            ]
            bench.lanes.submit(targets)
            most = 0

            def seen() -> bool:
                nonlocal most
                most = max(most, sum(host.open_now for host in hosts.values()))
                return all(target.future.done() for target in targets)

            await bench.until(seen)
        assert most == 2

    async def test_never_more_connections_than_all_may_have(self) -> None:
        """The cap on connections holds over all groups, and nobody starves at it."""
        hosts = {f"10.{n}.0.1": Host(rcpt="1~250 OK") for n in range(40)}
        async with Bench(hosts, connections=3) as bench:
            targets = [
                bench.target(f"u{m}@d{n}.example", hosts=hosts_at((f"mx{n}.example", 10, f"10.{n}.0.1")))
                for n in range(40)
                for m in range(25)
            ]
            bench.lanes.submit(targets)
            most = 0

            def seen() -> bool:
                nonlocal most
                most = max(most, sum(host.open_now for host in hosts.values()))
                return all(target.future.done() for target in targets)

            await bench.until(seen)
            assert most == 3

    async def test_a_long_list_does_not_hold_its_group_to_the_end(self) -> None:
        """An exchange that shares a group with a busy one waits for a connection, not for a list."""
        hosts = {"192.0.2.1": Host(rcpt="1~250 OK"), "192.0.2.2": Host(rcpt="1~250 OK")}
        async with Bench(hosts, sessions=1) as bench:
            long = [bench.target(path) for path in paths(5000)]
            bench.lanes.submit(long)
            await bench.clock.advance(5)
            short = bench.target("x@b.example", hosts=hosts_at(("other.example", 10, "192.0.2.2")))
            bench.lanes.submit([short])
            await bench.until_done([short], patience=320)
            assert not all(target.future.done() for target in long)

    async def test_a_person_does_not_wait_for_a_connection_of_the_group(self) -> None:
        """An interactive check of another exchange gets the next free moment of the group's sessions."""
        hosts = {"192.0.2.1": Host(rcpt="0.1~250 OK"), "192.0.2.2": Host()}
        async with Bench(hosts, sessions=1) as bench:
            listed = [bench.target(path) for path in paths(5000)]
            bench.lanes.submit(listed)
            await bench.clock.advance(5)
            second = hosts_at(("other.example", 10, "192.0.2.2"))
            waiting = bench.target("l@b.example", hosts=hosts_at(("third.example", 10, "192.0.2.2")))
            person = bench.target("x@b.example", hosts=second, interactive=True)
            bench.lanes.submit([waiting])
            bench.lanes.submit([person])
            began = bench.clock.monotonic()
            await bench.until_done([person])
            assert bench.clock.monotonic() - began <= 20
            assert not all(target.future.done() for target in listed)

    async def test_a_person_overtakes_the_list_of_the_same_host(self) -> None:
        """An interactive check is in the next group, whatever waits: two groups of a hundred are twenty seconds."""
        async with Bench(Host(rcpt="0.1~250 OK"), sessions=1) as bench:
            listed = [bench.target(path) for path in paths(5000)]
            bench.lanes.submit(listed)
            await bench.clock.advance(5)
            person = bench.target("person@b.example", interactive=True, source="person")
            bench.lanes.submit([person])
            began = bench.clock.monotonic()
            await bench.until_done([person])
            assert bench.clock.monotonic() - began <= 20
            assert not all(target.future.done() for target in listed)

    async def test_a_row_that_a_person_asks_for_too_overtakes(self) -> None:
        """Joining a row that waits behind thousands takes it along."""
        async with Bench(Host(rcpt="0.1~250 OK"), sessions=1) as bench:
            bench.lanes.submit([bench.target(path) for path in paths(5000)])
            await bench.clock.advance(5)
            person = bench.target("u4999@a.example", interactive=True, source="person")
            bench.lanes.submit([person])
            await bench.until_done([person], patience=20)
            assert bench.host.asked.count("u4999@a.example") == 1

    async def test_two_lists_share_a_host(self) -> None:
        """A short list that comes second is done long before the long one."""
        async with Bench(Host(rcpt="0.1~250 OK"), sessions=1) as bench:
            long = [bench.target(f"u{n}@d{n % 50}.example", source="long") for n in range(3000)]
            bench.lanes.submit(long)
            await bench.clock.advance(5)
            short = [bench.target(path, source="short") for path in paths(20, "z.example")]
            bench.lanes.submit(short)
            await bench.until_done(short, patience=60)
            assert sum(target.future.done() for target in long) < 500

    async def test_recipients_a_minute(self) -> None:
        """No minute holds more RCPT commands than the provider's row allows, over all sessions."""
        asked: list[float] = []

        def note(_: object, path: str) -> str:
            asked.append(bench.clock.monotonic())
            return "250 OK"

        async with Bench(Host(rcpt=note)) as bench:
            await submit_and_wait(bench, paths(300), provider=Provider(name="p", recipients_per_minute=60))
        for start in asked:
            assert sum(start <= when < start + 59.9 for when in asked) <= 60

    async def test_connections_a_second(self) -> None:
        """At most four new connections a second for each session of the group."""
        async with Bench(Host(rcpt="550 5.1.1 User unknown")) as bench:
            await submit_and_wait(bench, paths(300))
        opened = [visit.opened for visit in bench.host.visits]
        assert len(opened) > 20
        for start in opened:
            assert sum(start <= when < start + 0.99 for when in opened) <= 8

    async def test_a_host_that_bears_one_session_is_tried_again_later(self) -> None:
        """Refused a second connection, the lane goes on with one; a minute later it tries two again."""

        def crowded(visit: object, about: str) -> str:
            full = bench.host.open_now > (1 if bench.clock.monotonic() < 50 else 2)
            return "421 4.7.0 too many connections|CLOSE" if full else "220 mx.example ESMTP"

        async with Bench(Host(banner=crowded, rcpt="1~250 OK")) as bench:
            results = await submit_and_wait(bench, paths(1000))
            assert tally(results) == {"accepted": 1000}
        talked = [visit for visit in bench.host.visits if visit.recipients]
        assert len([visit for visit in talked if visit.opened > 60]) > 1
        assert len(bench.host.visits) - len(talked) <= 3


class TestWaiters:
    """Many may wait for one mailbox; each for himself."""

    async def test_one_probe_for_all(self) -> None:
        """A mailbox that is being asked is asked once, and everybody's record gets the finding."""
        recorded: dict[str, list[str]] = {"one": [], "two": []}

        async def one(results: Sequence[tuple[Target, Probed]]) -> None:
            recorded["one"] += [target.path for target, _ in results]

        async def two(results: Sequence[tuple[Target, Probed]]) -> None:
            recorded["two"] += [target.path for target, _ in results]

        async with Bench(Host(rcpt="1~250 OK")) as bench:
            first = [bench.target(path, record=one) for path in paths(3)]
            second = [bench.target(path, record=two) for path in paths(3)]
            bench.lanes.submit(first)
            await bench.clock.advance(0.5)
            bench.lanes.submit(second)
            await bench.until_done([*first, *second])
            assert [t.future.result() for t in first] == [t.future.result() for t in second]
        assert sorted(bench.host.asked) == paths(3)
        assert recorded == {"one": paths(3), "two": paths(3)}

    @pytest.mark.parametrize("leaving", [0, 1])
    async def test_one_leaves_and_the_other_still_learns(self, leaving: int) -> None:
        """A waiter that is cancelled takes nobody with it, whether it came first or joined."""
        async with Bench(Host(rcpt="1~250 OK")) as bench:
            both = [bench.target("u1@a.example"), bench.target("u1@a.example")]
            bench.lanes.submit(both)
            await bench.clock.advance(0.5)
            both[leaving].future.cancel()
            await bench.until_done(both)
            assert says(both[1 - leaving].future.result()) == "accepted"
            assert both[leaving].future.cancelled()

    async def test_what_nobody_waits_for_is_not_asked(self) -> None:
        """A cancelled list is not asked any more, beyond what is on the wire."""
        async with Bench(Host(rcpt="1~250 OK"), sessions=1) as bench:
            targets = [bench.target(path) for path in paths(500)]
            bench.lanes.submit(targets)
            await bench.clock.advance(1.5)
            for target in targets:
                target.future.cancel()
            other = bench.target("other@a.example")
            bench.lanes.submit([other])
            await bench.until_done([other])
            assert len(bench.host.asked) <= 30
            again = [bench.target(path) for path in paths(500)[100:110]]
            await bench.probe(again)

    async def test_a_cancelled_list_that_nobody_replaces(self) -> None:
        """The lane retires, and keeps nothing of it."""
        async with Bench(Host(rcpt="1~250 OK"), sessions=1) as bench:
            targets = [bench.target(path) for path in paths(100)]
            bench.lanes.submit(targets)
            for target in targets:
                target.future.cancel()
            await bench.clock.advance(60)
            assert [len(bench.lanes._in_flight), len(bench.lanes._lanes), bench.host.asked] == [0, 0, []]

    async def test_somebody_comes_back_for_what_was_cancelled(self) -> None:
        """A mailbox whose waiters all left while it waits is asked once more for whoever joins."""
        async with Bench(Host(rcpt="1~250 OK"), sessions=1) as bench:
            bulk = [bench.target(path) for path in paths(100)]
            bench.lanes.submit(bulk)
            await bench.clock.advance(0.5)
            bulk[99].future.cancel()
            late = bench.target("u99@a.example")
            bench.lanes.submit([late])
            await bench.until_done([late])
            assert says(late.future.result()) == "accepted"


class TestRecords:
    """What was learned is recorded before anybody learns of it, and before the next group is sent."""

    async def test_before_the_next_group(self) -> None:
        """At most one group a session is on the wire or unrecorded."""
        open_answers: set[str] = set()
        worst = 0

        def note(_: object, path: str) -> str:
            nonlocal worst
            open_answers.add(path)
            worst = max(worst, len(open_answers))
            return "250 OK"

        async def slow(results: Sequence[tuple[Target, Probed]]) -> None:
            await bench.clock.sleep(5)
            for target, _ in results:
                assert not target.future.done()
                open_answers.discard(target.path)

        provider = Provider(name="p", recipients_per_transaction=10, share_tenants=True)
        async with Bench(Host(rcpt=note)) as bench:
            await submit_and_wait(bench, paths(200), record=slow, provider=provider)
        assert worst <= 20

    async def test_a_record_that_fails_harms_only_its_own(self) -> None:
        """Who cannot write down what he learned gets our fault; everybody else his answer."""

        async def broken(results: Sequence[tuple[Target, Probed]]) -> None:
            raise OSError("disk full")

        async with Bench(Host()) as bench:
            mine = [bench.target(path, record=broken) for path in paths(15)]
            others = [bench.target(path) for path in paths(15, "b.example")]
            await bench.probe([*mine, *others])
            assert Counter(says(t.future.result()) for t in mine) == {"internal_error": 15}
            assert Counter(says(t.future.result()) for t in others) == {"accepted": 15}
        assert {str(fault) for fault in bench.faults} == {"disk full"}


class TestFaults:
    """A fault of ours is no verdict on anybody, and the rest goes on."""

    async def test_a_fault_in_a_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those who wait learn that it was our fault; the next who comes is asked as ever."""
        async with Bench(Host()) as bench:
            with monkeypatch.context() as patch:
                patch.setattr("verifier.core.dialogue.Session.offer", _explode)
                results = await submit_and_wait(bench, paths(30), control_wanted=True)
            assert tally(results) == {"internal_error": 30}
            assert {type(fault) for fault in bench.faults} == {ZeroDivisionError}
            assert tally(await submit_and_wait(bench, ["next@a.example"])) == {"accepted": 1}

    async def test_a_fault_in_the_lane_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where even giving up fails, nobody is left waiting."""
        async with Bench(Host()) as bench:
            with monkeypatch.context() as patch:
                patch.setattr("verifier.service.outbox.Outbox._settle", _explode)
                patch.setattr("verifier.service.outbox.Outbox.unanswerable", _explode)
                results = await submit_and_wait(bench, paths(30))
            assert tally(results) == {"internal_error": 30}
            assert tally(await submit_and_wait(bench, ["next@a.example"])) == {"accepted": 1}

    async def test_another_host_does_not_notice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A fault at one exchange leaves the others alone."""
        hosts = {"192.0.2.1": Host(rcpt="hello"), "198.51.100.1": Host()}
        async with Bench(hosts) as bench:
            bad = [bench.target(path) for path in paths(10)]
            good = [bench.target(p, hosts=hosts_at(("b.example", 1, "198.51.100.1"))) for p in paths(10, "b.example")]
            monkeypatch.setattr("verifier.service.grouping.Grouping.learn_limit", _explode)
            hosts["192.0.2.1"].rcpt = "452 4.5.3 Too many recipients"
            await bench.probe([*bad, *good])
            assert Counter(says(t.future.result()) for t in bad) == {"internal_error": 10}
            assert Counter(says(t.future.result()) for t in good) == {"accepted": 10}

    async def test_close_leaves_nothing(self) -> None:
        """Every task ends, every future is done, every connection is closed; later targets are refused."""
        async with Bench(Host(rcpt="1~250 OK")) as bench:
            targets = [bench.target(path) for path in paths(100)]
            bench.lanes.submit(targets)
            await bench.clock.advance(3)
            await bench.lanes.close()
            assert {target.future.done() for target in targets} == {True}
            assert bench.host.open_now == 0
            late = bench.target("late@a.example")
            bench.lanes.submit([late])
            assert late.future.cancelled()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert others == set()

    async def test_close_while_recording(self) -> None:
        """A record that hangs does not keep a future open."""

        async def hang(_: object) -> None:
            await asyncio.Event().wait()

        async with Bench(Host()) as bench:
            targets = [bench.target(path, record=hang) for path in paths(5)]
            bench.lanes.submit(targets)
            await bench.clock.advance(1)
            await bench.lanes.close()
            assert {target.future.cancelled() for target in targets} == {True}


def _explode(*_: object, **__: object) -> None:
    raise ZeroDivisionError("ours")


class TestUtf8:
    """Local parts that need SMTPUTF8 travel by themselves, and only where it is offered."""

    async def test_offered(self) -> None:
        """Their transaction says SMTPUTF8, the others' does not."""
        everybody = [*paths(5), "j\u00f6rg@a.example", "\u7528\u6237@a.example"]
        async with Bench(Host(), sessions=1) as bench:
            results = await submit_and_wait(bench, everybody)
        assert tally(results) == {"accepted": 7}
        mails = [c for visit in bench.host.visits for c in visit.commands if c.startswith("MAIL")]
        assert sorted(mails) == ["MAIL FROM:<probe@example.org>", "MAIL FROM:<probe@example.org> SMTPUTF8"]

    async def test_not_offered(self) -> None:
        """They are not asked, and the others are."""
        everybody = [*paths(5), "j\u00f6rg@a.example"]
        async with Bench(Host(extensions=("PIPELINING",)), sessions=1) as bench:
            results = await submit_and_wait(bench, everybody)
        assert tally(results) == {"accepted": 5, "smtputf8_unsupported": 1}
        assert sorted(bench.host.asked) == paths(5)


async def test_transcripts_are_kept_where_they_are_wanted() -> None:
    """Who asked for the conversation gets it, refused or not, and nobody else."""
    async with Bench(Host()) as bench:
        wanted, other = bench.target("u1@a.example", keep_transcript=True), bench.target("u2@a.example")
        await bench.probe([wanted, other])
        assert "C: RCPT TO:<u1@a.example>" in wanted.future.result().transcript
        assert other.future.result().transcript == ()
    async with Bench(Host(banner="554 5.7.1 no")) as bench:
        refused = bench.target("u1@a.example", keep_transcript=True)
        await bench.probe([refused])
        assert refused.future.result().transcript == ("S: 554 5.7.1 no", "C: QUIT")


async def test_what_hosts_taught_is_remembered() -> None:
    """A lane that retires leaves its history: the next does not begin with ten."""
    async with Bench(Host()) as bench:
        await submit_and_wait(bench, paths(100))
        await bench.clock.advance(1)
        assert bench.lanes._lanes == {}
        await submit_and_wait(bench, paths(60, "b.example"))
        assert [max(visit.groups) > 10 for visit in bench.host.visits[-1:]] == [True]


async def test_a_lane_that_is_done_leaves_no_garbage() -> None:
    """A list has a lane for each of its domains' hosts: what only a look through all objects frees stops everybody."""
    gc.disable()
    try:
        async with Bench(Host(rcpt=KNOWN)) as bench:
            targets = [bench.target(path) for path in paths(20)]
            bench.lanes.submit(targets)
            (lane,) = map(weakref.ref, bench.lanes._lanes.values())
            assert lane() is not None
            await bench.until_done(targets)
            await bench.clock.advance(1)
            assert (bench.lanes._lanes, lane()) == ({}, None)
    finally:
        gc.enable()


_STARTTLS_FIRST = "530 5.7.0 Must issue a STARTTLS command first"
_STAGES: dict[str, list[str]] = {
    "banner": ["220 hi", "220 hi", "220 hi", "554 no", "421 later|CLOSE", "?", CLOSE, RESET, SILENCE, "35~220 slow"],
    "ehlo": ["250 hi", "250 hi", "250 hi", "500 what", "554 no", CLOSE, SILENCE, "250 hi|250 twice"],
    "mail": [*["250 OK"] * 4, "451 later", "550 no", _STARTTLS_FIRST, "421 bye|CLOSE", RESET, SILENCE, "3~250 OK"],
    "rset": ["250 OK", "250 OK", "250 OK", "502 what", "421 bye|CLOSE", RESET, SILENCE],
    "rcpt": [
        *["250 OK"] * 4,
        *["550 5.1.1 User unknown"] * 2,
        *[
            "451 4.7.1 Greylisted",
            "452 4.5.3 Too many recipients",
            "550 too many bad recipients",
            "421 bye|CLOSE",
            CLOSE,
        ],
        *[
            "550 Wrong door",
            "550 5.7.1 Client host blocked",
            "450 rate limit exceeded",
            RESET,
            SILENCE,
            "5~550 5.1.1 no",
        ],
        *["garbage", "250-half|CLOSE", "452 4.2.2 Mailbox full", "250 OK|250 OK"],
    ],
    "starttls": ["220 go", "454 no", "220 go|220 injected"],
}


class Fickle:
    """Says something else each time, as the script has it, and once the script is over only what is polite."""

    def __init__(self, script: dict[str, list[str]]) -> None:
        self._script = {stage: list(lines) for stage, lines in script.items()}

    def at(self, stage: str) -> Says:
        def say(_: object, __: str) -> str:
            lines = self._script[stage]
            return lines.pop(0) if lines else _STAGES[stage][0]

        return say


scripts = st.fixed_dictionaries(
    {stage: st.lists(st.sampled_from(lines), max_size=25) for stage, lines in _STAGES.items()}
)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    scripts,
    st.integers(1, 40),
    st.integers(1, 3),
    st.sampled_from([(), ("PIPELINING",), ("PIPELINING", "SMTPUTF8", "STARTTLS"), ("PIPELINING", "LIMITS RCPTMAX=2")]),
    st.sampled_from([None, ConnectionError("tls"), TimeoutError()]),
    st.sampled_from([None, Provider(name="p"), Provider(name="q", starttls=True, recipients_per_minute=60)]),
    st.lists(st.integers(0, 39), max_size=6),
)
def test_every_future_is_resolved_once(
    script: dict[str, list[str]],
    count: int,
    sessions: int,
    extensions: tuple[str, ...],
    tls: Exception | None,
    provider: Provider | None,
    cancelled: list[int],
) -> None:
    """Whatever a host does, in whatever order: everybody who waits gets one finding, within hours, over no more
    sessions than are allowed; dead are only those of whom the host said so; and the lane is left empty."""

    async def play() -> None:
        fickle = Fickle(script)
        stages: dict[str, Says] = {stage: fickle.at(stage) for stage in _STAGES}
        host = Host(extensions=extensions, tls=tls, **stages)
        async with Bench(host, sessions=sessions) as bench:
            allowed = provider.sessions if provider is not None else sessions
            targets = [
                bench.target(
                    f"u{n}@d{n % 3}.example" if n % 7 else f"\u00fc{n}@d0.example",
                    provider=provider,
                    control_wanted=n % 2 == 0,
                    interactive=n % 5 == 0,
                    source=f"list {n % 2}",
                )
                for n in range(count)
            ]
            joined = [bench.target(target.path) for target in targets[::4]]
            bench.lanes.submit(targets)
            await bench.clock.advance(1)
            bench.lanes.submit(joined)
            for number in cancelled:
                if number < count:
                    targets[number].future.cancel()
            await bench.until_done([*targets, *joined], patience=A_DAY)
            await bench.clock.advance(3600)
            assert host.most_open <= allowed
            assert [bench.faults, host.open_now, bench.lanes._in_flight, bench.lanes._lanes] == [[], 0, {}, {}]
            assert [g.sessions for g in bench.groups._groups.values() if g.sessions] == []
            refused = {path for visit in host.visits for path in visit.recipients}
            for target in [*targets, *joined]:
                if target.future.cancelled():
                    continue
                finding = target.future.result().finding
                if finding.reply_class is ReplyClass.MAILBOX_NOT_FOUND:
                    assert target.path in refused
                    assert (finding.code or 0) // 100 == 5
                assert (finding.reply_class is None) != (finding.obstacle is None)
                assert finding.obstacle is not Obstacle.INTERNAL_ERROR
                assert structs.asdict(finding)["observed_at"] >= at(0)

    asyncio.run(play())
