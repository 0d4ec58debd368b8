"""Links, host names and accents are taken out of a reply before its words are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.reply_text import HOST, LINK, without_accents, without_links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user unknown", ("user unknown", "")),
        ("see https://b.example/user-unknown for more", ("see <url> for more", "https://b.example/user-unknown")),
        ("see (http://b.example/a?x=5.1.1).", ("see (<url>).", "http://b.example/a?x=5.1.1")),
        ("see http:// b.example/x", ("see <url>", "http://b.example/x")),
        ("www.b.example, thanks", ("<url>, thanks", "www.b.example")),
        ("b.example/policy#550", ("<url>", "b.example/policy#550")),
        ("no-such-user.b.example: welcome", ("<host>: welcome", "no-such-user.b.example")),
        ("mx.b.example [192.0.2.1] said", ("<host> [192.0.2.1] said", "mx.b.example")),
        ("a.b.example and c.example", ("<host> and <host>", "a.b.example c.example")),
        ("unknown.it was refused", ("unknown.it was refused", "")),
        ("mail.unknown.it was refused", ("<host> was refused", "mail.unknown.it")),
        ("5.1.1 and 192.0.2.1 stay", ("5.1.1 and 192.0.2.1 stay", "")),
        ("resolver.adr.recipnotfound; not found", ("resolver.adr.recipnotfound; not found", "")),
        ("<*>... user unknown", ("<*>... user unknown", "")),
        ("user_unknown", ("user unknown", "")),
        ("ofr_416", ("ofr_416", "")),
        ("", ("", "")),
    ],
)
def test_links_and_hosts(text: str, expected: tuple[str, str]) -> None:
    """Each leaves a mark of its own, and is read apart; numbers, dotted tags and ends of sentences are neither."""
    assert expected == without_links(text)


labels = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
host_names = st.builds("{}.{}.example".format, labels, labels)
paths = st.from_regex(r"(/[a-z0-9_.?=&%#-]{1,12}){0,3}/[a-z0-9]{1,8}", fullmatch=True)


@given(host_names, host_names)
def test_names_of_hosts_say_nothing(one: str, other: str) -> None:
    """Whatever a host is called, what is left of the sentence is the same."""
    assert (
        without_links(f"refused by {one}: no")[0]
        == without_links(f"refused by {other}: no")[0]
        == (f"refused by {HOST}: no")
    )


@given(host_names, paths)
def test_paths_of_links_say_nothing(host: str, path: str) -> None:
    """Whatever a link is called, what is left of the sentence is the same."""
    assert without_links(f"see https://{host}{path} please")[0] == f"see {LINK} please"


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Nothing fails, and what was taken out once leaves nothing more to take."""
    left, _ = without_links(text.lower())
    assert left == without_links(left)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boîte désactivée", "boite desactivee"),
        ("skrzynka pełna", "skrzynka pelna"),
        ("l’adresse n’existe pas", "l'adresse n'existe pas"),
        ("empfänger ungültig, größe", "empfanger ungultig, grosse"),
        ("χρήστης", "χρηστης"),
        ("ящик переполнен", "ящик переполнен"),
        ("该用户不存在", "该用户不存在"),
        ("plain", "plain"),
    ],
)
def test_accents(text: str, expected: str) -> None:
    """A text is read as somebody without those keys would have typed it."""
    assert expected == without_accents(text)


@given(st.text(max_size=200))
def test_accents_are_gone_after_once(text: str) -> None:
    """Folding twice changes nothing."""
    assert without_accents(text) == without_accents(without_accents(text))
