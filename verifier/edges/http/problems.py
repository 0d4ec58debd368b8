"""What went wrong, as problem details (RFC 9457): every answer of 400 and more has this shape and a lasting code."""

from math import ceil
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from verifier.core.record import word

MEDIA_TYPE = "application/problem+json"


class Kind(Struct, frozen=True):
    """The HTTP status and the title of a code."""

    status: int
    title: str


KINDS: dict[str, Kind] = {
    "malformed_json": Kind(400, "The body is not JSON."),
    "malformed_request": Kind(400, "The request is not understood."),
    "key_required": Kind(401, "A key is needed."),
    "key_invalid": Kind(401, "The key is not valid."),
    "scope_missing": Kind(403, "The key does not allow this."),
    "origin_refused": Kind(403, "The request comes from another site."),
    "host_refused": Kind(403, "The service is not known under this name."),
    "not_found": Kind(404, "There is nothing here."),
    "method_not_allowed": Kind(405, "The method is not known here."),
    "request_timeout": Kind(408, "The body did not arrive in time."),
    "list_not_found": Kind(404, "There is no such list."),
    "list_state": Kind(409, "The list is in another state."),
    "no_webhook": Kind(409, "The list has no webhook."),
    "campaign_not_found": Kind(404, "There is no such campaign."),
    "campaign_state": Kind(409, "The campaign is in another state."),
    "upload_too_large": Kind(413, "The list is too large."),
    "upload_incomplete": Kind(400, "The upload broke off, or held nothing."),
    "list_unreadable": Kind(422, "The file cannot be read as a list."),
    "idempotency_key_reused": Kind(422, "The idempotency key stands for another list."),
    "conflict": Kind(409, "That does not go with what is there."),
    "body_too_large": Kind(413, "The body is too large."),
    "unsupported_media_type": Kind(415, "The body is of a type that is not read here."),
    "invalid_fields": Kind(422, "Some fields are not valid."),
    "event_malformed": Kind(422, "The message is not what its source sends."),
    "signature_refused": Kind(401, "The message does not prove who sent it."),
    "source_unconfigured": Kind(403, "The source's secret is not set."),
    "rate_limited": Kind(429, "Too many requests."),
    "quota_exceeded": Kind(429, "The day's quota is used up."),
    "internal_error": Kind(500, "A fault of this program."),
    "busy": Kind(503, "Too much is going on."),
    "disk_full": Kind(503, "The disk is full."),
    "unavailable": Kind(503, "A part that is needed does not work just now."),
}


class FieldError(Struct, frozen=True):
    """One field: a JSON pointer (RFC 6901) into the body, or the name of a parameter, and what is wrong."""

    pointer: str
    detail: str


class ProblemDetails(Struct, frozen=True):
    """The body of an answer of 400 and more."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Annotated[str, word(*KINDS)]
    detail: str
    request_id: str
    errors: list[FieldError] | UnsetType = UNSET


class Problem(Exception):
    """Raised by whoever cannot go on; the middleware renders it. `detail` says what to do, and nothing secret."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after: float | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
        self.headers = headers or {}

    @property
    def status(self) -> int:
        return KINDS[self.code].status


def invalid(pointer: str, detail: str) -> Problem:
    """A 422 about one field."""
    return Problem("invalid_fields", f"{pointer or 'The body'}: {detail}", errors=(FieldError(pointer, detail),))


def response_of(problem: Problem, request_id: str) -> web.Response:
    """The answer."""
    kind = KINDS[problem.code]
    details = ProblemDetails(
        type=f"urn:verifier:problem:{problem.code}",
        title=kind.title,
        status=kind.status,
        code=problem.code,
        detail=problem.detail,
        request_id=request_id,
        errors=list(problem.errors) if problem.errors else UNSET,
    )
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(problem.retry_after)))
    return web.Response(body=msgspec.json.encode(details), status=kind.status, content_type=MEDIA_TYPE, headers=headers)
