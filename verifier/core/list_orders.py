"""What somebody asks of a list, read and checked: names, columns, webhooks, what to keep."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from verifier.core.faults import InputError
from verifier.core.list_faults import BadRequest
from verifier.core.list_jobs import NO_COLUMN, ListJob, ListOptions
from verifier.core.presets import PRESETS
from verifier.core.row_filter import RowFilter, parse_filter
from verifier.core.table import TableKind, chosen_columns

_LONGEST_NAME = 200
_LONGEST_KEY = 255
_LONGEST_URL = 2048
_GATHERED = 1000


class Order(Struct, frozen=True):
    """A list that is handed in: whose it is, who hands it in (the harvest guard counts by that), what it is called."""

    workspace: str
    client: str
    name: str = ""
    options: ListOptions = ListOptions()
    idempotency_key: str = ""


def checked(order: Order) -> Order:
    """The order, its name without folders and control characters. Raises BadRequest for what cannot be."""
    webhook = order.options.webhook
    if webhook is not None:
        _check_url(webhook.url)
    if len(order.idempotency_key) > _LONGEST_KEY:
        raise BadRequest("Idempotency-Key", f"An Idempotency-Key has at most {_LONGEST_KEY} characters.")
    if not order.idempotency_key.isprintable():
        raise BadRequest("Idempotency-Key", "An Idempotency-Key is text in ASCII or UTF-8.")
    parse_filter(keep=order.options.keep)
    return msgspec.structs.replace(order, name=plain_name(order.name) or "list")


def plain_name(text: str) -> str:
    """The last part of a path, in characters that can be printed."""
    name = "".join(character for character in text.replace("\\", "/").rpartition("/")[2] if character.isprintable())
    return name.strip()[:_LONGEST_NAME]


def suffix_of(name: str) -> str:
    """`.csv`, `.csv.gz` …: the name's, in lower case."""
    parts = name.lower().split(".")[1:]
    kept = parts[-2:] if parts and parts[-1] == "gz" else parts[-1:]
    return "".join(f".{part}" for part in kept)


def fingerprint(order: Order, sha256_of_content: str) -> str:
    """The same for the same content with the same options and name, and for nothing else."""
    return sha256(msgspec.json.encode([sha256_of_content, order.name, order.options])).hexdigest()


def as_lines(rows: Iterable[str | Mapping[str, Any]]) -> Iterator[bytes]:
    """Rows as JSON lines, some at a time: a text is an address, an object a row with its cells."""
    gathered: list[bytes] = []
    for row in rows:
        gathered.append(msgspec.json.encode({"email": row} if isinstance(row, str) else row) + b"\n")
        if len(gathered) >= _GATHERED:
            yield b"".join(gathered)
            gathered.clear()
    if gathered:
        yield b"".join(gathered)


def columns_for(job: ListJob, wanted: Sequence[str]) -> tuple[int, ...]:
    """The e-mail columns that were named, else the guess. Raises BadRequest where that names none."""
    if not wanted:
        if job.columns:
            return job.columns
        raise BadRequest("column", NO_COLUMN)
    if job.preview is None:
        raise BadRequest("column", "The list was not read yet.")
    try:
        return chosen_columns(wanted, job.preview.columns, len(job.preview.columns))
    except InputError as fault:
        raise BadRequest("column", str(fault)) from None


def cut_filter(job: ListJob, filter_: RowFilter | None, preset: str) -> RowFilter:
    """What a download keeps: what was asked for, else the list's own rule, else a preset's, else everything."""
    if filter_ is None and job.options.keep:
        filter_ = parse_filter(keep=job.options.keep)
    if preset:
        base = filter_ if filter_ is not None else RowFilter(sendable=True)
        return msgspec.structs.replace(base, repeats=False)
    return filter_ or RowFilter()


def check_form(kind: TableKind | None, preset: str) -> None:
    """Raises BadRequest for a preset that is none, or that comes in another form than it has."""
    if preset and preset not in PRESETS:
        raise BadRequest("preset", f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
    if preset and kind not in (None, TableKind.CSV):
        raise BadRequest("format", "A preset is a CSV file: leave the format out.")


def download_name(job: ListJob, kind: TableKind, preset: str) -> str:
    """`customers.clean.csv`, or `customers.mailjet.csv`."""
    stem = job.name.removesuffix(suffix_of(job.name)) if suffix_of(job.name) else job.name
    return f"{stem or 'list'}.{preset or 'clean'}.{kind.value}"


def row_after(cursor: str) -> int:
    """The row behind which a page begins. Raises BadRequest for a cursor that is none of ours."""
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 12:
        raise BadRequest("cursor", "The cursor is none that was given out: begin without one.")
    return int(cursor)


def list_cursor(job: ListJob) -> str:
    """Where the next page of lists begins."""
    return f"{job.created.isoformat()}~{job.id}"


def lists_before(cursor: str) -> tuple[datetime, str] | None:
    """What `list_cursor` made. Raises BadRequest for anything else."""
    if not cursor:
        return None
    moment, _, list_id = cursor.partition("~")
    try:
        before = datetime.fromisoformat(moment)
    except ValueError:
        raise BadRequest("cursor", "The cursor is none that was given out: begin without one.") from None
    if before.tzinfo is None or not list_id:
        raise BadRequest("cursor", "The cursor is none that was given out: begin without one.")
    return before, list_id


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    else:
        good = good and not parts.username and not parts.password
    if not good or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadRequest("webhook_url", "A webhook is an http:// or https:// URL without user and password.")
