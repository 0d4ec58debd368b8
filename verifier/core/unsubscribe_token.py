"""Tokens of one-click unsubscribe links (RFC 8058): who leaves, and what, in a text that tells nobody else.

Law: who has no key can neither make one nor read one, and the same recipient of the same sender always has the same.
AES-SIV (RFC 5297) needs no nonce for that. A token does not expire: an old mail's link has to work.
"""

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import Struct

from verifier.core.keys import subkey

_VERSION = b"unsubscribe.1"
LONGEST = 1000


class Leaving(Struct, frozen=True, array_like=True):
    """Who leaves what; None is all of it."""

    email: str
    sender: str | None = None
    topic: str | None = None


def make_unsubscribe_token(secret: bytes, leaving: Leaving) -> str:
    """The token, of letters, digits, `-` and `_`; `secret` is the service's own."""
    sealed = _cipher(secret).encrypt(msgspec.msgpack.encode(leaving), [_VERSION])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def leaving_of(secret: bytes, token: str) -> Leaving | None:
    """Whose token it is; None where it is nobody's."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        plain = _cipher(secret).decrypt(sealed, [_VERSION])
        return msgspec.msgpack.decode(plain, type=Leaving)
    except (binascii.Error, ValueError, InvalidTag, msgspec.MsgspecError):
        return None


def _cipher(secret: bytes) -> AESSIV:
    return AESSIV(subkey(secret, "unsubscribe.mac") + subkey(secret, "unsubscribe.text"))
