"""gate_listeners(…): what mail servers ask, listening where the settings say."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from verifier.config import Settings
from verifier.edges import line_connection
from verifier.edges.gatekeeping import Gatekeeper
from verifier.edges.line_connection import LineConnection
from verifier.edges.listening import listening
from verifier.edges.postfix import connection as postfix
from verifier.edges.postfix.connection import PostfixConnection


@asynccontextmanager
async def gate_listeners(settings: Settings, keeper: Gatekeeper) -> AsyncIterator[list[str]]:
    """The listeners that are set, as long as the context lives; yields a sentence for each.

    Raises ServiceUnavailable where one cannot listen.
    """
    said = []
    async with AsyncExitStack() as stack:
        if settings.policy_listen:
            await stack.enter_async_context(
                listening(
                    settings.policy_listen,
                    "VERIFIER_POLICY_LISTEN",
                    lambda crowd: PostfixConnection(crowd, keeper),
                    most=postfix.MOST_CONNECTIONS,
                )
            )
            said.append(f"Postfix may ask at {settings.policy_listen}.")
        if settings.line_listen:
            await stack.enter_async_context(
                listening(
                    settings.line_listen,
                    "VERIFIER_LINE_LISTEN",
                    lambda crowd: LineConnection(crowd, keeper),
                    most=line_connection.MOST_CONNECTIONS,
                )
            )
            said.append(f"Whatever can open a socket may ask at {settings.line_listen}.")
        if said and not settings.gate_enforce:
            said.append("They observe: everything passes, and is logged. VERIFIER_GATE_ENFORCE=true ends that.")
        yield said
