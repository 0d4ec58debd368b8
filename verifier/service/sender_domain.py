"""Asks DNS about the domain in a From line."""

import asyncio

from verifier.core.diagnosis import Check
from verifier.core.sender_domain import DomainAnswers, dkim_name, dmarc_name, judge_sender
from verifier.ports import RecordType, Resolver


async def examine_sender(resolver: Resolver, domain: str, selector: str = "") -> tuple[Check, ...]:
    """SPF, DKIM, DMARC and MX of a domain (A-labels); the key of a selector where one is named."""
    names = [(domain, RecordType.TXT), (dmarc_name(domain), RecordType.TXT), (domain, RecordType.MX)]
    if selector:
        names.append((dkim_name(domain, selector), RecordType.TXT))
    txt, dmarc, mx, *key = await asyncio.gather(*(resolver.lookup(name, kind) for name, kind in names))
    return judge_sender(DomainAnswers(domain, txt, dmarc, mx, selector, key[0] if key else None))
