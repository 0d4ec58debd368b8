"""GET and POST /login, POST /logout: people log in by a link that works once, and get a session cookie.

Opening the link uses nothing up: mail programs and chats open links to preview them. The button on its page does.
"""

from aiohttp import web

from verifier.edges.http.middlewares.authentication import COOKIE
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route
from verifier.edges.http.site import CALLER
from verifier.service.access import SESSION_HOLDS


async def login_page(call: Call[None]) -> web.StreamResponse:
    return render(call.request, "login.html", invite=call.request.query.get("invite", ""), failed=False)


async def log_in(call: Call[None]) -> web.StreamResponse:
    granted = await call.site.desk.access.log_in(await _invite(call.request))
    if granted is None:
        return render(call.request, "login.html", status=401, invite="", failed=True)
    response = web.HTTPSeeOther("/")
    response.set_cookie(
        COOKIE,
        granted.token,
        max_age=int(SESSION_HOLDS.total_seconds()),
        path="/",
        secure=call.site.is_secure,
        httponly=True,
        samesite="Lax",
    )
    raise response


async def log_out(call: Call[None]) -> web.StreamResponse:
    session = call.request.cookies.get(COOKIE)
    if session and CALLER in call.request:
        await call.site.desk.access.log_out(session)
    response = web.HTTPSeeOther("/login")
    response.del_cookie(COOKIE, path="/", secure=call.site.is_secure, httponly=True, samesite="Lax")
    raise response


async def _invite(request: web.Request) -> str:
    """What the button of the page sends."""
    return (await fields_of(request)).get("invite", "")


ROUTES = (
    Route("GET", "/login", login_page, "The page of a link", page=True),
    Route("POST", "/login", log_in, "Log in by a link", page=True),
    Route("POST", "/logout", log_out, "Log out", page=True),
)
