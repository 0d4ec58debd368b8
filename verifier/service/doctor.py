"""Examines this host: can it ask mail servers, will they believe it, and is what it stands on in order?

Each check is what was seen, how bad that is, and what to do about it in plain words. Nothing is changed, and mail
hosts see no more than a greeting and a good-bye.
"""

import asyncio
import re
from collections.abc import Sequence
from ipaddress import ip_address

from msgspec import Struct

from verifier.core.diagnosis import BLOCKLISTS, Check, Health, judge_blocklists, judge_resolver, quoted_addresses
from verifier.core.egress import CanarySighting, EgressState, judge_egress
from verifier.core.identity import helo_fault, mail_from_fault
from verifier.core.lists import DomainList
from verifier.core.setting_values import IpAddress
from verifier.ports import Clock, Connection, DialFailure, DnsStatus, MailDialer, RecordType, Resolver
from verifier.service.spf import SpfResult, spf_records, spf_result

MOST_CANARIES = 4
_GREETING_BYTES = 8192
_TELLS = (DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN)
_REPLY_ENDS = re.compile(rb"^\d{3}(?: [^\n]*)?\r?\n", re.MULTILINE)


class Patient(Struct, frozen=True):
    """What is examined. `foreign` holds domains that are plainly not ours; `patience` is in seconds a step.

    `own_addresses` are the public ones that are known of beforehand; those that mail hosts tell us go before them.
    """

    helo: str
    mail_from: str
    canaries: tuple[str, ...]
    foreign: DomainList
    own_addresses: tuple[IpAddress, ...] = ()
    smtp_enabled: bool = True
    patience: float = 5.0


class _Sighting(Struct, frozen=True):
    """A canary's exchange: its banner, and our own addresses that its EHLO reply quotes."""

    canary: CanarySighting
    own: tuple[IpAddress, ...] = ()


async def examine(patient: Patient, resolver: Resolver, dialer: MailDialer, clock: Clock) -> tuple[Check, ...]:
    """All checks that the network answers, in the order in which they should be put right."""
    resolver_check = await _examine_resolver(patient, resolver, clock)
    if resolver_check.out_of_reach:
        return (resolver_check, *_spelling_checks(patient))
    checks = [resolver_check]
    addresses = patient.own_addresses
    if patient.smtp_enabled:
        sightings = await _look_at_canaries(patient, resolver, dialer)
        checks.append(_egress_check(sightings))
        told = dict.fromkeys(address for sighting in sightings for address in sighting.own)
        addresses = tuple(told) or addresses
    else:
        advice = "Set VERIFIER_SMTP_ENABLED=true to have mailboxes asked."
        checks.append(Check("port 25", Health.WARNING, "Mailboxes are not asked: SMTP is switched off.", advice))
    checks.append(_address_check(addresses))
    checks.append(await _helo_check(patient, resolver, addresses))
    checks.extend([await _ptr_check(resolver, address) for address in addresses])
    checks.append(await _mail_from_check(patient, resolver))
    if mail_from_fault(patient.mail_from, patient.foreign) is None:
        checks.append(await _spf_check(patient, resolver, addresses))
    checks.extend([await _blocklist_check(resolver, address) for address in addresses])
    return tuple(checks)


async def _examine_resolver(patient: Patient, resolver: Resolver, clock: Clock) -> Check:
    canaries = patient.canaries[:MOST_CANARIES]
    random_names = tuple(f"{clock.token(24)}.{name.partition('.')[2]}" for name in canaries[:2])
    answers = await asyncio.gather(*(resolver.lookup(name, RecordType.MX) for name in canaries))
    inventions = await asyncio.gather(*(resolver.lookup(name, RecordType.A) for name in random_names))
    return judge_resolver(resolver.identity, answers, inventions)


async def _look_at_canaries(patient: Patient, resolver: Resolver, dialer: MailDialer) -> list[_Sighting]:
    looks = (_look(name, patient, resolver, dialer) for name in patient.canaries[:MOST_CANARIES])
    return [sighting for sighting in await asyncio.gather(*looks) if sighting is not None]


async def _look(domain: str, patient: Patient, resolver: Resolver, dialer: MailDialer) -> _Sighting | None:
    """One canary's best exchange, or None where DNS gives none."""
    exchanges = sorted((await resolver.lookup(domain, RecordType.MX)).records)
    if not exchanges or not exchanges[0][1]:
        return None
    host = exchanges[0][1]
    addresses = (await resolver.lookup(host, RecordType.A)).records
    if not addresses:
        return None
    connection = await dialer.dial(addresses[0][1], pin=domain, timeout=patient.patience)
    if isinstance(connection, DialFailure):
        return _Sighting(CanarySighting(domain, host, None, connection.value))
    banner = ""
    try:
        banner = await _reply(connection, patient.patience)
        own: tuple[IpAddress, ...] = ()
        if banner.startswith("220"):
            connection.send(f"EHLO {patient.helo}\r\n".encode("ascii", "replace"))
            own = quoted_addresses(await _reply(connection, patient.patience))
            connection.send(b"QUIT\r\n")
    except (TimeoutError, ConnectionError) as error:
        return _Sighting(CanarySighting(domain, host, banner or None, str(error) or "no banner"))
    finally:
        connection.close()
    return _Sighting(CanarySighting(domain, host, banner.splitlines()[0] if banner else None), own)


async def _reply(connection: Connection, patience: float) -> str:
    """One whole reply, or as much of it as came before the peer closed."""
    received = b""
    while not _REPLY_ENDS.search(received) and len(received) < _GREETING_BYTES:
        more = await connection.receive(patience)
        if not more:
            break
        received += more
    return received.decode("ascii", "replace")


def _egress_check(sightings: Sequence[_Sighting]) -> Check:
    egress = judge_egress([sighting.canary for sighting in sightings])
    refusals = [s.canary for s in sightings if s.canary.banner is not None and not s.canary.banner.startswith("220")]
    match egress.state:
        case EgressState.OPEN if refusals:
            seen = f"{egress.sentence} {refusals[0].mx_host} refused us: {refusals[0].banner}"
            return Check("port 25", Health.WARNING, seen, "See to this host's name, PTR and block lists, below.")
        case EgressState.OPEN:
            return Check("port 25", Health.OK, egress.sentence)
        case EgressState.BLOCKED if all(s.canary.failure == DialFailure.PROXY for s in sightings):
            advice = "The proxy does not answer or does not let us through: see to it and to VERIFIER_SMTP_PROXY."
        case EgressState.BLOCKED:
            advice = (
                "Ask your hoster to open port 25, run verifier on a host that has it open, or send the probes through "
                "a SOCKS5 proxy there (VERIFIER_SMTP_PROXY). Without it all but the mailbox is still checked."
            )
        case EgressState.INTERCEPTED:
            advice = "Switch off the relay or the antivirus' mail filter, or use another host."
        case EgressState.UNTESTED:
            advice = "Set VERIFIER_DNS_CANARIES to three or more large mail domains that resolve here."
    health = Health.WARNING if egress.state is EgressState.UNTESTED else Health.PROBLEM
    return Check("port 25", health, egress.sentence, advice)


def _address_check(addresses: Sequence[IpAddress]) -> Check:
    if addresses:
        return Check("public address", Health.OK, f"Mail servers see us as {', '.join(map(str, addresses))}.")
    advice = "Set VERIFIER_SMTP_SOURCE_ADDRESSES to it to have its name and block lists examined."
    return Check("public address", Health.WARNING, "No mail server told us our public address.", advice)


def _spelling_checks(patient: Patient) -> tuple[Check, ...]:
    checks = []
    if fault := helo_fault(patient.helo, patient.foreign):
        advice = "Set VERIFIER_SMTP_HELO to this host's real name."
        checks.append(Check("HELO name", Health.PROBLEM, f"{patient.helo} {fault}.", advice))
    if fault := mail_from_fault(patient.mail_from, patient.foreign):
        advice = "Set VERIFIER_SMTP_MAIL_FROM to a real address of yours that takes mail."
        checks.append(Check("MAIL FROM", Health.PROBLEM, f"{patient.mail_from} {fault}.", advice))
    return tuple(checks)


async def _helo_check(patient: Patient, resolver: Resolver, addresses: Sequence[IpAddress]) -> Check:
    """The name must resolve, and to the address that greets by it."""
    spelling = [check for check in _spelling_checks(patient) if check.name == "HELO name"]
    if spelling:
        return spelling[0]
    told, known = await _addresses_of(patient.helo, resolver)
    if not known:
        return Check(
            "HELO name", Health.WARNING, f"{patient.helo}: its name servers did not answer.", "Try again later."
        )
    if not told:
        advice = f"Publish an address record for {patient.helo}, or set VERIFIER_SMTP_HELO to a name that has one."
        return Check("HELO name", Health.PROBLEM, f"{patient.helo} has no address in DNS.", advice)
    strangers = [str(address) for address in addresses if address not in told]
    if strangers:
        advice = f"Point {patient.helo} to {', '.join(strangers)}, or set VERIFIER_SMTP_HELO to the name that is."
        return Check("HELO name", Health.WARNING, f"{patient.helo} does not lead to {', '.join(strangers)}.", advice)
    return Check("HELO name", Health.OK, f"{patient.helo} leads to {', '.join(sorted(map(str, told)))}.")


async def _ptr_check(resolver: Resolver, address: IpAddress) -> Check:
    """The address must have a name that leads back to it (forward-confirmed reverse DNS)."""
    answer = await resolver.lookup(address.reverse_pointer, RecordType.PTR)
    if answer.status not in _TELLS:
        return Check("PTR", Health.WARNING, f"{address}: its name servers did not answer.", "Try again later.")
    names = [name.rstrip(".") for _, name in answer.records]
    if not names:
        advice = "Ask your hoster to set the reverse name of the address to the HELO name; many servers refuse without."
        return Check("PTR", Health.PROBLEM, f"{address} has no name.", advice)
    for name in names:
        if address in (await _addresses_of(name, resolver))[0]:
            return Check("PTR", Health.OK, f"{address} is {name}, and {name} leads back to it.")
    advice = f"Publish an address record that leads {names[0]} back to {address}."
    return Check("PTR", Health.PROBLEM, f"{address} is {names[0]}, but that does not lead back to it.", advice)


async def _mail_from_check(patient: Patient, resolver: Resolver) -> Check:
    spelling = [check for check in _spelling_checks(patient) if check.name == "MAIL FROM"]
    if spelling:
        return spelling[0]
    domain = patient.mail_from.rpartition("@")[2]
    answer = await resolver.lookup(domain, RecordType.MX)
    if answer.status not in _TELLS:
        return Check("MAIL FROM", Health.WARNING, f"{domain}: its name servers did not answer.", "Try again later.")
    if any(exchange for _, exchange in answer.records) or (
        not answer.records and (await _addresses_of(domain, resolver))[0]
    ):
        return Check("MAIL FROM", Health.OK, f"{patient.mail_from}: its domain takes mail.")
    advice = "Set VERIFIER_SMTP_MAIL_FROM to a real address of yours: servers that call back refuse a sender without."
    return Check("MAIL FROM", Health.PROBLEM, f"{domain} takes no mail.", advice)


async def _spf_check(patient: Patient, resolver: Resolver, addresses: Sequence[IpAddress]) -> Check:
    """The sender's domain must permit the addresses that we probe from."""
    domain = patient.mail_from.rpartition("@")[2]
    records = await spf_records(resolver, domain)
    if records is None:
        return Check("SPF", Health.WARNING, f"{domain}: its name servers did not answer.", "Try again later.")
    if len(records) > 1:
        advice = "Join them into one: several records are as good as a broken one (RFC 7208 §4.5)."
        return Check("SPF", Health.PROBLEM, f"{domain} has {len(records)} SPF records.", advice)
    ours = " ".join(f"ip{address.version}:{address}" for address in addresses) or "a mx"
    if not records:
        return Check(
            "SPF", Health.WARNING, f"{domain} has no SPF record.", f'Publish: {domain} TXT "v=spf1 {ours} -all"'
        )
    results = {address: await spf_result(resolver, domain, address) for address in addresses}
    refused = [a for a, r in results.items() if r not in (SpfResult.PASS, SpfResult.UNTOLD, SpfResult.TEMPERROR)]
    if refused:
        seen = f"{domain} does not permit {', '.join(map(str, refused))} ({results[refused[0]]}): {records[0]}"
        return Check("SPF", Health.PROBLEM, seen, f"Add {ours} to the record.")
    if any(result is SpfResult.PASS for result in results.values()):
        return Check("SPF", Health.OK, f"{domain} permits {', '.join(map(str, addresses))}.")
    return Check("SPF", Health.OK, f"{domain} has one: {records[0]}")


async def _blocklist_check(resolver: Resolver, address: IpAddress) -> Check:
    reversed_address = address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    names = [f"{reversed_address}.{blocklist.zone}" for blocklist in BLOCKLISTS]
    answers = await asyncio.gather(*(resolver.lookup(name, RecordType.A) for name in names))
    return judge_blocklists(address, tuple(zip(BLOCKLISTS, answers, strict=True)))


async def _addresses_of(name: str, resolver: Resolver) -> tuple[set[IpAddress], bool]:
    """The addresses of a name, and whether DNS told them (an empty set that was told means: none)."""
    answers = await asyncio.gather(*(resolver.lookup(name, kind) for kind in (RecordType.A, RecordType.AAAA)))
    found = {ip_address(text) for answer in answers for _, text in answer.records}
    return found, bool(found) or all(answer.status in _TELLS for answer in answers)
