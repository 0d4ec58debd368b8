"""Exim's main log, line by line, to events (the Exim specification, chapter "Log files").

`=>`, `->` and `>>` are deliveries, `**` is a bounce, `==` waits; `<=` brings the message-id. As in Postfix' log, a
bounce is the address's that refused, and a delivery the alias's that led to it.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator

from verifier.core.feedback.hook import made_id, told_event
from verifier.core.feedback.log_lines import HEAD, TAIL, LogTime, Relay, Relays, is_inside, text_of
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_LINE = re.compile(
    rb"^(?:" + HEAD + rb"[\w.-]+" + TAIL + rb"(?:\[\d+/\d+\] )?)?"
    rb"(?:(?P<own>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?) )?(?:\[\d+\] )?"
    rb"(?P<queue>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})"
    rb" (?P<flag><=|=>|->|>>|\*\*|==|Completed)(?: (?P<rest>.*))?$",
    re.DOTALL,
)
_ID_LIKE = re.compile(rb"[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} [<=>*C-]")
_WHOM = re.compile(
    rb"^(?P<to>\"(?:[^\"\\]|\\.)*\"@\S+|\S+)(?: \([^)]*\))?(?: <(?P<original>[^>\s]*)>)?(?P<fields>.*)$", re.DOTALL
)
_NOWHERE = b":blackhole:"
_HOST = re.compile(rb" H=(?P<name>\S+)(?: \[(?P<address>[^\]]*)\](?::(?P<port>\d+))?)?")
_ROUTER = re.compile(rb" R=(\S+)")
_TRANSPORT = re.compile(rb" T=(\S+?):?(?= |$)")
_TEXT = re.compile(rb"^(?:.*?(?:[ =]\S+|\]))?: (.*)$", re.DOTALL)
_ID = re.compile(rb" id=(\S+)")
_QUEUES_KEPT = 200_000
_SOURCE = "exim"


class EximLog:
    """Reads one log, from its oldest line on."""

    def __init__(self, times: LogTime, relays: Relays) -> None:
        self._times = times
        self._relays = relays
        self._message_ids: OrderedDict[bytes, str] = OrderedDict()

    def events(self, line: bytes) -> Iterator[MailEvent]:
        """What a line says; nothing, most of the time."""
        found = _line_of(line)
        if found is None:
            return
        queue, rest = found["queue"], found["rest"] or b""
        match found["flag"]:
            case b"<=":
                named = _ID.search(rest)
                if named is not None:
                    self._message_ids[queue] = text_of(named[1])
                    if len(self._message_ids) > _QUEUES_KEPT:
                        self._message_ids.popitem(last=False)
            case b"Completed":
                self._message_ids.pop(queue, None)
            case _:
                yield from self._delivery(found, rest)

    def _delivery(self, found: re.Match[bytes], rest: bytes) -> Iterator[MailEvent]:
        whom, at = _WHOM.match(rest), self._times.read(text_of(found["own"] or found["time"]))
        if whom is None or at is None or whom["to"] == _NOWHERE:
            return
        fields, flag = whom["fields"], found["flag"]
        to = text_of(whom["to"].rstrip(b":"))
        refused = flag in (b"**", b"==") and "@" in to
        email = to if refused or not whom["original"] else text_of(whom["original"])
        relay = _relay(fields)
        if relay is not None and is_inside(relay):
            return
        router, transport = _ROUTER.search(fields), _TRANSPORT.search(fields)
        proven = (relay is None or self._relays.proves(relay)) and b"smarthost" not in (router[1] if router else b"")
        text = None
        if flag in (b"**", b"=="):
            kind = EventKind.BOUNCED if flag == b"**" else EventKind.DEFERRED
            said = _TEXT.match(fields)
            text = text_of(said[1] if said else fields.strip() if whom["to"].endswith(b":") else None) or None
            proven = proven and transport is not None and text is not None and "from remote mail server" in text
        else:
            kind = EventKind.DELIVERED
        yield told_event(
            _SOURCE,
            made_id(at.isoformat(), found["queue"], email, kind),
            kind,
            email,
            at,
            bounce_class=BounceClass.UNDETERMINED,
            reply=text,
            message_id=self._message_ids.get(found["queue"]),
            proven=proven,
            mx_host=relay.name if relay is not None else None,
        )


def is_exim_line(line: bytes) -> bool:
    """Exim wrote it, about a mail."""
    return _line_of(line) is not None


def note_exim_relay(line: bytes, relays: Relays) -> None:
    """What a line of Exim tells of who takes mail for whom."""
    found = _line_of(line) if b"=> " in line else None
    whom = _WHOM.match(found["rest"] or b"") if found is not None and found["flag"] == b"=>" else None
    relay = _relay(whom["fields"]) if whom is not None else None
    if whom is not None and relay is not None:
        email = text_of(whom["original"] or whom["to"])
        relays.note(relay, email.rpartition("@")[2].lower())


def _relay(fields: bytes) -> Relay | None:
    host = _HOST.search(fields)
    if host is None:
        return None
    return Relay(text_of(host["name"]).lower(), text_of(host["address"]), text_of(host["port"]) or "25")


def _line_of(line: bytes) -> re.Match[bytes] | None:
    found = _LINE.match(line.rstrip(b"\r\n")) if _ID_LIKE.search(line) else None
    return found if found is not None and (found["own"] or found["time"]) else None
