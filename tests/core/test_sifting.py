"""What of other people's disposable lists may be believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.lists import DomainList
from verifier.core.sifting import brands_of, looks_established, sift

NEVER = DomainList.parse(["gmail.example", "relay.example", "vip.relay-parent.example"])
SHARED = frozenset({"ddns.example"})


def registrable(name: str) -> str | None:
    """A stand-in for the public suffix list: two labels are registrable, but for `co.uk`."""
    return None if name == "co.uk" else ".".join(name.split(".")[-2:])


def kept(*names: str) -> list[str]:
    return sorted(sift(names, NEVER, SHARED, registrable))


@pytest.mark.parametrize(
    "name",
    [
        "co.uk",
        "ddns.example",
        "gmail.example",
        "mx.relay.example",
        "relay-parent.example",
        "school.edu",
        "cs.school.edu",
        "uni.ac.uk",
        "lycee.edu.fr",
        "city.gov",
        "ville.gouv.fr",
        "base.mil",
        "localhost",
        "com",
        "-bad.example",
        "bad-.example",
        "under_score.example",
        "1.2.3.4",
        "a..example",
        "x" * 64 + ".example",
        "",
    ],
)
def test_never_believed(name: str) -> None:
    """Suffixes, shared names, institutions, well-known domains and malformed names are left out."""
    assert kept(name) == []


def test_forms_are_normalised() -> None:
    """Case, a leading `@` or `*.` and U-labels do not matter; one name stands once."""
    assert kept("@Trash.Example", "*.trash.example", "bücher.example") == ["trash.example", "xn--bcher-kva.example"]


def test_parents_swallow_what_lies_under_them() -> None:
    """A name under another listed one is not repeated; one under a shared name stands for itself."""
    assert kept("a.trash.example", "trash.example", "me.ddns.example") == ["me.ddns.example", "trash.example"]


@given(st.lists(st.from_regex(r"[a-z]{1,3}(\.[a-z]{2,3}){1,3}", fullmatch=True)))
def test_sifting_is_stable(names: list[str]) -> None:
    """What was sifted once passes unchanged, covers no never-name, and covers every believed name it came from."""
    once = sift(names, NEVER, SHARED, registrable)
    assert once == sift(once, NEVER, SHARED, registrable)
    assert not any(name in DomainList(once) for name in NEVER)


@pytest.mark.parametrize("name", ["aacr.com", "asda.co.uk", "yahoo.us"])
def test_one_list_is_not_enough_for_acronyms_and_brands(name: str) -> None:
    """Short names under classic endings and brands under other ones look established."""
    assert looks_established(name, brands_of(DomainList.parse(["yahoo.com"])))


@pytest.mark.parametrize("name", ["tempmail.com", "a1b2c.com", "yahoo.xyz", "longername.com", "spam.fr"])
def test_throw_away_names_are_not_established(name: str) -> None:
    """Names that speak for themselves, cheap endings and random letters are believed."""
    assert not looks_established(name, brands_of(DomainList.parse(["yahoo.com"])))
