"""gate_listeners(…): what mail servers ask and send through, listening where the settings say."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from verifier.config import Settings
from verifier.core.api_keys import Scope
from verifier.core.faults import ConfigError
from verifier.core.mail_server import parse_mail_server
from verifier.core.unsubscribe_token import Leaving, make_unsubscribe_token
from verifier.edges import line_connection
from verifier.edges.gatekeeping import Gatekeeper
from verifier.edges.line_connection import LineConnection
from verifier.edges.listening import is_local, listening
from verifier.edges.postfix import connection as postfix
from verifier.edges.postfix.connection import PostfixConnection
from verifier.edges.relay.accounts import HoldsKey
from verifier.edges.relay.listener import relay_listening, server_tls
from verifier.edges.relay.session import Relaying
from verifier.ports import Clock
from verifier.service.access import Access


@asynccontextmanager
async def gate_listeners(
    settings: Settings,
    keeper: Gatekeeper,
    clock: Clock,
    access: Access,
    secret: bytes,
    report_fault: Callable[[BaseException], None],
) -> AsyncIterator[list[str]]:
    """The listeners that are set, as long as the context lives; yields sentences that say which.

    Raises ServiceUnavailable where one cannot listen, ConfigError where the relay would be of no use, or open to all.
    """

    async def holds_key(token: str) -> bool:
        key = await access.by_token(token)
        return key is not None and key.may(Scope.GATE)

    said = []
    async with AsyncExitStack() as stack:
        if place := settings.policy_listen:
            most = postfix.MOST_CONNECTIONS
            await stack.enter_async_context(
                listening(place, "VERIFIER_POLICY_LISTEN", lambda crowd: PostfixConnection(crowd, keeper), most=most)
            )
            said.append(f"Postfix may ask at {place}.")
        if place := settings.line_listen:
            most = line_connection.MOST_CONNECTIONS
            await stack.enter_async_context(
                listening(place, "VERIFIER_LINE_LISTEN", lambda crowd: LineConnection(crowd, keeper), most=most)
            )
            said.append(f"Whatever can open a socket may ask at {place}.")
        if place := settings.relay_listen:
            relaying = _relaying(settings, keeper, clock, holds_key, secret)
            await stack.enter_async_context(
                relay_listening(place, "VERIFIER_RELAY_LISTEN", relaying, report_fault=report_fault)
            )
            said.append(f"Mail may be sent through {place} to {relaying.server.host}:{relaying.server.port}.")
        if any(place and not is_local(place) for place in (settings.policy_listen, settings.line_listen)):
            said.append(
                "Warning: others than this machine may ask there: whoever does learns what is known of an address."
            )
        if said and not settings.gate_enforce:
            said.append("They observe: everything passes, and is logged. VERIFIER_GATE_ENFORCE=true ends that.")
        yield said


def _relaying(settings: Settings, keeper: Gatekeeper, clock: Clock, holds_key: HoldsKey, secret: bytes) -> Relaying:
    if not settings.relay_upstream:
        raise ConfigError("VERIFIER_RELAY_UPSTREAM must say where the mail of VERIFIER_RELAY_LISTEN goes on to.")
    if settings.relay_upstream == settings.relay_listen:
        raise ConfigError("VERIFIER_RELAY_UPSTREAM is the relay itself: mail would go round in circles.")
    open_to_all = is_local(settings.relay_listen)
    if not open_to_all and not settings.relay_certificate:
        raise ConfigError(
            "VERIFIER_RELAY_CERTIFICATE must name a certificate where others than this machine reach the relay: they"
            " log in with a key, and a key does not travel in clear."
        )
    tls = server_tls(Path(settings.relay_certificate)) if settings.relay_certificate else None
    server = parse_mail_server(settings.relay_upstream)
    public = settings.http_public_url.rstrip("/")

    def link(recipient: str, sender: str | None) -> str:
        return f"{public}/unsubscribe/{make_unsubscribe_token(secret, Leaving(recipient, sender))}"

    return Relaying(
        keeper,
        server,
        settings.helo,
        clock,
        holds_key,
        tls,
        open_to_all,
        link if public.startswith("https://") else None,
    )
