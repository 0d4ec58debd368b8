"""Exports of sending services: bounced, unsubscribed and cleaned contacts, and lists of events, as tables.

A row is an event where a column says what happened (`st_text`, `Status`, `Event` …), where the table itself does (the
columns CLEAN_TIME and UNSUB_TIME of Mailchimp), or where whoever reads it in does. Without a time the export's own
counts. Rows whose word is none of ours are left out, and counted.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from verifier.core.faults import InputError
from verifier.core.feedback.bounces import class_of_status
from verifier.core.feedback.hook import made_id, told_event
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_What = tuple[EventKind, BounceClass | None]
_HARD: _What = (EventKind.BOUNCED, BounceClass.HARD)
_SOFT: _What = (EventKind.BOUNCED, BounceClass.SOFT)
_UNSURE: _What = (EventKind.BOUNCED, BounceClass.UNDETERMINED)
_WORDS: dict[str, _What] = {
    **dict.fromkeys(("hardbounce", "hardbounced", "hardbounces", "hard", "cleaned", "permanent"), _HARD),
    **dict.fromkeys(("rebonddefinitif", "rebondpermanent", "rebonddur", "adresseinvalide"), _HARD),
    **dict.fromkeys(("softbounce", "softbounced", "softbounces", "soft", "transient", "rebondtemporaire"), _SOFT),
    **dict.fromkeys(("bounce", "bounced", "invalidemail", "invalid", "rebond"), _UNSURE),
    **dict.fromkeys(
        (
            "unsub",
            "unsubscribe",
            "unsubscribed",
            "desabonne",
            "desabonnement",
            "desinscrit",
            "desinscription",
            "optout",
        ),
        (EventKind.UNSUBSCRIBED, None),
    ),
    **dict.fromkeys(
        ("spam", "complaint", "complaints", "complained", "spamcomplaint", "spamreport", "plainte"),
        (EventKind.COMPLAINED, None),
    ),
    **dict.fromkeys(("delivered", "delivre"), (EventKind.DELIVERED, None)),
    **dict.fromkeys(("opened", "open", "firstopening", "ouvert"), (EventKind.OPENED, None)),
    **dict.fromkeys(("clicked", "click", "clique"), (EventKind.CLICKED, None)),
    **dict.fromkeys(("blocked", "rejected", "bloque"), (EventKind.REJECTED, None)),
    **dict.fromkeys(("deferred", "differe"), (EventKind.DEFERRED, None)),
    **dict.fromkeys(("subscribed", "subscribe", "abonne"), (EventKind.SUBSCRIBED, None)),
}
WORDS = ("hard", "soft", "unsubscribed", "complaint")
"""What may be said of a whole export."""
_EVENT_COLUMNS = ("sttext", "event", "status", "evenement", "statut", "bouncetype", "type", "reason", "state")
_TIME_COLUMNS = ("ts", "date", "time", "timestamp", "datetime", "eventdate", "lastupdate", "dateadded", "createdat")
_REPLY_COLUMNS = ("comment", "error", "errormessage", "diagnostic", "response", "bouncereason", "details")
_ID_COLUMNS = ("mid", "messageid", "messageguid")
_TELLING = (("cleantime", "hard"), ("unsubtime", "unsubscribed"))
_WORDS_KEPT = 1000
_STATUS = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")
_EPOCH = re.compile(r"[1-9]\d{9}(?:\d{3})?")
_DATED = re.compile(r"[A-Z][a-z]{2}, \d")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ ,T]+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AaPp][Mm])?)?")


class ExportShape(Struct, frozen=True):
    """Where the columns of an export are; `word` is what all its rows say where none says it itself."""

    email: int
    event: int | None = None
    word: str = ""
    time: int | None = None
    reply: int | None = None
    message: int | None = None


def shape_of(header: Sequence[str], email: int, word: str = "") -> ExportShape:
    """What an export of these headings tells. Raises InputError where nothing says what happened."""
    names = [_plain(name) for name in header]
    for column, told in _TELLING:
        if not word and column in names:
            return ExportShape(email, None, told, names.index(column))
    event = None if word else _first(names, _EVENT_COLUMNS)
    if event is None and not word:
        raise InputError(
            "No column of the export says what happened to each address: say it of all of them with --event, one of"
            f" {', '.join(WORDS)}."
        )
    return ExportShape(
        email, event, word, _first(names, _TIME_COLUMNS), _first(names, _REPLY_COLUMNS), _first(names, _ID_COLUMNS)
    )


def export_events(
    rows: Iterable[Sequence[str]],
    shape: ExportShape,
    source: str,
    exported_at: datetime,
    left_out: Counter[str] | None = None,
) -> Iterator[MailEvent]:
    """The events of the rows; `exported_at` is when those happened that have no time. `left_out` counts the words that
    are none of ours.
    """
    for row in rows:
        word = shape.word or _cell(row, shape.event)
        what = _what(word)
        email = _cell(row, shape.email)
        if what is None and email and left_out is not None and (word in left_out or len(left_out) < _WORDS_KEPT):
            left_out[word] += 1
        if what is None or not email:
            continue
        written, message = _cell(row, shape.time), _cell(row, shape.message)
        yield told_event(
            source,
            made_id("export", what[0], what[1], email.lower(), written, message),
            what[0],
            email,
            time_of(written) or exported_at,
            bounce_class=what[1],
            reply=_cell(row, shape.reply) if what[0] is EventKind.BOUNCED else None,
            message_id=message,
            proven=False,
        )


def time_of(text: str) -> datetime | None:
    """A time as exports write it, UTC where it names no zone: ISO 8601, seconds or milliseconds since 1970, as a mail's
    date, or the day first (the month where there is an AM or PM behind it, or no such month); None for anything else.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    if _DATED.match(text):
        return _of_mail(text)
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except ValueError:
        pass
    parts = _DAY_FIRST.fullmatch(text)
    if parts is None:
        return None
    day, month, hour = int(parts[1]), int(parts[2]), int(parts[4] or 0)
    half = (parts[7] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if half or month > 12:
        day, month = month, day
    try:
        return datetime(int(parts[3]), month, day, hour, int(parts[5] or 0), int(parts[6] or 0), tzinfo=UTC)
    except ValueError:
        return None


def _of_mail(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _what(word: str) -> _What | None:
    """What a word says, or an enhanced status code where one stands in its place (SendGrid)."""
    if _STATUS.fullmatch(word):
        return EventKind.BOUNCED, class_of_status(word)
    return _WORDS.get(_plain(word))


def _first(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _plain(text: str) -> str:
    """Lower case, without accents and whatever is no letter."""
    return re.sub("[^a-z]", "", unicodedata.normalize("NFKD", text.casefold()))
