"""Who asks: what is remembered of keys, and for how long."""

import pytest

from tests.support.clock import FakeClock
from tests.support.keys import MemoryKeys
from verifier.core.api_keys import Scope, TokenKind, is_token
from verifier.core.faults import InputError
from verifier.service.access import SESSION_HOLDS, Access, Granted


class Counter(MemoryKeys):
    """Counts how often a key is looked up."""

    looked = 0

    async def by_digest(self, digest: str):  # type: ignore[no-untyped-def]
        self.looked += 1
        return await super().by_digest(digest)


def access_to(store: MemoryKeys, clock: FakeClock) -> Access:
    return Access(store, store, clock)


async def form_key(access: Access) -> Granted:
    return await access.create("form", [Scope.VERIFY], rate=60, daily_quota=0, workspace="default")


async def test_a_key_is_believed_for_two_seconds() -> None:
    """So a busy form costs the store one look-up; what another process revoked is refused after them."""
    store, clock = Counter(), FakeClock()
    access, elsewhere = access_to(store, clock), access_to(store, clock)
    granted = await form_key(access)
    for _ in range(5):
        assert await access.by_token(granted.token) == granted.key
    assert store.looked == 1
    await elsewhere.revoke("form")
    assert await access.by_token(granted.token) is not None
    clock.move(2.0)
    assert await access.by_token(granted.token) is None


async def test_what_is_no_token_costs_the_store_nothing() -> None:
    """Nonsense and typing errors are seen by themselves."""
    store, clock = Counter(), FakeClock()
    access = access_to(store, clock)
    token = (await form_key(access)).token
    for text in ("", "x", token.upper(), token[:-1], token + "x", token.replace("vfk_", "vfs_")):
        assert await access.by_token(text) is None
    assert store.looked == 0


async def test_an_invited_person_is_the_same_one_next_time() -> None:
    """Another link, not another person; who has programs' names is not invited."""
    access = access_to(MemoryKeys(), FakeClock())
    first, second = await access.invite("Jane", [Scope.LISTS]), await access.invite("Jane", [Scope.ADMIN])
    assert (first.key, first.token == second.token) == (second.key, False)
    assert second.key.scopes == {Scope.LISTS}
    await form_key(access)
    with pytest.raises(InputError, match="already"):
        await access.invite("form", [Scope.LISTS])


async def test_a_session_ends_by_itself() -> None:
    """After two weeks; its token is no link and no key."""
    clock = FakeClock()
    access = access_to(MemoryKeys(), clock)
    session = await access.log_in((await access.invite("Jane", [Scope.LISTS])).token)
    assert session is not None and is_token(TokenKind.SESSION, session.token)
    assert await access.by_token(session.token) is None
    assert await access.log_in(session.token) is None
    clock.move(SESSION_HOLDS.total_seconds() - 1)
    assert await access.by_session(session.token) is not None
    clock.move(2)
    assert await access.by_session(session.token) is None


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
async def test_a_name_is_for_people(name: str) -> None:
    """Something that can be read and shown."""
    access = access_to(MemoryKeys(), FakeClock())
    with pytest.raises(InputError):
        await access.invite(name, [Scope.LISTS])


async def widget_key(access: Access, name: str = "shop", origin: str = "https://shop.example.com") -> Granted:
    return await access.create(name, [Scope.WIDGET], rate=0, daily_quota=0, workspace="default", origins=[origin])


async def test_a_publishable_key_may_nothing_else() -> None:
    """Its token looks different, it has the one scope, and its origins as browsers write them."""
    access = access_to(MemoryKeys(), FakeClock())
    granted = await widget_key(access, origin="https://Shop.example.com/")
    assert is_token(TokenKind.WIDGET, granted.token) and not is_token(TokenKind.KEY, granted.token)
    assert granted.key.origins == {"https://shop.example.com"}
    assert [scope for scope in Scope if granted.key.may(scope)] == [Scope.WIDGET]
    assert await access.by_token(granted.token) == granted.key


@pytest.mark.parametrize(
    ("scopes", "origins"),
    [
        ([Scope.WIDGET], []),
        ([Scope.VERIFY], ["https://shop.example.com"]),
        ([Scope.WIDGET, Scope.VERIFY], ["https://shop.example.com"]),
        ([Scope.WIDGET], ["shop.example.com"]),
        ([Scope.WIDGET], [f"https://{n}.example.com" for n in range(51)]),
    ],
)
async def test_scopes_and_origins_go_together(scopes: list[Scope], origins: list[str]) -> None:
    """A public key without origins, or one that may more, is not made."""
    access = access_to(MemoryKeys(), FakeClock())
    with pytest.raises(InputError):
        await access.create("shop", scopes, rate=0, daily_quota=0, workspace="default", origins=origins)
    assert await access.keys() == []


async def test_origins_are_those_of_keys_that_hold() -> None:
    """Known at once where the key was made or revoked, within two seconds elsewhere."""
    store, clock = MemoryKeys(), FakeClock()
    access, elsewhere = access_to(store, clock), access_to(store, clock)
    assert await access.widget_origins() == await elsewhere.widget_origins() == frozenset()
    await widget_key(access)
    await widget_key(access, "blog", "https://blog.example.com")
    assert await access.widget_origins() == {"https://shop.example.com", "https://blog.example.com"}
    assert await elsewhere.widget_origins() == frozenset()
    clock.move(2.0)
    await access.revoke("shop")
    assert await access.widget_origins() == await elsewhere.widget_origins() == {"https://blog.example.com"}
