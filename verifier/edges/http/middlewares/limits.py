"""Each key's rate: a request costs one check, and what asks for more takes the rest itself (`charge`)."""

from aiohttp import web
from aiohttp.typedefs import Handler

from verifier.core.api_keys import ApiKey
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import route_of
from verifier.edges.http.site import CALLER, SITE, Site
from verifier.service.allowances import Refused


@web.middleware
async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    route, caller = route_of(request), request.get(CALLER)
    if caller is not None and route is not None and route.scope is not None and not route.page:
        site = request.app[SITE]
        charge(site, caller, 1)
        if caller.daily_quota:
            await site.desk.allowances.look(caller)
    return await handler(request)


def charge(site: Site, caller: ApiKey, checks: int) -> None:
    """Count checks against the caller's rate. Raises Problem where they may not go now."""
    refused = site.desk.allowances.take(caller, checks)
    if refused is not None:
        raise problem_of(refused, caller)


def problem_of(refused: Refused, caller: ApiKey) -> Problem:
    """The 429, with when to come back."""
    if refused.limit == "rate":
        detail = f"The key may ask for {caller.rate} checks a minute."
        return Problem("rate_limited", detail, retry_after=refused.retry_after)
    if refused.limit == "promises":
        detail = (
            f"The key gets {caller.daily_quota} answers a day, of which {refused.left} are left, but they are promised"
            " to checks that run just now: ask again soon."
        )
    else:
        detail = (
            f"The key gets {caller.daily_quota} answers a day, of which {refused.left} are left; unknown ones are free."
        )
    return Problem("quota_exceeded", detail, retry_after=refused.retry_after)


def limit_headers(site: Site, caller: ApiKey) -> dict[str, str]:
    """RateLimit-Policy and RateLimit, for whoever has limits."""
    limits = site.desk.allowances.limits(caller)
    if not limits:
        return {}
    return {
        "RateLimit-Policy": ", ".join(limit.policy for limit in limits),
        "RateLimit": ", ".join(limit.state for limit in limits),
    }
