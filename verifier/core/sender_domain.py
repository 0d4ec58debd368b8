"""What DNS says of the domain in a From line, and the line to publish where something lacks. By DNS alone: no message.

SPF (RFC 7208), DKIM keys (RFC 6376 §3.6.1), DMARC (RFC 7489 §6.3), MX. Large receivers ask bulk senders for all.
"""

from msgspec import Struct

from verifier.core.diagnosis import Check, Health
from verifier.core.dns import Answer, DnsStatus

NAME = "sender"
_TELLS = (DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN)
_POLICIES = ("none", "quarantine", "reject")


class DomainAnswers(Struct, frozen=True):
    """The answers about one domain: its TXT and MX records, `_dmarc.` and, where a selector is known, its key."""

    domain: str
    txt: Answer
    dmarc: Answer
    mx: Answer
    selector: str = ""
    dkim: Answer | None = None


def dmarc_name(domain: str) -> str:
    """Where its DMARC record stands."""
    return f"_dmarc.{domain}"


def dkim_name(domain: str, selector: str) -> str:
    """Where the key of a selector stands."""
    return f"{selector}._domainkey.{domain}"


def judge_sender(answers: DomainAnswers) -> tuple[Check, ...]:
    """One finding each for SPF, DKIM, DMARC and MX; what DNS did not say is no finding but an unknown."""
    return _spf(answers), _dkim(answers), _dmarc(answers), _mx(answers)


def warnings_of(checks: tuple[Check, ...]) -> tuple[str, ...]:
    """The sentences of what is not well."""
    return tuple(f"{check.seen} {check.advice}".strip() for check in checks if check.health is not Health.OK)


def _spf(answers: DomainAnswers) -> Check:
    domain = answers.domain
    if answers.txt.status not in _TELLS:
        return _untold("SPF", domain)
    records = [text for text in _texts(answers.txt) if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
    if not records:
        return _check(
            Health.PROBLEM,
            f"{domain} has no SPF record.",
            f'Publish TXT at {domain}: "v=spf1 include:<your sending service> ~all".',
        )
    if len(records) > 1:
        return _check(
            Health.PROBLEM, f"{domain} has {len(records)} SPF records, so none counts.", "Make one of them (RFC 7208)."
        )
    if any(term.lower() in ("+all", "all") for term in records[0].split()):
        return _check(
            Health.WARNING, f"The SPF record of {domain} lets everybody send.", 'End it with "~all" or "-all".'
        )
    return _check(Health.OK, f"{domain} has an SPF record.")


def _dkim(answers: DomainAnswers) -> Check:
    domain, selector, answer = answers.domain, answers.selector, answers.dkim
    if answer is None:
        return _check(
            Health.OK, f"Whether {domain} signs by DKIM is not known.", "Name its selector: --selector, dkim_selector."
        )
    if answer.status not in _TELLS:
        return _untold("DKIM", domain)
    tags = [_tags(text) for text in _texts(answer)]
    keys = [each for each in tags if "p" in each and each.get("v", "DKIM1") == "DKIM1"]
    name = dkim_name(domain, selector)
    if not keys:
        return _check(
            Health.PROBLEM,
            f"{domain} has no DKIM key under the selector {selector}.",
            f'Publish TXT at {name} as your sending service shows it: "v=DKIM1; k=rsa; p=…".',
        )
    if not any(each["p"] for each in keys):
        return _check(Health.PROBLEM, f"The DKIM key at {name} is revoked.", "Publish the new one, or sign by another.")
    return _check(Health.OK, f"{domain} has a DKIM key under the selector {selector}.")


def _dmarc(answers: DomainAnswers) -> Check:
    domain = answers.domain
    if answers.dmarc.status not in _TELLS:
        return _untold("DMARC", domain)
    records = [_tags(text) for text in _texts(answers.dmarc) if text.replace(" ", "").startswith("v=DMARC1")]
    wanted = f'Publish TXT at {dmarc_name(domain)}: "v=DMARC1; p=none; rua=mailto:dmarc@{domain}".'
    if not records:
        return _check(Health.PROBLEM, f"{domain} has no DMARC record of its own.", wanted)
    if len(records) > 1 or records[0].get("p", "").lower() not in _POLICIES:
        return _check(Health.PROBLEM, f"The DMARC record of {domain} is not valid.", wanted)
    return _check(Health.OK, f"{domain} has a DMARC record.")


def _mx(answers: DomainAnswers) -> Check:
    domain = answers.domain
    if answers.mx.status not in _TELLS:
        return _untold("MX", domain)
    hosts = [name for _, name in answers.mx.records if name]
    if not hosts:
        return _check(
            Health.WARNING,
            f"{domain} takes no mail, so replies and bounces are lost.",
            "Publish MX records, or write From a domain that has them.",
        )
    return _check(Health.OK, f"{domain} takes mail.")


def _untold(what: str, domain: str) -> Check:
    return _check(Health.WARNING, f"DNS did not say whether {domain} has {what}.", "Ask again in a moment.")


def _check(health: Health, seen: str, advice: str = "") -> Check:
    return Check(NAME, health, seen, advice)


def _texts(answer: Answer) -> list[str]:
    return [text for _, text in answer.records]


def _tags(text: str) -> dict[str, str]:
    """Of `v=DMARC1; p=none`: what stands under each name."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
