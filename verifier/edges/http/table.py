"""The one table of all routes: whoever adds some adds their file's ROUTES here."""

from verifier.edges.http.api import (
    addresses,
    campaigns,
    feedback,
    gate,
    health,
    keys,
    lists,
    openapi_document,
    reacher,
    senders,
    suppressions,
    verify,
    widget,
)
from verifier.edges.http.pages import about_probes, check, docs, home, list_page, list_steps, login, static, unsubscribe
from verifier.edges.http.routing import Route

ROUTES: tuple[Route, ...] = (
    *verify.ROUTES,
    *reacher.ROUTES,
    *lists.ROUTES,
    *widget.ROUTES,
    *gate.ROUTES,
    *suppressions.ROUTES,
    *senders.ROUTES,
    *campaigns.ROUTES,
    *keys.ROUTES,
    *addresses.ROUTES,
    *feedback.ROUTES,
    *health.ROUTES,
    *openapi_document.ROUTES,
    *home.ROUTES,
    *check.ROUTES,
    *list_page.ROUTES,
    *list_steps.ROUTES,
    *docs.ROUTES,
    *about_probes.ROUTES,
    *login.ROUTES,
    *unsubscribe.ROUTES,
    *static.ROUTES,
)
