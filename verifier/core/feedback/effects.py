"""What an event changes: suppressions that begin or end, and what is known of the mailbox.

Laws: a hard bounce suppresses at once and everywhere; three soft ones within 30 days until a month after the last;
what is about the sender never. A complaint holds for good, an unsubscribe until somebody subscribes again later.
A sign of life (a delivery by the recipient's own exchange, an open or a click by a person) ends the count of soft
bounces. The order in which events are told makes no difference: what counts is when they happened.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from verifier.core.address import Address
from verifier.core.evidence import Finding
from verifier.core.feedback.bounces import read_reply
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.observing import reply_finding
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.reply_rules import Rules
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import Removal, Suppression, SuppressionKind

SOFT_LIMIT = 3
SOFT_WINDOW = timedelta(days=30)
SOFT_HOLDS = timedelta(days=30)
_ABOUT_MAILBOX = (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED, ReplyClass.MAILBOX_FULL)
_OPTS = (EventKind.SUBSCRIBED, EventKind.UNSUBSCRIBED)


class SoftBounce(Struct, frozen=True, gc=False):
    """One soft bounce; `message` names the mail ("" where that was not told): a mail counts once."""

    at: datetime
    message: str = ""


class Opt(Struct, frozen=True, gc=False):
    """Somebody subscribed or unsubscribed; None in a scope is all of them."""

    kind: EventKind
    at: datetime
    sender: str | None = None
    message_class: str | None = None
    topic: str | None = None


class History(Struct, frozen=True):
    """What was told of a mailbox that bears on its suppressions, the event in hand included."""

    soft: tuple[SoftBounce, ...] = ()
    alive_at: datetime | None = None
    opts: tuple[Opt, ...] = ()


class Effects(Struct, frozen=True):
    """What to do: entries to add and to end, and the finding that the event is."""

    add: tuple[Suppression, ...] = ()
    end: tuple[Removal, ...] = ()
    finding: Finding | None = None


NOTHING = History()


def is_soft(event: MailEvent) -> bool:
    """It counts towards the limit of soft bounces."""
    return event.kind is EventKind.BOUNCED and event.bounce_class is BounceClass.SOFT


def is_sign_of_life(event: MailEvent) -> bool:
    """The mailbox takes mail, or somebody reads it."""
    if event.kind is EventKind.DELIVERED:
        return event.proven
    return event.kind in (EventKind.OPENED, EventKind.CLICKED) and not event.automatic


def opt_of(event: MailEvent) -> Opt | None:
    """What the event says of being mailed or not; None where it says nothing of that."""
    if event.kind not in _OPTS:
        return None
    return Opt(event.kind, event.at, event.sender, event.message_class, event.topic)


def soft_limit(history: History) -> datetime | None:
    """When the limit was last reached: the third of three mails within 30 days that bounced softly, with no sign of
    life at or after the first of them; None where it never was.
    """
    first_of: dict[str, datetime] = {}
    times: list[datetime] = []
    for bounce in history.soft:
        if bounce.message:
            first_of[bounce.message] = min(bounce.at, first_of.get(bounce.message, bounce.at))
        else:
            times.append(bounce.at)
    alive = history.alive_at
    counted = sorted(at for at in (*times, *first_of.values()) if alive is None or at > alive)
    reached = None
    for first, last in zip(counted, counted[SOFT_LIMIT - 1 :], strict=False):
        if last - first <= SOFT_WINDOW:
            reached = last
    return reached


def effects_of(event: MailEvent, address: Address, history: History, keys: SuppressionKeys, rules: Rules) -> Effects:
    """What `event` changes, given the mailbox's history."""
    match event.kind:
        case EventKind.BOUNCED:
            return _of_bounce(event, address, history, keys, rules)
        case EventKind.COMPLAINED:
            entry = _entry(event, address, SuppressionKind.COMPLAINT, keys, sender=event.sender)
            return Effects(add=(entry,))
        case EventKind.UNSUBSCRIBED:
            if _subscribed_since(event, history.opts):
                return Effects()
            kind, key = SuppressionKind.UNSUBSCRIBED, keys.kept(address, SuppressionKind.UNSUBSCRIBED)
            entry = Suppression(
                key,
                kind,
                event.at,
                event.source,
                event.sender,
                event.message_class,
                event.topic,
                address=address.normalized,
            )
            return Effects(add=(entry,))
        case EventKind.SUBSCRIBED:
            ended = Removal(
                keys.kept(address, SuppressionKind.UNSUBSCRIBED),
                frozenset({SuppressionKind.UNSUBSCRIBED}),
                event.sender,
                event.message_class,
                event.topic,
                before=event.at,
            )
            return Effects(end=(ended,))
        case _:
            return _of_life(event, address, history, keys) if is_sign_of_life(event) else Effects()


def _of_bounce(event: MailEvent, address: Address, history: History, keys: SuppressionKeys, rules: Rules) -> Effects:
    finding = finding_of_bounce(event, rules)
    if event.bounce_class is BounceClass.HARD:
        return Effects(add=(_entry(event, address, SuppressionKind.HARD_BOUNCE, keys),), finding=finding)
    if event.bounce_class is BounceClass.SOFT:
        reached = soft_limit(history)
        if reached is not None:
            entry = Suppression(
                keys.kept(address, SuppressionKind.SOFT_BOUNCE_LIMIT),
                SuppressionKind.SOFT_BOUNCE_LIMIT,
                reached,
                event.source,
                expires=reached + SOFT_HOLDS,
                address=address.normalized,
            )
            return Effects(add=(entry,), finding=finding)
    return Effects(finding=finding)


def _of_life(event: MailEvent, address: Address, history: History, keys: SuppressionKeys) -> Effects:
    finding = Finding(
        event.at,
        reply_class=ReplyClass.ACCEPTED,
        stage=SmtpStage.DATA,
        rule=f"feedback.{event.kind}",
        mx_host=event.mx_host,
        told=event.kind,
    )
    if not history.soft or soft_limit(history) is not None:
        return Effects(finding=finding)
    key = keys.kept(address, SuppressionKind.SOFT_BOUNCE_LIMIT)
    ended = Removal(key, frozenset({SuppressionKind.SOFT_BOUNCE_LIMIT}), any_scope=True)
    return Effects(end=(ended,), finding=finding)


def finding_of_bounce(event: MailEvent, rules: Rules) -> Finding | None:
    """What the recipient's own exchange said of the mailbox, where its words were passed on and speak of it; None
    where somebody else decided, or the words alone do not.
    """
    if event.reply is None or not event.proven or event.bounce_class not in (BounceClass.HARD, BounceClass.SOFT):
        return None
    reply, stage, reading = read_reply(event.reply, event.mx_host, rules)
    if reading.reply_class not in _ABOUT_MAILBOX or reading.ambiguous or reading.rule.startswith("default."):
        return None
    finding = reply_finding(event.at, stage, reply, reading, event.mx_host)
    return structs.replace(finding, told=event.kind, retry_after=None)


def _entry(
    event: MailEvent, address: Address, kind: SuppressionKind, keys: SuppressionKeys, *, sender: str | None = None
) -> Suppression:
    return Suppression(
        keys.kept(address, kind), kind, event.at, event.source, sender=sender, address=address.normalized
    )


def _subscribed_since(event: MailEvent, opts: Sequence[Opt]) -> bool:
    scope = (event.sender, event.message_class, event.topic)
    return any(
        opt.kind is EventKind.SUBSCRIBED and opt.at > event.at and (opt.sender, opt.message_class, opt.topic) == scope
        for opt in opts
    )
