"""A world in a process of its own, and the command that serves one."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.world.talker import Talker
from verifier.world import RunningWorld, World, WorldProcess

SERVE = [sys.executable, "-c", "from verifier.edges.cli.world_command import world_command; world_command()", "serve"]


async def test_a_world_in_a_child_process(world: World) -> None:
    """It answers, reports what it saw, and is gone after the block."""
    with WorldProcess(world) as process:
        port = int(process.environment["VERIFIER_SMTP_PORT"])
        domain = world.domain("postfix")
        address = world.site(domain).exchanges[0].host.address
        talker = Talker(*await asyncio.open_connection(address, port))
        await talker.begin()
        await talker.ask(f"info@{domain}")
        await talker.say("QUIT")
        await talker.close()
        report = process.report()
        assert (report.total.connections, report.total.accepted, report.questions) == (1, 1, 0)
        assert [*report.kinds] == ["postfix"]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(address, port)


async def test_a_child_can_do_what_a_world_in_this_process_can(world: World) -> None:
    """TLS, resets and lost SYNs work on the child's event loop too."""
    with WorldProcess(world) as process:
        port = int(process.environment["VERIFIER_SMTP_PORT"])

        async def talker_to(personality: str) -> Talker:
            address = world.site(world.domain(personality)).exchanges[0].host.address
            return Talker(*await asyncio.wait_for(asyncio.open_connection(address, port), 0.5))

        secured = await talker_to("starttls")
        await secured.begin()
        await secured.say("STARTTLS")
        await secured.start_tls()
        replies = await secured.say("EHLO p.example", "MAIL FROM:<p@p.example>")
        assert [reply[:3] for reply in replies] == ["250", "250"]
        await secured.close()
        with pytest.raises(ConnectionResetError):
            await (await talker_to("reset")).reply()
        with pytest.raises(TimeoutError):
            await talker_to("blackhole")


async def test_nothing_is_left_after_a_world(world: World) -> None:
    """Ports and connections are closed, also those in the middle of a conversation."""
    async with world.serve() as running:
        talker = await Talker.to(running, world.domain("silent-banner"))
        address = (world.site(world.domain("postfix")).exchanges[0].host.address, running.port)
    with pytest.raises(ConnectionError):
        if await talker.reply() == "":
            raise ConnectionResetError
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    await talker.close()


async def test_a_taken_port_is_said(world: World) -> None:
    """A fixed port that is in use raises OSError and leaves nothing open."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            async with world.serve(dns_port=other.getsockname()[1]):
                pass


async def test_only_loopback_listens(running: RunningWorld) -> None:
    """Every listening socket is bound to an address of 127/8."""
    assert {"127"} == {address.partition(".")[0] for address in running.port_map}
    assert running.name_server.address[0] == "127.0.0.1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """It prints the settings, writes them to the ready file, and ends with 0 when interrupted."""
    ready, log = tmp_path / "ready", tmp_path / "log.jsonl"
    command = [*SERVE, "--seed", "7", "--hosts", "1", "--rtt", "5", "--ready-file", str(ready), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        lines = [child.stdout.readline() for _ in range(6)]
        settings = dict(line.rstrip("\n").split("=", 1) for line in lines)
        assert {
            "VERIFIER_DNS_NAMESERVERS",
            "VERIFIER_SMTP_PORT",
            "VERIFIER_SMTP_ALLOW_NETWORKS",
            "VERIFIER_SMTP_HELO",
            "VERIFIER_SMTP_MAIL_FROM",
            "VERIFIER_SMTP_GREYLIST_DELAYS",
        } == set(settings)
        world = World(7, hosts=1)
        host = world.site(world.domain("exim")).exchanges[0].host
        with socket.create_connection((host.address, int(settings["VERIFIER_SMTP_PORT"]))) as wire:
            assert wire.recv(3) == b"220"
        child.send_signal(number)
        assert child.wait(10) == 0
    assert "".join(lines) == ready.read_text()
    assert [host.address] == [msgspec.json.decode(line)["host"] for line in log.read_bytes().splitlines()]
