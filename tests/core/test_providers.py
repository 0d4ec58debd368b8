"""Provider table: who stands behind an exchange."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.providers import ControlPolicy, ProbePolicy, Provider, ProviderTable

BIG = Provider(name="big", mx_suffixes=("mail.example", "olc.mail.example"), domains=("big.example", "big.test"))
SMALL = Provider(name="small", mx_suffixes=("eu.mail.example",), domains=("small.example",))
GATE = Provider(name="gate", mx_suffixes=("gate.example",))
TABLE = ProviderTable((BIG, SMALL, GATE))

LABEL = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("exchange", "name"),
    [
        ("mail.example", "big"),
        ("MX1.Mail.Example.", "big"),
        ("a.eu.mail.example", "small"),
        ("a.olc.mail.example", "big"),
        ("x.gate.example", "gate"),
    ],
)
def test_longest_suffix_names_the_provider(exchange: str, name: str) -> None:
    """An exchange belongs to the provider with the longest suffix that ends it, whatever its case or last dot."""
    provider = TABLE.of_exchange(exchange)
    assert provider is not None
    assert name == provider.name


@pytest.mark.parametrize("exchange", ["", ".", "notmail.example", "example", "mail.example.org", "gmail.example"])
def test_suffixes_end_at_label_boundaries(exchange: str) -> None:
    """A name that merely ends with the same letters is nobody's."""
    assert TABLE.of_exchange(exchange) is None


@given(st.lists(LABEL, max_size=4))
def test_whatever_lies_under_a_suffix_is_the_providers(labels: list[str]) -> None:
    """Any host under a suffix of one provider is that provider's."""
    assert TABLE.of_exchange(".".join([*labels, "gate", "example"])) is GATE


def test_own_domains_are_known_exactly() -> None:
    """A provider's own domain is known without DNS; what lies under it or beside it is not."""
    assert TABLE.of_domain("big.test") is BIG
    assert TABLE.of_domain("sub.big.test") is None


def test_control_is_spared_on_own_domains_only() -> None:
    """`control = never` speaks for the provider's own domains; a customer's may accept every name."""
    provider = Provider(name="p", domains=("p.example",), control=ControlPolicy.NEVER)
    assert not provider.needs_control("p.example")
    assert provider.needs_control("customer.example")
    assert BIG.needs_control("big.example")


def test_canaries_are_of_different_operators() -> None:
    """Canaries are the first domains of the biggest providers that have any, one each."""
    assert TABLE.canaries() == ("big.example", "small.example")
    assert TABLE.canaries(1) == ("big.example",)


def test_two_rows_may_not_claim_the_same() -> None:
    """A suffix, domain or name with two owners is a fault of the table."""
    with pytest.raises(ValueError, match=r"'gate.example' belongs to two providers"):
        ProviderTable((GATE, Provider(name="other", mx_suffixes=("gate.example",))))


def test_default_row_is_patient() -> None:
    """A host that nobody knows is asked by two sessions, in clear, and is believed to answer truly."""
    row = Provider(name="default")
    assert (row.sessions, row.transactions_per_connection, row.recipients_per_transaction) == (2, 10, 100)
    assert (row.starttls, row.accepts_all, row.one_domain_per_transaction, row.share_tenants) == (False,) * 4
    assert (row.probe, row.control) == (ProbePolicy.YES, ControlPolicy.ASK)
