"""The body of an upload, piece by piece: a form's file, JSON, or the body itself. Nothing is held in memory whole."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import parse_content_disposition
from msgspec import Struct

from verifier.core.json_lists import JsonFault, JsonList
from verifier.core.list_faults import UploadBroken, UploadTooLarge
from verifier.core.setting_values import size_text
from verifier.edges.http.openapi import MULTIPART
from verifier.edges.http.problems import Problem, invalid

_PIECE = 1 << 16
_PATIENCE = 60.0
PASTED = "emails"
"""The field of a form that addresses are pasted into, in the place of a file."""
_LONGEST_FIELD = 4096
_LONGEST_PASTED = 1 << 20
_MOST_FIELDS = 20
_URLENCODED = "application/x-www-form-urlencoded"
_NOT_A_FORM = (ValueError, AssertionError, LookupError, HttpProcessingError)
"""What aiohttp's reader of forms raises."""
_ENDINGS = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/plain": ".txt",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}


class Upload(Struct, frozen=True):
    """A file that comes in: the name that was sent with it, its pieces, and what was said beside it: a form's fields or
    an object's members, all of them once the pieces have come to their end.
    """

    name: str
    fields: dict[str, Any]
    pieces: AsyncGenerator[bytes, None]


async def upload_of(request: web.Request) -> Upload:
    """The file of a request. Raises Problem for a form without one."""
    if request.content_type == MULTIPART:
        return await _of_form(request)
    if request.content_type == _URLENCODED:
        raise Problem(
            "unsupported_media_type",
            "A list is no field of a web form. With curl: -F file=@customers.csv, or -T customers.csv -X POST"
            " (-d would join its lines).",
        )
    return Upload(_name_of(request), {}, _body(request))


def json_upload_of(request: web.Request, most: int) -> Upload:
    """Addresses or rows as JSON, read as they come; `most` bytes of it. The pieces raise Problem."""
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem("unsupported_media_type", "Send JSON in UTF-8.")
    fields: dict[str, Any] = {}
    return Upload("list.jsonl", fields, _lines(request, fields, most))


async def _of_form(request: web.Request) -> Upload:
    fields: dict[str, str] = {}
    try:
        reader = await request.multipart()
        while True:
            part: Any = await _soon(reader.next())
            if part is None:
                raise invalid("/file", "a form has the list as its field `file`: `curl -F file=@customers.csv`")
            if not isinstance(part, BodyPartReader):
                raise Problem("malformed_request", "Forms within forms are not read.")
            if _is_file(part):
                return Upload(part.filename or "", fields, _part(part, reader, fields))
            await _add(fields, part)
    except _NOT_A_FORM:
        raise _no_form() from None


def _is_file(part: BodyPartReader) -> bool:
    """Raises Problem for a list that is none, as where the @ was forgotten."""
    if part.filename is None and part.name == "file":
        raise invalid("/file", "has no file name: with curl it is -F file=@customers.csv, with the @")
    return part.filename is not None


async def _add(fields: dict[str, Any], part: BodyPartReader) -> None:
    name = part.name or ""
    if name in fields:
        raise invalid(f"/{name}", "is given twice")
    if len(fields) >= _MOST_FIELDS:
        raise invalid(f"/{name}", f"a form has at most {_MOST_FIELDS} fields beside its file")
    fields[name] = await _field(part)


async def _field(part: BodyPartReader) -> str:
    content, most = bytearray(), _LONGEST_PASTED if part.name == PASTED else _LONGEST_FIELD
    while piece := await _soon(part.read_chunk(_PIECE)):
        content += piece
        if len(content) > most:
            raise Problem("body_too_large", f"A field of the form has at most {most:,} bytes.")
    return content.decode("utf-8", "replace")


async def _part(part: BodyPartReader, reader: MultipartReader, fields: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """The file; then the fields behind it are read too."""
    try:
        while piece := await _soon(part.read_chunk(_PIECE)):
            yield part.decode(piece)
    except RuntimeError:  # an encoding that aiohttp does not know
        raise invalid("/file", "its Content-Transfer-Encoding is not read here: send the file as it is") from None
    except _NOT_A_FORM:
        raise UploadBroken("The form ended within the file: send it again.") from None
    try:
        while (further := await _soon(reader.next())) is not None:
            if not isinstance(further, BodyPartReader):
                raise Problem("malformed_request", "Forms within forms are not read.")
            if _is_file(further):
                raise invalid("/file", "a form brings one file: send each list by itself")
            await _add(fields, further)
    except _NOT_A_FORM:
        raise _no_form() from None


def _no_form() -> Problem:
    return Problem("malformed_request", "The form is not multipart/form-data as RFC 7578 has it.")


async def _lines(request: web.Request, fields: dict[str, Any], most: int) -> AsyncGenerator[bytes, None]:
    """The rows as lines; the other members become the fields."""
    reading, size = JsonList(), 0
    try:
        while piece := await _soon(request.content.read(_PIECE)):
            size += len(piece)
            if size > most:
                raise UploadTooLarge(f"The body is larger than {size_text(most)}: split the list.")
            yield reading.feed(piece)
            await asyncio.sleep(0)
        taken = reading.end()
    except JsonFault as fault:
        if fault.pointer is None:
            raise Problem("malformed_json", f"The body cannot be read as JSON: {fault}.") from None
        raise invalid(fault.pointer, str(fault)) from None
    fields.update(taken.members)


async def _body(request: web.Request) -> AsyncGenerator[bytes, None]:
    while piece := await _soon(request.content.read(_PIECE)):
        yield piece


async def _soon(reading: Any) -> Any:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await reading
    except TimeoutError:
        raise Problem("request_timeout", f"Nothing came for {_PATIENCE:.0f} seconds: send the list again.") from None
    except web.RequestPayloadError:
        raise UploadBroken("The upload broke off: send it again.") from None


def _name_of(request: web.Request) -> str:
    """Of a body by itself: as its Content-Disposition says, else by its media type."""
    _, parameters = parse_content_disposition(request.headers.get(hdrs.CONTENT_DISPOSITION))
    return parameters.get("filename") or "list" + _ENDINGS.get(request.content_type, "")
