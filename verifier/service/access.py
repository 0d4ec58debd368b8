"""Who asks: keys and their tokens, people and their links and sessions.

Law: a token is shown once, when it is made; a revoked key is refused within two seconds by every process that shares
the store, at once by the one that revoked it.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from verifier.core.api_keys import (
    SECRET_LENGTH,
    ApiKey,
    Scope,
    TokenKind,
    digest_of,
    is_token,
    key_called,
    make_token,
)
from verifier.core.faults import InputError
from verifier.core.origins import parse_origin
from verifier.ports import Clock, KeyStore, LoginStore

INVITE_HOLDS = timedelta(hours=24)
SESSION_HOLDS = timedelta(days=14)
_BELIEVED_SECONDS = 2.0
_REMEMBERED = 10_000
_ID_LENGTH = 10
_LONGEST_NAME = 100
_MOST_ORIGINS = 50

LOCAL = ApiKey("local", "this machine", frozenset(Scope), datetime(2026, 1, 1, tzinfo=UTC), rate=0)
"""Who asks where no key is needed: everybody on this machine, without limits."""


class Granted(Struct, frozen=True):
    """A key that was just made, and its token, which nobody can show again."""

    key: ApiKey
    token: str


class Access:
    """Keys over a KeyStore and a LoginStore, which other processes may change at the same time."""

    def __init__(self, keys: KeyStore, logins: LoginStore, clock: Clock) -> None:
        self._keys = keys
        self._logins = logins
        self._clock = clock
        self._known: OrderedDict[str, tuple[ApiKey, float]] = OrderedDict()
        self._origins: tuple[frozenset[str], float] | None = None

    async def by_token(self, token: str) -> ApiKey | None:
        """The key of a program's token, where it holds."""
        if not is_token(TokenKind.KEY, token) and not is_token(TokenKind.WIDGET, token):
            return None
        return await self._remembered(digest_of(token), is_session=False)

    def at_hand(self, token: str) -> ApiKey | None:
        """What `by_token` gives where it need not look; None where it has to."""
        known = self._known.get(digest_of(token)) if token.startswith((TokenKind.KEY, TokenKind.WIDGET)) else None
        if known is None or known[1] <= self._clock.monotonic() or not known[0].holds(self._clock.now()):
            return None
        return known[0]

    async def by_session(self, token: str) -> ApiKey | None:
        """The key of the person whose session it is, where both hold."""
        if not is_token(TokenKind.SESSION, token):
            return None
        return await self._remembered(digest_of(token), is_session=True)

    async def log_in(self, invite: str) -> Granted | None:
        """A session for the one-time link's token; None where that was used, has ended, or never was."""
        if not is_token(TokenKind.INVITE, invite):
            return None
        key = await self._logins.redeem(digest_of(invite), self._clock.now())
        if key is None:
            return None
        token = self._token(TokenKind.SESSION)
        await self._logins.open_session(digest_of(token), key.id, self._clock.now() + SESSION_HOLDS)
        return Granted(key, token)

    async def log_out(self, session: str) -> None:
        """The session is over."""
        digest = digest_of(session)
        self._known.pop(digest, None)
        await self._logins.close_session(digest)

    async def create(
        self,
        name: str,
        scopes: Collection[Scope],
        *,
        expires_at: datetime | None = None,
        rate: int,
        daily_quota: int,
        workspace: str,
        origins: Collection[str] = (),
    ) -> Granted:
        """A new key for a program, publishable where its scope is `widget` and `origins` say for which pages.

        Raises InputError where the name is taken or cannot be one, and where scopes and origins do not go together.
        """
        self._require_free(name, await self._keys.keys())
        allowed = _origins_for(scopes, origins)
        token = self._token(TokenKind.WIDGET if allowed else TokenKind.KEY)
        key = ApiKey(
            id=self._clock.token(_ID_LENGTH),
            name=name,
            scopes=frozenset(scopes),
            created_at=self._clock.now(),
            digest=digest_of(token),
            workspace=workspace,
            expires_at=expires_at,
            rate=rate,
            daily_quota=daily_quota,
            origins=allowed,
        )
        await self._keys.add(key)
        self._origins = None
        return Granted(key, token)

    async def widget_origins(self) -> frozenset[str]:
        """Of all publishable keys that hold."""
        moment = self._clock.monotonic()
        if self._origins is None or self._origins[1] <= moment:
            now = self._clock.now()
            found = (key.origins for key in await self._keys.keys() if key.holds(now))
            self._origins = frozenset().union(*found), moment + _BELIEVED_SECONDS
        return self._origins[0]

    async def invite(self, name: str, scopes: Collection[Scope]) -> Granted:
        """A one-time link's token for a person, who is made where nobody of that name is known.

        Somebody known keeps the scopes that he has. Raises InputError where the name is a program's.
        """
        known = await self._keys.keys()
        person = key_called(name, [key for key in known if key.is_person and key.holds(self._clock.now())])
        if person is None:
            self._require_free(name, known)
            now = self._clock.now()
            person = ApiKey(self._clock.token(_ID_LENGTH), name, frozenset(scopes), now)
            await self._keys.add(person)
        token = self._token(TokenKind.INVITE)
        await self._logins.invite(digest_of(token), person.id, self._clock.now() + INVITE_HOLDS)
        return Granted(person, token)

    async def keys(self) -> Sequence[ApiKey]:
        """All that there ever were, oldest first."""
        return await self._keys.keys()

    async def revoke(self, name: str) -> ApiKey | None:
        """The key of that id or name holds no more; None where there is none, or where several have the name."""
        key = key_called(name, await self._keys.keys())
        if key is None or not await self._keys.revoke(key.id, self._clock.now()):
            return None
        self._known.clear()
        self._origins = None
        return key

    def _token(self, kind: TokenKind) -> str:
        return make_token(kind, self._clock.token(SECRET_LENGTH))

    def _require_free(self, name: str, known: Collection[ApiKey]) -> None:
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise InputError(f"A key's name is 1 to {_LONGEST_NAME} printable characters.")
        now = self._clock.now()
        if any(key.name == name and key.holds(now) for key in known):
            raise InputError(f"There is a key called {name} already: revoke it first, or take another name.")

    async def _remembered(self, digest: str, *, is_session: bool) -> ApiKey | None:
        now, moment = self._clock.now(), self._clock.monotonic()
        known = self._known.get(digest)
        if known is None or known[1] <= moment:
            key = await (self._logins.session(digest, now) if is_session else self._keys.by_digest(digest))
            self._known.pop(digest, None)
            if key is None:
                return None
            known = self._known[digest] = key, moment + _BELIEVED_SECONDS
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known[0] if known[0].holds(now) else None


def _origins_for(scopes: Collection[Scope], origins: Collection[str]) -> frozenset[str]:
    """A key that everybody can read in a page's source may do one thing, for pages that are named."""
    if Scope.WIDGET not in scopes and not origins:
        return frozenset()
    if set(scopes) != {Scope.WIDGET} or not 0 < len(origins) <= _MOST_ORIGINS:
        raise InputError(
            "A key for the widget is public: it has the scope `widget` alone, and the origins of the pages that use it"
            f" (1 to {_MOST_ORIGINS}, such as https://shop.example.com)."
        )
    try:
        return frozenset(map(parse_origin, origins))
    except ValueError as error:
        raise InputError(str(error)) from None
