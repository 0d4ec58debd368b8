"""What the doctor makes of what was seen of this host: how bad it is, and what to do about it in plain words."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from ipaddress import ip_address

from msgspec import Struct

from verifier.core.dns import Answer, DnsStatus
from verifier.core.setting_values import IpAddress

OLD_DATA_DAYS = 90
_TELLS = (DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN)
_OWN_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9a-f.:]+)\]", re.IGNORECASE)


class Health(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(Struct, frozen=True):
    """One finding. `out_of_reach` marks a needed service that does not answer: the commands cannot do without it."""

    name: str
    health: Health
    seen: str
    advice: str = ""
    out_of_reach: bool = False


class Blocklist(Struct, frozen=True):
    """A DNS block list (RFC 5782), and where to have an address taken off it."""

    zone: str
    removal: str


BLOCKLISTS = (
    Blocklist("zen.spamhaus.org", "https://check.spamhaus.org/"),
    Blocklist("bl.spamcop.net", "https://www.spamcop.net/bl.shtml"),
    Blocklist("psbl.surriel.com", "https://psbl.org/remove"),
)


def usable(checks: Sequence[Check]) -> bool:
    """Whether the commands can do their work, be it slower or without asking mailboxes."""
    return not any(check.out_of_reach for check in checks)


def judge_data(dated: Mapping[str, date], today: date) -> Check:
    """The age of the shipped and refreshed data; the oldest part speaks."""
    if not dated:
        return Check(
            "data", Health.PROBLEM, "No domain lists were found.", "Install verifier anew, or run `verifier data`."
        )
    oldest = min(dated, key=lambda name: dated[name])
    age = (today - dated[oldest]).days
    seen = f"The {oldest} is of {dated[oldest]} (age in days: {age})."
    if age > OLD_DATA_DAYS:
        return Check("data", Health.WARNING, seen, "Run `verifier data` to refresh the domain lists.")
    return Check("data", Health.OK, seen)


def judge_folder(folder: str, fault: str | None) -> Check:
    """The data folder and its database, by what went wrong when they were used."""
    if fault is None:
        return Check("data folder", Health.OK, f"{folder} can be written, and its database is sound.")
    advice = "Make it writable for this user, or set VERIFIER_DATA_DIR to a folder that is."
    return Check("data folder", Health.PROBLEM, f"{folder}: {fault}.", advice, out_of_reach=True)


def judge_redis(url: str, fault: str | None) -> Check:
    """Redis, by what went wrong when it was asked; `url` without its password, empty where none is set."""
    if not url:
        return Check("Redis", Health.OK, "Not used: facts and pacing are kept in this process.")
    if fault is None:
        return Check("Redis", Health.OK, f"{url} answers.")
    advice = "Start it, or correct VERIFIER_REDIS_URL; without it, work goes on in this process alone."
    return Check("Redis", Health.PROBLEM, f"{url} does not answer: {fault}.", advice, out_of_reach=True)


def judge_resolver(identity: str, canaries: Sequence[Answer], random_names: Sequence[Answer]) -> Check:
    """A resolver is believed where well-known domains resolve, and names that nobody has do not."""
    if not any(answer.status in _TELLS for answer in (*canaries, *random_names)):
        seen = f"No name server answers ({identity})."
        advice = "Check the network, or set VERIFIER_DNS_NAMESERVERS to name servers that can be reached."
        return Check("DNS resolver", Health.PROBLEM, seen, advice, out_of_reach=True)
    advice = "Set VERIFIER_DNS_NAMESERVERS to a resolver without a filter; until then no “no such domain” is believed."
    if any(answer.status is DnsStatus.OK and answer.records for answer in random_names):
        seen = f"The resolver ({identity}) invents addresses for names that do not exist."
        return Check("DNS resolver", Health.PROBLEM, seen, advice)
    failed = sum(not (answer.status is DnsStatus.OK and answer.records) for answer in canaries)
    if failed:
        seen = f"{failed} of {len(canaries)} well-known domains do not resolve ({identity})."
        return Check("DNS resolver", Health.PROBLEM if failed == len(canaries) else Health.WARNING, seen, advice)
    return Check("DNS resolver", Health.OK, f"{identity} answers truly.")


def judge_blocklists(address: IpAddress, answers: Sequence[tuple[Blocklist, Answer]]) -> Check:
    """Listed is 127.0.0.0/16 (RFC 5782 §2.1); 127.255.255.0/24 says that the list does not answer this resolver."""
    listed, silent = [], []
    for blocklist, answer in answers:
        codes = [text for _, text in answer.records]
        if any(code.startswith("127.0.") for code in codes):
            listed.append(blocklist)
        elif answer.status not in _TELLS or any(code.startswith("127.255.255.") for code in codes):
            silent.append(blocklist.zone)
    if listed:
        seen = f"{address} is listed by {', '.join(blocklist.zone for blocklist in listed)}."
        advice = f"Mail servers will refuse us: find the cause, then ask at {listed[0].removal} to be taken off."
        return Check("block lists", Health.PROBLEM, seen, advice)
    if silent:
        seen = f"{address} is on none that answered; {', '.join(silent)} did not answer this resolver."
        return Check("block lists", Health.WARNING, seen, "Block lists answer no public resolver: use one of your own.")
    return Check("block lists", Health.OK, f"{address} is on none of {len(answers)}.")


def quoted_addresses(ehlo_reply: str) -> tuple[IpAddress, ...]:
    """Public addresses in the first line of an EHLO reply: many servers greet us by ours."""
    first = ehlo_reply.splitlines()[0] if ehlo_reply else ""
    found = []
    for text in _OWN_ADDRESS.findall(first):
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if address.is_global:
            found.append(address)
    return tuple(dict.fromkeys(found))
