"""Messages to receivers: signed, repeated until they arrive or are given up, and not forgotten over a restart."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.support.clock import START, FakeClock
from tests.support.list_jobs import job
from tests.support.list_service import Desk, desk, order, pieces
from tests.support.memory_jobs import MemoryJobs
from verifier.core import webhooks
from verifier.core.faults import ServiceUnavailable
from verifier.core.list_faults import NobodyTold, UnknownList, WrongState
from verifier.core.list_jobs import ListJob, Told, Webhook
from verifier.core.list_states import ListState
from verifier.core.webhooks import RETRIES, Delivery, Posted, WebhookState, secret_for, verified
from verifier.service.webhook_delivery import WebhookDelivery

ROOT = b"root"


class Poster:
    """Answers in turn, the last for ever; keeps what was posted."""

    def __init__(self, *answers: Posted) -> None:
        self._answers = list(answers)
        self.posts: list[tuple[str, Mapping[str, str], bytes]] = []

    async def refusal(self, url: str) -> str | None:
        return None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        self.posts.append((url, headers, body))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Bench:
    """A delivery over a store in memory and a clock that is moved by hand."""

    def __init__(self, *answers: Posted) -> None:
        self.clock, self.store, self.poster = FakeClock(), MemoryJobs(), Poster(*answers)
        self.said: list[str] = []
        self.delivery = WebhookDelivery(self.store, self.poster, ROOT, self.clock, self.said.append)

    async def put(self, name: str = "msg_1") -> None:
        await self.store.add(job())
        await self.store.put_delivery(
            Delivery(name, job().id, "https://shop.example/", "main", b'{"type":"list.completed"}', START)
        )

    async def waiting(self) -> list[str]:
        return [each.id for each in await self.store.due(START + timedelta(days=99))]


async def test_what_is_delivered_is_done() -> None:
    """Once, signed with the secret of that name."""
    bench = Bench(Posted(200))
    await bench.put()
    assert await bench.delivery.deliver_due() == 1
    assert await bench.delivery.deliver_due() == 0
    ((url, headers, body),) = bench.poster.posts
    assert url == "https://shop.example/"
    assert verified(secret_for(ROOT, "main"), headers, body, START)
    assert (await bench.waiting(), bench.said) == ([], [])


async def test_a_failure_is_tried_again_with_the_same_id() -> None:
    """After its pause, not before, and signed anew for its time."""
    bench = Bench(Posted(500), Posted(None, "no answer in time"), Posted(204))
    await bench.put()
    assert await bench.delivery.deliver_due() == 1
    assert await bench.delivery.deliver_due() == 0
    bench.clock.move(6)
    assert await bench.delivery.deliver_due() == 1
    bench.clock.move(299)
    assert await bench.delivery.deliver_due() == 0
    bench.clock.move(32)
    assert await bench.delivery.deliver_due() == 1
    assert {headers["webhook-id"] for _, headers, _ in bench.poster.posts} == {"msg_1"}
    assert len({headers["webhook-timestamp"] for _, headers, _ in bench.poster.posts}) == 3
    assert await bench.waiting() == []


async def test_it_is_given_up_in_the_end() -> None:
    """After ten attempts in some three days, and said once."""
    bench = Bench(Posted(500))
    await bench.put()
    attempts = 0
    while await bench.waiting():
        attempts += await bench.delivery.deliver_due()
        bench.clock.move(3600)
    assert attempts == len(RETRIES) + 1
    assert bench.said == [f"The webhook of list {job().id} was given up: HTTP 500."]


async def test_who_is_gone_is_left_alone() -> None:
    """410 ends it at once."""
    bench = Bench(Posted(410))
    await bench.put()
    await bench.delivery.deliver_due()
    assert await bench.waiting() == []
    assert len(bench.said) == 1


async def test_it_wakes_for_news_and_goes_on_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away for a moment costs nothing but that moment."""
    bench = Bench(Posted(200))
    real, down = bench.store.due, [True]

    async def due(*given: object, **named: object) -> object:
        if down.pop() if down else False:
            raise ServiceUnavailable("away")
        return await real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store, "due", due)
    running = asyncio.create_task(bench.delivery.run())
    await bench.clock.advance(0)
    await bench.put()
    bench.delivery.wake()
    await bench.clock.advance(0)
    assert len(bench.poster.posts) == 1
    running.cancel()
    await asyncio.wait([running])


async def test_a_finished_list_tells_its_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`list.completed` with the list's record and no address; a failed one `list.failed`; each once, after a restart
    too where it could not be delivered before.
    """
    monkeypatch.setattr(webhooks, "RETRIES", (0.1,) * 9)
    poster = Poster(Posted(None, "nobody there"))
    hook = Webhook("https://shop.example/hook", "main")
    async with desk(tmp_path / "data", poster) as shop:
        done, _ = await shop.lists.upload(order(webhook=hook), pieces(b"email\nann@shop.example\n"))
        bad, _ = await shop.lists.upload(order("bad.csv", webhook=hook), pieces(b"\x00\x01\x02" * 100))
        await shop.done(done)
        await shop.done(bad)
        async with asyncio.timeout(10):
            while len(poster.posts) < 2:
                await asyncio.sleep(0.02)
        secret = shop.telling.secret("main")
    better = Poster(Posted(200))
    async with desk(tmp_path / "data", better), asyncio.timeout(20):
        while len(better.posts) < 2:
            await asyncio.sleep(0.02)
    bodies = [msgspec.json.decode(body) for _, _, body in better.posts]
    assert {(body["type"], body["data"]["id"]) for body in bodies} == {
        ("list.completed", done.id),
        ("list.failed", bad.id),
    }
    assert {headers["webhook-id"] for _, headers, _ in better.posts} == {
        headers["webhook-id"] for _, headers, _ in poster.posts
    }
    assert secret.startswith("whsec_")
    assert [body for _, _, body in better.posts if b"ann@" in body] == []


async def settled(shop: Desk, job: ListJob, state: WebhookState) -> Told:
    """How telling stands once it has come to that."""
    async with asyncio.timeout(20):
        while True:
            found = await shop.telling.told(job)
            assert found is not None
            if found.state is state:
                return found
            await asyncio.sleep(0.02)


async def test_a_list_says_what_became_of_telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for its end, given up with the last answer, after a restart too; told again by hand it has every chance,
    with the same id.
    """
    monkeypatch.setattr(webhooks, "RETRIES", ())
    hook = Webhook("https://shop.example/hook", "main")
    poster = Poster(Posted(503))
    async with desk(tmp_path / "data", poster, warned=[]) as shop:
        made, _ = await shop.lists.upload(order(webhook=hook, start=False), pieces(b"email\nann@shop.example\n"))
        made = await shop.done(made)
        assert await shop.telling.told(made) == Told(hook.url, "main", WebhookState.WAITING)
        with pytest.raises(WrongState, match="The list is ready: it cannot be told of again"):
            await shop.telling.tell_again("w", made.id)
        await shop.lists.start("w", made.id)
        done = await shop.done(made, states=frozenset({ListState.COMPLETED}))
        failed = await settled(shop, done, WebhookState.FAILED)
        assert (failed.attempts, failed.status, failed.next_at) == (1, 503, None)
    better = Poster(Posted(200))
    async with desk(tmp_path / "data", better) as shop:
        assert (await shop.telling.told(done)) == failed
        await shop.telling.tell_again("w", done.id)
        delivered = await settled(shop, done, WebhookState.DELIVERED)
        assert (delivered.attempts, delivered.status) == (1, 200)
        with pytest.raises(UnknownList):
            await shop.telling.tell_again("another", done.id)
    assert [headers["webhook-id"] for _, headers, _ in better.posts] == [poster.posts[0][1]["webhook-id"]]


async def test_who_is_told_of_nothing_cannot_be_told_again(tmp_path: Path) -> None:
    """Neither of a list without a receiver, nor where nobody delivers; who stopped a list has told nobody."""
    hook = Webhook("https://shop.example/hook", "main")
    async with desk(tmp_path / "data", Poster(Posted(200))) as shop:
        plain = await shop.cleaned(b"email\nann@shop.example\n")
        assert await shop.telling.told(plain) is None
        with pytest.raises(NobodyTold):
            await shop.telling.tell_again("w", plain.id)
        made, _ = await shop.lists.upload(order(webhook=hook, start=False), pieces(b"email\nann@shop.example\n"))
        stopped = await shop.lists.cancel("w", (await shop.done(made)).id)
        assert await shop.telling.told(stopped) == Told(hook.url, "main", WebhookState.NOT_SENT)
    async with desk(tmp_path / "data") as shop:
        with pytest.raises(NobodyTold):
            await shop.telling.tell_again("w", stopped.id)
