"""DELETE /v1/addresses/{address}: everything that is known of an address is erased."""

from aiohttp import web

from verifier.core.address import SyntaxFault, parse_address
from verifier.core.api_keys import Scope
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import Call, Route


async def forget(call: Call[None]) -> web.StreamResponse:
    address = parse_address(call.request.match_info["address"])
    if isinstance(address, SyntaxFault):
        raise Problem("not_found", f"That is no address: {address.sentence}")
    await call.site.desk.verifier.forgetting.forget(address)
    return web.Response(status=204)


ROUTES = (
    Route(
        "DELETE",
        "/v1/addresses/{address}",
        forget,
        "Forget an address",
        scope=Scope.ADMIN,
        status=204,
        problems=("not_found",),
        tag="Privacy",
        description="Whether anything was known is not told. The domain's own facts stay: they are nobody's.",
    ),
)
