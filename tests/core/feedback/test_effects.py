"""What an event changes, whatever order events are told in."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.feedback_vectors import NOW
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.address import Address, parse_address
from verifier.core.feedback.effects import (
    SOFT_HOLDS,
    Effects,
    History,
    Opt,
    SoftBounce,
    effects_of,
    is_sign_of_life,
    is_soft,
    opt_of,
    soft_limit,
)
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.replies import ReplyClass
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import Suppression, SuppressionKind

DAY = timedelta(days=1)
KEYS = SuppressionKeys(b"key")
UNKNOWN_USER = "550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown"


def address(text: str = "jane@example.com") -> Address:
    parsed = parse_address(text)
    assert isinstance(parsed, Address)
    return parsed


def event(kind: EventKind, day: float = 0, bounce_class: BounceClass | None = None, **more: object) -> MailEvent:
    base = MailEvent("mailjet", f"{kind}{day}", kind, "jane@example.com", NOW + day * DAY, bounce_class)
    return structs.replace(base, **more)


def effects(told: MailEvent, history: History | None = None, of: str = "jane@example.com") -> Effects:
    return effects_of(told, address(of), history or history_of([told]), KEYS, shipped_rules())


def history_of(events: Sequence[MailEvent]) -> History:
    """What a store gives."""
    return History(
        tuple(SoftBounce(e.at, e.message_id or "") for e in events if is_soft(e)),
        max((e.at for e in events if is_sign_of_life(e)), default=None),
        tuple(opt for e in events if (opt := opt_of(e)) is not None),
    )


def test_a_hard_bounce_suppresses_everywhere_and_for_good() -> None:
    """Whoever's mail it was: a mailbox that is gone is gone for everybody."""
    (entry,) = effects(event(EventKind.BOUNCED, 0, BounceClass.HARD, sender="shop", topic="offers")).add
    assert (entry.kind, entry.sender, entry.topic, entry.message_class) == (
        SuppressionKind.HARD_BOUNCE,
        None,
        None,
        None,
    )
    assert (entry.expires, entry.source, entry.address) == (None, "mailjet", "jane@example.com")
    assert entry.key == KEYS.kept(address(), SuppressionKind.HARD_BOUNCE)


@pytest.mark.parametrize("bounce_class", [BounceClass.BLOCK, BounceClass.UNDETERMINED])
def test_what_is_about_the_sender_suppresses_nobody(bounce_class: BounceClass) -> None:
    """However often: a reputation problem would otherwise empty the list."""
    assert effects(event(EventKind.BOUNCED, 0, bounce_class, reply="550 5.7.1 spam")) == Effects()


@pytest.mark.parametrize("kind", [EventKind.SENT, EventKind.DEFERRED, EventKind.REJECTED])
def test_what_says_nothing_of_the_mailbox_does_nothing(kind: EventKind) -> None:
    """Sent, deferred, refused by the sending service itself."""
    assert effects(event(kind)) == Effects()


def test_the_third_soft_bounce_within_thirty_days_suppresses_for_a_while() -> None:
    """Two do not, nor do three that are spread wider; the same mail twice is one."""
    soft = [event(EventKind.BOUNCED, day, BounceClass.SOFT) for day in (0, 14, 30, 60.5)]
    assert effects(soft[1], history_of(soft[:2])).add == ()
    (entry,) = effects(soft[2], history_of(soft[:3])).add
    assert (entry.kind, entry.at, entry.expires) == (
        SuppressionKind.SOFT_BOUNCE_LIMIT,
        NOW + 30 * DAY,
        NOW + 30 * DAY + SOFT_HOLDS,
    )
    assert entry.sender is None
    assert effects(soft[3], history_of([soft[0], soft[1], soft[3]])).add == ()
    same_mail = [event(EventKind.BOUNCED, day, BounceClass.SOFT, message_id="<1>") for day in (0, 1, 2)]
    assert effects(same_mail[2], history_of(same_mail)).add == ()


@pytest.mark.parametrize(
    ("life", "ends"),
    [
        (event(EventKind.DELIVERED, 3), True),
        (event(EventKind.OPENED, 3), True),
        (event(EventKind.CLICKED, 3), True),
        (event(EventKind.DELIVERED, 3, proven=False), False),
        (event(EventKind.OPENED, 3, automatic=True), False),
        (event(EventKind.DELIVERED, -1), False),
    ],
)
def test_a_sign_of_life_ends_the_count_of_soft_bounces(life: MailEvent, ends: bool) -> None:
    """If it came after them; not where a smarthost took the mail, or a proxy opened it."""
    soft = [event(EventKind.BOUNCED, day, BounceClass.SOFT) for day in (0, 1, 2)]
    history = history_of([*soft, life])
    assert (effects(life, history).end != ()) is ends
    assert (soft_limit(history) is None) is ends
    assert (effects(soft[2], history).add == ()) is ends


def test_a_complaint_holds_for_the_sender_for_good_and_under_every_spelling() -> None:
    """Gmail's dots and tags are one mailbox to whoever complains."""
    (entry,) = effects(event(EventKind.COMPLAINED, sender="shop", topic="offers"), of="Ja.Ne+x@gmail.com").add
    assert (entry.kind, entry.sender, entry.topic, entry.expires) == (SuppressionKind.COMPLAINT, "shop", None, None)
    assert entry.key == KEYS.kept(address("jane@gmail.com"), SuppressionKind.COMPLAINT)


def test_an_unsubscribe_holds_for_its_scope_until_somebody_subscribes_again() -> None:
    """A customer who wants no offers still gets his orders; a later subscription to the same ends it, an older not."""
    gone = event(EventKind.UNSUBSCRIBED, 1, sender="shop", topic="offers")
    (entry,) = effects(gone).add
    assert (entry.sender, entry.topic, entry.expires) == ("shop", "offers", None)
    back = event(EventKind.SUBSCRIBED, 2, sender="shop", topic="offers")
    (removal,) = effects(back).end
    assert removal.ends(entry)
    assert not effects(event(EventKind.SUBSCRIBED, 0, sender="shop", topic="offers")).end[0].ends(entry)
    assert not effects(event(EventKind.SUBSCRIBED, 2, sender="shop")).end[0].ends(entry)
    assert not effects(event(EventKind.SUBSCRIBED, 1, sender="shop", topic="offers")).end[0].ends(entry)


def test_an_unsubscribe_that_is_told_late_does_not_undo_a_newer_subscription() -> None:
    """Provider exports are read long after."""
    gone, back = event(EventKind.UNSUBSCRIBED, 1), event(EventKind.SUBSCRIBED, 2)
    assert effects(gone, history_of([gone, back])).add == ()
    assert effects(gone, History(opts=(Opt(EventKind.SUBSCRIBED, back.at, "other"),))).add != ()


def suppressed(events: Sequence[MailEvent]) -> set[Suppression]:
    """What is left standing when events are told one after the other."""
    told: list[MailEvent] = []
    entries: dict[tuple[object, ...], Suppression] = {}
    for each in events:
        told.append(each)
        found = effects(each, history_of(told))
        for entry in found.add:
            name = (entry.key, entry.kind, entry.sender, entry.message_class, entry.topic)
            if name not in entries or entry.at > entries[name].at:
                entries[name] = entry
        entries = {name: e for name, e in entries.items() if not any(removal.ends(e) for removal in found.end)}
    return set(entries.values())


EVENTS = st.builds(
    lambda kind, day, soft, topic, mail: event(
        kind,
        day,
        (BounceClass.SOFT if soft else BounceClass.HARD) if kind is EventKind.BOUNCED else None,
        topic=topic if kind in (EventKind.SUBSCRIBED, EventKind.UNSUBSCRIBED) else None,
        message_id=mail,
    ),
    st.sampled_from(
        [EventKind.BOUNCED, EventKind.BOUNCED, EventKind.DELIVERED, EventKind.SUBSCRIBED, EventKind.UNSUBSCRIBED]
    ),
    st.integers(0, 60),
    st.booleans(),
    st.sampled_from([None, "offers"]),
    st.sampled_from([None, "<1>", "<2>"]),
)


@given(st.lists(EVENTS, max_size=8).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events))))
def test_the_order_of_telling_makes_no_difference(orders: tuple[list[MailEvent], list[MailEvent]]) -> None:
    """The same events leave the same people suppressed, for the same reasons and scopes."""
    one, other = (
        {(s.kind, s.topic, s.at) for s in suppressed(each) if s.kind is not SuppressionKind.SOFT_BOUNCE_LIMIT}
        for each in orders
    )
    assert one == other
    limits = [{s.kind for s in suppressed(each)} for each in orders]
    assert limits[0] == limits[1]


def test_a_delivery_is_a_finding_and_so_are_the_exchange_s_words() -> None:
    """Told by feedback, at the event's time; what a smarthost decided or a source only calls hard is none."""
    found = effects(event(EventKind.DELIVERED, 3)).finding
    assert found is not None and (found.reply_class, found.told, found.observed_at, found.conclusive) == (
        ReplyClass.ACCEPTED,
        EventKind.DELIVERED,
        NOW + 3 * DAY,
        True,
    )
    bounced = event(EventKind.BOUNCED, 3, BounceClass.HARD, reply=UNKNOWN_USER)
    words = effects(bounced).finding
    assert words is not None and (words.reply_class, words.code, words.enhanced, words.conclusive) == (
        ReplyClass.MAILBOX_NOT_FOUND,
        550,
        "5.1.1",
        True,
    )
    assert words.text is not None and "jane" not in words.text
    assert effects(structs.replace(bounced, proven=False)).finding is None
    assert effects(structs.replace(bounced, reply=None)).finding is None
    assert effects(structs.replace(bounced, reply="It did not work")).finding is None
    assert effects(structs.replace(bounced, bounce_class=BounceClass.BLOCK)).finding is None
