"""What all routes that verify share: budgets, stages, and what a check costs its key."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Any

from msgspec import Meta

from verifier.core.address import TEST_DOMAIN
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.verdict import Assessment
from verifier.edges.http.middlewares.limits import charge, problem_of
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call
from verifier.service.allowances import Refused
from verifier.service.harvest_guard import Client

DEFAULT_TIMEOUT_MS = 8000
LONGEST_TIMEOUT_MS = 120_000
TimeoutMs = Annotated[
    int, Meta(ge=1, le=LONGEST_TIMEOUT_MS, description="Milliseconds until the answer; what is open then is `unknown`.")
]
Stages = Annotated[
    tuple[StageName, ...],
    Meta(
        description="How far to go: the first so many of syntax, disposable, mx, smtp.",
        extra_json_schema={"minItems": 1, "maxItems": len(ALL_STAGES), "uniqueItems": True},
    ),
]


def require_prefix(stages: tuple[StageName, ...]) -> None:
    """Stages are done in their order, none left out. Raises Problem."""
    if not stages or stages != ALL_STAGES[: len(stages)]:
        raise invalid("/stages", f"must be the first so many of {', '.join(ALL_STAGES)}, in this order")


async def checked(call: Call[Any], email: str, stages: tuple[StageName, ...], timeout_ms: int) -> Assessment:
    """One answer within its budget, counted against the caller's quota."""
    async with _counted(call, [email]) as answers:
        answer = await call.site.desk.realtime.check(
            email, stages, Client(call.caller.id), timeout_ms / 1000, began=call.began
        )
        answers.append(answer)
    return answer


async def conversed(call: Call[Any], email: str, timeout_ms: int, *, anew: bool) -> tuple[Assessment, tuple[str, ...]]:
    """`checked` at all stages, with what was said."""
    async with _counted(call, [email]) as answers:
        answer, conversation = await call.site.desk.realtime.converse(
            email, Client(call.caller.id), timeout_ms / 1000, anew=anew, began=call.began
        )
        answers.append(answer)
    return answer, conversation


async def all_checked(
    call: Call[Any], emails: Sequence[str], stages: tuple[StageName, ...], timeout_ms: int
) -> AsyncGenerator[tuple[int, Assessment], None]:
    """Each place and its answer, as they come; all within the budget, counted against rate and quota."""
    charge(call.site, call.caller, len(emails) - 1)
    async with _counted(call, emails) as answers:
        found = call.site.desk.realtime.check_all(
            emails, stages, Client(call.caller.id), timeout_ms / 1000, began=call.began
        )
        async with aclosing(found):
            async for place, assessment in found:
                answers.append(assessment)
                yield place, assessment


@asynccontextmanager
async def _counted(call: Call[Any], emails: Sequence[str]) -> AsyncIterator[list[Assessment]]:
    """The answers that are put into this list count against the caller's quota, whatever ends the work.

    Raises Problem where less is left of it than the addresses may cost.
    """
    allowances = call.site.desk.allowances
    reservation = await allowances.reserve(call.caller, _cost(emails))
    if isinstance(reservation, Refused):
        raise problem_of(reservation, call.caller)
    answers: list[Assessment] = []
    try:
        yield answers
    finally:
        await allowances.settle(reservation, answers)


def _cost(emails: Sequence[str]) -> int:
    """Answers that may count; test addresses never do."""
    return sum(not email.strip().lower().endswith(f"@{TEST_DOMAIN}") for email in emails)
