"""GET /calibration: predicted against seen, as a plot and a table: what verdicts had named, and what came of the mail.

Both axes are square roots of the risk, so that the small risks, where most mail is, are told apart.
"""

from math import sqrt

from aiohttp import web
from msgspec import Struct

from verifier.core.api_keys import Scope
from verifier.core.calibration import Calibrated
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route

_SIDE = 360.0
_TICKS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_LARGEST, _SMALLEST = 9.0, 3.0


class Point(Struct, frozen=True):
    """One line of the calibration in the plot: its middle, the ends of its interval, its size, and its words."""

    x: float
    y: float
    top: float
    bottom: float
    radius: float
    label: str


class Tick(Struct, frozen=True):
    """A risk on an axis: how far from its beginning, and as a percentage."""

    place: float
    text: str


async def calibration_page(call: Call[None]) -> web.StreamResponse:
    found = await call.site.desk.feedback.calibrating.calibrate()
    lines = sorted((line for line in found.lines if line.mailboxes), key=lambda line: (-line.mailboxes, line.reason))
    most = max((line.mailboxes for line in lines), default=1)
    return render(
        call.request,
        "calibration.html",
        mailboxes=found.mailboxes,
        lines=lines,
        points=[_point(line, most) for line in lines if line.provider is None],
        side=_SIDE,
        ticks=[Tick(_place(risk), f"{100 * risk:g} %") for risk in _TICKS],
    )


def _point(line: Calibrated, most: int) -> Point:
    low, high = line.seen_interval_95 or (0.0, 0.0)
    return Point(
        x=_place(line.foretold or 0.0),
        y=_SIDE - _place(line.seen_rate or 0.0),
        top=_SIDE - _place(high),
        bottom=_SIDE - _place(low),
        radius=_SMALLEST + (_LARGEST - _SMALLEST) * sqrt(line.mailboxes / most),
        label=line.reason,
    )


def _place(risk: float) -> float:
    return _SIDE * sqrt(risk)


ROUTES = (Route("GET", "/calibration", calibration_page, "Predicted against seen", scope=Scope.VERIFY, page=True),)
