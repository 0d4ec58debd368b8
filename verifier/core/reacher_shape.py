"""An assessment in the shape of Reacher's answer, so that programs written for it need only another address.

The field names are its public interface; what they are filled with is our own verdict. Where the two disagree, ours
holds: a role address that accepts mail is `safe`, and a refusal that speaks of us is an error, not `invalid`.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from msgspec import Struct, to_builtins

from verifier.core.address import Address, parse_address
from verifier.core.reasons import MEANINGS, Reason, Verdict
from verifier.core.record import Timestamp, timestamp, word
from verifier.core.verdict import Assessment

_REACHABLE = {
    Verdict.DELIVERABLE: "safe",
    Verdict.RISKY: "risky",
    Verdict.UNDELIVERABLE: "invalid",
    Verdict.UNKNOWN: "unknown",
}
_ERRORS = {Reason.SMTP_TIMEOUT: "Timeout", Reason.CONNECT_FAILED: "IOError", Reason.EGRESS_BLOCKED: "IOError"}
_NO_ROUTE = frozenset({Reason.DOMAIN_NOT_FOUND, Reason.NO_MAIL_HOST, Reason.NULL_MX, Reason.MX_UNROUTABLE})


class Misc(Struct, frozen=True):
    """What the lists say; the two look-ups at other companies are not made."""

    is_disposable: bool
    is_role_account: bool
    is_b2c: bool
    gravatar_url: None = None
    haveibeenpwned: None = None


class Mx(Struct, frozen=True):
    """`records` has the exchange that was asked or would be, with a final dot."""

    accepts_mail: bool
    records: list[str]


class SmtpOutcome(Struct, frozen=True):
    """What was learned of the mailbox, where there was no error."""

    can_connect_smtp: bool
    has_full_inbox: bool
    is_catch_all: bool
    is_deliverable: bool
    is_disabled: bool


class SmtpError(Struct, frozen=True):
    """Why nothing was learned."""

    type: Annotated[str, word("AsyncSmtpError", "IOError", "Timeout")]
    message: str


class SmtpFailure(Struct, frozen=True):
    error: SmtpError


class Syntax(Struct, frozen=True):
    address: str | None
    domain: str
    username: str
    is_valid_syntax: bool
    normalized_email: str | None
    suggestion: str | None


class Duration(Struct, frozen=True):
    secs: int
    nanos: int


class Debug(Struct, frozen=True):
    backend_name: str
    start_time: Timestamp
    end_time: Timestamp
    duration: Duration
    smtp: dict[str, Any]


class ReacherAnswer(Struct, frozen=True):
    """The whole answer."""

    input: str
    is_reachable: Annotated[str, word(*_REACHABLE.values())]
    misc: Misc
    mx: Mx
    smtp: dict[str, Any]
    syntax: Syntax
    debug: Debug


def to_reacher(assessment: Assessment, backend_name: str, now: datetime) -> dict[str, Any]:
    """The answer to a check that ended `now`, as plain values."""
    exchange = assessment.mx_host
    answer = ReacherAnswer(
        input=assessment.email,
        is_reachable=_REACHABLE[assessment.verdict],
        misc=Misc(assessment.flags.disposable, assessment.flags.role, assessment.flags.free),
        mx=Mx(
            exchange is not None and assessment.reason not in _NO_ROUTE,
            [f"{exchange}."] if exchange is not None else [],
        ),
        smtp=to_builtins(_smtp(assessment)),
        syntax=_syntax(assessment),
        debug=_debug(assessment, backend_name, now),
    )
    plain: dict[str, Any] = to_builtins(answer)
    return plain


def _smtp(assessment: Assessment) -> SmtpOutcome | SmtpFailure:
    reason = assessment.reason
    if assessment.verdict is Verdict.UNKNOWN:
        return SmtpFailure(SmtpError(_ERRORS.get(reason, "AsyncSmtpError"), f"{reason}: {MEANINGS[reason].sentence}"))
    return SmtpOutcome(
        can_connect_smtp=assessment.smtp is not None,
        has_full_inbox=assessment.flags.mailbox_full,
        is_catch_all=assessment.flags.catch_all is True,
        is_deliverable=reason in (Reason.ACCEPTED, Reason.CATCH_ALL),
        is_disabled=reason is Reason.MAILBOX_DISABLED,
    )


def _syntax(assessment: Assessment) -> Syntax:
    address = parse_address(assessment.email)
    if not isinstance(address, Address):
        return Syntax(None, "", "", False, None, assessment.did_you_mean)
    return Syntax(address.mailbox, address.domain, address.local, True, assessment.normalized, assessment.did_you_mean)


def _debug(assessment: Assessment, backend_name: str, now: datetime) -> Debug:
    spent = timedelta(milliseconds=assessment.duration_ms)
    return Debug(
        backend_name=backend_name,
        start_time=timestamp(now - spent) or "",
        end_time=timestamp(now) or "",
        duration=Duration(spent.days * 86_400 + spent.seconds, spent.microseconds * 1000),
        smtp={"verif_method": {"type": "Smtp", "host": assessment.mx_host}},
    )
