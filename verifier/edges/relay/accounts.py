"""Who may use the relay: keys with the scope `gate`, as AUTH PLAIN and AUTH LOGIN (RFC 4954) bring them.

The password is the key's token. The user name is free: its words are the context of what is sent (`marketing/strict`).
"""

import base64
import binascii
from collections.abc import Awaitable, Callable

from verifier.core.relay_commands import Refused
from verifier.edges.gatekeeping import context_of
from verifier.edges.relay.channel import Channel

LONGEST_LINE = 12_288
_NOT_BASE64 = "501 5.5.2 that is no base64"
_WRONG = "535 5.7.8 that is no key with the scope gate"

HoldsKey = Callable[[str], Awaitable[bool]]
"""Whether a token is a key's that may ask the gate."""


async def log_in(channel: Channel, argument: str, holds_key: HoldsKey) -> str:
    """The user name, when it was proved. Raises Refused."""
    mechanism, _, initial = argument.partition(" ")
    match mechanism.upper():
        case "PLAIN":
            answer = initial or await _ask(channel, "")
            _, _, user_and_password = _decoded(answer).partition("\0")
            user, _, password = user_and_password.partition("\0")
        case "LOGIN":
            user = _decoded(initial or await _ask(channel, "Username:"))
            password = _decoded(await _ask(channel, "Password:"))
        case _:
            raise Refused("504 5.5.4 AUTH PLAIN or AUTH LOGIN")
    if not await holds_key(password):
        raise Refused(_WRONG)
    try:
        context_of(user)
    except ValueError as error:
        raise Refused(f"535 5.7.8 the user name is the context of your mail: {error}") from None
    return user


async def _ask(channel: Channel, prompt: str) -> str:
    await channel.write(f"334 {base64.b64encode(prompt.encode()).decode()}\r\n".encode())
    line = (await channel.line(LONGEST_LINE)).strip().decode("ascii", "replace")
    if line == "*":
        raise Refused("501 5.7.0 as you wish")
    return line


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("" if text == "=" else text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(_NOT_BASE64) from None
