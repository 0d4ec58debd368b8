"""KeyStore, LoginStore and UsageStore in memory."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import structs

from verifier.core.api_keys import ApiKey


class MemoryKeys:
    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._links: dict[str, tuple[str, datetime]] = {}
        self._sessions: dict[str, tuple[str, datetime]] = {}
        self._used: dict[tuple[str, date], int] = {}
        self._owners: dict[str, int] = {}

    async def add(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    async def by_digest(self, digest: str) -> ApiKey | None:
        return next((key for key in self._keys.values() if key.digest == digest), None)

    async def keys(self) -> Sequence[ApiKey]:
        return list(self._keys.values())

    async def revoke(self, key_id: str, at: datetime) -> bool:
        key = self._keys.get(key_id)
        if key is None or key.revoked_at is not None:
            return False
        self._keys[key_id] = structs.replace(key, revoked_at=at)
        return True

    async def invite(self, digest: str, key_id: str, until: datetime) -> None:
        self._links[digest] = key_id, until

    async def redeem(self, digest: str, now: datetime) -> ApiKey | None:
        return self._holding(self._links.pop(digest, None), now)

    async def open_session(self, digest: str, key_id: str, until: datetime) -> None:
        self._sessions[digest] = key_id, until

    async def session(self, digest: str, now: datetime) -> ApiKey | None:
        return self._holding(self._sessions.get(digest), now)

    async def close_session(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    async def used(self, key_id: str, day: date) -> int:
        return self._used.get((key_id, day), 0)

    async def use(self, key_id: str, day: date, count: int) -> None:
        self._used[key_id, day] = self._used.get((key_id, day), 0) + count

    async def use_up_to(self, key_id: str, day: date, owner: str, total: int) -> int:
        new = max(0, total - self._owners.get(owner, 0))
        if new:
            self._owners[owner] = total
            await self.use(key_id, day, new)
        return new

    def _holding(self, found: tuple[str, datetime] | None, now: datetime) -> ApiKey | None:
        if found is None or found[1] <= now:
            return None
        key = self._keys[found[0]]
        return key if key.holds(now) else None
