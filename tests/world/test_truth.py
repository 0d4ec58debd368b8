"""Truth is a pure function of seed and address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.world import PERSONALITIES, Egress, Honesty, World
from verifier.world.geography import host, host_named, label
from verifier.world.people import FIRST_NAMES, LAST_NAMES, plausible

WORLD = World(7)
LOCALS = st.builds(
    lambda first, last, number: f"{first}.{last}{number}",
    st.sampled_from(FIRST_NAMES),
    st.sampled_from(LAST_NAMES),
    st.integers(1, 10_000),
)
ADDRESSES = st.builds(
    lambda local, personality, number: f"{local}@{WORLD.domain(personality, number)}",
    LOCALS,
    st.sampled_from(sorted(PERSONALITIES)),
    st.integers(0, 10_000),
)


@given(ADDRESSES)
def test_truth_is_pure(address: str) -> None:
    """Two worlds of one seed agree on every address, in whatever order they are asked."""
    assert World(7).truth(address) == WORLD.truth(address)


@given(ADDRESSES)
def test_spelling_does_not_matter(address: str) -> None:
    """Case and plus tags lead to the same mailbox."""
    local, _, domain = address.partition("@")
    assert WORLD.truth(address) == WORLD.truth(f"{local.upper().lower()}+tag@{domain.upper()}")


@given(ADDRESSES)
def test_a_bad_network_never_makes_anything_undeliverable(address: str) -> None:
    """What no mail host was heard about is at worst unknown; what DNS proves stays proved."""
    honest = WORLD.truth(address)
    for egress in Egress:
        for honesty in Honesty:
            seen = World(7, egress=egress, honesty=honesty).truth(address)
            worse = {r for r in seen.reasons if verdict_of(r) is Verdict.UNDELIVERABLE} - set(honest.reasons)
            assert set() == worse


@given(st.text(st.characters(codec="ascii", categories=("Ll", "Nd")), min_size=12, max_size=16))
def test_nobody_is_called_by_a_random_name(local: str) -> None:
    """A random name is no mailbox, so that a control can be told from a customer."""
    if plausible(local):
        assert any(name in local for name in (*FIRST_NAMES, *LAST_NAMES, "user"))
    else:
        assert WORLD.truth(f"{local}@{WORLD.domain('postfix')}").reasons == (Reason.MAILBOX_NOT_FOUND,)


@pytest.mark.parametrize("personality", sorted(PERSONALITIES))
def test_domains_are_what_their_names_say(personality: str) -> None:
    """A domain that is asked for by personality has it, in both spellings."""
    for number in range(120):
        domain = WORLD.domain(personality, number)
        if PERSONALITIES[personality].listed:
            assert personality == WORLD.site(domain).personality.name


def test_names_are_distinct() -> None:
    """Ten thousand companies have ten thousand names."""
    assert len({label(number) for number in range(10_000)}) == 10_000


def test_hosts_do_not_share_networks() -> None:
    """Each host has a /24 of its own, all within 127/8."""
    hosts = [machine for machine, _ in World(1, hosts=700).machines()]
    assert len(hosts) == len({machine.address.rpartition(".")[0] for machine in hosts})
    assert {"127"} == {machine.address.partition(".")[0] for machine in hosts}
    assert host("postfix", 3) == host_named(1, 12, "mx3.postfix.hosts.example")
    assert None is host_named(1, 2, "mx3.postfix.hosts.example")


def test_the_unknown_rate_is_kept() -> None:
    """About as many names are nobody's as the world was told."""
    domain = WORLD.domain("postfix")
    unknown = sum(WORLD.truth(f"user{n}@{domain}").exists is False for n in range(5000))
    assert 400 < unknown < 600


@pytest.mark.parametrize(
    ("personality", "local", "expected", "decidable"),
    [
        ("postfix", "info", ["accepted"], True),
        ("postfix", "jkesvora48tnl", ["mailbox_not_found"], True),
        ("exchange", "jkesvora48tnl", ["mailbox_not_found"], True),
        ("tarpit", "jkesvora48tnl", ["mailbox_not_found"], True),
        ("flaky", "info", ["accepted"], True),
        ("second", "info", ["accepted"], True),
        ("implicit", "info", ["accepted"], True),
        ("catchall", "info", ["catch_all"], True),
        ("qmail", "jkesvora48tnl", ["catch_all"], True),
        ("parked", "info", ["catch_all"], True),
        ("disposable", "info", ["disposable"], True),
        ("yahoo", "info", ["provider_unverifiable"], False),
        ("outlook", "info", ["accepted", "provider_unverifiable"], False),
        ("greylist", "info", ["accepted"], True),
        ("backup-greylist", "jkesvora48tnl", ["mailbox_not_found"], True),
        ("blocked-banner", "info", ["probe_blocked"], False),
        ("blocked-rcpt", "jkesvora48tnl", ["probe_blocked"], False),
        ("sender-refused", "info", ["sender_refused"], False),
        ("relay-denied", "info", ["probe_blocked"], False),
        ("private", "info", ["mx_unroutable"], True),
        ("dangling", "info", ["mx_unroutable"], True),
        ("null-mx", "info", ["null_mx"], True),
        ("nodata", "info", ["no_mail_host"], True),
        ("nxdomain", "info", ["domain_not_found"], True),
        ("typo", "info", ["domain_not_found"], True),
        ("servfail", "info", ["dns_temp_error"], False),
        ("down", "info", ["connect_failed"], False),
        ("ascii", "josé", ["smtputf8_unsupported"], False),
        ("helo", "josé", ["smtputf8_unsupported"], False),
    ],
)
def test_what_is_right(personality: str, local: str, expected: list[str], decidable: bool) -> None:
    """The contract's verdict for each kind of domain."""
    truth = WORLD.truth(f"{local}@{WORLD.domain(personality)}")
    assert (expected, decidable) == ([*truth.reasons], truth.decidable)


def test_a_greylisted_row_that_was_not_waited_for_is_open() -> None:
    """It may be `greylisted` as well, and is not decidable then."""
    truth = WORLD.truth(f"info@{WORLD.domain('greylist')}", waited=False)
    assert ([*truth.reasons], truth.decidable) == (["accepted", "greylisted"], False)


def test_sizes_that_cannot_be() -> None:
    """Nonsense is refused at once."""
    for wrong in ({"hosts": 0}, {"hosts": 1201}, {"domains": 0}, {"unknown_rate": 2.0}):
        with pytest.raises(ValueError, match=r"between|at least"):
            World(1, **wrong)
