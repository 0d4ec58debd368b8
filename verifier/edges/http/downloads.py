"""Files that are sent as they are made: their head, their name, their pieces."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from aiohttp import web

from verifier.edges.http.routing import Call, write

CSV = "text/csv; charset=utf-8"


async def send_file(
    call: Call[Any], name: str, content_type: str, pieces: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """The head goes out with the first piece, so a file that cannot be made at all is still answered with a problem."""
    response = web.StreamResponse(headers={"Content-Disposition": disposition(name), "Content-Type": content_type})
    async with aclosing(pieces):
        async for piece in pieces:
            await write(call, response, piece)
    if not response.prepared:
        await response.prepare(call.request)
    await response.write_eof()
    return response


def disposition(name: str) -> str:
    """`Content-Disposition` by RFC 6266: a plain name for old programs, the true one for all others."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
