"""What a domain's SPF record says of one address (RFC 7208), as far as it can be told without a message.

Macros, `exists` and `ptr` depend on a message or are discouraged: what comes after one is UNTOLD.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from verifier.ports import DnsStatus, RecordType, Resolver

MOST_LOOKUPS = 10
"""Mechanisms that ask DNS, in one evaluation (RFC 7208 §4.6.4)."""

_QUALIFIERS = "+-~?"
_TELLS = (DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN)


class SpfResult(StrEnum):
    """RFC 7208 §2.6, and `untold` where we do not evaluate what the record asks for."""

    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"
    UNTOLD = "untold"


_BY_QUALIFIER = {"+": SpfResult.PASS, "-": SpfResult.FAIL, "~": SpfResult.SOFTFAIL, "?": SpfResult.NEUTRAL}


class _Stop(Exception):
    """The evaluation ends here, with this result."""

    def __init__(self, result: SpfResult) -> None:
        super().__init__(result)
        self.result = result


async def spf_records(resolver: Resolver, domain: str) -> tuple[str, ...] | None:
    """The SPF records of a domain; more than one is a permanent error. None where DNS did not answer."""
    answer = await resolver.lookup(domain, RecordType.TXT)
    if answer.status not in _TELLS:
        return None
    return tuple(text for _, text in answer.records if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 "))


async def spf_result(resolver: Resolver, domain: str, address: IPv4Address | IPv6Address) -> SpfResult:
    """Whether `domain` permits `address` to send in its name."""
    return await _Evaluation(resolver, address).check(domain)


class _Evaluation:
    def __init__(self, resolver: Resolver, address: IPv4Address | IPv6Address) -> None:
        self._resolver = resolver
        self._address = address
        self._lookups = 0

    async def check(self, domain: str) -> SpfResult:
        records = await spf_records(self._resolver, domain)
        if records is None:
            return SpfResult.TEMPERROR
        if len(records) != 1:
            return SpfResult.PERMERROR if records else SpfResult.NONE
        try:
            return await self._walk(records[0].split()[1:], domain)
        except _Stop as stop:
            return stop.result

    async def _walk(self, terms: list[str], domain: str) -> SpfResult:
        redirect = None
        for term in terms:
            name, equals, value = term.partition("=")
            if equals and ":" not in name and "/" not in name:
                redirect = value if name.lower() == "redirect" else redirect
                continue
            qualifier, mechanism = (term[0], term[1:]) if term[0] in _QUALIFIERS else ("+", term)
            if await self._matches(mechanism, domain):
                return _BY_QUALIFIER[qualifier]
        if redirect is None:
            return SpfResult.NEUTRAL
        self._count_lookup(redirect)
        result = await self.check(redirect)
        return SpfResult.PERMERROR if result is SpfResult.NONE else result

    async def _matches(self, mechanism: str, domain: str) -> bool:
        head, slash, prefix = mechanism.partition("/")
        kind, colon, value = head.partition(":")
        match kind.lower():
            case "all":
                return True
            case "ip4" | "ip6":
                return self._within(mechanism.partition(":")[2])
            case "a" | "mx":
                target = value if colon else domain
                self._count_lookup(target)
                hosts = [target] if kind.lower() == "a" else await self._exchanges(target)
                return any([await self._host_matches(host, slash + prefix) for host in hosts[:MOST_LOOKUPS]])
            case "include":
                self._count_lookup(value)
                return await self._included(value)
            case "exists" | "ptr":
                raise _Stop(SpfResult.UNTOLD)
            case _:
                raise _Stop(SpfResult.PERMERROR)

    async def _included(self, domain: str) -> bool:
        result = await self.check(domain)
        if result in (SpfResult.TEMPERROR, SpfResult.UNTOLD):
            raise _Stop(result)
        if result in (SpfResult.PERMERROR, SpfResult.NONE):
            raise _Stop(SpfResult.PERMERROR)
        return result is SpfResult.PASS

    def _within(self, text: str) -> bool:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise _Stop(SpfResult.PERMERROR) from None
        return self._address in network

    async def _host_matches(self, host: str, cidr: str) -> bool:
        four, _, six = cidr.removeprefix("/").partition("//") if not cidr.startswith("//") else ("", "", cidr[2:])
        prefix = four if self._address.version == 4 else six
        kind = RecordType.A if self._address.version == 4 else RecordType.AAAA
        answer = await self._resolver.lookup(host, kind)
        if answer.status not in _TELLS:
            raise _Stop(SpfResult.TEMPERROR)
        whole = str(self._address.max_prefixlen)
        return any(self._within(f"{ip_address(text)}/{prefix or whole}") for _, text in answer.records)

    async def _exchanges(self, domain: str) -> list[str]:
        answer = await self._resolver.lookup(domain, RecordType.MX)
        if answer.status not in _TELLS:
            raise _Stop(SpfResult.TEMPERROR)
        return [exchange for _, exchange in answer.records if exchange]

    def _count_lookup(self, target: str) -> None:
        self._lookups += 1
        if "%" in target:
            raise _Stop(SpfResult.UNTOLD)
        if not target or self._lookups > MOST_LOOKUPS:
            raise _Stop(SpfResult.PERMERROR)
