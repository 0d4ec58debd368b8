"""API keys: what a token looks like, what is kept of it, and what its holder may do.

    vfk_ + 32 letters and digits + 6 that check the others

The prefix lets scanners find a token that was published by mistake; the check tells a typing error from a token that
was never given, without asking a store. 32 letters and digits are 165 bits of chance, so a plain hash of the whole is
all that is stored: nobody can run through what it may have been.
"""

import hmac
import zlib
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

SECRET_LENGTH = 32
_CHECK_LENGTH = 6
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
DEFAULT_WORKSPACE = "default"


class TokenKind(StrEnum):
    """What a token is for; the value is its prefix."""

    KEY = "vfk_"
    WIDGET = "vfp_"
    INVITE = "vfi_"
    SESSION = "vfs_"


class Scope(StrEnum):
    """What a key may do. `admin` may do everything; a key for `widget` is public, so it may do nothing else."""

    VERIFY = "verify"
    LISTS = "lists"
    GATE = "gate"
    FEEDBACK = "feedback"
    WIDGET = "widget"
    ADMIN = "admin"


class ApiKey(Struct, frozen=True):
    """Who may ask: a program with a token, or a person who logs in by links (`digest` is None).

    `id` is public and names the key in logs; `digest` is of its token; times are tz-aware. `rate` is checks a minute,
    `daily_quota` answers a day (UTC), of which unknown ones don't count; 0 is no limit.
    `origins` are the pages that may use a publishable key, as browsers write them.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    digest: str | None = None
    workspace: str = DEFAULT_WORKSPACE
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rate: int = 600
    daily_quota: int = 0
    origins: frozenset[str] = frozenset()

    @property
    def is_person(self) -> bool:
        """Logs in by links and has no token."""
        return self.digest is None

    def holds(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


def make_token(kind: TokenKind, secret: str) -> str:
    """The token of `SECRET_LENGTH` unguessable lower-case letters and digits."""
    return f"{kind}{secret}{_check(kind + secret)}"


def is_token(kind: TokenKind, text: str) -> bool:
    """The text is a whole token of that kind, though perhaps nobody's."""
    if len(text) != len(kind) + SECRET_LENGTH + _CHECK_LENGTH or not text.startswith(kind) or not text.isascii():
        return False
    body, check = text[:-_CHECK_LENGTH], text[-_CHECK_LENGTH:]
    return all(c in _DIGITS for c in body[len(kind) :]) and hmac.compare_digest(_check(body), check)


def digest_of(token: str) -> str:
    """What is stored of a token: 64 hex digits."""
    return blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32, person=b"verifier.token").hexdigest()


def same_digest(one: str, other: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def key_called(name: str, keys: Collection[ApiKey]) -> ApiKey | None:
    """The key whose id or whose name is `name`; None where there is none, or several of that name."""
    by_id = [key for key in keys if key.id == name]
    found = by_id or [key for key in keys if key.name == name and key.revoked_at is None]
    return found[0] if len(found) == 1 else None


def _check(text: str) -> str:
    number, check = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        check = _DIGITS[digit] + check
    return check
