"""What a question comes to: an answer, or why there is none."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from verifier.core.record import VerdictRecord


class ServiceError(Exception):
    """The service did not do what it was asked."""


class ServiceRefused(ServiceError):
    """It answered with a problem: `code` is its lasting name, `status` the HTTP status, the text its detail."""

    def __init__(self, status: int, code: str, detail: str, retry_after: float | None) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:  # it travels from a worker process to whoever waits for its work
        return type(self), (self.status, self.code, self.detail, self.retry_after)


class ServiceOutOfReach(ServiceError):
    """It could not be reached, broke off, or is not what answers there."""


class Advice(Struct, frozen=True):
    """What a sign-up form does. `degraded`: the service could not be asked, so nobody is kept out; `record` is None."""

    decision: str
    sentence: str
    record: VerdictRecord | None = None
    degraded: bool = False


class _Problem(Struct, frozen=True):
    code: str = ""
    detail: str = ""


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ServiceRefused:
    """What an answer of 400 and more says; it need not be the service that gave it."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem(detail=f"the answer was {status}")
    return ServiceRefused(status, problem.code, problem.detail, _retry_after(headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """In seconds (RFC 9110 §10.2.3). A date is held against the answer's own, so that no clock has to be right."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - parsedate_to_datetime(headers["Date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
