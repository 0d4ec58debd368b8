"""A Resolver without a network, over zones given as text: what it answers can be bent, delayed and counted."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import dns.name
import dns.rdatatype
import dns.reversename
import dns.zone

from verifier.ports import Answer, DnsStatus, RecordType

_MOST_ALIASES = 8


class ZoneResolver:
    """Answers as an authoritative server of `zones` (name to zone file text) would.

    `bent` replaces answers by name or by (name, type); `asked` counts the questions, `running` those that wait now and
    `most_running` the most at once by question; while `open` is cleared no question is answered.
    """

    def __init__(self, zones: Mapping[str, str]) -> None:
        self._zones = {
            dns.name.from_text(name): dns.zone.from_text(text, origin=name, relativize=False)
            for name, text in zones.items()
        }
        self.bent: dict[str | tuple[str, RecordType], Answer] = {}
        self.everything: Answer | None = None
        self.asked: Counter[tuple[str, RecordType]] = Counter()
        self.running: Counter[tuple[str, RecordType]] = Counter()
        self.most_running: Counter[tuple[str, RecordType]] = Counter()
        self.open = asyncio.Event()
        self.open.set()

    @property
    def identity(self) -> str:
        return "zones"

    async def lookup(self, name: str, record_type: RecordType) -> Answer:
        question = (name, record_type)
        self.asked[question] += 1
        self.running[question] += 1
        self.most_running[question] = max(self.most_running[question], self.running[question])
        try:
            await self.open.wait()
            await asyncio.sleep(0)
            bent = self.bent.get(question) or self.bent.get(name) or self.everything
            return bent or self._answer(_name(name, record_type), record_type)
        finally:
            self.running[question] -= 1

    async def close(self) -> None:
        self.open.set()

    def _answer(self, name: dns.name.Name, record_type: RecordType) -> Answer:
        ttls: list[int] = []
        for _ in range(_MOST_ALIASES + 1):
            zone = self._zone_of(name)
            if zone is None:
                return Answer(DnsStatus.REFUSED, server="zones")
            soa = zone.find_rdataset(zone.origin, dns.rdatatype.SOA)
            negative = min([soa.ttl, soa[0].minimum, *ttls])
            node = zone.get_node(name) or zone.get_node(dns.name.Name((b"*", *name.labels[1:])))
            if node is None:
                return Answer(DnsStatus.NXDOMAIN, ttl=negative, server="zones")
            rdataset = node.get_rdataset(zone.rdclass, dns.rdatatype.from_text(record_type))
            alias = node.get_rdataset(zone.rdclass, dns.rdatatype.CNAME)
            if rdataset is not None:
                records = tuple(_record(rdata, record_type) for rdata in rdataset)
                return Answer(DnsStatus.OK, records, min([rdataset.ttl, *ttls]), "zones")
            if alias is None:
                return Answer(DnsStatus.NODATA, ttl=negative, server="zones")
            ttls.append(alias.ttl)
            name = alias[0].target
        return Answer(DnsStatus.BROKEN, server="zones")

    def _zone_of(self, name: dns.name.Name) -> dns.zone.Zone | None:
        return next((zone for origin, zone in self._zones.items() if name.is_subdomain(origin)), None)


def _name(text: str, record_type: RecordType) -> dns.name.Name:
    if record_type is RecordType.PTR and not text.endswith(".arpa"):
        return dns.reversename.from_address(text)
    return dns.name.from_text(text)


def _record(rdata, record_type: RecordType) -> tuple[int, str]:  # type: ignore[no-untyped-def]
    match record_type:
        case RecordType.MX:
            return (rdata.preference, rdata.exchange.to_text(omit_final_dot=True).lower().removeprefix("."))
        case RecordType.TXT:
            return (0, b"".join(rdata.strings).decode())
        case RecordType.PTR:
            return (0, rdata.target.to_text(omit_final_dot=True).lower())
        case _:
            return (0, rdata.address)
