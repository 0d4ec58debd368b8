"""Every personality plays what real servers do, over real sockets."""

import asyncio
from itertools import islice

import pytest

from tests.world.conftest import found
from tests.world.talker import Talker
from verifier.world import PERSONALITIES, Egress, RunningWorld, World
from verifier.world.host_kinds import HOST_KINDS
from verifier.world.log import WorldLog
from verifier.world.smtp_session import After, Machine, Session
from verifier.world.truth import Mailbox


def some(world: World, domain: str, exists: bool, count: int) -> list[str]:
    return list(islice(found(world, domain, exists), count))


async def codes(talker: Talker, addresses: list[str]) -> list[str]:
    return [reply[:3] for reply in await talker.ask(*addresses)]


TELLING = [
    p.name
    for p in PERSONALITIES.values()
    if p.exchanges
    and not p.reasons
    and not p.greylisted
    and p.exchanges[0][1] not in ("down",)
    and p.name not in ("starttls", "flaky", "helo", "opensmtpd")
]


@pytest.mark.parametrize("personality", TELLING)
async def test_a_welcome_host_tells_who_is_there(running: RunningWorld, personality: str) -> None:
    """Where the mailbox decides, a host accepts whoever is there and refuses for good whoever is not."""
    domain = running.world.domain(personality)
    good, bad = some(running.world, domain, True, 1)[0], some(running.world, domain, False, 1)[0]
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert await codes(talker, [good]) == ["250"]
    await talker.say("RSET")
    await talker.say("MAIL FROM:<probe@probe.verifier.example>")
    assert [code[0] for code in await codes(talker, [bad])] == ["5"]
    await talker.close()


@pytest.mark.parametrize("personality", [p.name for p in PERSONALITIES.values() if p.exchanges])
async def test_postmaster_and_controls(running: RunningWorld, personality: str) -> None:
    """No host ever accepts a random name unless it accepts all names."""
    site = running.world.site(running.world.domain(personality))
    assert site is not None
    kind = HOST_KINDS[str(site.kind)]
    assert Mailbox.EXISTS is running.world.mailbox(kind, "postmaster", site.domain)
    assert Mailbox.UNKNOWN is running.world.mailbox(kind, "jkesvora48tnl", site.domain)


def session_with(world: World, kind: str) -> Session:
    """A session without a wire, greeted and ready for recipients."""
    host = next(machine for machine, each in world.machines() if each.name == kind)
    machine = Machine(world, host, HOST_KINDS[kind], WorldLog().host(host.address, kind))
    session = Session(machine, 1, "127.0.0.1")
    session.greet(1)
    for line in ("EHLO p.example", "MAIL FROM:<p@p.example>"):
        assert session.command(line, 0.0).text[0] == "2"
    return session


def test_postfix_sleeps_after_ten_errors_and_hangs_up_at_twenty() -> None:
    """Ten refusals are free, then every reply takes a second, good ones too; the twentieth is followed by 421."""
    world = World(7, hosts=1)
    domain = world.domain("postfix")
    bad = some(world, domain, False, 20)
    asked = [*bad[:10], f"info@{domain}", *bad[10:]]
    session = session_with(world, "postfix")
    turns = [session.command(f"RCPT TO:<{address}>", 0.0) for address in asked]
    assert [turn.wait for turn in turns] == [0.0] * 10 + [1.0] * 11
    assert f"550 5.1.1 <{bad[0]}>: Recipient address rejected: User unknown in virtual mailbox table" == turns[0].text
    assert turns[10].text == "250 2.1.5 Ok"
    assert [turn.after for turn in turns] == [After.READ] * 20 + [After.CLOSE]
    assert turns[-1].text.split("\r\n")[1] == "421 4.7.0 mx0.postfix.hosts.example Error: too many errors"


async def test_a_sleeping_postfix_serves_one_after_the_other(running: RunningWorld) -> None:
    """On the wire the eleventh reply comes a second late."""
    domain = running.world.domain("postfix")
    talker = await Talker.to(running, domain)
    await talker.begin()
    await talker.ask(*some(running.world, domain, False, 10))
    start = asyncio.get_running_loop().time()
    assert await codes(talker, [f"info@{domain}"]) == ["250"]
    assert asyncio.get_running_loop().time() - start >= 1.0
    await talker.close()


async def test_after_421_nothing_more_is_said() -> None:
    """Behind the last error the connection ends, whatever was asked in the same group."""
    world = World(7, hosts=1, unknown_rate=1.0)
    async with world.serve() as running:
        domain = world.domain("icloud")
        talker = await Talker.to(running, domain)
        await talker.begin()
        talker.send(*(f"RCPT TO:<user{n}@{domain}>" for n in range(15)))
        assert [(await talker.reply())[:3] for _ in range(14)] == ["550"] * 12 + ["421", ""]
        await talker.close()


async def test_exim_refuses_all_after_too_many_bad_recipients(running: RunningWorld) -> None:
    """Of more than ten recipients fewer than half good: the good ones are refused as well, until RSET."""
    domain = running.world.domain("exim")
    good, bad = some(running.world, domain, True, 3), some(running.world, domain, False, 9)
    talker = await Talker.to(running, domain)
    await talker.begin()
    replies = await talker.ask(*good[:1], *bad, good[1])
    assert ["250 Accepted", *["550 Unknown user"] * 9, "550 Rejected for too many bad recipients"] == replies
    after = await talker.say("RSET", "MAIL FROM:<probe@probe.verifier.example>", f"RCPT TO:<{good[1]}>")
    assert after == ["250 Reset OK", "250 OK", "250 Accepted"]
    await talker.close()


async def test_exim_counts_resets_and_corks_quit(running: RunningWorld) -> None:
    """Eleven RSETs are borne, the twelfth ends the connection; a QUIT takes a fifth of a second."""
    domain = running.world.domain("exim")
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert await talker.say(*["RSET"] * 11) == ["250 Reset OK"] * 11
    assert await talker.say("RSET") == ["554 Too many nonmail commands"]
    assert await talker.reply() == ""
    await talker.close()
    quitter = await Talker.to(running, domain)
    await quitter.reply()
    start = asyncio.get_running_loop().time()
    assert (await quitter.say("QUIT"))[0][:3] == "221"
    assert asyncio.get_running_loop().time() - start >= 0.2
    await quitter.close()


async def test_exim_takes_twenty_sessions(running: RunningWorld) -> None:
    """The twenty-first session at once is sent away with 421."""
    domain = running.world.domain("exim")
    talkers = [await Talker.to(running, domain) for _ in range(21)]
    banners = [await talker.reply() for talker in talkers]
    assert [banner[:3] for banner in banners] == ["220"] * 20 + ["421"]
    for talker in talkers:
        await talker.close()


async def test_opensmtpd_disconnects_on_pipelining(running: RunningWorld) -> None:
    """PIPELINING is not offered; one line at a time works, two at once end the connection with 500."""
    domain = running.world.domain("opensmtpd")
    bad = some(running.world, domain, False, 1)[0]
    talker = await Talker.to(running, domain)
    banner, ehlo, _ = await talker.begin()
    assert "OpenSMTPD" in banner
    assert "PIPELINING" not in ehlo
    assert [f"524 5.2.4 Mailing list expansion problem: <{bad}>"] == await talker.ask(bad)
    talker.send("RSET", "MAIL FROM:<probe@probe.verifier.example>")
    assert (await talker.reply())[:3] == "500"
    assert await talker.reply() == ""
    await talker.close()
    assert running.log.by_kind()["opensmtpd"].unasked_pipelining == 1


async def test_exchange_online(running: RunningWorld) -> None:
    """Unknown users are `5.4.1 … Access denied`; a second tenant in one transaction is deferred."""
    world = running.world
    domain = world.domain("exchange")
    other = next(
        d
        for d in (world.domain("exchange", n) for n in range(1, 200))
        if world.site(d).exchanges[0].host == world.site(domain).exchanges[0].host
    )
    talker = await Talker.to(running, domain)
    await talker.begin()
    unknown, second = await talker.ask(some(world, domain, False, 1)[0], f"info@{other}")
    assert unknown.startswith("550 5.4.1 Recipient address rejected: Access denied.")
    assert second == "452 4.5.3 Recipients belong to multiple regions ATTR38"
    assert world.site(domain).exchanges[0].name.endswith(".mail.protection.outlook.com")
    await talker.close()


async def test_outlook_takes_one_recipient_a_transaction(running: RunningWorld) -> None:
    """The second recipient gets 452 4.5.3, whoever it is; unknown users are 5.5.0."""
    domain = "hotmail.com"
    talker = await Talker.to(running, domain)
    await talker.begin()
    unknown, second = await talker.ask(some(running.world, domain, False, 1)[0], f"info@{domain}")
    assert unknown.startswith("550 5.5.0 Requested action not taken: mailbox unavailable")
    assert second.startswith("452 4.5.3 Too many recipients (AS780090)")
    await talker.close()


async def test_gmail_speaks_in_several_lines_and_takes_one_domain(running: RunningWorld) -> None:
    """An unknown user is told over four lines; a second domain in a transaction is deferred with 451 4.3.0."""
    world = running.world
    talker = await Talker.to(running, "gmail.com")
    await talker.begin()
    (unknown,) = await talker.ask(some(world, "gmail.com", False, 1)[0])
    assert [line[:9] for line in unknown.split("\n")] == ["550-5.1.1", "550-5.1.1", "550-5.1.1", "550 5.1.1"]
    assert unknown.endswith("gsmtp")
    host = world.site("gmail.com").exchanges[0].host
    other = next(
        d
        for d in (world.domain("workspace", n) for n in range(50))
        if any(exchange.host == host for exchange in world.site(d).exchanges)
    )
    assert (await talker.ask(f"info@{other}"))[0].startswith("451-4.3.0 Multiple destination domains")
    await talker.close()


def test_gmail_has_no_dots_and_no_tags(world: World) -> None:
    """Dots, tags, case and googlemail.com lead to one Gmail mailbox."""
    spellings = ("jane.smith@gmail.com", "janesmith@gmail.com", "J.A.N.E.Smith+news@googlemail.com")
    assert len({world.truth(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize("personality", ["yahoo", "catchall", "qmail", "parked", "disposable"])
async def test_hosts_that_accept_all(running: RunningWorld, personality: str) -> None:
    """They say 250 to whatever name."""
    domain = running.world.domain(personality)
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert await codes(talker, [f"jkesvora48tnl@{domain}", f"user1@{domain}"]) == ["250", "250"]
    await talker.close()


async def test_patched_qmail_sulks(running: RunningWorld) -> None:
    """After eight bad recipients the good ones are refused too, and say why."""
    domain = running.world.domain("sulking")
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert await talker.ask(*some(running.world, domain, False, 8)) == ["553 unknown mailbox (#5.1.1)"] * 8
    assert await talker.ask(some(running.world, domain, True, 1)[0]) == [
        "553 too many bad recipients: sulking (#5.5.1)"
    ]
    await talker.close()


@pytest.mark.parametrize("personality", ["greylist", "greywait", "backup-greylist", "postscreen"])
async def test_greylisting_passes_after_the_delay(running: RunningWorld, personality: str) -> None:
    """The first visit is deferred, one before the delay too, one after it gets the true answer."""
    world = running.world
    domain = world.domain(personality)
    good, bad = some(world, domain, True, 1)[0], some(world, domain, False, 1)[0]

    async def visit() -> list[str]:
        talker = await Talker.to(running, domain)
        await talker.begin()
        answers = await codes(talker, [good, bad])
        await talker.close()
        return [answer[0] for answer in answers]

    assert [await visit(), await visit()] == [["4", "4"], ["4", "4"]]
    await asyncio.sleep(world.grey_delay)
    assert await visit() == ["2", "5"]


async def test_greylisting_is_by_sender(running: RunningWorld) -> None:
    """Another reverse path starts its own clock: senders that vary never pass."""
    domain = running.world.domain("greylist")
    good = some(running.world, domain, True, 1)[0]
    talker = await Talker.to(running, domain)
    await talker.begin()
    await talker.ask(good)
    await asyncio.sleep(running.world.grey_delay)
    other = await talker.say("RSET", "MAIL FROM:<other@probe.verifier.example>", f"RCPT TO:<{good}>")
    assert other[2][:9] == "450 4.2.0"
    await talker.close()


async def test_a_backup_accepts_what_the_best_exchange_would_not(running: RunningWorld) -> None:
    """The less preferred exchange takes everything, which proves nothing."""
    domain = running.world.domain("backup-greylist")
    talker = await Talker.to(running, domain, 1)
    await talker.begin()
    assert await codes(talker, [some(running.world, domain, False, 1)[0]]) == ["250"]
    await talker.close()


@pytest.mark.parametrize("personality", ["second", "backup-refused", "down"])
async def test_a_host_that_is_down_refuses_connections(running: RunningWorld, personality: str) -> None:
    """Nothing listens at its address."""
    with pytest.raises(ConnectionRefusedError):
        await Talker.to(running, running.world.domain(personality))


async def test_a_second_exchange_answers_for_one_that_is_down(running: RunningWorld) -> None:
    """The next exchange knows the mailboxes."""
    domain = running.world.domain("second")
    talker = await Talker.to(running, domain, 1)
    await talker.begin()
    good, bad = some(running.world, domain, True, 1)[0], some(running.world, domain, False, 1)[0]
    assert await codes(talker, [good, bad]) == ["250", "550"]
    await talker.close()


@pytest.mark.parametrize(
    ("personality", "expected"),
    [
        ("blocked-banner", ["554"]),
        ("shutdown", ["421"]),
        ("blocked-helo", ["220", "550"]),
        ("blocked-mail", ["220", "250", "550"]),
        ("sender-refused", ["220", "250", "553"]),
        ("blocked-rcpt", ["220", "250", "250", "550"]),
        ("relay-denied", ["220", "250", "250", "554"]),
        ("policy", ["220", "250", "250", "550"]),
        ("temperror", ["220", "250", "250", "451"]),
        ("starttls", ["220", "250", "530"]),
        ("broken-tls", ["220", "250", "530"]),
        ("garbage", ["HTT"]),
    ],
)
async def test_refusals_come_at_their_step(running: RunningWorld, personality: str, expected: list[str]) -> None:
    """A refusal of us comes at banner, EHLO, MAIL or RCPT, whoever is asked for."""
    domain = running.world.domain(personality)
    talker = await Talker.to(running, domain)
    replies = [(await talker.reply())[:3]]
    for line in ("EHLO p.example", "MAIL FROM:<p@p.example>", f"RCPT TO:<postmaster@{domain}>")[: len(expected) - 1]:
        replies += [reply[:3] for reply in await talker.say(line)]
    assert expected == replies
    await talker.close()


@pytest.mark.parametrize(("personality", "steps"), [("banner", 0), ("ehlo", 1), ("mail", 2), ("rcpt", 3)])
async def test_silence(running: RunningWorld, personality: str, steps: int) -> None:
    """A silent host says nothing at its step, and hangs up when its patience ends."""
    domain = running.world.domain(f"silent-{personality}")
    talker = await Talker.to(running, domain)
    lines = ["EHLO p.example", "MAIL FROM:<p@p.example>", f"RCPT TO:<info@{domain}>"][:steps]
    heard = [] if steps == 0 else [await talker.reply()]
    for line in lines[:-1]:
        heard += await talker.say(line)
    talker.send(*lines[-1:])
    start = asyncio.get_running_loop().time()
    assert await talker.reply() == ""
    assert asyncio.get_running_loop().time() - start >= running.world.hang * 0.9
    assert all(reply[0] == "2" for reply in heard)
    await talker.close()


async def test_starttls_works_where_it_is_demanded(running: RunningWorld) -> None:
    """After a real handshake the host answers like any other, and offers no second one."""
    domain = running.world.domain("starttls")
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert (await talker.say("STARTTLS"))[0][:3] == "220"
    await talker.start_tls()
    (ehlo,) = await talker.say("EHLO p.example")
    assert "STARTTLS" not in ehlo
    good, bad = some(running.world, domain, True, 1)[0], some(running.world, domain, False, 1)[0]
    replies = await talker.say("MAIL FROM:<p@p.example>", f"RCPT TO:<{good}>", f"RCPT TO:<{bad}>")
    assert [reply[:3] for reply in replies] == ["250", "250", "550"]
    await talker.close()


async def test_a_broken_handshake_fails(running: RunningWorld) -> None:
    """STARTTLS is announced and does not come about."""
    talker = await Talker.to(running, running.world.domain("broken-tls"))
    await talker.begin()
    await talker.say("STARTTLS")
    with pytest.raises(OSError):
        await talker.start_tls()
    await talker.close()


async def test_a_flaky_host_breaks_every_second_connection(running: RunningWorld) -> None:
    """The odd connections end in the middle of a group, by 421 or reset; the even ones answer all."""
    domain = running.world.domain("flaky")
    good = some(running.world, domain, True, 8)
    answered = []
    for _ in range(4):
        talker = await Talker.to(running, domain)
        await talker.begin()
        talker.send(*(f"RCPT TO:<{address}>" for address in good))
        replies = []
        try:
            while len(replies) < len(good) and (reply := await talker.reply()):
                replies.append(reply[:3])
        except ConnectionError:
            replies.append("RST")
        answered.append(replies)
        await talker.close()
    assert answered[0][-1] == "421"
    assert answered[2][-1] == "RST" or len(answered[2]) < len(good)
    assert [answered[1], answered[3]] == [["250"] * 8, ["250"] * 8]
    assert all(set(replies[:-1]) == {"250"} for replies in answered)


async def test_a_tarpit_is_slow_to_refuse_and_quick_to_accept(running: RunningWorld) -> None:
    """Each refusal costs its delay, one after the other."""
    domain = running.world.domain("tarpit")
    talker = await Talker.to(running, domain)
    await talker.begin()
    clock = asyncio.get_running_loop().time
    start = clock()
    assert await codes(talker, some(running.world, domain, False, 2)) == ["550"] * 2
    assert clock() - start >= 2 * 5 * running.world.slowness
    await talker.close()


async def test_a_slow_banner_comes_late(running: RunningWorld) -> None:
    """Six seconds, scaled, pass before the banner."""
    start = asyncio.get_running_loop().time()
    talker = await Talker.to(running, running.world.domain("slow-banner"))
    assert (await talker.reply())[:3] == "220"
    assert asyncio.get_running_loop().time() - start >= 6 * running.world.slowness
    await talker.close()


async def test_helo_only(running: RunningWorld) -> None:
    """EHLO is refused with 502, HELO works."""
    domain = running.world.domain("helo")
    talker = await Talker.to(running, domain)
    await talker.reply()
    lines = ("EHLO p.example", "HELO p.example", "MAIL FROM:<p@p.example>", f"RCPT TO:<info@{domain}>")
    assert [(await talker.say(line))[0][:3] for line in lines] == ["502", "250", "250", "250"]
    await talker.close()


async def test_limits_are_announced_and_meant(running: RunningWorld) -> None:
    """RCPTMAX=5: the sixth recipient gets 452."""
    domain = running.world.domain("limits")
    talker = await Talker.to(running, domain)
    _, ehlo, _ = await talker.begin()
    assert "LIMITS MAILMAX=20 RCPTMAX=5 RCPTDOMAINMAX=1" in ehlo
    assert await codes(talker, [f"info@{domain}"] * 6) == ["250"] * 5 + ["452"]
    await talker.close()


async def test_smtputf8(running: RunningWorld) -> None:
    """A non-ASCII local part needs the keyword, and a host that offers it."""
    domain = running.world.domain("postfix")
    local = next(n for n in range(99) if running.world.truth(f"josé{n}@{domain}").exists)
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert await codes(talker, [f"josé{local}@{domain}"]) == ["553"]
    replies = await talker.say("RSET", "MAIL FROM:<p@p.example> SMTPUTF8", f"RCPT TO:<josé{local}@{domain}>")
    assert [reply[:3] for reply in replies] == ["250", "250", "250"] or "552" in replies[2]
    ascii_only = running.world.truth(f"josé{local}@{running.world.domain('ascii')}")
    assert [*ascii_only.reasons] == ["smtputf8_unsupported"]
    await talker.close()


async def test_a_narrow_host_takes_one_session(running: RunningWorld) -> None:
    """The second session at once gets 421."""
    domain = running.world.domain("narrow")
    talkers = [await Talker.to(running, domain) for _ in range(2)]
    assert [(await talker.reply())[:3] for talker in talkers] == ["220", "421"]
    for talker in talkers:
        await talker.close()


async def test_an_hourly_limit(running: RunningWorld) -> None:
    """From the twenty-first recipient on it says 452, over connections."""
    domain = running.world.domain("hourly")
    talker = await Talker.to(running, domain)
    await talker.begin()
    assert await codes(talker, [f"info@{domain}"] * 21) == ["250"] * 20 + ["452"]
    await talker.close()


async def test_a_reset_at_once(running: RunningWorld) -> None:
    """The connection comes about and is reset before a word."""
    talker = await Talker.to(running, running.world.domain("reset"))
    with pytest.raises(ConnectionResetError):
        await talker.reply()
    await talker.close()


async def test_a_black_hole_never_answers_a_connection(running: RunningWorld) -> None:
    """The SYN is lost: connecting neither succeeds nor fails."""
    site = running.world.site(running.world.domain("blackhole"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.open_connection(site.exchanges[0].host.address, running.port), 0.3)


async def test_states_of_mailboxes_are_told(running: RunningWorld) -> None:
    """Full, disabled and restricted mailboxes have replies of their own."""
    world = running.world
    heard = {}
    for personality, reason in (
        ("full", "mailbox_full"),
        ("disabled", "mailbox_disabled"),
        ("restricted", "probe_blocked"),
    ):
        domain = world.domain(personality)
        address = next(a for n in range(99) if world.truth(a := f"user{n}@{domain}").reasons[0] == reason)
        talker = await Talker.to(running, domain)
        await talker.begin()
        heard[reason] = (await talker.ask(address))[0][:9]
        await talker.close()
    assert heard.pop("mailbox_full") in ("552 5.2.2", "452 4.2.2")
    assert heard == {"mailbox_disabled": "550 5.2.1", "probe_blocked": "550 5.7.1"}


async def test_a_host_refuses_domains_that_are_not_its_own(running: RunningWorld) -> None:
    """Asked for another's domain it denies relaying, as a proof that exchanges were not mixed up."""
    talker = await Talker.to(running, running.world.domain("postfix"))
    await talker.begin()
    assert (await talker.ask(f"info@{running.world.domain('sendmail')}"))[0][:9] == "554 5.7.1"
    await talker.close()


async def test_order_of_commands(running: RunningWorld) -> None:
    """RCPT before MAIL, MAIL twice and MAIL before EHLO are 503; a DATA is seen and counted."""
    domain = running.world.domain("sendmail")
    talker = await Talker.to(running, domain)
    await talker.reply()
    lines = ("MAIL FROM:<p@p.example>", "EHLO p.example", f"RCPT TO:<info@{domain}>", "MAIL FROM:<p@p.example>")
    assert [(await talker.say(line))[0][:3] for line in lines] == ["503", "250", "503", "250"]
    assert [
        (await talker.say(line))[0][:3]
        for line in ("MAIL FROM:<p@p.example>", "DATA", f"RCPT TO:<info@{domain}>", "DATA")
    ] == ["503", "554", "250", "354"]
    assert [reply[:3] for reply in [(await talker.say("."))[0]]] == ["250"]
    assert running.log.total().data == 2
    await talker.close()


async def test_the_round_trip_delays_and_does_not_serialise() -> None:
    """A group of fifty takes one round trip; connecting and the banner take two."""
    world = World(7, hosts=1, rtt=0.1)
    async with world.serve() as running:
        domain = world.domain("catchall")
        clock = asyncio.get_running_loop().time
        start = clock()
        talker = await Talker.to(running, domain)
        await talker.reply()
        banner = clock() - start
        await talker.say("EHLO p.example", "MAIL FROM:<p@p.example>")
        start = clock()
        await talker.ask(*[f"user{n}@{domain}" for n in range(50)])
        group = clock() - start
        assert 0.2 <= banner < 2
        assert 0.1 <= group < 2.5  # one after the other they would take five seconds
        await talker.close()


async def test_the_log_tells_what_was_seen(running: RunningWorld) -> None:
    """Sessions at once, refusals a connection, repeated recipients, controls and early talk are counted by the host."""
    domain = running.world.domain("sendmail")
    good, bad = some(running.world, domain, True, 1)[0], some(running.world, domain, False, 2)
    first, second = await Talker.to(running, domain), await Talker.to(running, domain)
    await first.begin()
    await second.begin()
    await first.ask(good, good, *bad, f"jkesvora48tnl@{domain}")
    await first.close()
    await second.say("QUIT")
    await second.close()
    seen = running.log.by_kind()["sendmail"]
    assert (
        seen.connections,
        seen.sessions_max,
        seen.recipients,
        seen.accepted,
        seen.rejected,
        seen.repeats,
    ) == (2, 2, 5, 2, 3, 1)
    assert (3, {domain: 1}, 0, 5) == (seen.rejects_max, seen.controls, seen.early, seen.transaction_max)
    assert f"RCPT TO:<{good}>" in [entry.command for entry in running.log.entries]


async def test_egress_blocked() -> None:
    """Every connection hangs, even to hosts that are down."""
    async with World(7, hosts=1, egress=Egress.BLOCKED).serve() as running:
        for personality in ("postfix", "down", "gmail"):
            site = running.world.site(running.world.domain(personality))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.open_connection(site.exchanges[0].host.address, running.port), 0.2)


async def test_egress_intercepted() -> None:
    """One foreign relay answers everywhere and refuses everybody."""
    async with World(7, hosts=1, egress=Egress.INTERCEPTED).serve() as running:
        heard = []
        for personality in ("postfix", "down", "gmail"):
            domain = running.world.domain(personality)
            talker = await Talker.to(running, domain)
            heard.append((await talker.begin())[0])
            assert await codes(talker, [f"info@{domain}"]) == ["550"]
            await talker.close()
        assert heard == ["220 smtp-relay.isp.example ESMTP ready"] * 3


async def test_hosts_at_one_address_have_ports_of_their_own() -> None:
    """Where there is but one loopback address, the map leads to every host."""
    world = World(7, hosts=1)
    async with world.serve(shared_address=True) as running:
        host = world.site(world.domain("exim")).exchanges[0].host
        talker = Talker(*await asyncio.open_connection("127.0.0.1", running.port_map[host.address]))
        assert "Exim" in await talker.reply()
        await talker.close()
