"""The body of an upload, piece by piece: a form's file, or the body itself. Nothing is held in memory whole."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import parse_content_disposition
from msgspec import Struct

from verifier.core.list_faults import UploadBroken
from verifier.edges.http.openapi import MULTIPART
from verifier.edges.http.problems import Problem, invalid

_PIECE = 1 << 16
_PATIENCE = 60.0
_LONGEST_FIELD = 4096
_MOST_FIELDS = 20
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
    """A file that comes in: the name that was sent with it, the form's fields that came before it, its pieces."""

    name: str
    fields: dict[str, str]
    pieces: AsyncGenerator[bytes, None]


async def upload_of(request: web.Request) -> Upload:
    """The file of a request. Raises Problem for a form without one."""
    if request.content_type == MULTIPART:
        return await _of_form(request)
    return Upload(_name_of(request), {}, _body(request))


async def _of_form(request: web.Request) -> Upload:
    fields: dict[str, str] = {}
    try:
        reader = await request.multipart()
        while True:
            part: Any = await _soon(reader.next())
            if part is None or len(fields) > _MOST_FIELDS:
                raise invalid("/file", "a form has a field `file` with the list, behind its other fields")
            if not isinstance(part, BodyPartReader):
                raise Problem("malformed_request", "Forms within forms are not read.")
            if part.filename is not None or part.name == "file":
                return Upload(part.filename or "", fields, _part(part))
            fields[part.name or ""] = await _field(part)
    except _NOT_A_FORM:
        raise Problem("malformed_request", "The form is not multipart/form-data as RFC 7578 has it.") from None


async def _field(part: BodyPartReader) -> str:
    content = b""
    while piece := await _soon(part.read_chunk(_PIECE)):
        content += piece
        if len(content) > _LONGEST_FIELD:
            raise Problem("body_too_large", f"A field of the form has at most {_LONGEST_FIELD:,} bytes.")
    return content.decode("utf-8", "replace")


async def _part(part: BodyPartReader) -> AsyncGenerator[bytes, None]:
    try:
        while piece := await _soon(part.read_chunk(_PIECE)):
            yield part.decode(piece)
    except _NOT_A_FORM:
        raise UploadBroken("The form ended within the file: send it again.") from None


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
