"""How much may be asked of a mail host at once: pure arithmetic over what was seen.

The thresholds are the measured patience of real servers: Postfix sleeps after 10 rejected commands of a connection
and hangs up at 20 (smtpd_soft_error_limit, smtpd_hard_error_limit); Exim's stock ACL refuses everybody once more
than 10 recipients of a transaction were seen and fewer than half accepted; RFC 5321 §4.5.3.1.8 promises 100
recipients a transaction.
"""

from math import floor, sqrt

from msgspec import Struct

REJECT_BUDGET = 10
"""Rejected recipients that Postfix takes a connection before it slows down."""
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
_SIGMAS = 3.0


class HostHistory(Struct):
    """What one exchange answered so far to real recipients: controls don't count. 4xx at RCPT are rejects."""

    seen: int = 0
    rejected: int = 0
    recipients_per_transaction: int = RECIPIENTS_PER_TRANSACTION
    tarpit: bool = False

    @property
    def reject_probability(self) -> float:
        return max(_FLOOR_OF_P, (self.rejected + 1) / (self.seen + 5))


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
    """The next group: at most `size` recipients, in a new transaction if `reset`."""

    size: int
    reset: bool


def largest_group(reject_probability: float, budget: int) -> int:
    """The largest k with k·p + 3·√(k·p·(1−p)) ≤ budget, at least 1: so many recipients stay within it by 3 σ."""
    p = reject_probability
    spread = _SIGMAS * sqrt(p * (1 - p))
    root = (sqrt(spread * spread + 4 * p * budget) - spread) / (2 * p)
    return max(1, floor(root * root))


def plan_group(history: HostHistory, tally: SessionTally, allowance: Allowance) -> GroupPlan | None:
    """What to send next on this connection, or None when it has to be closed."""
    spent = TARPIT_REJECTS if history.tarpit else CLOSE_AT_REJECTS
    if tally.rejects >= spent:
        return None
    room = _room(tally, allowance)
    if room <= 0:
        return None
    p = history.reject_probability
    size = FIRST_GROUP if history.seen == 0 else largest_group(p, REJECT_BUDGET - tally.rejects)
    if history.tarpit:
        size = min(size, spent - tally.rejects)
    per_transaction = min(allowance.recipients_per_transaction, history.recipients_per_transaction)
    size = min(size, room, RECIPIENTS_PER_TRANSACTION)
    reset = tally.transactions > 0 and (
        tally.transaction_seen >= per_transaction or _wakes_the_guard(tally, min(size, per_transaction), p)
    )
    if tally.transactions == 0 or reset:
        if tally.transactions >= allowance.transactions_per_connection:
            return None
        size = min(size, per_transaction)
        return GroupPlan(min(size, FIRST_GROUP) if reset and p > 1 - _EXIM_MARGIN else size, reset)
    return GroupPlan(min(size, per_transaction - tally.transaction_seen), reset=False)


def _room(tally: SessionTally, allowance: Allowance) -> int:
    limit = allowance.recipients_per_connection
    return limit - tally.recipients if limit else RECIPIENTS_PER_TRANSACTION


def _wakes_the_guard(tally: SessionTally, size: int, p: float) -> bool:
    """Exim: more than 10 recipients in the transaction, fewer than half of them accepted."""
    seen = tally.transaction_seen + size
    return seen > _EXIM_FREE_RECIPIENTS and tally.transaction_accepted + size * (1 - p) < _EXIM_MARGIN * seen


class TokenBucket(Struct):
    """Recipients a minute: `take` answers how many seconds to wait before so many may be sent; 0 rate = no limit."""

    per_minute: int
    tokens: float = 0.0
    updated: float | None = None

    def take(self, count: int, now: float) -> float:
        if self.per_minute == 0:
            return 0.0
        burst = max(10.0, self.per_minute / 6)
        if self.updated is None:
            self.tokens = burst
        else:
            self.tokens = min(burst, self.tokens + (now - self.updated) * self.per_minute / 60)
        self.updated = now
        self.tokens -= count
        return max(0.0, -self.tokens * 60 / self.per_minute)


class Backoff(Struct):
    """A pause that doubles with every failure in a row, in seconds."""

    first: float = 1.0
    longest: float = 60.0
    failures: int = 0

    def failed(self) -> float:
        pause = min(self.longest, self.first * 2.0**self.failures)
        self.failures += 1
        return pause

    def succeeded(self) -> None:
        self.failures = 0
