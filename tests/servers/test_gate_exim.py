"""Debian's Exim asks the gate, by the lines of the documentation: swaks sends, its log tells."""

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.gate_listeners import Post
from tests.support.gate_servers import Sender, sending_exim, swaks
from tests.support.nsd import free_port
from tests.support.recipes import recipe

PAGE = "docs/mail-servers.md"
FINE, BLOCKED, HELD = "jane@x.example", "block.unsubscribed@x.example", "hold.unknown_probe@x.example"
_PATIENCE = 20.0


def lines(port: int) -> str:
    return recipe(PAGE, "exim", "acl_m_gate", {10046: port})


async def delivered(sender: Sender, count: int) -> list[str]:
    """The recipients that got their mail, when there are so many."""
    deadline = time.monotonic() + _PATIENCE
    while len(sender.delivered()) < count:
        assert time.monotonic() < deadline, sender.text()
        await asyncio.sleep(0.05)
    return sender.delivered()


async def test_allowed_blocked_and_held_recipients_of_one_message() -> None:
    """Each has its own answer, and the message goes to those that may have it."""
    post, port = Post(), free_port()
    with sending_exim(lines(port)) as sender:
        async with post.line(port):
            answers = await asyncio.to_thread(swaks, sender.port, FINE, BLOCKED, HELD)
            assert [FINE] == await delivered(sender, 1)
    assert answers[FINE].startswith("250")
    assert answers[BLOCKED].startswith("550 5.7.1 gate: unsubscribed")
    assert answers[HELD].startswith("451 4.7.1 gate: unknown_probe, try again later")
    assert answers["DATA"].startswith("250")
    assert [] == post.faults


async def test_sendmail_is_asked_about_by_the_router() -> None:
    """What cron and PHP send meets no ACL: allowed mail goes, blocked mail bounces, held mail stays queued."""
    post, port = Post(), free_port()
    with sending_exim("", recipe(PAGE, "exim", "driver = redirect", {10046: port})) as sender:
        async with post.line(port):
            await asyncio.to_thread(sender.sendmail, [FINE, BLOCKED, HELD])
            assert FINE in await delivered(sender, 1)
            deadline = time.monotonic() + _PATIENCE
            wanted = (f" ** {BLOCKED} R=gate: gate: unsubscribed", f" == {HELD} R=gate defer", "gate: unknown_probe")
            while not all(words in sender.text() for words in wanted):
                assert time.monotonic() < deadline, sender.text()
                await asyncio.sleep(0.05)
            assert BLOCKED not in sender.delivered()


async def test_it_observes_until_it_is_switched() -> None:
    """Everybody gets his mail."""
    post, port = Post(enforce=False), free_port()
    with sending_exim(lines(port)) as sender:
        async with post.line(port):
            await asyncio.to_thread(swaks, sender.port, FINE, BLOCKED, HELD)
            assert {FINE, BLOCKED, HELD} == set(await delivered(sender, 3))


@pytest.mark.parametrize(("without", "code"), [("{ALLOW}", "250"), ("{HOLD gate_is_away}", "451")])
async def test_without_the_gate_mail_flows_or_waits_as_the_line_says(without: str, code: str) -> None:
    """Nobody listens; then the gate comes and is asked."""
    post, port = Post(), free_port()
    with sending_exim(lines(port).replace("{ALLOW}", without)) as sender:
        assert (await asyncio.to_thread(swaks, sender.port, BLOCKED))[BLOCKED].startswith(code)
        async with post.line(port):
            assert (await asyncio.to_thread(swaks, sender.port, BLOCKED))[BLOCKED].startswith("550 5.7.1")


async def test_a_local_part_in_quotes_is_asked_about_whole() -> None:
    """A space in an address does not become a context."""
    post, port = Post(), free_port()
    with sending_exim(lines(port)) as sender:
        async with post.line(port):
            await asyncio.to_thread(swaks, sender.port, '"jane doe"@x.example')
    assert ['"jane doe"@x.example'] == [question.email for question in post.gate.questions]


@pytest.mark.parametrize(("email", "code"), [(FINE, 0), (BLOCKED, 1), (HELD, 2)])
async def test_a_script_asks_with_netcat(tmp_path: Path, email: str, code: int) -> None:
    """The exit code is the decision; without the gate it may be sent."""
    post, port = Post(), free_port()
    script = tmp_path / "gate.sh"
    script.write_text(recipe(PAGE, "sh", "nc -w", {10046: port}))

    def run() -> int:
        return subprocess.run(["sh", str(script), email, "marketing"], capture_output=True, timeout=20).returncode

    assert 0 == await asyncio.to_thread(run)
    async with post.line(port):
        assert code == await asyncio.to_thread(run)
    assert ["marketing"] == [question.message_class for question in post.gate.questions]
