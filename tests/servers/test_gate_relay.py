"""The relay between swaks and Debian's Postfix, by the lines of the documentation."""

import asyncio
import shlex
import smtplib
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.edges.test_relay import CERTIFICATE, TOKEN, holds_key
from tests.support.gate_listeners import Post
from tests.support.gate_servers import ADDRESS, Sender, sending_postfix, swaks_said
from tests.support.nsd import free_port
from tests.support.recipes import recipe
from verifier.core.gate_words import MessageClass
from verifier.core.mail_server import MailServer
from verifier.edges.relay.listener import relay_listening, server_tls
from verifier.edges.relay.session import Relaying

PAGE = "docs/mail-servers.md"
FINE, BLOCKED, HELD = "jane@x.example", "block.hard_bounce@x.example", "hold.unknown_probe@x.example"
_PATIENCE = 20.0


@asynccontextmanager
async def relay(post: Post, sender: Sender, *, keys: bool = False) -> AsyncIterator[int]:
    """The relay's port, in front of that Postfix; with `keys` as others than this machine meet it."""
    port = free_port()
    tls = server_tls(CERTIFICATE) if keys else None
    upstream = MailServer(ADDRESS, sender.port)
    relaying = Relaying(post.keeper(), upstream, "relay.example", post.clock, holds_key, tls, not keys)
    async with relay_listening(f"127.0.0.1:{port}", "X", relaying, report_fault=post.faults.append):
        yield port
    assert [] == post.faults


def run_recipe(holding: str, words: dict[str, str], *more: str) -> "subprocess.CompletedProcess[str]":
    """The swaks line of the documentation, with these words of it replaced."""
    found = shlex.split(recipe(PAGE, "sh", holding, {}).replace("\\\n", ""))
    command = [words.get(word, word) for word in found]
    return subprocess.run([*command, "--timeout", "20", *more], capture_output=True, text=True, timeout=120)


async def delivered(sender: Sender, count: int) -> list[tuple[str, str]]:
    deadline = time.monotonic() + _PATIENCE
    while len(sender.outcomes()) < count:
        assert time.monotonic() < deadline, sender.text()
        await asyncio.sleep(0.05)
    return sender.outcomes()


async def test_each_recipient_has_its_own_answer() -> None:
    """The gate's at once, and Postfix's for the others; the message goes to those that may have it."""
    post = Post()
    with sending_postfix("") as sender:
        async with relay(post, sender) as port:
            words = {"10025": str(port), "jane@there.example": f"{FINE},{BLOCKED},{HELD}"}
            said = (await asyncio.to_thread(run_recipe, "--port 10025", words)).stdout
            answers = swaks_said(said)
            assert [(FINE, "sent")] == await delivered(sender, 1)
    assert answers[FINE].startswith("250 2.1.5")
    assert "550 5.1.1 gate: hard_bounce" == answers[BLOCKED]
    assert "450 4.7.1 gate: unknown_probe, try again later" == answers[HELD]
    assert answers["DATA"].startswith("250 2.0.0 Ok: queued as")


async def test_who_has_a_key_sends_encrypted_and_who_has_none_does_not() -> None:
    """STARTTLS on both sides: Postfix's log tells that its own was taken."""
    post = Post()
    with sending_postfix("smtpd_tls_loglevel = 1") as sender:
        async with relay(post, sender, keys=True) as port:
            words = {"relay.example.org": "127.0.0.1", "10587": str(port), "jane@there.example": FINE}
            wrong = await asyncio.to_thread(run_recipe, "--auth-user", words)
            bare = await asyncio.to_thread(run_recipe, "--port 10025", {"10025": str(port)})
            assert [] == sender.outcomes()
            right = await asyncio.to_thread(run_recipe, "--auth-user", words | {"KEY": TOKEN})
            assert [(FINE, "sent")] == await delivered(sender, 1)
            log = sender.text()
    assert (True, True, 0) == (wrong.returncode != 0, bare.returncode != 0, right.returncode), right.stdout
    assert "530 5.7.0 log in first" in bare.stdout and "535 5.7.8" in wrong.stdout
    assert "TLS connection established from" in log
    assert [MessageClass.MARKETING] == [question.message_class for question in post.gate.questions]


async def test_ten_megabytes_and_other_scripts_go_through() -> None:
    """By the size that Postfix wrote down, and to an address that is not ASCII."""
    post, large = Post(), "x" * 76 + "\n"
    with sending_postfix("") as sender:
        body = sender.root.path / "large"
        body.write_text("Subject: large\n\n" + large * 135_000)
        async with relay(post, sender) as port:
            sent = await asyncio.to_thread(
                run_recipe, "--port 10025", {"10025": str(port), "jane@there.example": FINE}, "--data", f"@{body}"
            )
            assert 0 == sent.returncode, sent.stdout[-2000:]
            await delivered(sender, 1)
            answers = await asyncio.to_thread(send_utf8, port)
            assert ("jürgen@x.example", "sent") in await delivered(sender, 2)
            log = sender.text()
    assert answers == {}
    (size,) = [int(line.partition("size=")[2].partition(",")[0]) for line in log.splitlines() if "size=1053" in line]
    assert size > 10_400_000


@pytest.mark.parametrize("after", ["MAIL", "RCPT", "DATA", "message"])
async def test_a_postfix_that_is_killed_loses_and_doubles_nothing(after: str) -> None:
    """The client hears 451, tries again when there is one again, and is answered 250 once."""
    post, port = Post(), free_port()
    said = {"MAIL": 1, "RCPT": 2, "DATA": 3, "message": 4}[after]
    steps = [b"EHLO app\r\n", b"MAIL FROM:<a@shop.example>\r\n", b"RCPT TO:<jane@x.example>\r\n", b"DATA\r\n"]
    with sending_postfix("", port) as sender:
        async with relay(post, sender) as at:
            reader, writer = await asyncio.open_connection("127.0.0.1", at)
            await reader.readline()
            for step in steps[: said if said < 4 else 4]:
                await answer(reader, writer, step)
            if after == "message":
                writer.write(b"Subject: half\r\n")
            sender.root.close_daemons()
            rest = [*steps[said:], b"Subject: x\r\n\r\nhello\r\n.\r\n"] if said < 4 else [b"\r\nhello\r\n.\r\n"]
            heard = [await answer(reader, writer, rest[0])]
            assert ["451"] == heard
            writer.close()
            first = sender.outcomes()
            with sending_postfix("", port) as again:
                reader, writer = await asyncio.open_connection("127.0.0.1", at)
                await reader.readline()
                heard = [await answer(reader, writer, step) for step in [*steps, b"Subject: x\r\n\r\nhello\r\n.\r\n"]]
                writer.close()
                assert ["250", "250", "250", "354", "250"] == heard
                assert [("jane@x.example", "sent")] == first + await delivered(again, 1)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes) -> str:
    """The code that this is answered with."""
    writer.write(said)
    while (line := await asyncio.wait_for(reader.readline(), 30))[3:4] == b"-":
        pass
    return line[:3].decode()


def send_utf8(port: int) -> object:
    """A recipient that takes SMTPUTF8, by smtplib."""
    with smtplib.SMTP("127.0.0.1", port, "app.example", timeout=30) as client:
        message = "Subject: Grüße\r\n\r\nhallo\r\n".encode()
        return client.sendmail("news@shop.example", ["jürgen@x.example"], message, ["SMTPUTF8", "BODY=8BITMIME"])
