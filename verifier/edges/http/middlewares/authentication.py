"""Who asks, and whether he may.

    Authorization: Bearer vfk_…    a program's key (X-Reacher-Secret is taken for the same)
    the session cookie             a person who logged in by a link
    neither                        everybody, where the service is this machine's alone

The last is open to whoever can make this machine's browsers ask: so a request there has to name the service by a name
of this machine (against DNS rebinding), and must not have come through a proxy, which would speak for strangers. And
wherever a browser sends what it holds by itself, an unsafe request has to come from our own pages.
"""

from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Handler

from verifier.core.api_keys import ApiKey
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import Route, route_of
from verifier.edges.http.site import BY_SESSION, CALLER, SITE, Site, host_in, is_loopback
from verifier.service.access import LOCAL

COOKIE = "verifier_session"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PROXIED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="verifier"'}


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    route = route_of(request)
    if route is None:
        return await handler(request)
    site = request.app[SITE]
    token = _token(request)
    if token is None and not route.cross_origin:
        _require_our_origin(request, site)
    caller = await _caller(request, site, token)
    if caller is not None:
        request[CALLER] = caller
    if route.scope is not None:
        if caller is None and route.page:
            raise web.HTTPSeeOther("/login")
        _require_scope(caller, route, site)
    return await handler(request)


def _token(request: web.Request) -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return request.headers.get("X-Reacher-Secret")


async def _caller(request: web.Request, site: Site, token: str | None) -> ApiKey | None:
    access = site.desk.access
    if token is not None:
        key = await access.by_token(token)
        if key is None:
            detail = "The key is unknown, revoked or expired; `verifier keys list` shows those that hold."
            raise Problem("key_invalid", detail, headers=_CHALLENGE)
        return key
    session = request.cookies.get(COOKIE)
    person = await access.by_session(session) if session else None
    if person is not None:
        request[BY_SESSION] = True
        return person
    return LOCAL if not site.keys_required and _is_this_machine(request) else None


def _require_scope(caller: ApiKey | None, route: Route, site: Site) -> None:
    assert route.scope is not None
    if caller is None and not site.keys_required:
        raise Problem(
            "host_refused",
            "Without keys the service answers this machine alone, as localhost and not through a proxy: make a key"
            " with `verifier keys create NAME`, and set VERIFIER_HTTP_PUBLIC_URL to where others reach it.",
        )
    if caller is None:
        detail = "Send `Authorization: Bearer …` with a key; `verifier keys create NAME` makes one."
        raise Problem("key_required", detail, headers=_CHALLENGE)
    if not caller.may(route.scope):
        raise Problem("scope_missing", f"The key needs the scope `{route.scope}`.")


def _is_this_machine(request: web.Request) -> bool:
    """Asked by one of this machine's own names, and by nobody who speaks for others."""
    headers = request.headers
    return names_this_machine(request.host) and not any(name in headers for name in PROXIED)


@lru_cache(maxsize=64)
def names_this_machine(host: str) -> bool:
    """The Host field of a request that was sent to this machine by one of its own names."""
    return is_loopback(host_in(host))


def _require_our_origin(request: web.Request, site: Site) -> None:
    if request.method in _SAFE:
        return
    origin = request.headers.get("Origin")
    if origin is not None:
        if not site.is_our_origin(origin, request.host):
            raise Problem("origin_refused", "Pages of other sites may not ask in your name.")
        return
    fetched_from = request.headers.get("Sec-Fetch-Site")
    if fetched_from not in (None, "same-origin", "none") or (fetched_from is None and COOKIE in request.cookies):
        raise Problem("origin_refused", "The request does not say that it comes from this service's own pages.")
