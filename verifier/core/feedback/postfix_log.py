"""Postfix's log, line by line, to events (postconf(5), the delivery agents' `status=` lines).

`sent` is delivered where the recipient's own exchange took it, `bounced` and `expired` are bounces, `deferred` is
neither. Behind an alias it is the address that refused which has bounced, for the alias may have led others to their
mail; a delivery is the alias's. What other lines say of a queue id (its message-id) is kept until it is removed.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import TypeVar

from verifier.core.feedback.bounces import class_of_status
from verifier.core.feedback.hook import made_id, told_event
from verifier.core.feedback.log_lines import HEAD, TAIL, LogTime, Relay, Relays, is_inside, text_of
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_LINE = re.compile(
    rb"^"
    + HEAD
    + rb"[\w.-]+(?:/[\w.-]+)*/(?P<agent>smtp|lmtp|local|virtual|error|retry|qmgr|cleanup)"
    + TAIL
    + rb"(?:info: )?(?P<queue>[0-9A-Za-z]{6,40}): (?P<rest>.*)$",
    re.DOTALL,
)
_DELIVERY = re.compile(
    rb"^to=<(?P<to>(?:\"(?:[^\"\\]|\\.)*\"@)?[^>]*)>,(?: orig_to=<(?P<original>[^>]*)>,)?"
    rb" relay=(?P<relay>[^,\[]+)(?:\[(?P<address>[^\]]*)\])?(?::(?P<port>\d+|\[?private/[^,]*))?,"
    rb".*?dsn=(?P<dsn>[0-9.]+), status=(?P<status>\w+) ?\(?(?P<text>.*?)\)?$",
    re.DOTALL,
)
_SENT = re.compile(rb" to=<[^>]*@([^>@]+)>,.* relay=([^,\[]+)\[([^\]]*)\]:(\d+),.* status=sent ")
_MESSAGE_ID = b"message-id="
_QUEUES_KEPT = 200_000
_SOURCE = "postfix"
_Value = TypeVar("_Value")


class PostfixLog:
    """Reads one log, from its oldest line on."""

    def __init__(self, times: LogTime, relays: Relays) -> None:
        self._times = times
        self._relays = relays
        self._message_ids: OrderedDict[bytes, str] = OrderedDict()
        self._deferred: OrderedDict[bytes, dict[str, str]] = OrderedDict()

    def events(self, line: bytes) -> Iterator[MailEvent]:
        """What a line says; nothing, most of the time."""
        if b"status=" not in line and _MESSAGE_ID not in line and b": removed" not in line:
            return
        found = _LINE.match(line.rstrip(b"\r\n"))
        if found is None:
            return
        queue, rest, agent = found["queue"], found["rest"], found["agent"]
        if agent == b"cleanup":
            if rest.startswith(_MESSAGE_ID):
                _remember(self._message_ids, queue, text_of(rest[len(_MESSAGE_ID) :]))
        elif agent == b"qmgr":
            if rest == b"removed":
                self._message_ids.pop(queue, None)
                self._deferred.pop(queue, None)
            elif b"status=expired" in rest or b"status=force-expired" in rest:
                yield from self._expired(found)
        else:
            yield from self._delivery(found)

    def _delivery(self, found: re.Match[bytes]) -> Iterator[MailEvent]:
        told = _DELIVERY.match(found["rest"])
        at = self._times.read(text_of(found["time"]))
        if told is None or at is None:
            return
        to = text_of(told["to"])
        email = original if "@" in (original := text_of(told["original"])) else to
        status, text = told["status"], text_of(told["text"])
        relay = Relay(text_of(told["relay"]).lower(), text_of(told["address"]), text_of(told["port"]) or "25")
        local = found["agent"] in (b"local", b"virtual", b"lmtp")
        if is_inside(relay) and not local:
            return  # a filter's: what becomes of the mail is told by a later line
        proven = local or self._relays.proves(relay)
        queue = found["queue"]
        if status != b"deferred":
            self._deferred.get(queue, {}).pop(to, None)
        if status == b"sent":
            yield self._event(found, EventKind.DELIVERED, email, proven=proven, mx_host=relay.name)
        elif status == b"bounced":
            own = class_of_status(text_of(told["dsn"]))
            said = " said: " in text
            yield self._event(
                found, EventKind.BOUNCED, to, own, text, proven=proven and said, mx_host=relay.name if said else ""
            )
        elif status == b"deferred":
            waiting = self._deferred.get(queue)
            if waiting is None:
                _remember(self._deferred, queue, waiting := {})
            waiting[to] = text
            yield self._event(found, EventKind.DEFERRED, to, None, text)
        elif status == b"SOFTBOUNCE":  # soft_bounce = yes: it stays in the queue, whatever was said
            yield self._event(found, EventKind.DEFERRED, to, None, text)

    def _expired(self, found: re.Match[bytes]) -> Iterator[MailEvent]:
        """The queue gave up: whoever was deferred last has bounced, softly, since nobody refused for good."""
        for email, text in self._deferred.pop(found["queue"], {}).items():
            yield self._event(found, EventKind.BOUNCED, email, BounceClass.SOFT, f"450 4.4.7 {text}", proven=False)

    def _event(
        self,
        found: re.Match[bytes],
        kind: EventKind,
        email: str,
        bounce_class: BounceClass | None = None,
        text: str | None = None,
        *,
        proven: bool = True,
        mx_host: str = "",
    ) -> MailEvent:
        at = self._times.read(text_of(found["time"]))
        assert at is not None
        return told_event(
            _SOURCE,
            made_id(found["host"] or b"", at.isoformat(), found["queue"], email, kind),
            kind,
            email,
            at,
            bounce_class=bounce_class,
            reply=text,
            message_id=self._message_ids.get(found["queue"]),
            proven=proven,
            mx_host=mx_host,
        )


def is_postfix_line(line: bytes) -> bool:
    """Postfix wrote it, about a mail."""
    return _LINE.match(line.rstrip(b"\r\n")) is not None


def note_postfix_relay(line: bytes, relays: Relays) -> None:
    """What a line of Postfix tells of who takes mail for whom."""
    found = _SENT.search(line) if b"status=sent" in line else None
    if found is not None:
        domain, name, address, port = (text_of(part).lower() for part in found.groups())
        relays.note(Relay(name, address, port), domain)


def _remember(known: OrderedDict[bytes, _Value], queue: bytes, value: _Value) -> None:
    known[queue] = value
    if len(known) > _QUEUES_KEPT:
        known.popitem(last=False)
