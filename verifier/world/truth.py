"""What is true: which mailboxes exist, and which verdicts are right for an address. Pure functions of the world."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.world.chance import draw, share
from verifier.world.host_kind import HostKind
from verifier.world.people import ALWAYS, mailbox_name, plausible


class Mailbox(StrEnum):
    """How a mailbox is."""

    EXISTS = "exists"
    UNKNOWN = "unknown"
    FULL = "full"
    DISABLED = "disabled"
    RESTRICTED = "restricted"


class Egress(StrEnum):
    """What the network does to connections to port 25."""

    OPEN = "open"
    BLOCKED = "blocked"
    """Every SYN is lost."""
    INTERCEPTED = "intercepted"
    """One foreign relay answers in every host's place."""


class Honesty(StrEnum):
    """What the resolver does to names that do not exist."""

    HONEST = "honest"
    SEARCH_PAGE = "search-page"
    """They all lead to a page with advertisements."""
    NXDOMAIN = "nxdomain"
    """And so do all others: nothing exists, it says."""


class Truth(Struct, frozen=True):
    """The right answers for one address, the best one first; `exists` is None where there is no such thing to know."""

    reasons: tuple[Reason, ...]
    exists: bool | None

    @property
    def decidable(self) -> bool:
        """There is one right verdict, and it is not unknown."""
        return len(self.verdicts) == 1 and Verdict.UNKNOWN not in self.verdicts

    @property
    def verdicts(self) -> frozenset[Verdict]:
        return frozenset(verdict_of(reason) for reason in self.reasons)


_BY_MAILBOX = {
    Mailbox.EXISTS: Reason.ACCEPTED,
    Mailbox.UNKNOWN: Reason.MAILBOX_NOT_FOUND,
    Mailbox.FULL: Reason.MAILBOX_FULL,
    Mailbox.DISABLED: Reason.MAILBOX_DISABLED,
    Mailbox.RESTRICTED: Reason.PROBE_BLOCKED,
}
_NEGATIVE = frozenset({Reason.DOMAIN_NOT_FOUND, Reason.NO_MAIL_HOST, Reason.NULL_MX, Reason.MX_UNROUTABLE})
_CUT_OFF = {
    Egress.BLOCKED: (Reason.EGRESS_BLOCKED, Reason.CONNECT_FAILED, Reason.SMTP_TIMEOUT, Reason.NOT_PROBED),
    Egress.INTERCEPTED: (
        Reason.EGRESS_INTERCEPTED,
        Reason.PROBE_BLOCKED,
        Reason.SENDER_REFUSED,
        Reason.SMTPUTF8_UNSUPPORTED,
        Reason.SMTP_TEMP_ERROR,
        Reason.CONNECT_FAILED,
        Reason.NOT_PROBED,
    ),
}
_UNPROBED = (Reason.RESOLVER_UNTRUSTED, Reason.CONNECT_FAILED, Reason.SMTP_TIMEOUT, Reason.DNS_TEMP_ERROR)

INVALID = Truth((Reason.INVALID_SYNTAX,), False)
"""What is true of a text that is no address."""


def mailbox(seed: int, unknown_rate: float, kind: HostKind, local: str, domain: str) -> Mailbox:
    """How the mailbox is that a host of `kind` has under a name, case, tags and quotes aside."""
    name = mailbox_name(local, dots_count=kind.dots_count)
    if name in ALWAYS:
        return Mailbox.EXISTS
    if not plausible(name):
        return Mailbox.UNKNOWN
    if share(seed, "mailbox", name, domain) < unknown_rate:
        return Mailbox.UNKNOWN
    state = share(seed, "state", name, domain)
    for limit, mailbox_state in (
        (kind.shares.full, Mailbox.FULL),
        (kind.shares.disabled, Mailbox.DISABLED),
        (kind.shares.restricted, Mailbox.RESTRICTED),
    ):
        if state < limit:
            return mailbox_state
        state -= limit
    return Mailbox.EXISTS


def variant(seed: int, address: str, variants: int) -> int:
    """Which of several wordings a host uses for an address."""
    return draw(seed, "variant", address) % variants


def through_the_network(truth: Truth, asked: bool, egress: Egress, honesty: Honesty) -> Truth:
    """What can be found out through a network that is not as it should be; `asked`: a mail host has a say."""
    if truth == INVALID:
        return truth
    disposable = Reason.DISPOSABLE in truth.reasons
    if honesty is Honesty.NXDOMAIN:
        known = (Reason.DISPOSABLE,) if disposable else ()
        return Truth((*known, Reason.RESOLVER_UNTRUSTED, Reason.DNS_TEMP_ERROR), truth.exists)
    if honesty is Honesty.SEARCH_PAGE and _NEGATIVE & set(truth.reasons):
        exists = Reason.DOMAIN_NOT_FOUND not in truth.reasons
        reasons = (*truth.reasons, *_UNPROBED) if exists else (*_UNPROBED, Reason.EGRESS_BLOCKED)
        return Truth(_unique(reasons), truth.exists)
    if not asked or disposable or egress is Egress.OPEN:
        return truth
    kept = tuple(r for r in truth.reasons if r is Reason.PROVIDER_UNVERIFIABLE)
    return Truth(_unique((*_CUT_OFF[egress], *kept)), truth.exists)


def of_mailbox(state: Mailbox) -> Reason:
    """The reason that a patient, welcome prober finds."""
    return _BY_MAILBOX[state]


def _unique(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reasons))
