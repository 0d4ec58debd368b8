"""Verdicts, reasons and stages: the closed words of an answer, and what each reason means to a person."""

from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """What the evidence says about an address."""

    DELIVERABLE = "deliverable"
    UNDELIVERABLE = "undeliverable"
    RISKY = "risky"
    UNKNOWN = "unknown"


class StageName(StrEnum):
    """The stages of a verification, in the order in which they are done."""

    SYNTAX = "syntax"
    DISPOSABLE = "disposable"
    MX = "mx"
    SMTP = "smtp"


ALL_STAGES = tuple(StageName)


class Reason(StrEnum):
    """Why a verdict was given. The order of the members is their precedence when several hold."""

    INVALID_SYNTAX = "invalid_syntax"
    DOMAIN_NOT_FOUND = "domain_not_found"
    NO_MAIL_HOST = "no_mail_host"
    NULL_MX = "null_mx"
    MX_UNROUTABLE = "mx_unroutable"
    MAILBOX_NOT_FOUND = "mailbox_not_found"
    MAILBOX_DISABLED = "mailbox_disabled"
    DISPOSABLE = "disposable"
    MAILBOX_FULL = "mailbox_full"
    CATCH_ALL = "catch_all"
    ACCEPTED = "accepted"
    GREYLISTED = "greylisted"
    SMTP_TEMP_ERROR = "smtp_temp_error"
    CONNECT_FAILED = "connect_failed"
    SMTP_TIMEOUT = "smtp_timeout"
    SMTP_PROTOCOL_ERROR = "smtp_protocol_error"
    PROBE_BLOCKED = "probe_blocked"
    SENDER_REFUSED = "sender_refused"
    EGRESS_BLOCKED = "egress_blocked"
    EGRESS_INTERCEPTED = "egress_intercepted"
    RESOLVER_UNTRUSTED = "resolver_untrusted"
    PROVIDER_UNVERIFIABLE = "provider_unverifiable"
    SMTPUTF8_UNSUPPORTED = "smtputf8_unsupported"
    DNS_TEMP_ERROR = "dns_temp_error"
    NOT_PROBED = "not_probed"
    INTERNAL_ERROR = "internal_error"


class Meaning(Struct, frozen=True):
    """One row of the reason table: the verdict it stands for, one sentence, and its source."""

    verdict: Verdict
    sentence: str
    source: str


_UNDELIVERABLE = Verdict.UNDELIVERABLE
_RISKY = Verdict.RISKY
_UNKNOWN = Verdict.UNKNOWN

MEANINGS: dict[Reason, Meaning] = {
    Reason.INVALID_SYNTAX: Meaning(_UNDELIVERABLE, "The text is not an e-mail address.", "RFC 5321 §4.1.2, RFC 6531"),
    Reason.DOMAIN_NOT_FOUND: Meaning(_UNDELIVERABLE, "The domain does not exist.", "RFC 2308 §2.1"),
    Reason.NO_MAIL_HOST: Meaning(
        _UNDELIVERABLE, "The domain exists, but has neither a mail exchange nor an address.", "RFC 5321 §5.1"
    ),
    Reason.NULL_MX: Meaning(_UNDELIVERABLE, "The domain says that it accepts no mail.", "RFC 7505"),
    Reason.MX_UNROUTABLE: Meaning(
        _UNDELIVERABLE, "The domain's mail exchanges lead nowhere on the public internet.", "RFC 5321 §5.1"
    ),
    Reason.MAILBOX_NOT_FOUND: Meaning(
        _UNDELIVERABLE, "The domain's own mail server says that there is no such mailbox.", "RFC 3463 §3.2"
    ),
    Reason.MAILBOX_DISABLED: Meaning(
        _UNDELIVERABLE, "The mail server says that the mailbox is switched off.", "RFC 3463 §3.3"
    ),
    Reason.DISPOSABLE: Meaning(_RISKY, "A throw-away address: mail may arrive, nobody reads it for long.", "data/"),
    Reason.MAILBOX_FULL: Meaning(_RISKY, "The mailbox exists, but is full.", "RFC 3463 §3.3"),
    Reason.CATCH_ALL: Meaning(
        _RISKY, "The domain accepts every name, so this one is not proved.", "a random name was accepted too"
    ),
    Reason.ACCEPTED: Meaning(
        Verdict.DELIVERABLE, "The mail server accepts mail for this mailbox.", "RFC 5321 §4.1.1.3"
    ),
    Reason.GREYLISTED: Meaning(
        _UNKNOWN, "The server asks us to come back later, as it asks every stranger.", "RFC 6647"
    ),
    Reason.SMTP_TEMP_ERROR: Meaning(_UNKNOWN, "The mail server cannot answer just now.", "RFC 5321 §4.2.1"),
    Reason.CONNECT_FAILED: Meaning(_UNKNOWN, "No mail server of the domain could be reached.", "RFC 5321 §5.1"),
    Reason.SMTP_TIMEOUT: Meaning(_UNKNOWN, "The mail server did not answer in time.", "RFC 5321 §4.5.3.2"),
    Reason.SMTP_PROTOCOL_ERROR: Meaning(
        _UNKNOWN, "The mail server's answer was not understandable SMTP.", "RFC 5321 §4.2"
    ),
    Reason.PROBE_BLOCKED: Meaning(
        _UNKNOWN, "The mail server refused us, not the mailbox; it may well exist.", "RFC 3463 §3.8"
    ),
    Reason.SENDER_REFUSED: Meaning(_UNKNOWN, "The mail server refused our sender address.", "RFC 5321 §4.1.1.2"),
    Reason.EGRESS_BLOCKED: Meaning(
        _UNKNOWN, "This host cannot reach port 25, so no mailbox was asked.", "port 25 test"
    ),
    Reason.EGRESS_INTERCEPTED: Meaning(
        _UNKNOWN,
        "Something between us and the internet answers in every mail server's place.",
        "port 25 test",
    ),
    Reason.RESOLVER_UNTRUSTED: Meaning(
        _UNKNOWN, 'The DNS resolver gives false answers, so its "no" was not believed.', "DNS canaries"
    ),
    Reason.PROVIDER_UNVERIFIABLE: Meaning(
        _UNKNOWN,
        "This provider does not tell before a mail is sent whether a mailbox exists.",
        "data/providers.toml",
    ),
    Reason.SMTPUTF8_UNSUPPORTED: Meaning(
        _UNKNOWN, "The address needs SMTPUTF8, which the mail server does not offer.", "RFC 6531 §3.2"
    ),
    Reason.DNS_TEMP_ERROR: Meaning(_UNKNOWN, "The domain's name servers did not answer.", "RFC 2308 §7"),
    Reason.NOT_PROBED: Meaning(_UNKNOWN, "No fault found; the mailbox was not asked.", "the stages chosen"),
    Reason.INTERNAL_ERROR: Meaning(_UNKNOWN, "A fault of this program; the address is not to blame.", "the log"),
}


def verdict_of(reason: Reason) -> Verdict:
    """The verdict that a reason stands for."""
    return MEANINGS[reason].verdict
