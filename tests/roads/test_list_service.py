"""A list by HTTP, the way a program hands it in: the real command, a world of mail hosts, kill -9 in the middle."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.roads.test_serve import ask, serving
from tests.roads.worlds import list_text, quick_world, untouched, without_times, wrong_rows
from tests.support.command import Command
from tests.support.hasty import HASTY
from verifier.world import World
from verifier.world.process import WorldProcess

ROWS = 500
FAR = quick_world(19, hosts=5, domains=100, rtt=0.3)


def hasty(folder: Path, world: WorldProcess) -> Command:
    """The command in a hurry, in that world."""
    return Command(folder, world.environment, module=HASTY)


def hand_in(url: str, text: str) -> str:
    """The new list's id."""
    target = f"{url}/v1/lists?start=true&name=list.csv&max_wait_s=60"
    request = urllib.request.Request(target, text.encode(), {"Content-Type": "text/csv"}, method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 202
        made = json.loads(response.read())
    assert made["preview"]["rows"] == ROWS
    return str(made["id"])


def events(url: str, list_id: str, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and record, until the list is finished."""
    request = urllib.request.Request(f"{url}/v1/lists/{list_id}/events", headers={"Last-Event-ID": str(after)})
    with urllib.request.urlopen(request, timeout=60) as response:
        number = 0
        for line in response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                number = int(value)
            elif name == "data":
                yield number, json.loads(value)


def downloaded(url: str, list_id: str) -> str:
    with urllib.request.urlopen(f"{url}/v1/lists/{list_id}/download?format=csv", timeout=60) as response:
        content: bytes = response.read()
    return content.decode()


def certain(world: World, cleaned: str) -> list[dict[str, str]]:
    """The rows, times aside, for which one reason alone is right: where a host breaks off is chance."""
    rows = without_times(cleaned)
    pairs = zip(world.rows(len(rows)), rows, strict=True)
    kept = [row for given, row in pairs if len(given.truth(world).reasons) == 1]
    assert len(kept) > ROWS * 0.8
    return kept


def test_a_list_by_http_is_what_clean_writes(tmp_path: Path) -> None:
    """Handed in with start=true and watched to its end, it is the file of `verifier clean`, times aside, and true."""
    world = quick_world(43)
    text = list_text(world, ROWS)
    (tmp_path / "by-command").mkdir()
    (tmp_path / "by-http").mkdir()
    with WorldProcess(world) as running:
        command = hasty(tmp_path / "by-command", running)
        finished = command.run("clean", command.write("list.csv", text), "--max-wait", "60s")
        assert finished.code == 0, finished.err
    with WorldProcess(world) as running, serving(hasty(tmp_path / "by-http", running)) as (_, url):
        list_id = hand_in(url, text)
        *_, (_, last) = events(url, list_id)
        by_http = downloaded(url, list_id)
    assert last["status"] == "completed"
    by_command = (command.folder / "list.clean.csv").read_bytes().decode()
    assert (untouched(text, by_http), wrong_rows(world, by_http)) == ([], [])
    assert certain(world, by_http) == certain(world, by_command)


def test_a_killed_service_finishes_its_lists_by_itself(tmp_path: Path) -> None:
    """kill -9 in the middle; the next start goes on without being asked, and events go on behind the last one heard."""
    text = list_text(FAR, ROWS)
    with WorldProcess(FAR) as running:
        command = hasty(tmp_path, running)
        with serving(command) as (service, url):
            list_id = hand_in(url, text)
            heard, record = next(told for told in events(url, list_id) if told[1]["progress"]["asked"])
            assert record["status"] == "running"
            service.kill()
        with serving(command) as (_, url):
            deadline = time.monotonic() + 60
            while (known := ask(f"{url}/v1/lists/{list_id}", method="GET")[1])["status"] != "completed":
                assert time.monotonic() < deadline, known
                time.sleep(0.1)
            numbers = [number for number, _ in events(url, list_id, heard)]
            cleaned = downloaded(url, list_id)
    assert numbers == sorted(set(numbers)) and numbers[0] > heard
    assert (untouched(text, cleaned), wrong_rows(FAR, cleaned)) == ([], [])
