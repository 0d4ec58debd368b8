"""What is known of some mailboxes and their domains: what verdicts are made from."""

from collections.abc import Mapping

from msgspec import Struct

from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts


class Knowledge(Struct):
    """What is known of a chunk: facts by domain, findings by mailbox key, which of them were observed just now, and
    the conversations that were kept.
    """

    facts: dict[str, DomainFacts]
    findings: dict[str, tuple[Finding, ...]]
    live: set[str]
    transcripts: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, facts: Mapping[str, DomainFacts]) -> "Knowledge":
        return cls(dict(facts), {}, set(), {})
