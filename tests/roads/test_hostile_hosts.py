"""Hostile mail hosts and hostile DNS, met by the whole pipeline over real sockets, beside a host that means well.

Law: whatever they do, each address gets one answer in bounded time and memory, `undeliverable` only by a permanent
first-hand statement, nothing is contacted that must not be, and who means well is answered rightly meanwhile.

All of them are met at once, in one run; the tests look at what came of it.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from unittest.mock import patch

import dns.message
import dns.rdatatype
import pytest
from msgspec import Struct

from tests.support.command import Command
from tests.support.connection_watch import watched_connections
from tests.support.raw_host import GREETING, OFFERS, UNKNOWN_USER, Behave, Gone, Peer, host, raw_hosts
from tests.support.raw_host import close as closes
from tests.support.raw_host import dribble as dribbles
from tests.support.raw_host import hang as hangs
from tests.support.raw_host import reset as resets
from tests.support.scripted_dns import reply_to, scripted_dns
from tests.support.weighed import HELD
from verifier import wiring
from verifier.config import load_settings
from verifier.core import guard
from verifier.core.facts import DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.reasons import Verdict
from verifier.core.verdict import Assessment
from verifier.service.asking import Asking
from verifier.service.probing import Timeouts
from verifier.wiring import Verifier, open_verifier

TIMEOUTS = Timeouts(connect=0.6, banner=0.6, command=0.6, recipient=0.8, connection=3.0)
BOUND = 12.0
"""Seconds in which every address has its answer: three connections, their pauses, and as much again for a busy machine.
Alone each takes 0.2 to 5.3 s.
"""
GOOD_BOUND = 3.0
MOST_CONNECTIONS = 8
MEMORY = 16 * 1024 * 1024
"""Bytes that floods may cost beyond what an honest host does."""
MAILBOXES = ("ann", "bob", "cat")
ALL_KNOWN = ["accepted", "accepted", "mailbox_not_found"]
"""What a host says that has ann and bob, and is understood."""
STARTTLS = b"250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
DEMAND = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
OWN = "8.8.4.4"
SECRET = "127.99.0.1"
"""A service on loopback that nobody may be led to."""
LONG_NAME = ".".join(["a" * 63] * 3 + ["b" * 61])


def knows(name: str) -> bool:
    return name in ("ann", "bob")


def is_good(name: str) -> bool:
    number = re.fullmatch(r"u(\d+)", name)
    return number is not None and int(number[1]) % 3 != 0


async def floods(peer: Peer) -> None:
    """A megabyte without an end of line."""
    await peer.say(b"220 " + b"x" * 1_000_000)
    await peer.hang()


async def floods_lines(peer: Peer) -> None:
    """A megabyte of continuation lines."""
    for _ in range(1024):
        await peer.say(b"220-" + b"x" * 1018 + b"\r\n")
    await peer.hang()


async def never_ends(peer: Peer) -> None:
    """Lines for as long as anybody listens."""
    while True:
        await peer.say(b"250-" + b"y" * 4000 + b"\r\n")


async def stops_in_a_line(peer: Peer) -> None:
    await peer.say(b"250 2.1")
    await peer.hang()


async def closes_in_a_line(peer: Peer) -> None:
    await peer.say(b"250 2.1")
    raise Gone


async def greets_twice(peer: Peer) -> None:
    await peer.say(GREETING)
    await asyncio.sleep(0.1)
    await peer.say(GREETING)


async def dribbles_an_answer(peer: Peer) -> None:
    for octet in b"250 2.1.5 OK\r\n":
        await peer.say(bytes([octet]))
        await asyncio.sleep(0.001)


async def goes_on_in_clear(peer: Peer) -> None:
    await peer.say(b"220 go ahead\r\n")
    await asyncio.sleep(0.05)
    await peer.say(b"250 injected\r\n" * 3)
    await peer.hang()


async def shakes_no_hand(peer: Peer) -> None:
    await peer.say(b"220 go ahead\r\n")
    await peer.hang()


async def shakes_for_ever(peer: Peer) -> None:
    """The head of a TLS record that is never filled."""
    await peer.say(b"220 go ahead\r\n")
    await peer.reader.read(1)
    await peer.say(b"\x16\x03\x03\x40\x00")
    await peer.dribble(b"\x02")


def second(act: Callable[[Peer], Awaitable[None]]) -> Behave:
    """The first recipient of a connection is answered, the second meets `act`."""

    async def answer(peer: Peer) -> None:
        if sum(command.startswith("RCPT") for command in peer.commands) > 1:
            await act(peer)
        else:
            await peer.say(b"250 2.1.5 OK\r\n")

    return host(knows, rcpt=answer)


def says(reply: bytes) -> Callable[[Peer], Awaitable[None]]:
    async def say(peer: Peer) -> None:
        await peer.say(reply)

    return say


async def closes_on_strangers(peer: Peer) -> None:
    named = peer.commands[-1].partition("<")[2].partition("@")[0]
    await peer.say(b"250 OK\r\n" if named in MAILBOXES else b"421 4.3.2 closing\r\n")


async def answers_together(peer: Peer) -> None:
    """All that a segment asked is answered at once, cut into segments of seven octets wherever that falls."""
    await peer.say(GREETING)
    said = b""
    while True:
        verb, _, path = (await peer.hear()).partition(" ")
        if verb == "QUIT":
            raise Gone
        known = verb != "RCPT" or knows(path.partition("<")[2].partition("@")[0])
        said += OFFERS if verb == "EHLO" else b"250 2.0.0 OK\r\n" if known else UNKNOWN_USER
        if verb != "MAIL":
            for start in range(0, len(said), 7):
                await peer.say(said[start : start + 7])
                await asyncio.sleep(0)
            said = b""


def offers(*extensions: bytes) -> bytes:
    return b"250-mx.example\r\n" + b"".join(b"250-" + e + b"\r\n" for e in extensions) + b"250 PIPELINING\r\n"


def at_each_step(act: bytes | Callable[[Peer], Awaitable[None]]) -> dict[str, Behave]:
    return {step: host(knows, **{step: act}) for step in ("banner", "ehlo", "mail", "rcpt")}


def demands_tls(act: bytes | Callable[[Peer], Awaitable[None]]) -> Behave:
    return host(ehlo=STARTTLS, mail=DEMAND, starttls=act)


Good = tuple[list[str], list[str], float]
"""What was right, what was said, and the seconds it took."""
Reasons = str | list[str]
"""One for all three mailboxes, or one each."""

TIMEOUT, LOST, BROKEN = "smtp_timeout", "smtp_temp_error", "smtp_protocol_error"
HOSTS: dict[str, tuple[Behave, Reasons]] = {
    **{f"hangs-at-{step}": (behave, TIMEOUT) for step, behave in at_each_step(hangs).items() if step != "rcpt"},
    **{f"closes-at-{step}": (behave, LOST) for step, behave in at_each_step(closes).items() if step != "rcpt"},
    **{f"resets-at-{step}": (behave, LOST) for step, behave in at_each_step(resets).items() if step != "rcpt"},
    **{f"dribbles-at-{step}": (behave, TIMEOUT) for step, behave in at_each_step(dribbles).items() if step != "rcpt"},
    **{
        f"babbles-at-{step}": (behave, BROKEN)
        for step, behave in at_each_step(b"\xff\xfe\x00garbage\x01\r\n").items()
        if step != "rcpt"
    },
    "hangs-at-rcpt": (host(rcpt=hangs), TIMEOUT),
    "closes-at-rcpt": (host(rcpt=closes), LOST),
    "resets-at-rcpt": (host(rcpt=resets), LOST),
    "dribbles-at-rcpt": (host(rcpt=dribbles), TIMEOUT),
    "babbles-at-rcpt": (host(rcpt=b"\xff\xfe\x00garbage\x01\r\n"), BROKEN),
    "floods": (host(banner=floods), BROKEN),
    "floods-lines": (host(banner=floods_lines), BROKEN),
    "floods-at-rcpt": (host(rcpt=never_ends), BROKEN),
    "100-kilobytes": (host(rcpt=b"250 " + b"y" * 100_000), BROKEN),
    "stops-in-a-line": (host(rcpt=stops_in_a_line), TIMEOUT),
    "closes-in-a-line": (host(rcpt=closes_in_a_line), LOST),
    "nul-in-code": (host(rcpt=b"2\x0050 OK\r\n"), BROKEN),
    "nul-in-text": (host(knows, rcpt=b"250 O\x00K\r\n"), ALL_KNOWN),
    "100-lines": (
        host(knows, banner=b"220-x\r\n" * 100 + GREETING, rcpt=b"250-x\r\n" * 100 + b"250 OK\r\n"),
        ALL_KNOWN,
    ),
    "1000-extensions": (host(ehlo=offers(*(b"X%d" % number for number in range(1000)))), BROKEN),
    "limits-of-nothing": (host(knows, ehlo=offers(b"LIMITS RCPTMAX=0 MAILMAX=0 RCPTDOMAINMAX=0")), ALL_KNOWN),
    "limits-of-nonsense": (host(knows, ehlo=offers(b"LIMITS RCPTMAX=-1 MAILMAX=99999999999 =,= RCPTMAX==")), ALL_KNOWN),
    "greets-twice-at-once": (host(knows, banner=GREETING * 2), BROKEN),
    "greets-twice": (host(knows, banner=greets_twice), BROKEN),
    "answers-too-often": (host(rcpt=b"250 OK\r\n550 5.1.1 User unknown\r\n"), BROKEN),
    "answers-too-seldom": (second(hangs), ["accepted", TIMEOUT, "mailbox_not_found"]),
    "resets-in-a-group": (second(resets), ["accepted", "accepted", "mailbox_not_found"]),
    "closes-in-a-group": (second(says(b"421 4.3.2 closing\r\n")), ["accepted", "accepted", "mailbox_not_found"]),
    "closes-unasked": (host(banner=GREETING + b"421 4.3.2 closing\r\n"), LOST),
    "closes-on-strangers": (host(rcpt=closes_on_strangers), "accepted"),
    "answers-together": (answers_together, ALL_KNOWN),
    "dribbles-an-answer": (host(knows, rcpt=dribbles_an_answer), ALL_KNOWN),
    "line-feed-only": (
        host(knows, banner=b"220 mx\n", ehlo=OFFERS.replace(b"\r", b""), mail=b"250 OK\n", rcpt=b"250 OK\n"),
        ALL_KNOWN,
    ),
    "carriage-return-only": (host(banner=b"220 mx\r"), TIMEOUT),
    "carriage-return-at-rcpt": (host(rcpt=b"250 OK\r"), TIMEOUT),
    "eight-bits": (host(knows, banner=b"220 m\xe4il \xff\xfe\r\n", rcpt=b"250 \xc3\x28 g\xfct\r\n"), ALL_KNOWN),
    "eight-bits-refused": (host(rcpt=b"550 5.1.1 unbekannt: User unknown \xe4\xff\r\n"), "mailbox_not_found"),
    "code-099": (host(rcpt=b"099 OK\r\n"), BROKEN),
    "code-650": (host(rcpt=b"650 OK\r\n"), BROKEN),
    "code-25o": (host(rcpt=b"25O OK\r\n"), BROKEN),
    "code-200": (host(rcpt=b"200 yes\r\n"), BROKEN),
    "code-354": (host(rcpt=b"354 go ahead\r\n"), BROKEN),
    "code-354-at-mail": (host(mail=b"354 go ahead\r\n"), BROKEN),
    "code-354-at-banner": (host(banner=b"354 go ahead\r\n"), BROKEN),
    "accepted-but-5.1.1": (host(rcpt=b"250 5.1.1 User unknown\r\n"), BROKEN),
    "refused-but-2.1.5": (host(rcpt=b"550 2.1.5 OK\r\n"), "probe_blocked"),
    "temporary-but-5.1.1": (host(rcpt=b"450 5.1.1 User unknown\r\n"), "smtp_temp_error"),
    "permanent-but-4.1.1": (host(rcpt=b"550 4.1.1 User unknown\r\n"), "smtp_temp_error"),
    "tls-hangs": (demands_tls(hangs), TIMEOUT),
    "tls-closes": (demands_tls(closes), LOST),
    "tls-in-clear": (demands_tls(goes_on_in_clear), "probe_blocked"),
    "tls-injected": (demands_tls(b"220 go ahead\r\n250 injected\r\n"), BROKEN),
    "tls-half-injected": (demands_tls(b"220 go ahead\r\n250 inj"), BROKEN),
    "tls-without-handshake": (demands_tls(shakes_no_hand), "probe_blocked"),
    "tls-without-end": (demands_tls(shakes_for_ever), "probe_blocked"),
}
"""What each does, and what is known of its three mailboxes in the end."""

PLACES = {name: f"127.66.{number}.1" for number, name in enumerate(["good", "crowd", "odd", *HOSTS])}
CROWD = [f"crowd{number}" for number in range(30)]
"""Domains that each have their own name for one host that takes every connection and answers none."""

Records = dict[tuple[str, str], list[str]]
"""By name and type: the data of the records."""


def forbidden_addresses() -> dict[str, str]:
    """One address of every special range, and the secret one in every IPv6 disguise, by a label for it."""
    ranges = [*guard._FORBIDDEN_V4, *guard._FORBIDDEN_V6]
    found = {f"range{number}": str(network[-1]) for number, (network, _) in enumerate(ranges)}
    inner = int(IPv4Address(SECRET))
    disguises = {
        "mapped": IPv6Address("::ffff:0:0"),
        "nat64": IPv6Address("64:ff9b::"),
        "compatible": IPv6Address("::"),
    }
    found |= {name: str(IPv6Address(int(prefix) | inner)) for name, prefix in disguises.items()}
    found["sixtofour"] = str(IPv6Address(int(IPv6Address("2002::1")) | inner << 80))
    found["teredo"] = str(IPv6Address(int(IPv6Address("2001:0:808:808::")) | (inner ^ 0xFFFFFFFF)))
    return found | {"secret": SECRET, "own": OWN}


FORBIDDEN = {
    f"{label}-{way}": (way, address) for label, address in forbidden_addresses().items() for way in ("mx", "implicit")
}
ROUTES: dict[str, tuple[Records, Reasons]] = {
    "literal": ({("literal.example", "MX"): [f"10 {SECRET}."]}, "mx_unroutable"),
    "localhost": ({("localhost.example", "MX"): ["10 localhost."]}, "mx_unroutable"),
    "under-localhost": ({("under-localhost.example", "MX"): ["10 mail.localhost."]}, "mx_unroutable"),
    "null": ({("null.example", "MX"): ["0 ."]}, "null_mx"),
    "looping": ({("looping.example", "CNAME"): ["looping.example."]}, "dns_temp_error"),
    "going-round": (
        {
            ("going-round.example", "CNAME"): ["going-back.example."],
            ("going-back.example", "CNAME"): ["going-round.example."],
        },
        "dns_temp_error",
    ),
    "looping-exchange": (
        {
            ("looping-exchange.example", "MX"): ["10 mx.looping-exchange.example."],
            ("mx.looping-exchange.example", "CNAME"): ["mx.looping-exchange.example."],
        },
        "dns_temp_error",
    ),
    "hundred": ({("hundred.example", "MX"): [f"{n} mx{n}.hundred.example." for n in range(100)]}, "dns_temp_error"),
    "underscores": (
        {("underscores.example", "MX"): ["10 _mx._x.example."], ("_mx._x.example", "A"): [PLACES["odd"]]},
        ALL_KNOWN,
    ),
    "long-name": (
        {("long-name.example", "MX"): [f"10 {LONG_NAME}."], (LONG_NAME, "A"): [PLACES["odd"]]},
        ALL_KNOWN,
    ),
    "both": (
        {
            ("both.example", "MX"): ["10 mx.both.example."],
            ("mx.both.example", "A"): [SECRET, PLACES["odd"]],
        },
        ALL_KNOWN,
    ),
    "better-is-forbidden": (
        {
            ("better-is-forbidden.example", "MX"): ["5 secret.example.", "10 mx.better-is-forbidden.example."],
            ("secret.example", "A"): [SECRET],
            ("mx.better-is-forbidden.example", "A"): [PLACES["odd"]],
        },
        ALL_KNOWN,
    ),
    "rebound": ({("rebound.example", "MX"): ["10 mx.rebound.example."]}, ALL_KNOWN),
}
"""Domains whose DNS is odd, and what is known of their three mailboxes in the end."""


def zone() -> Records:
    records: Records = {}
    for name in ["good", *HOSTS, *CROWD]:
        place = PLACES["crowd"] if name in CROWD else PLACES[name]
        records[f"{name}.example", "MX"] = [f"10 mx.{name}.example."]
        records[f"mx.{name}.example", "A"] = [place]
    for name, (way, address) in FORBIDDEN.items():
        owner = f"mx.{name}.example" if way == "mx" else f"{name}.example"
        if way == "mx":
            records[f"{name}.example", "MX"] = [f"10 {owner}."]
        records[owner, "AAAA" if ":" in address else "A"] = [address]
    for odd, _ in ROUTES.values():
        records |= odd
    return records


class Bind:
    """The script of a name server; `mx.rebound.example` has moved whenever it is asked for again."""

    def __init__(self) -> None:
        self.records = zone()
        self.asked: Counter[tuple[str, str]] = Counter()

    def __call__(self, query: dns.message.Message, _: bool) -> list[bytes]:
        owner = query.question[0].name
        name, kind = owner.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked[name, kind] += 1
        found = [(kind, data) for data in self.records.get((name, kind), [])]
        found += [("CNAME", data) for data in self.records.get((name, "CNAME"), [])]
        if (name, kind) == ("mx.rebound.example", "A"):
            found = [("A", SECRET if self.asked[name, kind] > 1 else PLACES["odd"])]
        answers = [f"{owner} 0 IN {each} {data}" for each, data in found]
        soa = "example. 60 IN SOA ns.example. h.example. 1 2 3 4 5"
        exists = any(known == name for known, _ in self.records) or name == "mx.rebound.example"
        return [
            reply_to(
                query,
                *answers,
                rcode="NOERROR" if exists else "NXDOMAIN",
                authority="" if answers else soa,
            ).to_wire()
        ]


class Answers(Struct):
    """What came of one domain's mailboxes, in order, and after how many seconds."""

    found: list[Assessment]
    seconds: float

    @property
    def reasons(self) -> list[str]:
        return [assessment.reason.value for assessment in self.found]


class Met(Struct):
    """What came of the whole run. `memory` is the peak in bytes of a `check` of the good host, and of flooding ones."""

    answers: dict[str, Answers]
    good: list[Good]
    contacted: list[str]
    visits: dict[str, int]
    asked: Counter[tuple[str, str]]
    stale: Answers
    memory: tuple[int, int]
    faults: list[BaseException]


async def ask(verifier: Verifier, domain: str, mailboxes: Sequence[str] = MAILBOXES) -> Answers:
    started = time.monotonic()
    addresses = [f"{name}@{domain}.example" for name in mailboxes]
    found = await verifier.verification.assess(addresses, Asking(source=domain))
    assert [assessment.email for assessment in found] == addresses
    return Answers(found, time.monotonic() - started)


async def ask_the_good(
    verifier: Verifier, until: "asyncio.Future[list[Answers]]"
) -> list[tuple[list[str], list[str], float]]:
    """Five further mailboxes of the good host at a time: what was right, what was said, and the seconds it took."""
    asked: list[tuple[list[str], list[str], float]] = []
    while not until.done():
        names = [f"u{len(asked) * 5 + number}" for number in range(5)]
        right = ["accepted" if is_good(name) else "mailbox_not_found" for name in names]
        answers = await ask(verifier, "good", names)
        asked.append((right, answers.reasons, answers.seconds))
        await asyncio.sleep(0.05)
    return asked


async def ask_where_it_was(verifier: Verifier) -> Answers:
    """A domain whose stored route leads where nobody may go: rules have changed since, or somebody else wrote it."""
    now = verifier.clock.now()
    hosts = (MailHost("mx.stale.example", 10, (SECRET,)),)
    route = MailRoute(RouteStatus.FOUND, hosts, now, now + timedelta(hours=1))
    await verifier.store.remember_domains([DomainFacts("stale.example", route)])
    return await ask(verifier, "stale")


def peak_memory(environment: dict[str, str], folder: Path, addresses: Sequence[str], expected: str) -> int:
    """Bytes that `verifier check --transcript` of these addresses held at most; all of them have to be as expected."""
    folder.mkdir()
    command = Command(folder, environment, module="tests.support.weighed")
    finished = command.run("check", "--transcript", *addresses)
    assert finished.code == 0, finished.err
    assert finished.out.count(expected) >= len(addresses), finished.out
    return int(finished.err.rpartition(HELD)[2])


async def meet(folder: Path) -> Met:
    """Everybody at once; then the floods once more, by commands whose memory is measured."""
    behaviour = {PLACES[name]: behave for name, (behave, _) in HOSTS.items()}
    behaviour |= {PLACES["good"]: host(is_good), PLACES["crowd"]: host(banner=hangs), PLACES["odd"]: host(knows)}
    behaviour[SECRET] = host()
    bind = Bind()
    faults: list[BaseException] = []
    domains = [*HOSTS, *ROUTES, *FORBIDDEN, *CROWD]
    async with raw_hosts(behaviour) as hosts, scripted_dns(bind) as (nameserver, _):
        environment = {
            "VERIFIER_DNS_NAMESERVERS": str(nameserver),
            "VERIFIER_DNS_CANARIES": "good.example",
            "VERIFIER_SMTP_PORT": str(hosts.port),
            "VERIFIER_SMTP_ALLOW_NETWORKS": "127.66.0.0/16",
            "VERIFIER_SMTP_HELO": "probe.example.org",
        }
        settings = load_settings({**environment, "VERIFIER_DATA_DIR": str(folder / "data")}, None)
        with watched_connections() as contacted, patch.object(wiring, "own_addresses", lambda: frozenset({OWN})):
            async with open_verifier(settings, warn=lambda _: None, report_fault=faults.append, timeouts=TIMEOUTS) as v:
                everybody = asyncio.gather(*(ask(v, domain) for domain in domains))
                good = await ask_the_good(v, everybody)
                answers = dict(zip(domains, await everybody, strict=True))
                stale = await ask_where_it_was(v)
        visits = {address: len(seen) for address, seen in hosts.visits.items()}
        flooding = [f"ann@{name}.example" for name in ("floods", "floods-lines", "floods-at-rcpt", "100-kilobytes")]
        memory = await asyncio.gather(
            asyncio.to_thread(peak_memory, environment, folder / "calm", ["u1@good.example"], "accepted"),
            asyncio.to_thread(peak_memory, environment, folder / "flooded", flooding, BROKEN),
        )
        return Met(answers, good, contacted, visits, bind.asked, stale, (memory[0], memory[1]), faults + hosts.faults)


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        yield runner.run(meet(tmp_path_factory.mktemp("hostile")))


def each(reasons: Reasons) -> list[str]:
    return [reasons] * len(MAILBOXES) if isinstance(reasons, str) else reasons


@pytest.mark.parametrize("name", HOSTS)
def test_every_hosts_mailboxes_are_answered_rightly(met: Met, name: str) -> None:
    """Each address gets the one reason that the evidence supports, in time, after a few connections."""
    answers = met.answers[name]
    assert answers.reasons == each(HOSTS[name][1])
    assert answers.seconds < BOUND
    assert 1 <= met.visits[PLACES[name]] <= MOST_CONNECTIONS


@pytest.mark.parametrize("name", HOSTS)
def test_only_a_permanent_statement_about_the_mailbox_makes_undeliverable(met: Met, name: str) -> None:
    """Every undeliverable carries the host's own permanent reply to its RCPT."""
    for assessment in met.answers[name].found:
        if assessment.verdict is Verdict.UNDELIVERABLE:
            assert assessment.smtp is not None
            assert (assessment.smtp.stage, (assessment.smtp.code or 0) // 100) == ("rcpt", 5)


@pytest.mark.parametrize("name", ROUTES)
def test_odd_routes(met: Met, name: str) -> None:
    """Names that are no hosts lead nowhere, loops and endless lists prove nothing, odd names are names like others."""
    assert met.answers[name].reasons == each(ROUTES[name][1])
    assert met.answers[name].seconds < BOUND


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_addresses_are_no_route(met: Met, name: str) -> None:
    """By MX, by the domain's own address, by A or AAAA, in any disguise: nobody on the public internet is there."""
    assert met.answers[name].reasons == each("mx_unroutable")


def test_nothing_is_contacted_that_must_not_be(met: Met) -> None:
    """No connection is begun but to hosts that were allowed; the secret service hears from nobody."""
    assert set(met.contacted) <= set(PLACES.values()), set(met.contacted) - set(PLACES.values())
    assert met.visits[SECRET] == 0


def test_a_name_is_not_looked_up_again_to_connect(met: Met) -> None:
    """The address that was checked is the one that is dialled: to move it in between changes nothing."""
    assert met.asked["mx.rebound.example", "A"] == 1


def test_a_remembered_route_is_checked_again(met: Met) -> None:
    """What a store says may be contacted is asked of the guard all the same, and proves nothing of the mailbox."""
    assert met.stale.reasons == each("connect_failed")


def test_many_records_cost_few_questions(met: Met) -> None:
    """Of a hundred exchanges no more than two dozen are looked up, with two questions each."""
    assert sum(count for (name, _), count in met.asked.items() if name.endswith(".hundred.example")) <= 48


def test_many_names_for_a_silent_host_cost_few_connections(met: Met) -> None:
    """Thirty domains behind one host that takes every connection and answers none are told together."""
    assert {reason for name in CROWD for reason in met.answers[name].reasons} == {TIMEOUT}
    assert met.visits[PLACES["crowd"]] <= MOST_CONNECTIONS
    assert max(met.answers[name].seconds for name in CROWD) < BOUND


def test_who_means_well_is_answered_meanwhile(met: Met) -> None:
    """Beside all of them an honest host's mailboxes are answered, rightly and soon, all the time."""
    assert [(said, right) for right, said, _ in met.good if said != right] == []
    assert max(seconds for _, _, seconds in met.good) < GOOD_BOUND
    assert len(met.good) >= 5


def test_floods_are_not_kept(met: Met) -> None:
    """Megabytes of banner, of one line and of one reply, with the conversation kept, take little more than an honest
    host does.
    """
    calm, flooded = met.memory
    assert flooded - calm < MEMORY


def test_nobody_is_at_fault(met: Met) -> None:
    """Nothing of it is an error of ours, and no host saw a command that a probe must not say."""
    assert met.faults == []
