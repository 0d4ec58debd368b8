"""The relay between smtplib and a mail server that can be told to die."""

import asyncio
import base64
import random
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.debian_root import PROJECT
from tests.support.gate_listeners import Post
from tests.support.nsd import free_port
from tests.support.sink import SILENCE, STEPS, Sink
from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.core.gate_words import MessageClass
from verifier.core.mail_server import MailServer, Security
from verifier.edges.relay import session
from verifier.edges.relay.listener import relay_listening, server_tls
from verifier.edges.relay.session import Relaying

FINE, BLOCKED, HELD = "jane@x.example", "block.hard_bounce@x.example", "hold.unknown_probe@x.example"
TOKEN = "vfk_right"
CERTIFICATE = PROJECT / "verifier" / "world" / "certificate.pem"
BODY = b"Subject: hello\r\n\r\nhello\r\n..\r\nbye\r\n"


async def holds_key(token: str) -> bool:
    if token == "broken":
        raise ServiceUnavailable("the store is gone")
    return token == TOKEN


@asynccontextmanager
async def relay(
    post: Post,
    upstream: int | MailServer,
    *,
    open_to_all: bool = True,
    tls: bool = False,
    link: Callable[[str, str | None], str] | None = None,
) -> AsyncIterator[int]:
    """The relay's port."""
    server = MailServer("127.0.0.1", upstream) if isinstance(upstream, int) else upstream
    port = free_port()
    relaying = Relaying(
        post.keeper(),
        server,
        "relay.example",
        post.clock,
        holds_key,
        server_tls(CERTIFICATE) if tls else None,
        open_to_all,
        link,
    )
    async with relay_listening(f"127.0.0.1:{port}", "X", relaying, report_fault=post.faults.append):
        yield port
    assert [] == post.faults


async def talk(port: int, *said: bytes) -> list[str]:
    """The codes that each of these is answered with, the banner first; the connection's end is an empty one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    codes = [(await reader.readline()).decode()[:9].rstrip()]
    for data in said:
        writer.write(data)
        while (line := await asyncio.wait_for(reader.readline(), 20))[3:4] == b"-":
            pass
        codes.append(line.decode()[:9].rstrip())
    writer.close()
    return codes


def in_thread(port: int, act: Callable[[smtplib.SMTP], object]) -> asyncio.Future[object]:
    """smtplib, beside the loop."""

    def work() -> object:
        with smtplib.SMTP("127.0.0.1", port, "app.example", timeout=30) as client:
            return act(client)

    return asyncio.ensure_future(asyncio.to_thread(work))


HELO, MAIL, RCPT = b"EHLO app\r\n", b"MAIL FROM:<news@shop.example>\r\n", b"RCPT TO:<jane@x.example>\r\n"
MESSAGE = b"Subject: x\r\n\r\nhello\r\n.\r\n"


async def test_a_message_goes_through_in_the_clients_own_transaction() -> None:
    """Byte by byte, after one trace line; the refused recipients hear the gate's reply, the others get it."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream, relay(post, upstream) as port:
        refused = await in_thread(port, lambda c: c.sendmail("news@shop.example", [FINE, BLOCKED, HELD], BODY))
    assert {
        BLOCKED: (550, b"5.1.1 gate: hard_bounce"),
        HELD: (450, b"4.7.1 gate: unknown_probe, try again later"),
    } == refused
    ((recipients, body),) = sink.messages
    assert [FINE] == recipients
    trace, _, rest = body.partition(b"\r\n\t")
    assert trace == b"Received: by relay.example (verifier relay) with ESMTP;"
    assert rest.partition(b"\r\n")[2] == BODY.replace(b"..\r\n", b"....\r\n").replace(b"....", b"...")


async def test_it_observes_until_it_is_switched() -> None:
    """Everybody gets the message."""
    post, sink = Post(enforce=False), Sink()
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert {} == await in_thread(port, lambda c: c.sendmail("news@shop.example", [FINE, BLOCKED, HELD], BODY))
    assert [[FINE, BLOCKED, HELD]] == [recipients for recipients, _ in sink.messages]


async def test_the_upstreams_replies_are_the_clients() -> None:
    """Word for word, for the sender, each recipient and the message."""
    post, sink = Post(), Sink(refused={"RCPT TO:<full@": "452 4.2.2 full", "END": "554 5.7.1 spam"})
    async with sink.listening() as upstream, relay(post, upstream) as port:
        codes = await talk(port, HELO, MAIL, b"RCPT TO:<full@x.example>\r\n", RCPT, b"DATA\r\n", MESSAGE)
        sink.refused = {"MAIL": "550 5.7.1 you? never"}
        assert ["220 relay", "250 AUTH", "550 5.7.1"] == [code[:9] for code in await talk(port, HELO, MAIL)]
    assert ["452 4.2.2", "250 2.1.5", "354 send", "554 5.7.1"] == [code[:9].rstrip() for code in codes[3:]]


async def test_a_message_that_the_upstream_does_not_want_ends_the_transaction_there_too() -> None:
    """The next one of the same client is not taken for a part of it."""
    post, sink = Post(), Sink(refused={"DATA": "451 4.3.0 not now"})
    async with sink.listening() as upstream, relay(post, upstream) as port:
        codes = await talk(port, HELO, MAIL, RCPT, b"DATA\r\n", MAIL)
    assert ["451 4.3.0", "250 2.0.0"] == codes[4:]
    assert ["DATA", "RSET", "MAIL FROM:<news@shop.example>"] == sink.commands[3:6]


async def test_many_messages_take_one_connection_each_way() -> None:
    """And pipelined commands are answered in order."""
    post, sink = Post(), Sink()
    stream = HELO + (MAIL + RCPT + b"DATA\r\n" + MESSAGE) * 20 + b"QUIT\r\n"
    async with sink.listening() as upstream, relay(post, upstream) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(stream)
        answers = (await asyncio.wait_for(reader.read(), 20)).decode().splitlines()
        writer.close()
    assert 20 == len(sink.messages) and 1 == sink.connections
    codes = [line[:3] for line in answers if line[3:4] == " "]
    assert ["220", "250", *["250", "250", "354", "250"] * 20, "221"] == codes


@pytest.mark.parametrize("step", STEPS)
async def test_where_the_upstream_dies_the_client_hears_what_it_can_retry_on(step: str) -> None:
    """At whatever step: 4xx, and nothing was taken; or 250, and it was taken once. The next try succeeds."""
    post, sink = Post(), Sink(dies_at=step)
    async with sink.listening() as upstream, relay(post, upstream) as port:
        codes = await talk(
            port, HELO, MAIL, RCPT, b"DATA\r\n", *([MESSAGE] if step in ("body", "end", "after") else [])
        )
        taken = len(sink.messages)
        assert all(code[:3] in ("220", "250", "354", "451", "503") for code in codes), codes
        if step == "after":
            assert ("250", 1) == (codes[-1][:3], taken)
        else:
            assert "451" in [code[:3] for code in codes] and taken == 0, codes
            assert codes[-1][:3] == "451" or "451" == codes[2][:3]
        sink.dies_at = ""
        assert {} == await in_thread(port, lambda c: c.sendmail("news@shop.example", [FINE], BODY))
    assert taken + 1 == len(sink.messages)


async def test_the_same_client_goes_on_when_the_upstream_is_back() -> None:
    """Its session outlives the upstream's."""
    post, sink = Post(), Sink(dies_at="after")
    whole = (MAIL, RCPT, b"DATA\r\n", MESSAGE)
    async with sink.listening() as upstream, relay(post, upstream) as port:
        codes = await talk(port, HELO, *whole, *whole)
    assert ["250", "250", "354", "250"] * 2 == [code[:3] for code in codes[2:]]
    assert (2, 2) == (sink.connections, len(sink.messages))


async def test_without_an_upstream_it_is_said_at_once() -> None:
    """Nobody listens there."""
    post = Post()
    async with relay(post, free_port()) as port:
        assert "451 4.4.2" == (await talk(port, HELO, MAIL))[-1]


async def test_a_client_that_vanishes_in_a_message_sends_none() -> None:
    """The upstream never sees its end."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert "354" == (await talk(port, HELO, MAIL, RCPT, b"DATA\r\n"))[-1][:3]
        assert "250" == (await talk(port, HELO, MAIL, RCPT, b"DATA\r\n", MESSAGE))[-1][:3]
    assert 1 == len(sink.messages)


@pytest.mark.parametrize("bare", [b"a\nb\r\n.\r\n", b"a\rb\r\n.\r\n", b"x\r\n\n.\r\nMAIL FROM:<evil@x>\r\n.\r\n"])
async def test_a_message_with_other_line_ends_is_refused_whole(bare: bytes) -> None:
    """Servers disagree about where it ends: nothing in it becomes a command of the next one."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream, relay(post, upstream) as port:
        codes = await talk(port, HELO, MAIL, RCPT, b"DATA\r\n", bare, MAIL, RCPT, b"DATA\r\n", MESSAGE)
    assert ["554 5.6.0", "250 2.0.0", "250 2.1.5", "354 send", "250 2.0.0"] == [code.rstrip() for code in codes[5:]]
    assert 1 == len(sink.messages)
    assert [] == [command for command in sink.commands if "evil" in command]


async def test_ten_megabytes_go_through_and_too_many_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the announced size, and by the real one."""
    post, sink = Post(), Sink()
    large = b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 135_000
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert {} == await in_thread(port, lambda c: c.sendmail("news@shop.example", [FINE], large))
        assert len(large) > 10_000_000 and sink.messages[0][1].endswith(large)
        monkeypatch.setattr(session, "MOST_BYTES", 1000)
        codes = await talk(port, HELO, b"MAIL FROM:<a@b> SIZE=1001\r\n", MAIL, RCPT, b"DATA\r\n", b"x" * 2000 + MESSAGE)
    assert ["552 5.3.4", "250 2.0.0", "250 2.1.5", "354 send", "552 5.3.4"] == [code.rstrip() for code in codes[2:]]
    assert 1 == len(sink.messages)


async def test_what_the_upstream_does_not_know_is_not_sent_there() -> None:
    """SMTPUTF8 and 8BITMIME are refused at the sender, SIZE is left out."""
    post, sink = Post(), Sink(extensions=("PIPELINING",))
    async with sink.listening() as upstream, relay(post, upstream) as port:
        utf8 = await talk(port, HELO, "MAIL FROM:<zoë@x> SMTPUTF8\r\n".encode())
        eight = await talk(port, HELO, b"MAIL FROM:<a@b> BODY=8BITMIME\r\n")
        assert "250" == (await talk(port, HELO, b"MAIL FROM:<a@b> SIZE=5 BODY=7BIT\r\n"))[-1][:3]
    assert ["555 5.6.3"] * 2 == [utf8[-1], eight[-1]]
    assert "MAIL FROM:<a@b>" in sink.commands


async def test_smtputf8_goes_through() -> None:
    """In the envelope, as it was written; the gate is asked with it."""
    post, sink = Post(), Sink()
    said = ("MAIL FROM:<zoë@shop.example> SMTPUTF8 BODY=8BITMIME\r\n", "RCPT TO:<jürgen@x.example>\r\n")
    async with sink.listening() as upstream, relay(post, upstream) as port:
        await talk(port, HELO, *(line.encode() for line in said), b"DATA\r\n", MESSAGE)
    assert [["jürgen@x.example"]] == [recipients for recipients, _ in sink.messages]
    assert "jürgen@x.example" == post.gate.questions[0].email
    assert b"with UTF8SMTP;" in sink.messages[0][1]


async def test_it_is_no_open_relay() -> None:
    """Where others reach it nothing is sent before a key is shown, and no key is shown in clear."""
    post, sink = Post(), Sink()
    plain = b"AUTH PLAIN " + b"AHNob3AAdmZrX3JpZ2h0\r\n"
    async with sink.listening() as upstream, relay(post, upstream, open_to_all=False, tls=True) as port:
        codes = await talk(port, HELO, MAIL, RCPT, b"DATA\r\n", plain, b"STARTTLS now\r\n")
        assert ["530 5.7.0", "503 5.5.1", "503 5.5.1", "538 5.7.1"] == codes[2:6]
        with pytest.raises(smtplib.SMTPNotSupportedError):
            await in_thread(port, lambda c: c.login("marketing", TOKEN))
        with pytest.raises(smtplib.SMTPSenderRefused):
            await in_thread(port, lambda c: c.sendmail("a@b", [FINE], BODY))
    assert (0, []) == (sink.connections, sink.messages)


@pytest.mark.parametrize("login", ["PLAIN", "LOGIN"])
async def test_who_has_a_key_may_send_after_starttls(login: str) -> None:
    """The user name is the context of the mail."""
    post, sink = Post(), Sink()

    def send(client: smtplib.SMTP) -> object:
        client.starttls(context=trusting())
        client.ehlo()
        client.user, client.password = "marketing/strict", TOKEN
        client.auth(login, getattr(client, f"auth_{login.lower()}"))
        return client.sendmail("news@shop.example", [FINE, BLOCKED], BODY)

    async with sink.listening() as upstream, relay(post, upstream, open_to_all=False, tls=True) as port:
        assert {BLOCKED: (550, b"5.1.1 gate: hard_bounce")} == await in_thread(port, send)
    assert [(MessageClass.MARKETING, "strict")] * 2 == [(q.message_class, q.policy) for q in post.gate.questions]
    assert b"with ESMTPSA;" in sink.messages[0][1]


@pytest.mark.parametrize(
    ("user", "recipients", "body", "written"),
    [
        ("marketing/one-click/sender=shop", [FINE], BODY, True),
        ("marketing/sender=shop", [FINE], BODY, False),
        ("marketing/one-click/sender=shop", [FINE, "joe@x.example"], BODY, False),
        ("marketing/one-click/sender=shop", [FINE, BLOCKED], BODY, True),
        ("marketing/one-click/sender=shop", [FINE], b"List-Unsubscribe: <mailto:a@b>\r\n" + BODY, False),
    ],
)
async def test_one_click_unsubscription_is_written_where_it_is_wanted(
    user: str, recipients: list[str], body: bytes, written: bool
) -> None:
    """For one recipient, whose own link it is; what the sender wrote himself stays alone."""
    post, sink = Post(), Sink()

    def link(recipient: str, sender: str | None) -> str:
        return f"https://gate.example/{sender}/{recipient}"

    def send(client: smtplib.SMTP) -> object:
        client.login(user, TOKEN)
        return client.sendmail("news@shop.example", recipients, body)

    async with sink.listening() as upstream, relay(post, upstream, link=link) as port:
        await in_thread(port, send)
    header = b"List-Unsubscribe: <https://gate.example/shop/jane@x.example>\r\nList-Unsubscribe-Post: "
    assert written == (header in sink.messages[0][1])
    assert sink.messages[0][1].endswith(body.replace(b"..\r\n", b"...\r\n"))


async def test_other_line_ends_are_refused_in_a_head_that_is_looked_at() -> None:
    """A header that is to be written opens no way around that."""
    post, sink = Post(), Sink()
    login = b"AUTH PLAIN " + base64.b64encode(f"\0one-click\0{TOKEN}".encode()) + b"\r\n"
    async with sink.listening() as upstream, relay(post, upstream, link=lambda *_: "https://x") as port:
        codes = await talk(port, HELO, login, MAIL, RCPT, b"DATA\r\n", b"Subject: x\n.\nEHLO evil\r\n.\r\n")
    assert "554 5.6.0" == codes[-1]
    assert ([], False) == (sink.messages, "EHLO evil" in sink.commands)


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [
        ("one-click", TOKEN, 535),
        ("shop", "vfk_wrong", 535),
        ("marketing triggered", TOKEN, 535),
        ("shop", "broken", 454),
    ],
)
async def test_a_wrong_key_is_refused(user: str, password: str, code: int) -> None:
    """So is a user name that says nothing; where keys cannot be looked up it may be tried again."""
    post, sink = Post(), Sink()

    def send(client: smtplib.SMTP) -> object:
        client.starttls(context=trusting())
        return client.login(user, password)

    async with sink.listening() as upstream, relay(post, upstream, open_to_all=False, tls=True) as port:
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            await in_thread(port, send)
    assert code == refused.value.smtp_code


async def test_guessing_keys_ends_the_connection() -> None:
    """After the fourth wrong one."""
    post = Post()
    async with relay(post, 1) as port:
        codes = await talk(port, HELO, *[b"AUTH PLAIN AGEAYg==\r\n"] * 4)
    assert ["535 5.7.8"] * 3 + ["421 4.7.0"] == codes[2:]


async def test_what_was_sent_in_clear_after_starttls_is_not_obeyed() -> None:
    """A command that somebody slipped in before the handshake is forgotten."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream, relay(post, upstream, tls=True) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HELO + b"STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n")
        while b"220 2.0.0" not in await reader.readline():
            pass
        await writer.start_tls(trusting())
        writer.write(b"NOOP\r\nMAIL FROM:<a@b>\r\n")
        assert [b"250 2.0.0 yes\r\n", b"503 5.5.1 EHLO first\r\n"] == [await reader.readline() for _ in range(2)]
        writer.close()
    assert [] == sink.commands


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ([b"MAIL FROM:<a@b>\r\n"], ["503 5.5.1"]),
        ([b"EHLO\r\n"], ["501 5.5.4"]),
        ([b"HELO app\r\n", RCPT, b"DATA\r\n"], ["250 relay", "503 5.5.1", "503 5.5.1"]),
        ([HELO, MAIL, MAIL, b"DATA\r\n"], ["250 AUTH", "250 2.0.0", "503 5.5.1", "554 5.5.1"]),
        ([HELO, MAIL, b"RSET\r\n", RCPT], ["250 AUTH", "250 2.0.0", "250 2.0.0", "503 5.5.1"]),
        ([b"BDAT 3 LAST\r\n", b"NOOP\r\n", b"VRFY jane\r\n"], ["500 5.5.1", "250 2.0.0", "252 2.5.0"]),
        ([b"STARTTLS\r\n", b"AUTH PLAIN AA==\r\n"], ["502 5.5.1", "503 5.5.1"]),
        ([HELO, b"AUTH NTLM\r\n", b"AUTH LOGIN !\r\n"], ["250 AUTH", "504 5.5.4", "501 5.5.2"]),
        ([HELO, b"AUTH LOGIN\r\n", b"*\r\n"], ["250 AUTH", "334 VXNlc", "501 5.7.0"]),
        ([b"x" * 5000], ["421 4.5.2"]),
        ([b"JUNK\r\n"] * 21, [*["500 5.5.1"] * 20, "421 4.7.0"]),
    ],
)
async def test_commands_out_of_order_are_refused(said: list[bytes], codes: list[str]) -> None:
    """Each with the code of RFC 5321 and RFC 4954."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert codes == [code.rstrip() for code in (await talk(port, *said))[1:]]


async def test_a_recipient_without_a_domain_is_the_upstreams_business() -> None:
    """The gate is not asked about its postmaster."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert "250 2.1.5" == (await talk(port, HELO, MAIL, b"RCPT TO:<postmaster>\r\n"))[-1]
    assert [] == post.gate.questions


async def test_a_service_that_ends_says_so_and_lets_a_message_finish() -> None:
    """Who waits hears 421; who is in a message hears what became of it."""
    post, sink = Post(), Sink()
    async with sink.listening() as upstream:
        async with relay(post, upstream) as port:
            idle, _idle = await asyncio.open_connection("127.0.0.1", port)
            await idle.readline()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HELO + MAIL + RCPT + b"DATA\r\n")
            while not (await reader.readline()).startswith(b"354"):
                pass
            asyncio.get_running_loop().call_later(0.2, writer.write, MESSAGE)
        assert b"421 4.3.2" == (await idle.readline())[:9]
        assert b"250 2.0.0" == (await reader.readline())[:9]
        _idle.close()
        writer.close()
    assert 1 == len(sink.messages)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of the tests is one that holds, for whatever name."""

    def context() -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.load_verify_locations(CERTIFICATE)
        return made

    monkeypatch.setattr("verifier.edges.relay.upstream.ssl.create_default_context", context)


@pytest.mark.parametrize("security", [Security.DEMANDED, Security.IMPLICIT])
@pytest.mark.usefixtures("trusted")
async def test_an_upstream_that_wants_a_login_gets_it_encrypted(security: Security) -> None:
    """After STARTTLS, or with TLS from the first byte."""
    implicit = security is Security.IMPLICIT
    post, tls = Post(), server_context()
    sink = Sink(tls=tls, implicit=implicit, extensions=("SIZE",) if implicit else ("SIZE", "STARTTLS"))
    async with sink.listening() as port:
        server = MailServer("127.0.0.1", port, security, "shop", "sesame")
        async with relay(post, server) as at:
            assert "250 2.0.0" == (await talk(at, HELO, MAIL, RCPT, b"DATA\r\n", MESSAGE))[-1]
    before_login = ["EHLO relay.example"] if implicit else ["EHLO relay.example", "STARTTLS", "EHLO relay.example"]
    assert [*before_login, "AUTH PLAIN AHNob3AAc2VzYW1l"] == sink.commands[: len(before_login) + 1]


@pytest.mark.parametrize(
    ("security", "extensions"),
    [(Security.DEMANDED, ("SIZE",)), (Security.DEMANDED, ("SIZE", "STARTTLS")), (Security.IMPLICIT, ("SIZE",))],
)
async def test_no_password_is_sent_where_nobody_proves_who_he_is(
    security: Security, extensions: tuple[str, ...]
) -> None:
    """No STARTTLS, or a certificate that nobody trusts: the client hears 451, the upstream no password."""
    post = Post()
    sink = Sink(tls=server_context(), implicit=security is Security.IMPLICIT, extensions=extensions)
    async with sink.listening() as port, relay(post, MailServer("127.0.0.1", port, security, "shop", "sesame")) as at:
        assert "451 4.4.2" == (await talk(at, HELO, MAIL))[-1]
    assert [] == [command for command in sink.commands if command.startswith("AUTH")]


async def test_starttls_is_taken_where_it_is_offered() -> None:
    """As between mail servers: better a certificate that nobody knows than none."""
    post, sink = Post(), Sink(tls=server_context(), extensions=("SIZE", "STARTTLS"))
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert "250 2.0.0" == (await talk(port, HELO, MAIL, RCPT, b"DATA\r\n", MESSAGE))[-1]
    assert ["EHLO relay.example", "STARTTLS", "EHLO relay.example"] == sink.commands[:3]


@pytest.mark.parametrize("silent_at", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_an_upstream_that_falls_silent_is_given_up(silent_at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In time for the client to hear of it."""
    monkeypatch.setattr("verifier.edges.relay.upstream._COMMAND_SECONDS", 0.2)
    post, sink = Post(), Sink(refused={silent_at: SILENCE})
    async with sink.listening() as upstream, relay(post, upstream) as port:
        codes = [code[:3] for code in await talk(port, HELO, MAIL, RCPT, b"DATA\r\n")]
    assert "451" == codes[{"EHLO": 2, "MAIL": 2, "RCPT": 3, "DATA": 4}[silent_at]]


@pytest.mark.parametrize("nonsense", ["hello", "999 what", "354 go on", "250-never ends"])
async def test_an_upstream_that_talks_nonsense_is_given_up(nonsense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no answer is none."""
    monkeypatch.setattr("verifier.edges.relay.upstream._COMMAND_SECONDS", 0.2)
    post, sink = Post(), Sink(refused={"RCPT": nonsense})
    async with sink.listening() as upstream, relay(post, upstream) as port:
        assert ["250 2.0.0", "451 4.4.2", "451 4.4.2"] == (await talk(port, HELO, MAIL, RCPT, b"DATA\r\n"))[2:]
    assert [] == sink.messages


async def test_no_garbage_breaks_it() -> None:
    """Whatever is said, in whatever order, is refused or obeyed: it is no fault of ours, and others are served."""
    post, sink, chance = Post(), Sink(), random.Random(3)
    words = [HELO, MAIL, RCPT, b"DATA\r\n", MESSAGE, b"RSET\r\n", b"AUTH PLAIN\r\n", b"*\r\n", b"\r\n", b".\r\n", b"\n"]
    async with sink.listening() as upstream, relay(post, upstream, tls=True) as port:
        for _ in range(60):
            said = [chance.choice(words) if chance.random() < 0.8 else chance.randbytes(9) for _ in range(20)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(said) + b"\r\n.\r\nQUIT\r\nQUIT\r\nQUIT\r\n")
            await asyncio.wait_for(reader.read(), 20)
            writer.close()
        assert {} == await in_thread(port, lambda c: c.sendmail("news@shop.example", [FINE], BODY))


async def test_a_client_that_says_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """421, and the connection is closed."""
    monkeypatch.setattr(session, "_SILENCE_SECONDS", 0.1)
    post = Post()
    async with relay(post, 1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert said.endswith(b"421 4.4.2 nothing was said for too long\r\n")


async def test_one_client_too_many_hears_421(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are there go on."""
    monkeypatch.setattr("verifier.edges.relay.listener.MOST_CONNECTIONS", 1)
    post = Post()
    async with relay(post, 1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        assert ["421 4.3.2"] == await talk(port)
        writer.write(b"NOOP\r\n")
        assert b"250 2.0.0 yes\r\n" == await reader.readline()
        writer.close()


def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """With what it should be."""
    with pytest.raises(ConfigError, match="one PEM file"):
        server_tls(tmp_path / "absent.pem")


def server_context() -> ssl.SSLContext:
    """With the certificate of the tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def trusting() -> ssl.SSLContext:
    """Takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
