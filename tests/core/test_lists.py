"""Lists know a domain with all that lies under it, and tell a function's address from a person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.lists import DomainList, is_no_reply, is_role, local_names

LABELS = st.text("abc", min_size=1, max_size=2)
NAMES = st.lists(LABELS, min_size=2, max_size=4).map(".".join)


@given(members=st.lists(NAMES), domain=NAMES)
def test_a_member_covers_itself_and_what_lies_under_it(members: list[str], domain: str) -> None:
    """A domain is in the list exactly if it or one of its parents is a member; the longest of them is named."""
    listed = DomainList.parse(members)
    covering = [member for member in members if f".{domain}".endswith(f".{member}")]
    assert max(covering, key=len, default=None) == listed.covers(domain)
    assert bool(covering) == (domain in listed)


def test_lines_are_read_kindly() -> None:
    """Comments, case, leading wildcards, last dots, line ends and IDNs do not matter; what is no name is left out."""
    lines = ["\ufeff# a list", "", "Example.COM\r\n", "*.one.test # why", ".two.test", "@three.test.", "münchen.de"]
    rubbish = ["com", "two words.test", "a..test", "http://four.test/", "\u200b.test"]
    listed = DomainList.parse(lines + rubbish)
    expected = ["example.com", "one.test", "three.test", "two.test", "xn--mnchen-3ya.de"]
    assert expected == list(listed)
    assert len(expected) == len(listed)


def test_neighbours_are_not_covered() -> None:
    """A name that only ends like a member, and a member's parent, are not in the list."""
    listed = DomainList.parse(["mail.example.com"])
    names = ("example.com", "xmail.example.com", "mail.example.com.org", "a.b.mail.example.com")
    expected = [False, False, False, True]
    assert expected == [name in listed for name in names]


ROLES = local_names(["Sales", "info # RFC 2142", "help-desk", "customer_service", "press", "jobs", "webmaster", ""])
NO_REPLY = local_names(["no-reply", "do_not_reply", "noresponder", "mailer-daemon", "null"])


@pytest.mark.parametrize(
    "local",
    [
        "sales",
        "SALES",
        "sales+tag",
        "help-desk",
        "help.desk",
        "helpdesk",
        "customer.service",
        "customerservice",
        "web.master",
    ],
)
def test_roles(local: str) -> None:
    """A role is known whatever its case, separators and tag."""
    assert is_role(local, ROLES)


@pytest.mark.parametrize(
    "local", ["jane", "jane.sales", "p.ress", "j.obs", "salesman", "+sales", "", "-", "..", '"sales x"']
)
def test_persons_are_no_roles(local: str) -> None:
    """A name that only contains, or is broken into, a role's name is a person's."""
    assert not is_role(local, ROLES)


@pytest.mark.parametrize(
    "local",
    [
        *("noreply", "No-Reply", "no_reply", "no.reply", "noreply+x", "do_not_reply", "donotreply", "do-not.reply"),
        *("orders-noreply", "no-reply-orders", "news.do-not-reply.eu", "noresponder", "mailer-daemon"),
        *("noreply2", "no-reply-123", "null", "null1"),
    ],
)
def test_no_reply(local: str) -> None:
    """A no-reply address is known whatever its case, separators and tag, and beside other words."""
    assert is_no_reply(local, NO_REPLY)


@pytest.mark.parametrize(
    "local", ["jane", "jane.noreplyson", "jane.null", "null.jane", "reply", "no", "nora.reply", "", "-".join("no" * 50)]
)
def test_others_may_be_answered(local: str) -> None:
    """An address without such a name may be answered."""
    assert not is_no_reply(local, NO_REPLY)


def test_plain_sets_of_names_serve_too() -> None:
    """Names that did not pass `local_names` match as they are written."""
    assert is_role("Info+de", frozenset({"info"})) and is_no_reply("no-reply", frozenset({"no-reply"}))
