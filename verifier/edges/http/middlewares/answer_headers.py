"""What every answer carries: its request's number, the caller's limits, and what a browser must not do with it."""

from aiohttp import web

from verifier.edges.http.middlewares.limits import limit_headers
from verifier.edges.http.middlewares.observing import HEADER
from verifier.edges.http.site import CALLER, HEAD_SENT, REQUEST_ID, SITE, Site

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_MAY_DIFFER = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}


def headers_of_json(site: Site) -> dict[str, str]:
    """What `add_headers` comes to for an answer in JSON, but for its request's number and its caller's limits."""
    return {**_MAY_DIFFER, "Content-Security-Policy": API_POLICY, **_always(site)}


def _always(site: Site) -> dict[str, str]:
    headers = {"Server": "verifier", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
    if site.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal of aiohttp: called before the head of any answer is sent, streams included."""
    request[HEAD_SENT] = True
    site, headers = request.app[SITE], response.headers
    headers[HEADER] = request.get(REQUEST_ID, "")
    for name, value in _MAY_DIFFER.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if response.content_type == "text/html" else API_POLICY)
    headers.update(_always(site))
    caller = request.get(CALLER)
    if caller is not None:
        headers.update(limit_headers(site, caller))
