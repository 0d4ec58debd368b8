"""Whether the name and the sender that we show to mail servers can be real: judged by their spelling alone.

A mail server may refuse whoever greets it with a false name (RFC 5321 §4.1.1.1, §4.1.4), and so speak of us where we
asked about a mailbox.
"""

from ipaddress import ip_address

from verifier.core.lists import DomainList

_NOWHERE = frozenset(
    {"localhost", "localdomain", "local", "lan", "internal", "home", "corp", "test", "example", "invalid"}
)
_EXAMPLES = frozenset({"example.com", "example.net", "example.org"})


def helo_fault(helo: str, foreign: DomainList) -> str | None:
    """Half a sentence on why no mail server can believe the HELO name, None where its spelling is fine.

    `foreign` holds the domains that are plainly not ours, such as those of mail providers.
    """
    if _is_address(helo):
        return "is a bare IP address, not a host name"
    return _name_fault(helo, foreign)


def mail_from_fault(mail_from: str, foreign: DomainList) -> str | None:
    """The same of the probes' sender address."""
    local, _, domain = mail_from.rpartition("@")
    if not local or not domain:
        return "is not an e-mail address"
    return _name_fault(domain, foreign)


def identity_faults(helo: str, mail_from: str, foreign: DomainList) -> tuple[str, ...]:
    """Whole sentences, for a command's start: what to set, where it must be set."""
    faults = []
    if said := helo_fault(helo, foreign):
        faults.append(f"The HELO name {helo} {said}: set VERIFIER_SMTP_HELO to this host's real name.")
    if said := mail_from_fault(mail_from, foreign):
        faults.append(f"The probes' sender {mail_from} {said}: set VERIFIER_SMTP_MAIL_FROM to an address of yours.")
    return tuple(faults)


def _name_fault(name: str, foreign: DomainList) -> str | None:
    labels = name.rstrip(".").lower().split(".")
    if labels == ["localhost"] or labels[-1] == "localdomain":
        return "is no name of a host on the internet"
    if len(labels) < 2:
        return "has no domain"
    if labels[-1] in _NOWHERE or ".".join(labels[-2:]) in _EXAMPLES or labels[-2:] == ["home", "arpa"]:
        return "lies under a name that nobody can own"
    if ".".join(labels) in foreign:
        return "belongs to a mail provider, not to you"
    return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return False
    return True
