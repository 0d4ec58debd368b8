"""Whom a conversation asks next: as many as the host's patience, the provider's row and fairness allow."""

from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct

from verifier.core.control import Probe
from verifier.core.dialogue import Session
from verifier.core.dialogue_events import Recipient
from verifier.core.pacing import (
    CLOSE_AT_REJECTS,
    FIRST_GROUP,
    RECIPIENTS_PER_TRANSACTION,
    TRANSACTIONS_PER_CONNECTION,
    Allowance,
    plan_group,
    sooner_afresh,
)
from verifier.core.providers import DEFAULT_PROVIDER

if TYPE_CHECKING:
    from verifier.service.lane import Lane

_BEFORE_STARTTLS = CLOSE_AT_REJECTS - 2
"""A host that may demand STARTTLS refuses MAIL and all that is behind it: no more than it takes without offence."""


class Group(Struct, frozen=True):
    """Who is asked together, and whether that needs a new transaction; nobody, where those whose turn it was are not
    wanted any more.
    """

    recipients: list[Recipient]
    fresh: bool


class Grouping:
    """Takes groups for one connection out of its lane's queue."""

    def __init__(self, lane: "Lane", session: Session, *, backup: bool) -> None:
        self._lane = lane
        self._session = session
        self._backup = backup
        self._domains: set[str] = set()
        """Those of the open transaction."""
        self.setup = inf
        """Round trips from the call until the first group could go, once that is known."""

    def take(self) -> Group | None:
        """The next group, or None when the connection has to be closed."""
        lane, session = self._lane, self._session
        one_domain = self._one_domain()
        asked = next(iter(self._domains)) if one_domain and len(self._domains) == 1 else None
        head = lane.waiting.head(asked)
        if head is None:
            return None
        fresh = session.transaction_utf8 is not head.smtputf8 or (one_domain and head.domain != asked)
        controls = lane.waiting.controls(head.domain if one_domain else None)
        plan = plan_group(lane.history, session.tally, self._allowance(), fresh=fresh, controls=controls)
        if plan is None or (plan.size < len(lane.waiting) and sooner_afresh(lane.history, session.tally, self.setup)):
            return None
        bucket = lane.group.recipients
        size = min(plan.size, bucket.burst) if bucket.per_minute else plan.size
        taken = lane.waiting.take(size, smtputf8=head.smtputf8, domain=head.domain if one_domain else None)
        group = [recipient for recipient in taken if not self._drop_unwanted(recipient)]
        group += self._controls_beside(group, size - len(group))
        if plan.fresh and group:
            self._domains.clear()
        self._domains.update(recipient.domain for recipient in group)
        return Group(group, plan.fresh)

    def learn_limit(self) -> None:
        """`452 too many recipients`, or too many domains: a transaction takes fewer from now on."""
        history, accepted = self._lane.history, self._session.tally.transaction_accepted
        if len(self._domains) > 1 and accepted < FIRST_GROUP and not history.one_domain:
            history.one_domain = True
        else:
            history.recipients_per_transaction = max(1, min(history.recipients_per_transaction, accepted))

    def _one_domain(self) -> bool:
        """Tenants share a transaction only where the host and the provider's row allow it."""
        lane, provider = self._lane, self._lane.provider
        if self._session.extensions.one_domain or lane.history.one_domain:
            return True
        return provider is not None and (provider.one_domain_per_transaction or not provider.share_tenants)

    def _drop_unwanted(self, recipient: Recipient) -> bool:
        if recipient.probe is not Probe.REAL or recipient.ticket.wanted:
            return False
        self._lane.outbox.dropped(recipient)
        return True

    def _controls_beside(self, group: list[Recipient], room: int) -> list[Recipient]:
        """An interactive check does not wait for a second round trip: its control travels behind it."""
        controls: list[Recipient] = []
        for recipient in group:
            if len(controls) >= room:
                break
            if recipient.interactive and recipient.probe is Probe.REAL and not recipient.smtputf8:
                control = self._lane.outbox.control_beside(recipient, backup=self._backup)
                if control is not None:
                    controls.append(control)
        return controls

    def _allowance(self) -> Allowance:
        """The stricter of the provider's row and the host's own LIMITS."""
        provider = self._lane.provider or DEFAULT_PROVIDER
        extensions = self._session.extensions
        unproved = extensions.starttls and not self._session.encrypted and self._lane.history.seen == 0
        return Allowance(
            recipients_per_transaction=_least(
                _BEFORE_STARTTLS if unproved else RECIPIENTS_PER_TRANSACTION,
                provider.recipients_per_transaction,
                extensions.recipients_max,
            ),
            recipients_per_connection=provider.recipients_per_connection,
            transactions_per_connection=_least(
                TRANSACTIONS_PER_CONNECTION, provider.transactions_per_connection, extensions.mail_max
            ),
        )


def _least(*limits: int) -> int:
    """The smallest limit; 0 means none."""
    return min(limit for limit in limits if limit > 0)
