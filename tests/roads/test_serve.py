"""`verifier serve` and `verifier keys` as they are used: the real command, real sockets, a world of mail hosts."""

import asyncio
import json
import re
import shlex
import signal
import socket
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.roads.worlds import quick_world
from tests.support.command import Command, Running
from verifier.client import AsyncClient, Client, ServiceOutOfReach, ServiceRefused
from verifier.world.process import WorldProcess

README = Path(__file__).resolve().parents[2] / "README.md"
ALLOWED_LATE = 0.5
"""Seconds beyond the budget in which an answer may come beside another test; bench/hanging.py holds it to 50 ms."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(command: Command, **settings: str) -> Iterator[tuple[Running, str]]:
    """A running service and its URL."""
    port = free_port()
    with command.start("serve", VERIFIER_HTTP_PORT=str(port), **settings) as service:
        service.wait_until_said("Listening at")
        yield service, f"http://127.0.0.1:{port}"


def ask(
    url: str, question: object = None, *, method: str = "POST", token: str = "", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    body = None if question is None else json.dumps(question).encode()
    request = urllib.request.Request(url, body, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def silence() -> Iterator[WorldProcess]:
    """A world whose silent hosts keep silent for longer than any budget here, and whose grey ones let wait."""
    with WorldProcess(quick_world(78, hang=30, grey_delay=600)) as running:
        yield running


def test_an_address_is_verified_and_forgotten(inside: Command, town: WorldProcess) -> None:
    """Live, then from what is known, then anew once it was forgotten, by HTTP or by the command beside it."""
    question = {"email": f"info@{town.world.domain('exim', 2)}"}
    with serving(inside) as (service, url):
        first = ask(f"{url}/v1/verify", question)[1]
        assert (first["reason"], first["source"]) == ("accepted", "live")
        deadline = time.monotonic() + 10
        while (later := ask(f"{url}/v1/verify", question)[1])[
            "source"
        ] == "live":  # what found it is not quite done yet
            assert time.monotonic() < deadline
        assert (later["reason"], later["source"]) == ("accepted", "cache")
        assert ask(f"{url}/v1/addresses/{question['email']}", method="DELETE") == (204, None)
        assert ask(f"{url}/v1/verify", question)[1]["source"] == "live"
        assert inside.run("forget", question["email"]).code == 0
        assert ask(f"{url}/v1/verify", question)[1]["source"] == "live"
        assert question["email"] not in service.said()


def test_a_check_beside_it_asks_it(inside: Command, town: WorldProcess) -> None:
    """`verifier check` is answered by the service; a second service is refused, and says by whom."""
    with serving(inside):
        checked = inside.run("check", "--json", f"info@{town.world.domain('postfix')}")
        assert (checked.code, json.loads(checked.out)["reason"]) == (0, "accepted")
        second = inside.run("serve", VERIFIER_HTTP_PORT=str(free_port()))
        assert (second.code, second.out) == (69, "")
        assert "`verifier serve` (pid " in second.err


def test_a_taken_port_is_said(offline: Command) -> None:
    """Which, and what to do."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        finished = offline.run("serve", VERIFIER_HTTP_PORT=port)
    assert (finished.code, port in finished.err, "VERIFIER_HTTP_PORT" in finished.err) == (69, True, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_good_order(tmp_path: Path, silence: WorldProcess, number: signal.Signals) -> None:
    """What was begun is answered; no more is taken; it ends within its bounds, with 0, and the folder is free again."""
    command = Command(tmp_path, silence.environment)
    question = {"email": f"a@{silence.world.domain('silent-banner')}", "timeout_ms": 1500}
    with serving(command) as (service, url):
        ask(f"{url}/v1/verify", {"email": "accepted@verifier.test"})
        answers: list[tuple[int, Any]] = []

        async def stop_meanwhile() -> None:
            asked = asyncio.create_task(asyncio.to_thread(ask, f"{url}/v1/verify", question))
            await asyncio.sleep(0.4)
            service.send(number)
            answers.append(await asked)

        asyncio.run(stop_meanwhile())
        began = time.monotonic()
        finished = service.wait()
    assert (answers[0][0], answers[0][1]["reason"]) == (200, "smtp_timeout")
    assert (finished.code, finished.out) == (0, "")
    assert time.monotonic() - began < 12
    assert "fault" not in finished.err
    assert command.run("check", "accepted@verifier.test").code == 0


def test_others_need_a_key(offline: Command) -> None:
    """No service without keys where others reach it; the first start gives a link; a key works, and is revoked beside
    the running service.
    """
    public = {"VERIFIER_HTTP_PUBLIC_URL": "https://verifier.example.org"}
    refused = offline.run("serve", VERIFIER_HTTP_PORT=str(free_port()), **public)
    assert (refused.code, "verifier keys create" in refused.err) == (64, True)
    assert offline.run("serve", VERIFIER_HTTP_HOST="0.0.0.0", VERIFIER_HTTP_PORT=str(free_port())).code == 64
    token = offline.run("keys", "create", "form").out.strip()
    question = {"email": "accepted@verifier.test"}
    with serving(offline, **public) as (service, url):
        assert ask(f"{url}/v1/verify", question)[0] == 401
        assert ask(f"{url}/v1/verify", question, token=token)[0] == 200
        assert ask(f"{url}/v1/keys", method="GET", token=token)[0] == 403
        link = re.search(r"https://verifier\.example\.org(/login\?invite=vfi_\w+)", service.said())
        assert link is not None
        with urllib.request.urlopen(url + link[1]) as page:
            assert b"<form" in page.read()
        other = offline.run("keys", "create", "other", "--scope", "admin", "--expires", "1d").out.strip()
        assert ask(f"{url}/v1/keys", method="GET", token=other)[0] == 200
        assert offline.run("keys", "revoke", "form").code == 0
        deadline = time.monotonic() + 5
        while ask(f"{url}/v1/verify", question, token=token)[0] != 401:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    listed = offline.run("keys", "list").out
    assert re.search(r"form .*revoked", listed) and re.search(r"admin .*person", listed)
    assert token not in listed
    invited = offline.run("keys", "invite", "Jane", **public)
    assert re.fullmatch(r"https://verifier\.example\.org/login\?invite=vfi_\w{38}\n", invited.out)
    assert offline.run("keys", "revoke", "nobody").code == 65


@pytest.mark.parametrize("silent", ["silent-banner", "silent-rcpt", "blackhole"])
def test_five_hundred_at_once_are_answered_in_time(tmp_path: Path, silence: WorldProcess, silent: str) -> None:
    """Hosts that hang keep nobody waiting: every answer comes within its budget, and says unknown."""
    domain = silence.world.domain(silent)
    with serving(Command(tmp_path, silence.environment)) as (_, url):
        ask(f"{url}/v1/verify", {"email": f"first@{silence.world.domain('postfix')}"})
        late, reasons = asyncio.run(burst(url, [f"user{n}@{domain}" for n in range(500)], 3000))
    assert set(reasons) <= {"smtp_timeout", "not_probed"}
    assert max(late) <= ALLOWED_LATE, f"{silent}: the latest was {max(late):.3f} s late"


async def burst(url: str, emails: Sequence[str], timeout_ms: int) -> tuple[list[float], Counter[str]]:
    """All asked at once on connections that are open: by how much each answer was late, and the reasons."""
    host, port = url.removeprefix("http://").split(":")
    streams = [await asyncio.open_connection(host, int(port)) for _ in emails]
    questions = [json.dumps({"email": email, "timeout_ms": timeout_ms}).encode() for email in emails]

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> tuple[float, bytes]:
        head = b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        began = time.monotonic()
        answered = await reader.readuntil(b"\r\n\r\n")
        late = time.monotonic() - began - timeout_ms / 1000
        length = re.search(rb"Content-Length: (\d+)", answered)
        assert length is not None
        content = await reader.readexactly(int(length[1]))
        writer.close()
        return late, content

    answers = await asyncio.gather(*(one(*stream, body) for stream, body in zip(streams, questions, strict=True)))
    return [late for late, _ in answers], Counter(json.loads(content)["reason"] for _, content in answers)


def test_what_was_late_is_there_next_time(inside: Command, town: WorldProcess) -> None:
    """A budget that is too small for anything is kept, and the answer is learned behind it."""
    question = {"email": f"info@{town.world.domain('slow-banner')}", "timeout_ms": 20}
    with serving(inside) as (_, url):
        early = ask(f"{url}/v1/verify", question)[1]
        assert (early["verdict"], early["retry_after"] is not None) == ("unknown", True)
        deadline = time.monotonic() + 20
        later = early  # those in between are put off as well, or hear it come
        while (later["verdict"], later["source"]) != ("deliverable", "cache"):
            assert time.monotonic() < deadline, later
            time.sleep(0.1)
            later = ask(f"{url}/v1/verify", question)[1]
    assert (later["reason"], later["source"]) == ("accepted", "cache")


def test_many_who_ask_for_one_address_cost_one_recipient(inside: Command, town: WorldProcess) -> None:
    """The host sees one question, however many ask at once."""
    email = f"sales@{town.world.domain('sendmail', 1)}"
    with serving(inside) as (_, url):
        ask(f"{url}/v1/verify", {"email": f"info@{town.world.domain('postfix')}"})
        before = town.report().total.recipients

        async def all_at_once() -> list[tuple[int, Any]]:
            asked = (asyncio.to_thread(ask, f"{url}/v1/verify", {"email": email}) for _ in range(20))
            return list(await asyncio.gather(*asked))

        answers = asyncio.run(all_at_once())
        assert len({answer[1]["reason"] for answer in answers}) == 1
        assert town.report().total.recipients - before <= 2  # the address, and the made-up one beside it


def test_the_python_client(inside: Command, town: WorldProcess) -> None:
    """One, many as they come, and a form that lets people in where the service is gone."""
    good, bad = f"info@{town.world.domain('exim')}", f"jkesvora48tnl@{town.world.domain('postfix')}"
    emails = [good, bad, "nope", *(f"user{n}@{town.world.domain('exim', n % 5)}" for n in range(300))]
    with serving(inside) as (service, url), Client(url, retries=0) as client:
        assert client.verify(good).reason == "accepted"
        assert client.signup(bad, lang="fr").decision == "refuse"
        found = dict(client.verify_all(emails))
        assert sorted(found) == list(range(len(emails)))
        assert [found[place].email for place in range(len(emails))] == emails
        assert [found[place].reason for place in range(3)] == ["accepted", "mailbox_not_found", "invalid_syntax"]
        with pytest.raises(ServiceRefused) as refused:
            client.verify("a", timeout_ms=0)
        assert (refused.value.status, refused.value.code) == (422, "invalid_fields")

        async def ask_async() -> str:
            async with AsyncClient(url) as asynchronous:
                return (await asynchronous.verify(good)).source

        assert asyncio.run(ask_async()) == "cache"
        service.send(signal.SIGTERM)
        service.wait()
        with pytest.raises(ServiceOutOfReach):
            client.verify(good)
        advice = client.signup(good)
        assert (advice.decision, advice.degraded, advice.record) == ("accept", True, None)


def test_who_opts_out_is_left_alone_at_once(inside: Command, town: WorldProcess) -> None:
    """`verifier data opt-out` beside a running service holds within seconds, without a restart."""
    domain = town.world.domain("postfix", 3)
    with serving(inside) as (_, url):
        assert ask(f"{url}/v1/verify", {"email": f"info@{domain}"})[1]["reason"] == "accepted"
        assert inside.run("data", "opt-out", domain).code == 0
        deadline = time.monotonic() + 15
        names = (f"user{n}@{domain}" for n in range(1000))
        while (answer := ask(f"{url}/v1/verify", {"email": next(names)})[1])["reason"] != "not_probed":
            assert time.monotonic() < deadline, answer
            time.sleep(0.5)


def test_the_readmes_examples_work_as_they_stand(inside: Command) -> None:
    """Every curl command of “Run the service” answers 200, and gets what it says it gets."""
    section = README.read_text(encoding="utf-8").split("## Run the service")[1].split("\n## ")[0]
    commands = re.findall(r"^curl .*?(?<!\\)$", section, re.MULTILINE | re.DOTALL)
    assert len(commands) >= 3
    with serving(inside) as (_, url):
        for command in commands:
            words = shlex.split(command.replace("\\\n", " "))[1:]
            sent: dict[str, str] = {}
            question, where = None, ""
            while words:
                word = words.pop(0)
                if word == "-H":
                    name, _, value = words.pop(0).partition(": ")
                    sent[name] = value
                elif word == "-d":
                    question = words.pop(0).encode()
                elif not word.startswith("-"):
                    where = word.replace("http://127.0.0.1:8080", url)
            with urllib.request.urlopen(urllib.request.Request(where, question, sent), timeout=30) as response:
                assert response.status == 200
                assert response.read()
