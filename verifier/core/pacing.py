"""How much may be asked of a mail host at once: pure arithmetic over what was seen.

The thresholds are the measured patience of real servers: Postfix sleeps after 10 rejected commands of a connection
and hangs up at 20 (smtpd_soft_error_limit, smtpd_hard_error_limit); Exim's stock ACL refuses everybody once more
than 10 recipients of a transaction were seen and fewer than half accepted; RFC 5321 §4.5.3.1.8 promises 100
recipients a transaction.
"""

from math import floor, sqrt

from msgspec import Struct

REJECT_BUDGET = 9
"""Rejected recipients of a connection that have no consequences: after the tenth, Postfix sleeps a second before every
further reply, to whatever command.
"""
CLOSE_AT_REJECTS = 8
"""A connection with this many rejects is given up for a fresh one."""
FIRST_GROUP = 10
TRANSACTIONS_PER_CONNECTION = 10
RECIPIENTS_PER_TRANSACTION = 100
TARPIT_SECONDS = 4.0
"""A reject that takes this long is a tarpit: the connection is spared further ones."""
TARPIT_REJECTS = 4
_EXIM_FREE_RECIPIENTS = 10
_EXIM_MARGIN = 0.55
_FLOOR_OF_P = 0.02
_PRIOR_ANSWERS = 5
_SIGMAS = 3.0
_DOUBLINGS = 32
_LONG_PAST = 400


class HostHistory(Struct):
    """What one exchange answered to real recipients: controls don't count. 4xx at RCPT are rejects.

    What is long past fades, so that a bad stretch of a long list is noticed within it.
    """

    seen: int = 0
    rejected: int = 0
    recipients_per_transaction: int = RECIPIENTS_PER_TRANSACTION
    one_domain: bool = False
    """A second domain in one transaction was refused."""
    tarpit: bool = False
    starttls: bool = False
    """It refused MAIL before STARTTLS."""

    def note(self, *, rejected: bool) -> None:
        """One more answer."""
        if self.seen >= _LONG_PAST:
            self.seen //= 2
            self.rejected //= 2
        self.seen += 1
        self.rejected += rejected

    @property
    def reject_probability(self) -> float:
        return max(_FLOOR_OF_P, (self.rejected + 1) / (self.seen + _PRIOR_ANSWERS))


class SessionTally(Struct):
    """What one connection has spent: `rejects` counts controls too, since the server does."""

    rejects: int = 0
    recipients: int = 0
    transactions: int = 0
    transaction_seen: int = 0
    transaction_accepted: int = 0


class Allowance(Struct, frozen=True):
    """A provider's or host's own limits; 0 = none."""

    recipients_per_transaction: int = RECIPIENTS_PER_TRANSACTION
    recipients_per_connection: int = 0
    transactions_per_connection: int = TRANSACTIONS_PER_CONNECTION


class GroupPlan(Struct, frozen=True):
    """The next group: at most `size` recipients, in a new transaction if `fresh`."""

    size: int
    fresh: bool


def largest_group(history: HostHistory, budget: int) -> int:
    """The largest k with k·p + 3·√(k·p·(1−p)·(1 + k/n)) ≤ budget, at least 1: so many recipients stay within it by 3 σ.

    n = seen + 5 answers are behind p: a group that is large beside them may be off by as much again (the variance of a
    beta-binomial draw), and what goes beyond the budget costs a second a reply.
    """
    p, n = history.reject_probability, history.seen + _PRIOR_ANSWERS
    spread = _SIGMAS * _SIGMAS * p * (1 - p)
    a, b = p * p - spread / n, 2 * budget * p + spread
    return max(1, floor(2 * budget * budget / (b + sqrt(b * b - 4 * a * budget * budget))))


def expected_group(history: HostHistory) -> int:
    """How many a fresh connection may ask at once."""
    if history.seen == 0:
        return FIRST_GROUP
    size = largest_group(history, REJECT_BUDGET)
    return min(size, RECIPIENTS_PER_TRANSACTION, history.recipients_per_transaction)


def sooner_afresh(history: HostHistory, tally: SessionTally, setup: float) -> bool:
    """Whether more would be asked in a round trip on a fresh connection, which takes `setup` of them before its first
    group, than on this one: the last of a connection's patience goes in groups of one or two. At 10 % unknown users a
    connection is asked for 65 instead of 81, and a host answers a third more a second (bench/README.md).
    """
    return tally.rejects > 0 and largest_group(history, REJECT_BUDGET - tally.rejects) * (setup + 1) < expected_group(
        history
    )


def plan_group(
    history: HostHistory, tally: SessionTally, allowance: Allowance, *, fresh: bool = False, controls: int = 0
) -> GroupPlan | None:
    """What to send next on this connection, or None when it has to be closed. `fresh` when the open transaction, if
    there is one, does not serve; nor does one that has room for less than half as many: RSET and MAIL travel with the
    recipients. So many `controls` go first: each of them is a reject that was asked for.
    """
    spent = TARPIT_REJECTS if history.tarpit else CLOSE_AT_REJECTS
    room = _room(tally, allowance)
    if tally.rejects >= spent or room <= 0:
        return None
    p = history.reject_probability
    asked_for = min(controls, spent - tally.rejects)
    if history.seen == 0:
        size = FIRST_GROUP
    elif asked_for < controls:
        size = asked_for
    else:
        size = asked_for + largest_group(history, REJECT_BUDGET - tally.rejects - asked_for)
    if history.tarpit:
        size = min(size, spent - tally.rejects)
    size = min(size, room, RECIPIENTS_PER_TRANSACTION)
    per_transaction = min(allowance.recipients_per_transaction, history.recipients_per_transaction)
    if tally.transactions and not fresh:
        left = min(size, per_transaction - tally.transaction_seen)
        roomier = tally.transactions < allowance.transactions_per_connection and 2 * left < min(size, per_transaction)
        if (
            left > 0
            and not roomier
            and not _wakes_the_guard(tally.transaction_seen, tally.transaction_accepted, left, asked_for, p)
        ):
            return GroupPlan(left, fresh=False)
    if tally.transactions >= allowance.transactions_per_connection:
        return None
    size = min(size, per_transaction)
    return GroupPlan(
        min(size, _EXIM_FREE_RECIPIENTS) if _wakes_the_guard(0, 0, size, asked_for, p) else size, fresh=True
    )


def _room(tally: SessionTally, allowance: Allowance) -> int:
    limit = allowance.recipients_per_connection
    return limit - tally.recipients if limit else RECIPIENTS_PER_TRANSACTION


def _wakes_the_guard(seen: int, accepted: int, size: int, asked_for: int, p: float) -> bool:
    """Exim: more than 10 recipients in the transaction, fewer than half of them accepted."""
    expected = accepted + max(0, size - asked_for) * (1 - p)
    return seen + size > _EXIM_FREE_RECIPIENTS and expected < _EXIM_MARGIN * (seen + size)


class TokenBucket(Struct):
    """At most `per_minute` in any minute, whoever looks: a burst, and as much again as the rest of the minute leaves.
    0 = no limit.
    """

    per_minute: int
    tokens: float = 0.0
    updated: float | None = None

    @property
    def burst(self) -> int:
        """How many may go at once."""
        return max(1, self.per_minute // 6)

    def take(self, count: int, now: float) -> float:
        """The seconds to wait before `count` of them, at most a burst, may go; they are counted at once."""
        if self.per_minute == 0:
            return 0.0
        burst = self.burst
        a_second = max(1, self.per_minute - burst) / 60
        if self.updated is None:
            self.tokens = burst
        else:
            self.tokens = min(burst, self.tokens + (now - self.updated) * a_second)
        self.updated = now
        self.tokens -= count
        return max(0.0, -self.tokens / a_second)


class Backoff(Struct):
    """A pause that doubles with every failure in a row, in seconds."""

    first: float = 1.0
    longest: float = 60.0
    failures: int = 0

    def failed(self) -> float:
        pause = min(self.longest, self.first * 2.0 ** min(self.failures, _DOUBLINGS))
        self.failures += 1
        return pause

    def succeeded(self) -> None:
        self.failures = 0
