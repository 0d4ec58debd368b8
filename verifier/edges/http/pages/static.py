"""Files that pages load: shipped in the package, read once, named with a hash of their content, so kept for a year."""

from hashlib import blake2b
from importlib import resources

from aiohttp import web
from msgspec import Struct

from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import Call, Route

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class _File(Struct, frozen=True):
    body: bytes
    media_type: str
    digest: str


def _read() -> dict[str, _File]:
    files = {}
    for entry in resources.files("verifier.edges.http").joinpath("static").iterdir():
        suffix = entry.name.rpartition(".")[2]
        if suffix in _TYPES:
            body = entry.read_bytes()
            files[entry.name] = _File(body, _TYPES[suffix], blake2b(body, digest_size=6).hexdigest())
    return files


_FILES = _read()


def link(name: str) -> str:
    """Where a page finds a file."""
    return f"/static/{_FILES[name].digest}/{name}"


def content(name: str) -> bytes:
    """The file itself."""
    return _FILES[name].body


async def static(call: Call[None]) -> web.StreamResponse:
    file = _FILES.get(call.request.match_info["name"])
    if file is None or call.request.match_info["digest"] != file.digest:
        raise Problem("not_found", "There is no such file.")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=file.body, content_type=file.media_type, charset="utf-8", headers=headers)


ROUTES = (Route("GET", "/static/{digest}/{name}", static, "A file of a page", page=True),)
