"""What every answer carries: its request's number, the caller's limits, and what a browser must not do with it."""

from aiohttp import web

from verifier.edges.http.middlewares.limits import limit_headers
from verifier.edges.http.middlewares.observing import HEADER
from verifier.edges.http.site import CALLER, HEAD_SENT, REQUEST_ID, SITE

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal of aiohttp: called before the head of any answer is sent, streams included."""
    request[HEAD_SENT] = True
    site, headers = request.app[SITE], response.headers
    headers[HEADER] = request.get(REQUEST_ID, "")
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if response.content_type == "text/html" else API_POLICY)
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers["Server"] = "verifier"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Content-Type-Options"] = "nosniff"
    if site.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    caller = request.get(CALLER)
    if caller is not None:
        headers.update(limit_headers(site, caller))
