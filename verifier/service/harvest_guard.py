"""The harvest guard at work: counts what each client asks of each domain, and stops who tries out names there.

Law: a stopped mailbox is `not_probed`, never a verdict about it; verdicts given before stay; providers' own domains,
where everybody knows thousands, are not guarded.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from msgspec import Struct

from verifier.core.evidence import Finding, Obstacle
from verifier.core.harvest import NAMES, SAMPLE, Lifts, Tally
from verifier.core.names import Names
from verifier.core.replies import ReplyClass
from verifier.ports import Clock, TallyStore
from verifier.service.probing import Probed, Target

DETAIL = "harvest_guard"
_TALLIES = 20_000
_SAVED_EVERY = 5.0
_SLICE = 200  # tallies that are made ready at a time: more would hold the event loop

_Pair = tuple[str, str]


class Client(Struct, frozen=True):
    """Who asks: a key, and the name of the list that he has checked, where it is one."""

    key: str
    list_name: str = ""


class HarvestGuard:
    """`admit` before asking, `heard` with each answer, `leave` and `keep` when a chunk is through;
    `close` at last.

    `report` is told, in a sentence, of everybody who is stopped, and of every list that an operator let pass.
    """

    def __init__(
        self, names: Names, store: TallyStore, lifts: Lifts, clock: Clock, report: Callable[[str], None]
    ) -> None:
        self._names = names
        self._store = store
        self._lifts = lifts
        self._clock = clock
        self._report = report
        self._tallies: OrderedDict[_Pair, Tally] = OrderedDict()
        self._unsaved: set[_Pair] = set()
        self._saved_at = clock.monotonic()
        self._saving: asyncio.Task[None] | None = None
        self._waiting: dict[_Pair, dict[Target, Client]] = {}
        self._told: OrderedDict[tuple[str, ...], None] = OrderedDict()

    async def recall(self, client: Client, domains: Iterable[str]) -> None:
        """What earlier processes counted is known; to be called before these domains are asked about."""
        missing = []
        for domain in domains:
            tally = self._tallies.get((client.key, domain))
            if tally is not None and len(tally.names) >= SAMPLE:
                self._tallies[client.key, domain] = tally.without_old(self._clock.now())
            elif tally is None and not self._names.is_providers_own(domain):
                missing.append(domain)
        if missing:
            known = await self._store.tallies(client.key, missing)
            for domain in missing:
                self._tally((client.key, domain)).take_in(known.get(domain, Tally({})))

    def remembers(self, client: Client, domain: str) -> bool:
        """There is nothing to `recall` for this domain."""
        tally = self._tallies.get((client.key, domain))
        return self._names.is_providers_own(domain) if tally is None else len(tally.names) < SAMPLE

    def heard(self, client: Client, domain: str, key: str, finding: Finding, now: datetime) -> None:
        """A request for a mailbox was answered, by its host or from what is known."""
        if self._names.is_providers_own(domain):
            return
        pair = (client.key, domain)
        unknown = finding.conclusive and finding.reply_class is ReplyClass.MAILBOX_NOT_FOUND
        self._tally(pair).add(key, now, unknown=unknown)
        self._unsaved.add(pair)

    def admit(self, client: Client, targets: Sequence[Target]) -> list[Target]:
        """Those that may be asked; the others know already that they are not."""
        stopped = {domain for domain in {t.domain for t in targets} if self._stops(client, domain)}
        admitted = []
        for target in targets:
            if target.domain in stopped:
                self._turn_away(target)
            else:
                admitted.append(target)
                if not self._names.is_providers_own(target.domain):
                    self._waiting.setdefault((client.key, target.domain), {})[target] = client
        return admitted

    def look_again(self, client: Client, answered: Iterable[Target]) -> None:
        """These have been answered: whoever waits for the same domain and is a harvester by now is turned away."""
        domains: dict[str, None] = {}
        for target in answered:
            domains[target.domain] = None
            self._waiting.get((client.key, target.domain), {}).pop(target, None)
        for domain in domains:
            waiting = self._waiting.get((client.key, domain), {})
            for stopped in [who for who in set(waiting.values()) if self._stops(who, domain)]:
                for target in [target for target, who in waiting.items() if who == stopped]:
                    del waiting[target]
                    self._turn_away(target)

    def leave(self, client: Client, targets: Iterable[Target]) -> None:
        """Nobody waits for these any more."""
        for target in targets:
            pair = (client.key, target.domain)
            waiting = self._waiting.get(pair)
            if waiting is not None:
                waiting.pop(target, None)
                if not waiting:
                    del self._waiting[pair]

    def keep(self) -> None:
        """What was counted survives a restart, and most of it a kill: it is written down every few seconds, and nobody
        waits for it.
        """
        if self._clock.monotonic() >= self._saved_at + _SAVED_EVERY and (self._saving is None or self._saving.done()):
            self._saving = asyncio.get_running_loop().create_task(self._save())

    async def close(self) -> None:
        """Everything that was counted is written down."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
        await self._save()

    async def _save(self) -> None:
        self._saved_at = self._clock.monotonic()
        unsaved, self._unsaved = sorted(self._unsaved), set()
        for client, pairs in groupby(unsaved, key=itemgetter(0)):
            domains = [domain for _, domain in pairs]
            for start in range(0, len(domains), _SLICE):
                some, now = domains[start : start + _SLICE], self._clock.now()
                await self._store.remember(client, {d: self._tally((client, d)).without_old(now) for d in some})
        self._make_room()

    async def forget(self, domain: str, key: str) -> None:
        """Nobody remembers that this mailbox was asked for."""
        for (_, counted), tally in self._tallies.items():
            if counted == domain:
                tally.remove(key)
        await self._store.forget(domain, key)

    def _make_room(self) -> None:
        """The domains that nobody asked about for the longest time are left to the store."""
        while len(self._tallies) > _TALLIES and (oldest := next(iter(self._tallies))) not in self._unsaved:
            del self._tallies[oldest]

    def _stops(self, client: Client, domain: str) -> bool:
        tally = self._tallies.get((client.key, domain))
        if tally is None or len(tally.names) < NAMES:
            return False
        count = tally.count(self._clock.now())
        if not count.is_harvest:
            return False
        if self._lifts.cover(domain, client.list_name):
            self._tell(
                f"The harvest guard lets {client.list_name} pass at {domain}, as lists/harvest_lifted.txt says.",
                ("lifted", domain, client.list_name),
            )
            return False
        self._tell(
            f"The harvest guard stops {client.key} at {domain}: of {count.names} names asked for within 24 hours"
            f" {count.unknown} are unknown there. The others are not probed (docs/running.md, Guards).",
            ("stopped", domain, client.key),
        )
        return True

    def _turn_away(self, target: Target) -> None:
        if not target.future.done():
            finding = Finding(self._clock.now(), obstacle=Obstacle.NOT_PROBED, detail=DETAIL)
            target.future.set_result(Probed(finding))

    def _tally(self, pair: _Pair) -> Tally:
        tally = self._tallies.get(pair)
        if tally is None:
            tally = self._tallies[pair] = Tally({})
        else:
            self._tallies.move_to_end(pair)
        return tally

    def _tell(self, sentence: str, about: tuple[str, ...]) -> None:
        if about not in self._told:
            self._told[about] = None
            if len(self._told) > _TALLIES:
                self._told.popitem(last=False)
            self._report(sentence)
