"""What the forms of pages send."""

from urllib.parse import parse_qs

from aiohttp import web

from verifier.edges.http.bodies import read_bytes
from verifier.edges.http.problems import Problem

_FORM = "application/x-www-form-urlencoded"
_LONGEST = 4096
_MOST = 20


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields, each once. Raises Problem for what no form sends."""
    if request.content_type != _FORM:
        raise Problem("unsupported_media_type", "This is what the form of the page sends.")
    fields = parse_qs((await read_bytes(request, _LONGEST)).decode("utf-8", "replace"), max_num_fields=_MOST)
    return {name: values[0] for name, values in fields.items()}
