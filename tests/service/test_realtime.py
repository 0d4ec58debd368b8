"""Answers within a budget, with a clock that is moved by hand and a pipeline that takes its time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import at, facts, replied
from tests.support.judging import judging
from verifier.adapters.prometheus_meter import PrometheusMeter
from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.facts import MailHost, MailRoute, RouteStatus
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import ALL_STAGES, StageName, Verdict
from verifier.core.replies import ReplyClass
from verifier.core.verdict import Assessment
from verifier.service.asking import Asking
from verifier.service.at_hand import Text
from verifier.service.harvest_guard import Client
from verifier.service.realtime import RealTime, TooBusy
from verifier.service.turns import Turns

JANE, JOHN = "jane@shop.example", "john@shop.example"
FORM = Client("form")
_ROUTE = MailRoute(RouteStatus.FOUND, (MailHost("mx.example", 10, ("192.0.2.1",)),), at(0), at(1e6))


class Pipeline:
    """Takes `dns` seconds for a domain's route and `smtp` more a mailbox, one after the other; counts its runs."""

    def __init__(self, clock: FakeClock, *, dns: float = 0.0, smtp: float = 0.0, fault: bool = False) -> None:
        self.judging = judging()
        self.turns = Turns()
        self.runs: list[list[str]] = []
        self.asked_anew: list[bool] = []
        self.known: Assessment | None = None
        self.cancelled = 0
        self._clock = clock
        self._dns = dns
        self._smtp = smtp
        self._fault = fault

    @property
    def at_hand(self) -> "Pipeline":
        return self

    def of(self, raw: str, asking: Asking) -> Assessment | None:
        """Somebody has to be asked, unless the test has put something there."""
        return self.known

    def text(self, raw: str) -> Text:
        return Text(parse_address(raw))

    async def gather(self, parsed: Sequence[Address | SyntaxFault], asking: Asking) -> Knowledge:
        self.runs.append([address.raw for address in parsed])
        self.asked_anew.append(asking.anew)
        knowledge = Knowledge.of({})
        assert asking.record is not None
        try:
            addresses = [address for address in parsed if isinstance(address, Address)]
            if StageName.MX not in asking.stages or not addresses:
                return knowledge
            await self._clock.sleep(self._dns)
            if self._fault:
                raise RuntimeError("ours")
            knowledge.facts = {a.domain: facts(a.domain, _ROUTE) for a in addresses}
            await asking.record((), tuple(knowledge.facts.values()))
            for address in addresses:
                await self._clock.sleep(self._smtp)
                key = self.judging.key_of(address)
                finding = replied(ReplyClass.ACCEPTED, seen=self._clock.monotonic())
                if asking.keep_transcript:
                    knowledge.transcripts[key] = (f"C: RCPT TO:<{address.raw}>", "S: 250 ok")
                knowledge.findings[key] = (finding,)
                knowledge.live.add(key)
                await asking.record([(key, finding)], ())
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return knowledge


class Desk:
    """RealTime over such a pipeline."""

    def __init__(self, pipeline: Pipeline, clock: FakeClock, **bounds: int) -> None:
        self.clock = clock
        self.called = True
        self.faults: list[BaseException] = []
        self.realtime = RealTime(
            pipeline,  # type: ignore[arg-type]
            clock,
            PrometheusMeter(),
            called=lambda _: self.called,
            report_fault=self.faults.append,
            **bounds,
        )

    def check(self, email: str, budget: float = 8.0, client: Client = FORM) -> "asyncio.Task[Assessment]":
        return asyncio.create_task(self.realtime.check(email, ALL_STAGES, client, budget))


@asynccontextmanager
async def desk_over(**script: float | bool) -> AsyncIterator[tuple[Desk, Pipeline, FakeClock]]:
    clock = FakeClock()
    pipeline = Pipeline(clock, **script)  # type: ignore[arg-type]
    desk = Desk(pipeline, clock)
    yield desk, pipeline, clock
    await desk.realtime.close()


async def test_what_is_ready_is_answered_at_once() -> None:
    """Nobody waits for a budget to end."""
    async with desk_over(dns=1, smtp=1) as (desk, _, clock):
        asked = desk.check(JANE)
        await clock.advance(2)
        assessment = await asked
        assert (assessment.reason, assessment.duration_ms) == ("accepted", 2000)


@pytest.mark.parametrize(
    ("dns", "called", "reason"),
    [(100, True, "dns_temp_error"), (0, True, "smtp_timeout"), (0, False, "not_probed")],
)
async def test_an_early_answer_says_what_lacked(dns: float, called: bool, reason: str) -> None:
    """Within the budget: unknown, why, and when to come back; what was learned meanwhile is there next time."""
    async with desk_over(dns=dns, smtp=100) as (desk, pipeline, clock):
        desk.called = called
        asked = desk.check(JANE, budget=3)
        await clock.advance(2.9)
        assert not asked.done()
        await clock.advance(0.1)
        early = await asked
        assert (early.verdict, early.reason) == (Verdict.UNKNOWN, reason)
        assert early.retry_after is not None and early.retry_after > clock.now()
        await clock.advance(200)
        assert [JANE] == pipeline.runs[0]
        assert pipeline.cancelled == 0


async def test_who_looks_on_hears_the_conversation() -> None:
    """With the answer, within the budget; what comes too late is not waited for, and what is no address has none."""
    async with desk_over(smtp=2) as (desk, _, clock):
        now = clock.monotonic()
        asked = asyncio.create_task(desk.realtime.converse(JANE, FORM, 8, anew=True, began=now))
        await clock.advance(2)
        assessment, conversation = await asked
        assert (assessment.reason, conversation) == ("accepted", (f"C: RCPT TO:<{JANE}>", "S: 250 ok"))
        late = asyncio.create_task(desk.realtime.converse(JANE, FORM, 1, anew=False, began=clock.monotonic()))
        await clock.advance(1)
        assessment, conversation = await late
        assert (assessment.reason, conversation) == ("smtp_timeout", ())
        broken, conversation = await desk.realtime.converse("no", FORM, 8, anew=True, began=clock.monotonic())
        assert (broken.reason, conversation) == ("invalid_syntax", ())


async def test_who_comes_again_joins_what_goes_on() -> None:
    """One run an address, however many ask and however often; each by his own budget."""
    async with desk_over(smtp=10) as (desk, pipeline, clock):
        asked = [desk.check(JANE, budget=2 + n) for n in range(5)]
        await clock.advance(7)
        assert {(await each).reason for each in asked} == {"smtp_timeout"}
        late = desk.check(JANE)
        await clock.advance(3)
        assert ((await late).reason, pipeline.runs) == ("accepted", [[JANE]])


async def test_who_goes_away_stops_nobody() -> None:
    """A cancelled request leaves the run to the others, and to the next."""
    async with desk_over(smtp=5) as (desk, pipeline, clock):
        gone, stays = desk.check(JANE), desk.check(JANE)
        await clock.advance(1)
        gone.cancel()
        await clock.advance(4)
        assert (await stays).reason == "accepted"
        assert (pipeline.cancelled, len(pipeline.runs)) == (0, 1)


async def test_different_spellings_are_answered_by_themselves() -> None:
    """What one text teaches is not told of another."""
    async with desk_over(smtp=1) as (desk, _, clock):
        asked = [desk.check(text) for text in (JANE, "Jane@SHOP.example", " jane@shop.example ")]
        await clock.advance(1)
        assert [(await each).email for each in asked] == [JANE, "Jane@SHOP.example", " jane@shop.example "]


async def test_so_many_go_on_behind_and_no_more() -> None:
    """The oldest gives way; it is asked anew when somebody comes for it."""
    clock = FakeClock()
    pipeline = Pipeline(clock, smtp=100)
    desk = Desk(pipeline, clock, most_behind=2)
    for name in "abc":
        asked = desk.check(f"{name}@shop.example", budget=1)
        await clock.advance(1)
        assert (await asked).reason == "smtp_timeout"
    await clock.advance(0)
    assert (pipeline.cancelled, len(pipeline.runs)) == (1, 3)
    again = desk.check("a@shop.example", budget=200)
    await clock.advance(100)
    assert ((await again).reason, len(pipeline.runs)) == ("accepted", 4)
    await desk.realtime.close()


async def test_there_is_room_for_so_many() -> None:
    """Past that it is said at once, and when there is room again it is used."""
    clock = FakeClock()
    desk = Desk(Pipeline(clock, smtp=5), clock, most_running=2)
    first, second, third = (desk.check(f"{name}@shop.example") for name in "abc")
    await clock.advance(1)
    with pytest.raises(TooBusy):
        await third
    await clock.advance(4)
    assert {(await first).reason, (await second).reason} == {"accepted"}
    fourth = desk.check("d@shop.example")
    await clock.advance(5)
    assert (await fourth).reason == "accepted"


async def test_a_fault_of_ours_is_reported_and_blames_nobody() -> None:
    """unknown, internal_error, and the fault is told once."""
    async with desk_over(dns=1, fault=True) as (desk, _, clock):
        asked = desk.check(JANE)
        await clock.advance(1)
        assessment = await asked
        assert (assessment.verdict, assessment.reason) == (Verdict.UNKNOWN, "internal_error")
        assert [str(fault) for fault in desk.faults] == ["ours"]


async def test_a_batch_comes_as_it_is_ready() -> None:
    """Each address once, at its own time, and by the end of the budget all of them."""
    async with desk_over(smtp=1) as (desk, pipeline, clock):
        emails = [JANE, "nope", JOHN, "ann@big.example", "eve@shop.example", JANE]
        came: dict[int, tuple[float, str]] = {}

        async def collect() -> None:
            async for place, assessment in desk.realtime.check_all(emails, ALL_STAGES, FORM, 2.5, began=0.0):
                assert place not in came
                came[place] = clock.monotonic(), assessment.reason

        collecting = asyncio.create_task(collect())
        await clock.advance(3)
        await collecting
        assert sorted(came) == [0, 1, 2, 3, 4, 5]
        assert [came[place][1] for place in (1, 0, 3, 2)] == ["invalid_syntax", "accepted", "accepted", "accepted"]
        assert [came[place][0] for place in (1, 0, 3, 2)] == [0.0, 1.0, 1.0, 2.0]
        assert came[4][1] == "smtp_timeout"
        assert sorted(map(len, pipeline.runs)) == [1, 1, 4]


async def test_who_is_hastened_has_all_his_answers() -> None:
    """A service that stops leaves nobody without: single checks and batches end with what is known by then."""
    async with desk_over(smtp=30) as (desk, _, clock):
        emails, came = [JANE, "nope", JOHN], dict[int, str]()

        async def collect() -> None:
            async for place, assessment in desk.realtime.check_all(emails, ALL_STAGES, FORM, 60.0, began=0.0):
                came[place] = assessment.reason

        working = [asyncio.create_task(collect()), desk.check(JANE, budget=60)]
        await clock.advance(1)
        desk.realtime.hasten(5.0)
        await clock.advance(4)
        assert came == {1: "invalid_syntax"}
        await clock.advance(1)
        await asyncio.gather(*working)
        assert came == {0: "smtp_timeout", 1: "invalid_syntax", 2: "smtp_timeout"}


async def test_closing_waits_and_then_ends_what_runs() -> None:
    """So long as is allowed, and not longer."""
    clock = FakeClock()
    pipeline = Pipeline(clock, smtp=1000)
    desk = Desk(pipeline, clock)
    asked = desk.check(JANE, budget=1)
    await clock.advance(1)
    await asked
    await desk.realtime.close(0.01)
    assert pipeline.cancelled == 1


async def test_what_is_at_hand_is_answered_at_once() -> None:
    """Without a run of the pipeline, and as what it is: known before."""
    async with desk_over(smtp=5.0) as (desk, pipeline, _):
        known = Knowledge.of({"shop.example": facts("shop.example", _ROUTE)})
        known.findings[pipeline.judging.key_of(parsed(JANE))] = (replied(ReplyClass.MAILBOX_NOT_FOUND, code=550),)
        (pipeline.known,) = pipeline.judging.judge([parsed(JANE)], known, ALL_STAGES)
        answer = await desk.realtime.check(JANE, ALL_STAGES, FORM, 8.0)
        assert (answer.reason, answer.source, pipeline.runs) == ("mailbox_not_found", "cache", [])


@pytest.mark.parametrize(
    ("reply_class", "code", "age", "again"),
    [
        (ReplyClass.ACCEPTED, 250, 7 * 86_400, True),
        (ReplyClass.ACCEPTED, 250, 7 * 86_400 - 1, False),
        (ReplyClass.MAILBOX_NOT_FOUND, 550, 3 * 3600, True),
        (ReplyClass.MAILBOX_NOT_FOUND, 550, 3 * 3600 - 1, False),
        (ReplyClass.TEMP_ERROR, 450, 3000, False),
    ],
)
async def test_what_has_come_of_age_is_asked_again_behind_the_answer(
    reply_class: ReplyClass, code: int, age: float, again: bool
) -> None:
    """The answer is what is known, at once; the mailbox is asked once, however many come, and not waited for."""
    async with desk_over(smtp=5.0) as (desk, pipeline, clock):
        clock.move(age)
        known = Knowledge.of({"shop.example": facts("shop.example", _ROUTE)})
        known.findings[pipeline.judging.key_of(parsed(JANE))] = (replied(reply_class, code=code),)
        (pipeline.known,) = pipeline.judging.judge([parsed(JANE)], known, ALL_STAGES)
        for _ in range(3):
            assert (await desk.check(JANE)).source == "cache"
        await clock.advance(6)
        assert pipeline.runs == ([[JANE]] if again else [])
        assert pipeline.asked_anew == ([True] if again else [])


async def test_what_was_asked_again_in_vain_has_a_rest() -> None:
    """Who comes within ten minutes of it changes nothing; who comes later has it asked once more."""
    async with desk_over() as (desk, pipeline, clock):
        known = Knowledge.of({"shop.example": facts("shop.example", _ROUTE)})
        known.findings[pipeline.judging.key_of(parsed(JANE))] = (replied(ReplyClass.ACCEPTED, seen=-8 * 86_400),)
        (pipeline.known,) = pipeline.judging.judge([parsed(JANE)], known, ALL_STAGES)
        for seconds, runs in ((0, 1), (599, 1), (1, 2)):
            await clock.advance(seconds)
            await desk.check(JANE)
            await clock.advance(0)
            assert len(pipeline.runs) == runs


async def test_nothing_is_refreshed_where_there_is_no_room() -> None:
    """What people wait for comes first."""
    clock = FakeClock()
    pipeline = Pipeline(clock, smtp=100)
    desk = Desk(pipeline, clock, most_behind=1)
    waiting = desk.check(JOHN, budget=50)
    await clock.advance(1)
    known = Knowledge.of({"shop.example": facts("shop.example", _ROUTE)})
    known.findings[pipeline.judging.key_of(parsed(JANE))] = (replied(ReplyClass.ACCEPTED, seen=-8 * 86_400),)
    (pipeline.known,) = pipeline.judging.judge([parsed(JANE)], known, ALL_STAGES)
    assert (await desk.check(JANE)).source == "cache"
    await clock.advance(1)
    assert pipeline.runs == [[JOHN]]
    waiting.cancel()
    await desk.realtime.close()


def parsed(email: str) -> Address:
    address = parse_address(email)
    assert isinstance(address, Address)
    return address
