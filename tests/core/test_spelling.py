"""Corrections are made where the domain cannot be right, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.core.address import Address, parse_address
from verifier.core.spelling import Spelling

TARGETS = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "aol.com",
    "icloud.com",
    "hotmail.fr",
    "orange.fr",
    "free.fr",
    "wanadoo.fr",
    "laposte.net",
    "live.com",
    "msn.com",
    "me.com",
    "yahoo.fr",
    "yahoo.co.uk",
    "gmx.de",
    "gmx.net",
    "web.de",
    "t-online.de",
    "mail.ru",
    "comcast.net",
    "mail.com",
    "otenet.gr",
    "email.cz",
)
LOOKALIKES = {"gmial.com": "gmail.com", "gmaill.com": "gmail.com", "gmail.com": "gmail.com"}
TLDS = frozenset({"com", "net", "org", "fr", "de", "uk", "ru", "co", "cm", "om", "cn", "gr", "cz", "me", "io", "eu"})
SPELLING = Spelling(TARGETS, LOOKALIKES, TLDS)


def corrected(domain: str, domain_works: bool | None) -> str | None:
    address = parse_address(f"Jane.Doe+x@{domain}")
    assert isinstance(address, Address)
    suggestion = SPELLING.suggestion(address, domain_works)
    return None if suggestion is None else suggestion.removeprefix("Jane.Doe+x@")


DEAD = {
    "gmial.com": "gmail.com",
    "gmal.com": "gmail.com",
    "gnail.com": "gmail.com",
    "gmail.co": "gmail.com",
    "gmail.cm": "gmail.com",
    "gmail.con": "gmail.com",
    "gmail.comm": "gmail.com",
    "gmail.com.com": "gmail.com",
    "g.mail.com": "gmail.com",
    "www.gmail.com": "gmail.com",
    "gmail.c": "gmail.com",
    "gamil.cmo": "gmail.com",
    "yahoo.co.ku": "yahoo.co.uk",
    "yahoo.couk": "yahoo.co.uk",
    "yaho.fr": "yahoo.fr",
    "hotmial.fr": "hotmail.fr",
    "hotml.com": "hotmail.com",
    "htomial.com": "hotmail.com",
    "outlok.co": "outlook.com",
    "wanadoo.f": "wanadoo.fr",
    "laposte.com": "laposte.net",
    "aoll.com": "aol.com",
    "alo.com": "aol.com",
    "gxm.de": "gmx.de",
    "gmx.ne": "gmx.net",
    "liv.com": "live.com",
    "t-onlin.de": "t-online.de",
}


@pytest.mark.parametrize(("domain", "meant"), DEAD.items())
def test_a_domain_that_does_not_work_is_corrected(domain: str, meant: str) -> None:
    """A misspelt domain that cannot receive mail is corrected to the nearest popular one."""
    assert meant == corrected(domain, False)


@pytest.mark.parametrize(
    "domain", ["acme-corp.com", "lime.com", "aon.com", "qmx.de", "gmail.com", "x.example", "gmail.example.org"]
)
def test_a_domain_far_from_all_others_is_left_alone(domain: str) -> None:
    """Short names differ by a letter and mean something else; a popular domain is never corrected."""
    assert corrected(domain, False) is None


UNASKED = {
    "gmial.com": "gmail.com",
    "gmail.con": "gmail.com",
    "gmial.con": "gmail.com",
    "hotmial.con": "hotmail.com",
    "wanadoo.f": "wanadoo.fr",
    "lime.con": "lime.com",
    "email.con": "email.com",
    "acme.cmo": "acme.com",
    "mail.acme.nett": "mail.acme.net",
    "acme.frr": "acme.fr",
    "acme.ogr": "acme.org",
    "acme.ent": "acme.net",
    "acme.xx": None,
    "acme.example": None,
    "gmail.co": None,
    "hotmial.fr": None,
}


@pytest.mark.parametrize(("domain", "meant"), UNASKED.items())
def test_unasked_only_what_cannot_be_right_is_corrected(domain: str, meant: str | None) -> None:
    """Where nobody asked, only curated look-alikes and top-level domains that do not exist are corrected."""
    assert meant == corrected(domain, None)


def test_lookalikes_are_named_even_when_they_work() -> None:
    """A curated look-alike is one whether or not it takes mail; no domain is a look-alike of itself."""
    expected = ["gmail.com", None, None]
    assert expected == [SPELLING.lookalike(domain) for domain in ("gmial.com", "gmail.com", "gmal.com")]
    assert corrected("gmial.com", True) == "gmail.com"


NEAR = st.sampled_from(TARGETS).flatmap(
    lambda domain: st.builds(
        lambda at, piece, cut: domain[:at] + piece + domain[at + cut :],
        st.integers(0, len(domain)),
        st.text("abcomnet.-", max_size=2),
        st.integers(0, 2),
    )
)


@given(domain=NEAR, domain_works=st.sampled_from([True, False, None]))
@settings(max_examples=500)
def test_laws(domain: str, domain_works: bool | None) -> None:
    """What works is not corrected unless listed; a correction is an address, with the local part kept, and final."""
    address = parse_address(f"Jane@{domain}")
    if not isinstance(address, Address):
        return
    suggestion = SPELLING.suggestion(address, domain_works)
    if suggestion is None:
        return
    better = parse_address(suggestion)
    assert isinstance(better, Address)
    assert better.domain != address.domain
    assert better.local == "Jane"
    assert not domain_works or address.domain in LOOKALIKES
    assert SPELLING.suggestion(better, None) in (None, f"Jane@{LOOKALIKES.get(better.domain)}")
    assert suggestion == Spelling(TARGETS, LOOKALIKES, TLDS).suggestion(address, domain_works)
