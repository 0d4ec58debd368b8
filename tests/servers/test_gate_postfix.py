"""Debian's Postfix asks the gate, by the lines of the documentation: swaks and sendmail(1) send, its log tells."""

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.support.gate_listeners import Post
from tests.support.gate_servers import Sender, sending_postfix, swaks
from tests.support.nsd import free_port
from tests.support.recipes import recipe

PAGE = "docs/mail-servers.md"
FINE, BLOCKED, HELD = "jane@x.example", "block.hard_bounce@x.example", "hold.unknown_probe@x.example"
OPEN, CLOSED, TABLE = "10045, timeout=3s, try_limit=1, default_action=DUNNO", "triggered/fail-closed", "transport_maps"
_PATIENCE = 20.0


def lines(holding: str, port: int) -> str:
    return recipe(PAGE, "ini", holding, {10045: port})


async def until(sender: Sender, holds: Callable[[Sender], bool]) -> None:
    """Postfix delivers when it gets round to it."""
    deadline = time.monotonic() + _PATIENCE
    while not holds(sender):
        assert time.monotonic() < deadline, sender.text()
        await asyncio.sleep(0.05)


async def test_allowed_blocked_and_held_recipients_of_one_message() -> None:
    """Each has its own answer, and the message goes to those that may have it."""
    post, port = Post(), free_port()
    with sending_postfix(lines(OPEN, port)) as sender:
        async with post.policy(f"127.0.0.1:{port}"):
            answers = await asyncio.to_thread(swaks, sender.port, FINE, BLOCKED, HELD)
            await until(sender, lambda sender: sender.outcomes() != [])
            outcomes = sender.outcomes()
    assert answers[FINE].startswith("250 2.1.5")
    assert answers[BLOCKED].startswith(f"550 5.1.1 <{BLOCKED}>: Recipient address rejected: gate: hard_bounce")
    assert answers[HELD].startswith(f"450 4.7.1 <{HELD}>: Recipient address rejected: gate: unknown_probe")
    assert answers["DATA"].startswith("250 2.0.0")
    assert [(FINE, "sent")] == outcomes
    assert ([], []) == (post.notes, post.faults)


def test_the_readme_has_the_same_line() -> None:
    """What is run here is what is shown there."""
    shown = recipe("README.md", "ini", OPEN, {10045: 1}).partition("\n")[2]
    assert shown == lines(OPEN, 1).partition("\n")[2]


async def test_it_observes_until_it_is_switched() -> None:
    """Everybody gets his mail."""
    post, port = Post(enforce=False), free_port()
    with sending_postfix(lines(OPEN, port)) as sender:
        async with post.policy(f"127.0.0.1:{port}"):
            await asyncio.to_thread(swaks, sender.port, FINE, BLOCKED, HELD)
            everybody = {(FINE, "sent"), (BLOCKED, "sent"), (HELD, "sent")}
            await until(sender, lambda sender: set(sender.outcomes()) == everybody)


@pytest.mark.parametrize(("line", "code"), [(OPEN, "250"), (CLOSED, "451")])
async def test_without_the_gate_mail_flows_or_waits_as_the_line_says(line: str, code: str) -> None:
    """Nobody listens; then the gate comes, is asked, and goes again."""
    post, port = Post(), free_port()
    with sending_postfix(lines(line, port)) as sender:
        assert (await asyncio.to_thread(swaks, sender.port, BLOCKED))[BLOCKED].startswith(code)
        async with post.policy(f"127.0.0.1:{port}"):
            assert (await asyncio.to_thread(swaks, sender.port, BLOCKED))[BLOCKED].startswith("550 5.1.1")
            assert (await asyncio.to_thread(swaks, sender.port, FINE))[FINE].startswith("250")
        assert (await asyncio.to_thread(swaks, sender.port, BLOCKED))[BLOCKED].startswith(code)


@pytest.mark.parametrize(("line", "code"), [(OPEN, "250"), (CLOSED, "450")])
async def test_a_gate_that_fails_lets_mail_flow_or_wait(line: str, code: str) -> None:
    """As its context says; Postfix never sees more of the fault than that."""
    post, port = Post(), free_port()
    post.gate.fault = RuntimeError("broken")
    with sending_postfix(lines(line, port)) as sender:
        async with post.policy(f"127.0.0.1:{port}"):
            assert (await asyncio.to_thread(swaks, sender.port, BLOCKED))[BLOCKED].startswith(code)


async def test_a_path_serves_a_postfix_that_sees_only_its_queue() -> None:
    """As Debian's does: chrooted there."""
    post, line = Post(), recipe(PAGE, "ini", "unix:verifier/policy", {})
    with sending_postfix(line, chrooted=True) as sender:
        path = sender.root.folder("var/spool/postfix/verifier") / "policy"
        async with post.policy(f"unix:{path}"):
            answers = await asyncio.to_thread(swaks, sender.port, FINE, BLOCKED)
    assert ("250", "550") == (answers[FINE][:3], answers[BLOCKED][:3])


async def test_sendmail_is_asked_about_by_the_table() -> None:
    """What cron and PHP send passes no restriction: allowed mail goes, blocked mail bounces, held mail stays queued."""
    post, port = Post(), free_port()
    with sending_postfix(lines(TABLE, port)) as sender:
        async with post.policy(f"127.0.0.1:{port}"):
            await asyncio.to_thread(sender.sendmail, [FINE, BLOCKED, HELD])
            found = {FINE: "sent", BLOCKED: "bounced", HELD: "deferred"}
            await until(sender, lambda sender: dict(sender.outcomes()).items() >= found.items())
            assert f"to=<{BLOCKED}>, relay=none" in sender.text() and "dsn=5.1.1" in sender.text()
            answers = await asyncio.to_thread(swaks, sender.port, FINE, BLOCKED)
            assert answers[BLOCKED].startswith("550 5.1.1") and answers[FINE].startswith("250")
    assert "socketmap" in {question.surface for question in post.gate.questions}


async def test_without_the_gate_the_table_makes_mail_wait() -> None:
    """It is delivered when the gate is there again."""
    post, port = Post(), free_port()
    with sending_postfix(lines(TABLE, port)) as sender:
        await asyncio.to_thread(sender.sendmail, [FINE])
        await until(sender, lambda sender: (FINE, "deferred") in sender.outcomes())
        async with post.policy(f"127.0.0.1:{port}"):
            await asyncio.to_thread(
                sender.sendmail, ["joe@y.example"]
            )  # Postfix remembers the last address it looked up
            await until(sender, lambda sender: ("joe@y.example", "sent") in sender.outcomes())
            await asyncio.to_thread(sender.flush)
            await until(sender, lambda sender: (FINE, "sent") in sender.outcomes())
