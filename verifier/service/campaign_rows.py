"""The rows of a campaign, decided in their thousands by what their lists have found out and by who is suppressed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from msgspec import Struct, structs

from verifier.core.address import Address, parse_address
from verifier.core.campaign_columns import is_yes
from verifier.core.campaign_counts import Fate, RowFate, bucket_of
from verifier.core.campaigns import CampaignOrder
from verifier.core.gate import GateFacts, Ruling, decide, holding
from verifier.core.gate_policies import Policy
from verifier.core.gate_rules import Bucket
from verifier.core.list_counts import is_blank
from verifier.core.list_rows import ShownRow
from verifier.core.reasons import Reason
from verifier.core.senders import Sender, cap_until
from verifier.core.suppressions import SuppressionKind
from verifier.core.verdict import Assessment
from verifier.gate_ports import Usage
from verifier.service.gating import Equipment

_AT_A_TIME = 20
"""Rows that are decided without letting anybody else to the loop: some 1 ms."""
_NOBODY = Usage(0, {})


class RowQuestion(Struct, frozen=True):
    """One row: what its list says of it, and whether a column of the list says that he has unsubscribed."""

    assessment: Assessment
    unsubscribed: bool = False


class RowDeciding:
    """Decides rows of one campaign. The quota is not looked at here: it is the whole campaign's."""

    def __init__(
        self, equipment: Equipment, order: CampaignOrder, policy: Policy, sender: Sender | None, *, asked: bool
    ) -> None:
        """`asked`: the lists' mailboxes were asked, so that what is not known of them cannot be known."""
        self._equipment = equipment
        self._order = order
        self._policy = policy
        self._sender = sender
        self._asked = asked

    async def decide(self, rows: Sequence[RowQuestion]) -> list[Ruling]:
        """One ruling a row, in order. Raises ServiceUnavailable where the suppressions cannot be read."""
        equipment, now = self._equipment, self._equipment.clock.now()
        keys: list[tuple[str, ...]] = []
        suspects: list[str] = []
        for place, row in enumerate(rows):
            parsed = parse_address(row.assessment.email)
            sought = equipment.keys.sought(parsed) if isinstance(parsed, Address) else ()
            keys.append(sought)
            if sought and equipment.front.suspected(sought):
                suspects += sought
            if place % _AT_A_TIME == _AT_A_TIME - 1:
                await asyncio.sleep(0)
        entries = await equipment.suppressions.under(suspects) if suspects else {}
        recipients = [each[0] for each in keys if each]
        usage = await self._usage(now, recipients)
        active = await self._activity(recipients)
        rulings = []
        for place, (row, sought) in enumerate(zip(rows, keys, strict=True)):
            recipient = sought[0] if sought else ""
            found = [entry for key in sought for entry in entries.get(key, ())] if entries else []
            kinds = holding(
                found,
                now,
                message_class=self._order.message_class,
                sender=self._order.sender,
                topic=self._order.topic,
            )
            if row.unsubscribed:
                kinds |= {SuppressionKind.UNSUBSCRIBED}
            rulings.append(self._ruling(row, kinds, usage.blasts.get(recipient, ()), active.get(recipient), now))
            if place % _AT_A_TIME == _AT_A_TIME - 1:
                await asyncio.sleep(0)
        return rulings

    def _ruling(
        self,
        row: RowQuestion,
        kinds: frozenset[SuppressionKind],
        blasts: Sequence[datetime],
        active: datetime | None,
        now: datetime,
    ) -> Ruling:
        assessment = row.assessment
        unknown = assessment.reason is Reason.NOT_PROBED and not self._asked
        facts = GateFacts(
            reason=None if unknown else assessment.reason,
            flags=assessment.flags,
            observed_at=assessment.checked_at,
            authoritative=is_authoritative(assessment, now),
            retry_after=assessment.retry_after,
            kinds=kinds,
            cap_until=cap_until(self._sender, blasts, now) if self._sender is not None else None,
            last_active=active,
            can_probe=self._equipment.remembered.can_probe,
        )
        return decide(facts, self._order.message_class, self._policy, now)

    async def _usage(self, now: datetime, recipients: Sequence[str]) -> Usage:
        if self._sender is None or not self._sender.is_capped:
            return _NOBODY
        return await self._equipment.uses.usage(self._sender.name, now, recipients)

    async def _activity(self, recipients: Sequence[str]) -> dict[str, datetime]:
        source = self._equipment.activity
        if source is None or self._policy.ages.inactive is None:
            return {}
        return dict(await source.last_active(recipients))


def is_authoritative(assessment: Assessment, now: datetime) -> bool:
    """Its evidence still holds."""
    return assessment.expires_at is None or assessment.expires_at > now


class Seen:
    """Addresses of earlier lists of the same campaign, as short hashes; nothing is kept where there is one list."""

    def __init__(self, several: bool) -> None:
        self._several = several
        self._marks: set[bytes] = set()

    def repeats(self, text: str) -> bool:
        """It was there before; from now on it is."""
        mark = _mark(text) if self._several else None
        if mark is None:
            return False
        if mark in self._marks:
            return True
        self._marks.add(mark)
        return False


class FreshRows:
    """What was found out of addresses since their lists were verified, under short hashes."""

    def __init__(self) -> None:
        self._found: dict[bytes, Assessment] = {}

    def learn(self, rows: Sequence[ShownRow]) -> None:
        """From now on these are what is known."""
        for row in rows:
            mark = _mark(row.assessment.email)
            if mark is not None:
                self._found[mark] = row.assessment

    def freshened(self, rows: Sequence[ShownRow]) -> Sequence[ShownRow]:
        """The same rows, with what is known of them by now."""
        return [self._freshened(row) for row in rows] if self._found else rows

    def _freshened(self, row: ShownRow) -> ShownRow:
        mark = _mark(row.assessment.email)
        found = self._found.get(mark) if mark is not None else None
        if found is None:
            return row
        return structs.replace(row, assessment=structs.replace(found, email=row.assessment.email))


def _mark(text: str) -> bytes | None:
    parsed = parse_address(text)
    if not isinstance(parsed, Address):
        return None
    return blake2b(parsed.comparison.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def skipped(row: ShownRow, wanted: int | None, seen: Seen) -> RowFate | None:
    """What becomes of a row that nobody has to decide about."""
    if wanted is not None and not says_yes(row, wanted):
        return RowFate.NOT_SELECTED
    if is_blank(row.assessment):
        return RowFate.EMPTY
    if row.duplicate_of or seen.repeats(row.assessment.email):
        return RowFate.DUPLICATE
    return None


def says_yes(row: ShownRow, column: int | None) -> bool:
    """Its cell in that column does; False without one."""
    return column is not None and column < len(row.cells) and is_yes(row.cells[column])


def to_ask_again(row: ShownRow, fate: Fate, now: datetime) -> bool:
    """What is known of it is stale, and might change what becomes of it: not so where he is suppressed."""
    if isinstance(fate, RowFate) or is_authoritative(row.assessment, now):
        return False
    return bucket_of(*fate) in (Bucket.SENDABLE, Bucket.HELD, Bucket.UNDELIVERABLE)
