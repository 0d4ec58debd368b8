"""`verifier forget` erases what is known of an address from every place where it is kept."""

import json
import time
from pathlib import Path

import redis as redis_client

from tests.roads.worlds import quick_world
from tests.support.command import Command
from tests.support.redis_server import running_redis
from verifier.core.address import Address, parse_address
from verifier.core.keys import keyed_hash, subkey
from verifier.world.process import WorldProcess


def mailbox_key(secret: bytes, text: str) -> bytes:
    """The key under which a mailbox is kept."""
    address = parse_address(text)
    assert isinstance(address, Address)
    return keyed_hash(subkey(secret, "mailbox"), address.comparison).encode()


def holding(folder: Path, *needles: bytes) -> list[str]:
    """The files of a data folder in which one of the needles stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(needle in path.read_bytes() for needle in needles)]


def test_no_file_holds_anything_of_it(tmp_path: Path) -> None:
    """Facts and a killed run's journal knew the mailbox; afterwards no file has its key, and it is asked anew. Of its
    neighbour everything is still known. Names are nowhere in clear.
    """
    world = quick_world(36, rtt=0.2)
    ann, bob = f"ann.smith@{world.domain('postfix')}", f"bob@{world.domain('postfix')}"
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment)
        others = "".join(f"user{n}@{world.domain('exim', n % 5)}\n" for n in range(400))
        source = command.write("list.csv", f"email\n{ann}\n{bob}\n{others}")
        assert command.run("check", ann, bob).code == 0
        with command.start("clean", source):
            deadline = time.monotonic() + 30
            while running.report().total.recipients < 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        secret = (command.data_dir / "secret.key").read_bytes().strip()
        key = mailbox_key(secret, ann)
        assert [name for name in holding(command.data_dir, key) if name.startswith("facts.sqlite")]
        assert [name for name in holding(command.data_dir, key) if not name.startswith("facts.sqlite")]
        assert holding(command.data_dir, b"ann.smith", b"annsmith") == []
        forgotten = command.run("forget", ann.upper())
        assert (forgotten.code, forgotten.out) == (0, "")
        assert holding(command.data_dir, key) == []
        assert holding(command.data_dir, mailbox_key(secret, bob)) != []
        asked = running.report().total.recipients
        assert json.loads(command.run("check", "--json", bob).out)["source"] == "cache"
        assert json.loads(command.run("check", "--json", ann).out)["source"] == "live"
        assert running.report().total.recipients > asked


def test_lists_hold_nothing_of_it(tmp_path: Path) -> None:
    """A list that was handed in and killed on its way is the poorer by that address: neither its rows nor its journal
    know it, and once it has come to its end that row is blank and all others are there.
    """
    world = quick_world(38, rtt=0.2)
    ann = f"ann.smith@{world.domain('postfix')}"
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment)
        driver = Command(tmp_path, running.environment, module="tests.support.list_driver")
        others = "".join(f"user{n}@{world.domain('exim', n % 5)}\n" for n in range(400))
        source = driver.write("list.csv", f"email\n{ann.upper()}\n{others}")
        with driver.start(source, tmp_path / "out.csv"):
            deadline = time.monotonic() + 30
            while running.report().total.recipients < 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        secret = (command.data_dir / "secret.key").read_bytes().strip()
        assert [name for name in holding(command.data_dir, mailbox_key(secret, ann)) if name.startswith("journal")]
        assert command.run("forget", ann).code == 0
        assert holding(command.data_dir, mailbox_key(secret, ann)) == []
        assert driver.run(source, tmp_path / "out.csv").code == 0
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert len(rows) == 402
    assert rows[1].startswith(",undeliverable,invalid_syntax")
    assert sum(row.startswith("user") for row in rows) == 400
    assert [row for row in rows if "ANN.SMITH" in row.upper()] == []


def test_redis_holds_nothing_of_it(tmp_path: Path) -> None:
    """The same where what is known lies in Redis."""
    secret = "a secret that all machines share"
    world = quick_world(37)
    ann, bob = f"ann.smith@{world.domain('exim')}", f"bob@{world.domain('exim')}"
    with WorldProcess(world) as running, running_redis() as redis:
        settings = {"VERIFIER_REDIS_URL": redis.url, "VERIFIER_SECRET_KEY": secret}
        command = Command(tmp_path, running.environment | settings)
        assert command.run("check", ann, bob).code == 0
        before = contents(redis.url)
        assert command.run("forget", ann.upper()).code == 0
        after = contents(redis.url)
        assert json.loads(command.run("check", "--json", bob).out)["source"] == "cache"
        assert json.loads(command.run("check", "--json", ann).out)["source"] == "live"
    mailboxes = [key for key in before if b":m:" in key]
    assert len(mailboxes) == 2
    assert len([key for key in after if b":m:" in key]) == 1
    assert {key: before[key] for key in after if b":m:" in key}.items() <= before.items()
    assert [key for key, value in before.items() if b"ann" in key + value or b"bob" in key + value] == []


def contents(url: str) -> dict[bytes, bytes]:
    """All strings in a Redis database."""
    with redis_client.Redis.from_url(url) as client:
        return {key: client.get(key) or b"" for key in client.scan_iter() if client.type(key) == b"string"}


def test_what_is_no_address_is_bad_input(offline: Command) -> None:
    """One sentence, exit 65."""
    finished = offline.run("forget", "nobody")
    assert (finished.code, finished.out, len(finished.err.splitlines())) == (65, "", 1)
