"""API keys: tokens, scopes, and when a key holds."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.facts import at
from verifier.core.api_keys import (
    SECRET_LENGTH,
    ApiKey,
    Scope,
    TokenKind,
    digest_of,
    is_token,
    key_called,
    make_token,
    same_digest,
)

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SECRETS = st.text(_LETTERS, min_size=SECRET_LENGTH, max_size=SECRET_LENGTH)


def key(key_id: str, name: str = "form", **fields: object) -> ApiKey:
    return ApiKey(key_id, name, frozenset({Scope.VERIFY}), at(0), **fields)  # type: ignore[arg-type]


@given(st.sampled_from(TokenKind), _SECRETS)
def test_a_token_is_one_of_its_own_kind(kind: TokenKind, secret: str) -> None:
    """And of no other; its prefix tells scanners what it is."""
    token = make_token(kind, secret)
    assert token.startswith(kind.value)
    assert [other for other in TokenKind if is_token(other, token)] == [kind]


@given(_SECRETS, st.data())
def test_a_typing_error_is_noticed(secret: str, data: st.DataObject) -> None:
    """Any one character that is another, or missing."""
    token = make_token(TokenKind.KEY, secret)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(_LETTERS).filter(lambda letter: letter != token[place]))
    assert not is_token(TokenKind.KEY, token[:place] + other + token[place + 1 :])
    assert not is_token(TokenKind.KEY, token[:place] + token[place + 1 :])


@given(st.text(max_size=60))
def test_any_text_may_be_offered(text: str) -> None:
    """Nothing is raised, whatever it is."""
    assert not is_token(TokenKind.KEY, text) or text.startswith("vfk_")
    assert len(digest_of(text)) == 64


def test_digests_are_told_apart() -> None:
    """Equal for the same token alone."""
    one, other = (digest_of(make_token(TokenKind.KEY, letter * SECRET_LENGTH)) for letter in "ab")
    assert same_digest(one, one)
    assert not same_digest(one, other)


def test_admin_may_everything_and_others_what_they_have() -> None:
    """Scopes do not contain each other, but for admin."""
    admin = ApiKey("a", "a", frozenset({Scope.ADMIN}), at(0))
    assert [scope for scope in Scope if not admin.may(scope)] == []
    assert [scope for scope in Scope if key("a").may(scope)] == [Scope.VERIFY]


def test_a_key_holds_until_it_ends() -> None:
    """Not at its end, not once it is revoked."""
    assert key("a").holds(at(9e9))
    assert [key("a", expires_at=at(10)).holds(at(when)) for when in (9, 10)] == [True, False]
    assert not key("a", revoked_at=at(1)).holds(at(0))


def test_a_name_has_to_mean_one_key() -> None:
    """An id always does; a name where one key that was not revoked has it."""
    keys = [key("1", "old", revoked_at=at(0)), key("2", "old"), key("3", "two"), key("4", "two")]
    found = [key_called(name, keys) for name in ("old", "two", "4", "1", "none")]
    assert [each and each.id for each in found] == ["2", None, "4", "1", None]
