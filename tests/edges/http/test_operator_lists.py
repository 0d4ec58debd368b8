"""The operator's own lists beside a running service."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.front_desk import Visitor, visiting
from verifier import serving
from verifier.core.faults import ConfigError


async def is_disposable(visitor: Visitor, domain: str) -> bool:
    answer = await visitor.ask(
        "POST", "/v1/verify", json={"email": f"jane@{domain}", "stages": ["syntax", "disposable"]}
    )
    return bool(answer.json["flags"]["disposable"])


async def until(held: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not held():
            await asyncio.sleep(0.01)


async def test_a_list_that_cannot_be_read_is_said_once_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor saved it as Latin-1: what held goes on to hold, the log says which file, and what is mended or added
    later counts as ever, without a restart. Else nobody who opted out after that would be left alone.
    """
    monkeypatch.setattr(serving, "_LOOK_AT_LISTS_SECONDS", 0.01)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "deny.txt").write_text("first.example\n")
    async with visiting(tmp_path) as visitor:
        (lists / "deny.txt").write_bytes("second.example  # für René\n".encode("latin-1"))
        await until(lambda: bool(visitor.faults))
        assert await is_disposable(visitor, "first.example")
        await asyncio.sleep(0.1)
        assert [(type(fault), str(fault)) for fault in visitor.faults] == [
            (ConfigError, f"{lists / 'deny.txt'} is not UTF-8 text: save it as such.")
        ]
        (lists / "deny.txt").write_text("third.example\n")
        async with asyncio.timeout(20):
            while not await is_disposable(visitor, "third.example"):
                await asyncio.sleep(0.01)
        assert not await is_disposable(visitor, "first.example")
        assert len(visitor.faults) == 1
