"""GET and POST /unsubscribe/{token}: one click ends a sender's mail (RFC 8058).

Opening the link changes nothing: mail programs and scanners open links. A POST does, by a mail provider
(`List-Unsubscribe=One-Click`) or by the button of the page, without cookies, keys or questions.
"""

from aiohttp import web

from verifier.core.feedback.hook import made_id
from verifier.core.mail_events import EventKind, MailEvent
from verifier.core.unsubscribe_token import Leaving, leaving_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route

_SOURCE = "one-click"
_TEMPLATE = "unsubscribe.html"


async def unsubscribe_page(call: Call[None]) -> web.StreamResponse:
    leaving = _leaving(call)
    if leaving is None:
        return render(call.request, _TEMPLATE, status=404, state="unknown", email="", sender="")
    return _page(call, leaving, "asked")


async def unsubscribe(call: Call[None]) -> web.StreamResponse:
    leaving = _leaving(call)
    if leaving is None:
        return render(call.request, _TEMPLATE, status=404, state="unknown", email="", sender="")
    now = call.site.clock.now()
    minute = int(now.timestamp()) // 60
    event = MailEvent(
        source=_SOURCE,
        id=made_id(call.request.match_info["token"], minute),
        kind=EventKind.UNSUBSCRIBED,
        email=leaving.email,
        at=now,
        sender=leaving.sender,
        topic=leaving.topic,
    )
    await call.site.desk.feedback.feedback.accept([event])
    return _page(call, leaving, "done")


def _page(call: Call[None], leaving: Leaving, state: str) -> web.Response:
    return render(call.request, _TEMPLATE, state=state, email=leaving.email, sender=leaving.sender or "")


def _leaving(call: Call[None]) -> Leaving | None:
    return leaving_of(call.site.desk.verifier.secret, call.request.match_info["token"])


ROUTES = (
    Route("GET", "/unsubscribe/{token}", unsubscribe_page, "The page of an unsubscribe link", page=True),
    Route("POST", "/unsubscribe/{token}", unsubscribe, "Unsubscribe by one click", page=True, cross_origin=True),
)
