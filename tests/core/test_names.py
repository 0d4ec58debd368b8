"""What the lists say of an address before anybody is asked."""

import pytest

from tests.support.facts import at
from verifier.core.address import Address, parse_address
from verifier.core.evidence import NameFlags
from verifier.core.facts import MailHost, MailRoute, RouteStatus
from verifier.core.lists import DomainList
from verifier.core.names import Names
from verifier.core.providers import Provider, ProviderTable
from verifier.core.spelling import Spelling

BIG = Provider(name="big", mx_suffixes=("mx.big.example",), domains=("big.example",))


def names(**lists: DomainList) -> Names:
    every = {
        "disposable": DomainList.parse(["trash.example", "kept.example"]),
        "never_disposable": DomainList.parse(["kept.example", "good.example"]),
        "denied": DomainList.parse(["denied.example"]),
        "disposable_exchanges": DomainList.parse(["mx.trash.example"]),
        "privacy_relays": DomainList.parse(["relay.example"]),
        "free": DomainList.parse(["free.example"]),
        "parking_exchanges": DomainList.parse(["park.example"]),
        "opted_out": DomainList.parse(["alone.example", "mx.quiet.example"]),
    }
    return Names(
        **{**every, **lists},
        roles=frozenset({"info"}),
        no_reply=frozenset({"noreply"}),
        spelling=Spelling(["free.example"], {"fre.example": "free.example"}, frozenset({"example"})),
        providers=ProviderTable([BIG]),
    )


def address(text: str) -> Address:
    parsed = parse_address(text)
    assert isinstance(parsed, Address)
    return parsed


def route(*exchanges: str) -> MailRoute:
    hosts = tuple(MailHost(name, 10, ("192.0.2.1",)) for name in exchanges)
    return MailRoute(RouteStatus.FOUND if hosts else RouteStatus.NO_MAIL_HOST, hosts, at(0), at(60))


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("jane@shop.example", NameFlags()),
        ("jane@trash.example", NameFlags(disposable=True)),
        ("jane@deep.sub.trash.example", NameFlags(disposable=True)),
        ("jane@kept.example", NameFlags()),
        ("jane@denied.example", NameFlags(disposable=True)),
        ("jane@relay.example", NameFlags(privacy_relay=True)),
        ("jane@free.example", NameFlags(free=True)),
        ("info@shop.example", NameFlags(role=True)),
        ("noreply@shop.example", NameFlags(no_reply=True)),
        ("jane+tag@shop.example", NameFlags(plus_tag=True)),
        ("jane@b\u00fccher.example", NameFlags(idn=True)),
        ("jane@fre.example", NameFlags(typo_domain=True)),
    ],
)
def test_flags_by_name(text: str, flags: NameFlags) -> None:
    """Each list speaks for its domains and what lies below them; the allow list stands above the disposable one."""
    assert names().flags(address(text), None) == flags


def test_the_operators_word_is_above_the_allow_list() -> None:
    """A domain that the operator denied is disposable though it is well known."""
    lists = names(denied=DomainList.parse(["kept.example"]))
    assert lists.flags(address("jane@kept.example"), None).disposable


@pytest.mark.parametrize(
    ("domain", "exchanges", "disposable", "typo"),
    [
        ("new.example", ("a.mx.trash.example",), True, False),
        ("new.example", ("mx.shop.example", "mx.trash.example"), True, False),
        ("good.example", ("mx.trash.example",), False, False),
        ("new.example", ("mx1.park.example",), False, True),
        ("new.example", ("mx.shop.example",), False, False),
        ("new.example", (), False, False),
    ],
)
def test_exchanges_give_a_domain_away(domain: str, exchanges: tuple[str, ...], disposable: bool, typo: bool) -> None:
    """Any exchange of a throw-away or parking service does, but never for a well-known domain."""
    lists, way = names(), route(*exchanges)
    flags = lists.flags(address(f"jane@{domain}"), way)
    assert [flags.disposable, flags.typo_domain] == [disposable, typo]
    assert lists.is_disposable(domain, way) is disposable


def test_disposable_by_name_needs_no_route() -> None:
    """A listed domain is disposable before DNS was asked."""
    assert names().is_disposable("trash.example", None)


def test_whose_row_applies() -> None:
    """The exchange's provider where a route is known, whoever's domain it is; else the domain's own."""
    lists = names()
    assert lists.provider("customer.example", route("a.mx.big.example")) is BIG
    assert lists.provider("big.example", None) is BIG
    assert lists.provider("big.example", route()) is BIG
    assert lists.provider("big.example", route("mx.moved.example")) is None
    assert lists.provider("shop.example", None) is None


@pytest.mark.parametrize(
    ("domain", "exchanges", "opted_out"),
    [
        ("alone.example", (), True),
        ("alone.example", ("mx.shop.example",), True),
        ("sub.alone.example", ("mx.shop.example",), True),
        ("shop.example", ("mx.quiet.example",), True),
        ("shop.example", ("mx.shop.example", "eu.mx.quiet.example"), True),
        ("shop.example", ("quiet.example", "notmx.quiet.example"), False),
        ("notalone.example", ("mx.shop.example",), False),
        ("shop.example", (), False),
    ],
)
def test_who_opted_out(domain: str, exchanges: tuple[str, ...], opted_out: bool) -> None:
    """A listed domain, whatever lies under it, and every domain that a listed exchange answers for."""
    assert names().is_opted_out(domain, route(*exchanges)) is opted_out
    assert names(opted_out=DomainList(frozenset())).is_opted_out(domain, route(*exchanges)) is False


@pytest.mark.parametrize(
    ("domain", "own"), [("big.example", True), ("free.example", True), ("relay.example", True), ("shop.example", False)]
)
def test_whose_mailboxes_are_everybodys(domain: str, own: bool) -> None:
    """A provider's own domains, webmail and relays are nobody's in particular; a customer's domain is its own."""
    assert names().is_providers_own(domain) is own
