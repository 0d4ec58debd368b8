"""The sign-up widget's route, asked by a script that means no good, over the real port."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import aiohttp

from tests.roads.test_serve import serving
from tests.support.command import Command
from tests.support.form_page import publishable_key
from verifier.service.probe_limits import PER_CLIENT, PER_DOMAIN
from verifier.world.process import WorldProcess

SHOP = "http://shop.example.com"
MADE_UP = 4
"""Names that nobody has are asked for beside others, to learn whether a domain accepts all of them."""


def resident_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


async def flood(url: str, token: str, first: int, count: int, domain: str, clients: int) -> Counter[str]:
    """So many questions about as many mailboxes of a domain, from so many clients: the decisions."""
    decisions: Counter[str] = Counter()
    numbers = iter(range(first, first + count))
    headers = {"Authorization": f"Bearer {token}", "Origin": SHOP}

    async def asking(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            spoken_for = {"X-Forwarded-For": f"9.{number % clients >> 8}.{number % clients & 255}.9"}
            question = {"email": f"name{number}@{domain}"}
            async with session.post(f"{url}/v1/widget/verify", json=question, headers=spoken_for) as response:
                decisions[json.loads(await response.read()).get("decision", str(response.status))] += 1

    async with aiohttp.ClientSession(headers=headers) as session:
        await asyncio.gather(*(asking(session) for _ in range(20)))
    return decisions


def test_ten_thousand_scripted_questions(inside: Command, town: WorldProcess) -> None:
    """One client, and many at one domain, get no more mailboxes asked than the limits allow; all are answered; and what
    the service remembers of them does not grow.
    """
    token = publishable_key(inside, SHOP)
    one_client, one_domain = town.world.domain("exim", 4), town.world.domain("exim", 3)
    with serving(inside) as (service, url):
        asyncio.run(flood(url, token, 0, 500, "verifier.test", 500))
        for domain, clients, share in ((one_client, 1, PER_CLIENT), (one_domain, 4000, PER_DOMAIN)):
            before, began = town.report().total.recipients, service.seconds
            asyncio.run(flood(url, token, 1000, 1000, domain, clients))
            small = resident_mb(service.pid)
            decisions = asyncio.run(flood(url, token, 2000, 4000, domain, clients))
            grown = resident_mb(service.pid) - small
            most = share * (1 + (service.seconds - began) / 60)
            asked = town.report().total.recipients - before
            assert sum(decisions.values()) == 4000 and set(decisions) <= {"accept", "refuse"}
            assert 0 < asked <= most + MADE_UP
            assert grown < 10, f"{grown:.1f} MB more after 4000 questions"
