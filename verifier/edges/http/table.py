"""The one table of all routes: whoever adds some adds their file's ROUTES here."""

from verifier.edges.http.api import (
    addresses,
    campaigns,
    gate,
    health,
    keys,
    list_intake,
    lists,
    openapi_document,
    reacher,
    senders,
    suppressions,
    verify,
    widget,
)
from verifier.edges.http.pages import (
    about_probes,
    check,
    docs,
    home,
    key_page,
    list_page,
    list_rows,
    list_steps,
    login,
    static,
)
from verifier.edges.http.pages import (
    health as health_page,
)
from verifier.edges.http.routing import Route

ROUTES: tuple[Route, ...] = (
    *verify.ROUTES,
    *reacher.ROUTES,
    *list_intake.ROUTES,
    *lists.ROUTES,
    *widget.ROUTES,
    *gate.ROUTES,
    *suppressions.ROUTES,
    *senders.ROUTES,
    *campaigns.ROUTES,
    *keys.ROUTES,
    *addresses.ROUTES,
    *health.ROUTES,
    *openapi_document.ROUTES,
    *home.ROUTES,
    *check.ROUTES,
    *list_page.ROUTES,
    *list_rows.ROUTES,
    *list_steps.ROUTES,
    *key_page.ROUTES,
    *health_page.ROUTES,
    *docs.ROUTES,
    *about_probes.ROUTES,
    *login.ROUTES,
    *static.ROUTES,
)
