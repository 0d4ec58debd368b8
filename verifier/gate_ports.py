"""What the gate needs of the world, beside ports.py: where suppressions, use and decisions are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from verifier.core.campaigns import Campaign
from verifier.core.decisions import Became, Decided, Tallied
from verifier.core.senders import Sender
from verifier.core.suppressions import Removal, Suppression, SuppressionKind


class SuppressionWish(Struct, frozen=True):
    """Which entries to list: of a kind, a sender, under one of some keys; from `after` on, `limit` of them."""

    kind: SuppressionKind | None = None
    sender: str | None = None
    keys: tuple[str, ...] | None = None
    after: int = 0
    limit: int = 100


class SuppressionStore(Protocol):
    """Whom not to mail. Must not lose.

    Law: once `add` or `remove` has returned, kill -9 of the process loses nothing of it. An entry is named by its key,
    kind and scope (sender, class, topic): told again, the later `at` counts, and `add` gives how many were not there
    before; all of them are taken, or none. `under` gives the entries of those keys that have any, expired ones too;
    `page` entries with growing numbers. `forget` erases the text of what stands under these keys; its hash stays,
    but of an allowance, which goes whole. Raises ServiceUnavailable where the store cannot be read or written.
    """

    async def add(self, suppressions: Sequence[Suppression]) -> int: ...
    async def remove(self, removals: Sequence[Removal]) -> int: ...
    async def under(self, keys: Sequence[str]) -> Mapping[str, tuple[Suppression, ...]]: ...
    async def page(self, wish: SuppressionWish) -> Sequence[tuple[int, Suppression]]: ...
    async def forget(self, keys: Sequence[str]) -> None: ...


class SuppressionFront(Protocol):
    """What memory knows of a SuppressionStore, at once and without waiting.

    Law: whoever was suppressed in this process a moment ago, or in another one a few seconds ago, is suspected.
    Suspicion may outlive its entry: it is to be confirmed by the store. As long as the `edition` is the same, the same
    are suspected.
    """

    @property
    def edition(self) -> int: ...
    def suspected(self, keys: Sequence[str]) -> frozenset[SuppressionKind]: ...


class SenderStore(Protocol):
    """Senders by name. Must not lose. `put` replaces; `remove` is False where there is none of that name."""

    async def put(self, sender: Sender) -> None: ...
    async def senders(self) -> Sequence[Sender]: ...
    async def remove(self, name: str) -> bool: ...


class Use(Struct, frozen=True):
    """One mail that went out, or was allowed to: (`sender`, `id`) names it, told twice it counts once.

    `recipient` is the keyed hash of its address. `blast`: it counts for the caps of a recipient.
    """

    sender: str
    id: str
    recipient: str
    at: datetime
    blast: bool = True


class Usage(Struct, frozen=True):
    """What a sender has used: mails of the month (UTC) of some moment; of recipients the times of recent blasts; of
    some mails the ids of those that are counted.
    """

    used: int
    blasts: Mapping[str, tuple[datetime, ...]]
    counted: frozenset[str] = frozenset()


class UseStore(Protocol):
    """Counts what senders send. Must not lose: committed when it returns.

    `count` gives how many of these uses are new. Blasts are given for BLASTS_KEPT (core/senders.py), oldest first; a
    use that is older is told of in vain but for its month. `mails`: recipients and ids of which the usage says whether
    they are counted. `forget` erases what is known of a recipient but the count.
    """

    async def count(self, uses: Sequence[Use]) -> int: ...
    async def usage(
        self, sender: str, moment: datetime, recipients: Sequence[str], mails: Sequence[tuple[str, str]] = ()
    ) -> Usage: ...
    async def forget(self, recipient: str) -> None: ...


class DecisionLog(Protocol):
    """What was decided, for a while: written behind the caller, in batches. May lose the last second, never invents.

    `note` costs little and never fails. `tally` gives the counts since a moment; of what became of mails each outcome
    counts once, for the last decision before it. `settled` returns once what was noted
    is written; `forget` erases a recipient.
    """

    def note(self, decided: Sequence[Decided]) -> None: ...
    async def settled(self) -> None: ...
    async def tally(self, since: datetime, became: Sequence[Became] = ()) -> Sequence[Tallied]: ...
    async def forget(self, recipient: str) -> None: ...


class CampaignStore(Protocol):
    """Campaigns, and what became of each of their rows. Must not lose: committed when it returns.

    `put` replaces the record; `campaigns` gives the newest first, of a workspace or of all, made before `before`.
    `keep_fates` keeps a byte a row of one list (core/campaigns.py), `fates` gives them, b"" where there are none.
    """

    async def put(self, campaign: Campaign) -> None: ...
    async def get(self, campaign_id: str) -> Campaign | None: ...
    async def campaigns(
        self, workspace: str | None = None, before: datetime | None = None, limit: int = 100
    ) -> Sequence[Campaign]: ...
    async def keep_fates(self, campaign_id: str, list_id: str, fates: bytes) -> None: ...
    async def fates(self, campaign_id: str, list_id: str) -> bytes: ...


class ActivitySource(Protocol):
    """The last sign of life of each recipient of whom there was one: opened, clicked, delivered."""

    async def last_active(self, recipients: Sequence[str]) -> Mapping[str, datetime]: ...
