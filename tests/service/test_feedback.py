"""Feedback: what was answered is kept and done, once; what is known of a mailbox follows what became of its mail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from msgspec import structs

from tests.support.clock import START
from tests.support.feedback_desk import KEYS, Desk, address, feedback_desk
from verifier.adapters.sqlite_suppressions import SqliteSuppressions
from verifier.core.address import Address
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.faults import ServiceUnavailable
from verifier.core.feedback.hook import Once
from verifier.core.knowledge import Knowledge
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.reasons import ALL_STAGES, Reason
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.senders import use_id
from verifier.core.suppressions import Suppression
from verifier.core.verdict import Assessment, Source
from verifier.gate_ports import Use
from verifier.service.keeping import Receipt

HOUR = timedelta(hours=1)
JANE = "jane@shop.example"
UNKNOWN_USER = "550 5.1.1 <jane@shop.example>: Recipient address rejected: User unknown"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with feedback_desk(tmp_path) as made:
        yield made
        assert made.faults == []


def event(kind: EventKind, hours: float = 0, email: str = JANE, **more: object) -> MailEvent:
    made = MailEvent("mailjet", f"{kind}{hours}{email}{more}", kind, email, START + hours * HOUR)
    if kind is EventKind.BOUNCED:
        made = structs.replace(made, bounce_class=BounceClass.HARD)
    return structs.replace(made, **more)


def route(domain: str = "shop.example") -> DomainFacts:
    hosts = (MailHost("mx.other.example", 10, ("192.0.2.1",)),)
    found = MailRoute(RouteStatus.FOUND, hosts=hosts, observed_at=START - HOUR, expires_at=START + 100 * HOUR)
    return DomainFacts(domain, found)


async def verdict(desk: Desk, email: str = JANE) -> Assessment:
    """What is said of an address now, by what is stored."""
    parsed = address(email)
    key = desk.judging.key_of(parsed)
    knowledge = Knowledge.of(await desk.facts.domains([parsed.domain]))
    knowledge.findings.update(await desk.facts.mailboxes([key]))
    return desk.judging.judge([parsed], knowledge, ALL_STAGES)[0]


async def test_a_hard_bounce_suppresses_before_it_is_answered(desk: Desk) -> None:
    """Now, for everybody; and the verdict says where it comes from."""
    assert await desk.feedback.accept([event(EventKind.BOUNCED, -1, reply=UNKNOWN_USER)]) == Receipt(1, 0, 0)
    assert await desk.kinds(JANE) == {"hard_bounce"}
    found = await verdict(desk)
    assert (found.reason, found.source) == (Reason.MAILBOX_NOT_FOUND, Source.FEEDBACK)
    assert found.smtp is not None and found.smtp.code == 550


async def test_told_twice_counts_once(desk: Desk) -> None:
    """In any number of messages; each says what was new to it."""
    bounced = event(EventKind.BOUNCED)
    assert await desk.feedback.accept([bounced, bounced]) == Receipt(1, 1, 0)
    assert await desk.feedback.accept([bounced]) == Receipt(0, 1, 0)
    assert len(await desk.under(JANE)) == 1


async def test_a_recipient_that_is_no_address_is_counted_and_left(desk: Desk) -> None:
    """A sender that is told to send its message again would do so for ever."""
    assert await desk.feedback.accept([event(EventKind.BOUNCED, email="nobody"), event(EventKind.SENT)]) == Receipt(
        1, 0, 1
    )


async def test_a_delivery_refutes_an_older_undeliverable(desk: Desk) -> None:
    """And a newer refusal refutes the delivery: the latest conclusive word speaks, whoever said it."""
    key = desk.judging.key_of(address(JANE))
    refused = Finding(START - 5 * HOUR, ReplyClass.MAILBOX_NOT_FOUND, stage=SmtpStage.RCPT, code=550, text="gone")
    await desk.facts.remember_domains([route()])
    await desk.facts.remember_mailboxes([(key, refused)])
    assert (await verdict(desk)).reason is Reason.MAILBOX_NOT_FOUND
    await desk.feedback.accept([event(EventKind.DELIVERED, -6)])
    assert (await verdict(desk)).reason is Reason.MAILBOX_NOT_FOUND
    await desk.feedback.accept([event(EventKind.DELIVERED, -4)])
    found = await verdict(desk)
    assert (found.reason, found.source, found.smtp) == (Reason.ACCEPTED, Source.FEEDBACK, None)
    await desk.facts.remember_mailboxes([(key, structs.replace(refused, observed_at=START - HOUR))])
    assert (await verdict(desk)).source is Source.CACHE


async def test_three_soft_bounces_suppress_until_mail_comes_through(desk: Desk) -> None:
    """A delivery in between, told late, takes it back."""
    soft = [event(EventKind.BOUNCED, h, bounce_class=BounceClass.SOFT, message_id=f"<{h}>") for h in (-30, -20, -10)]
    for each in soft:
        assert await desk.kinds(JANE) == set()
        await desk.feedback.accept([each])
    assert await desk.kinds(JANE) == {"soft_bounce_limit"}
    await desk.feedback.accept([event(EventKind.OPENED, -15, automatic=True)])
    assert await desk.kinds(JANE) == {"soft_bounce_limit"}
    await desk.feedback.accept([event(EventKind.DELIVERED, -15)])
    assert await desk.kinds(JANE) == set()


async def test_an_unsubscribe_holds_for_its_sender_and_topic_until_a_later_subscription(desk: Desk) -> None:
    """Under every spelling of a Gmail mailbox."""
    scope = {"sender": "shop", "topic": "offers"}
    await desk.feedback.accept([event(EventKind.UNSUBSCRIBED, -3, "j.ane+x@gmail.com", **scope)])
    (entry,) = await desk.under("jane@gmail.com")
    assert (entry.kind, entry.sender, entry.topic) == ("unsubscribed", "shop", "offers")
    await desk.feedback.accept([event(EventKind.SUBSCRIBED, -2, "jane@gmail.com", sender="shop")])
    assert await desk.kinds("jane@gmail.com") == {"unsubscribed"}
    await desk.feedback.accept([event(EventKind.SUBSCRIBED, -2, "jane@gmail.com", **scope)])
    assert await desk.kinds("jane@gmail.com") == set()


async def test_a_message_is_taken_under_its_token_alone(desk: Desk) -> None:
    """Another message under the same token changes nothing."""
    assert await desk.feedback.accept([event(EventKind.SENT)], Once("t", "one")) == Receipt(1, 0, 0)
    assert await desk.feedback.accept([event(EventKind.BOUNCED)], Once("t", "two")) is None
    assert await desk.kinds(JANE) == set()


async def test_an_event_in_the_future_counts_as_now(desk: Desk) -> None:
    """Else it would outweigh whatever comes until then."""
    await desk.feedback.accept([event(EventKind.COMPLAINED, 999)])
    assert [entry.at for entry in await desk.under(JANE)] == [START]


async def test_an_event_before_all_mail_counts_as_the_oldest(desk: Desk) -> None:
    """A sender whose clock was never set has told something all the same."""
    ancient = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    soft = [structs.replace(event(EventKind.BOUNCED, n), at=ancient, bounce_class=BounceClass.SOFT) for n in range(3)]
    await desk.feedback.accept([*soft, structs.replace(event(EventKind.DELIVERED), at=ancient)])
    await desk.feedback.accept([structs.replace(event(EventKind.COMPLAINED), at=ancient)])
    assert {(entry.kind.value, entry.at.year) for entry in await desk.under(JANE)} == {("complaint", 1990)}


async def test_mails_count_once_against_their_sender_s_quota(desk: Desk) -> None:
    """Whichever of its events comes first; no sender, or no mail named: no count."""
    named = {"sender": "shop", "message_id": "<1>"}
    await desk.feedback.accept([event(EventKind.SENT, -2, **named), event(EventKind.DELIVERED, -1, **named)])
    await desk.feedback.accept([event(EventKind.SENT, -2, sender="shop"), event(EventKind.SENT, -2, message_id="<2>")])
    usage = await desk.uses.usage("shop", START - 9 * HOUR, [KEYS.exact(address(JANE))])
    assert (usage.used, len(usage.blasts)) == (1, 1)


async def test_a_mail_that_the_gate_counted_is_not_counted_by_its_events(desk: Desk) -> None:
    """Whoever asks the gate under the mail's Message-ID, and has his service tell of it, has sent one mail."""
    recipient = KEYS.exact(address(JANE))
    asked = Use("shop", use_id("1@shop.example", recipient), recipient, START)
    assert await desk.uses.count([asked]) == 1
    await desk.feedback.accept([event(EventKind.SENT, -2, sender="shop", message_id="<1@shop.example>")])
    assert (await desk.uses.usage("shop", START, [])).used == 1


class Failing(SqliteSuppressions):
    """A store that is away for its first calls."""

    times = 1

    async def add(self, suppressions: Sequence[Suppression]) -> int:
        if self.times:
            self.times -= 1
            raise ServiceUnavailable("The disk is away.")
        return await super().add(suppressions)


async def test_what_could_not_be_done_is_done_later(tmp_path: Path) -> None:
    """The event is answered, for it is kept; its effect comes as soon as it can."""
    failing = Failing(tmp_path / "suppressions.sqlite", "mark")
    async with feedback_desk(tmp_path, failing) as desk:
        assert await desk.feedback.accept([event(EventKind.BOUNCED)]) == Receipt(1, 0, 0)
        assert [str(fault) for fault in desk.faults] == ["The disk is away."]
        assert await desk.kinds(JANE) == set()
        running = asyncio.create_task(desk.feedback.run())
        while not await desk.kinds(JANE):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
    await failing.close()


async def test_a_fault_of_ours_in_one_event_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported and passed over; those around it are done."""
    judge = desk.judging.judge

    def failing(parsed: list[Address], *rest: object) -> list[Assessment]:
        if parsed[0].local == "bad":
            raise ZeroDivisionError("ours")
        return judge(parsed, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.judging, "judge", failing)
    await desk.facts.remember_domains([route()])
    told = [event(EventKind.BOUNCED, -1, f"{name}@shop.example") for name in ("one", "bad", "two")]
    assert await desk.feedback.accept(told) == Receipt(3, 0, 0)
    assert [await desk.kinds(each.email) for each in told] == [{"hard_bounce"}, set(), {"hard_bounce"}]
    assert [type(fault) for fault in desk.faults] == [ZeroDivisionError]
    assert await desk.events.waiting(9) == []
    desk.faults.clear()


async def test_a_crash_between_an_event_and_its_effect_is_made_good(tmp_path: Path) -> None:
    """What waited is done by the next process, and done twice it makes no difference."""
    async with feedback_desk(tmp_path) as desk:
        await desk.feedback._keeping.keep([event(EventKind.BOUNCED), event(EventKind.COMPLAINED, sender="shop")])
    async with feedback_desk(tmp_path) as desk:
        assert await desk.kinds(JANE) == set()
        waiting = await desk.events.waiting(10)
        await desk.feedback.catch_up()
        assert await desk.kinds(JANE) == {"hard_bounce", "complaint"}
        entries = await desk.under(JANE)
        await desk.feedback._do(waiting)
        assert await desk.under(JANE) == entries
        assert await desk.events.waiting(10) == []


async def test_forgetting_ends_what_was_told(desk: Desk) -> None:
    """The count of soft bounces begins anew."""
    soft = [event(EventKind.BOUNCED, h, bounce_class=BounceClass.SOFT) for h in (-3, -2, -1)]
    await desk.feedback.accept(soft[:2])
    parsed = address(JANE)
    await desk.feedback.forget(parsed, desk.judging.key_of(parsed))
    await desk.feedback.accept(soft[2:])
    assert await desk.kinds(JANE) == set()


async def test_what_was_predicted_is_held_against_what_came(desk: Desk) -> None:
    """By the verdict that stood before the event, once a mailbox; where nothing was known nothing is held."""
    key = desk.judging.key_of(address(JANE))
    accepted = Finding(START - 5 * HOUR, ReplyClass.ACCEPTED, stage=SmtpStage.RCPT, code=250, text="ok")
    await desk.facts.remember_domains([route()])
    await desk.facts.remember_mailboxes([(key, accepted)])
    await desk.feedback.accept([event(EventKind.DELIVERED, -4), event(EventKind.OPENED, -3)])
    await desk.feedback.accept([event(EventKind.BOUNCED, -2, reply=UNKNOWN_USER)])
    await desk.feedback.accept([event(EventKind.DELIVERED, -1, "new@shop.example")])
    await desk.feedback.accept([event(EventKind.DELIVERED, -1, "ann@unknown.example"), event(EventKind.SENT)])
    soft = event(EventKind.BOUNCED, -1, "bob@shop.example", bounce_class=BounceClass.SOFT)
    await desk.feedback.accept([soft])
    seen = {each.reason: (each.mailboxes, each.hard) for each in await desk.events.seen()}
    assert seen == {"accepted": (1, 1), "not_probed": (1, 0)}


async def test_who_was_last_alive_is_known_to_the_gate(desk: Desk) -> None:
    """A delivery, an open, a click; a bounce and a proxy's open are no signs of life."""
    told = [event(EventKind.DELIVERED, -3), event(EventKind.OPENED, -2), event(EventKind.OPENED, -1, automatic=True)]
    await desk.feedback.accept([*told, event(EventKind.BOUNCED, -1, "gone@shop.example")])
    exact = [KEYS.exact(address(JANE)), KEYS.exact(address("gone@shop.example"))]
    assert dict(await desk.events.last_active(exact)) == {exact[0]: START - 2 * HOUR}
