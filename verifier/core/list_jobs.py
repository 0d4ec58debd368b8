"""A list as a job: what was uploaded, what is to be done, how far it is. One value, written down at every change."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, structs

from verifier.core.egress import EgressState
from verifier.core.forecast import Forecast, Sample
from verifier.core.list_counts import Counts
from verifier.core.list_states import FINISHED, ListState, PauseCode
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.record import timestamp
from verifier.core.table import TableKind
from verifier.core.webhooks import Delivery, WebhookState


class Webhook(Struct, frozen=True):
    """Who is told when a list is done. `secret` names the secret; the secret itself is derived (core/webhooks.py)."""

    url: str
    secret: str


class Told(Struct, frozen=True):
    """What became of telling `url` that a list is done. `attempts` are those since it was last asked for; `status`
    (HTTP) or `failure`, and `at`, are of the latest; `next_at` is when it is sent, again or at last.
    """

    url: str
    secret: str
    state: WebhookState
    attempts: int = 0
    status: int | None = None
    failure: str = ""
    at: datetime | None = None
    next_at: datetime | None = None


class ListOptions(Struct, frozen=True):
    """What is to be done. `columns` are headings or 1-based numbers, none: the guess. `retention` counts from the end
    of the work, or from the upload where nobody starts it.
    """

    columns: tuple[str, ...] = ()
    stages: tuple[StageName, ...] = ALL_STAGES
    max_wait: timedelta = timedelta(minutes=20)
    retention: timedelta = timedelta(days=30)
    keep: tuple[str, ...] = ()
    """What a download keeps where it says nothing: words of core/row_filter.py."""
    start: bool = False
    """Do not stop at `ready`."""
    webhook: Webhook | None = None


class Preview(Struct, frozen=True):
    """What a look at the whole upload says. `rows` counts data rows, blank ones included; `first_rows` are the first
    of them, cells cut; `email_columns` is the guess, 0-based, empty where there is none, and everything below it is of
    the first of these. `addresses`: unique ones by provider (core/forecast.py).
    """

    kind: TableKind
    encoding: str
    separator: str
    has_header: bool
    columns: tuple[str, ...]
    email_columns: tuple[int, ...]
    first_rows: tuple[tuple[str, ...], ...]
    rows: int
    blank: int = 0
    malformed: int = 0
    duplicates: int = 0
    addresses: dict[str, int] = {}
    domains: int = 0
    """About how many different ones."""
    headings_row: int = 0
    """Where the headings stand below a title: which data row that is, 1-based."""
    sheet: str = ""
    """The sheet of a workbook that was read."""
    other_sheets: tuple[str, ...] = ()
    """Its other visible sheets that have addresses: they are not read."""
    by: str = "domain"
    """`mx` once the provider mix was taken from the domains' mail exchanges, `part` where time sufficed for some."""


class LookState(StrEnum):
    """How a closer look at a list stands (service/list_looking.py)."""

    RUNNING = "running"
    DONE = "done"
    CUT_SHORT = "cut_short"
    """Its time was over: what it says is of the part that was seen."""
    STOPPED = "stopped"
    QUOTA_EXCEEDED = "quota_exceeded"
    FAILED = "failed"


class Progress(Struct, frozen=True):
    """How far it is, in rows: `asked` have their answers, `judged` their verdict. `waiting` rows are greylisted and are
    asked again by `until`. `greylist_round` and `deadline` outlive a restart.
    """

    asked: int = 0
    judged: int = 0
    rate: float = 0.0
    """Rows a second, of late."""
    waiting: int = 0
    until: datetime | None = None
    deadline: datetime | None = None
    greylist_round: int = 0
    all_asked: bool = False


COLUMN_NEEDED, NO_COLUMN = "column_needed", "The column of addresses could not be guessed: name it."


class ListJob(Struct, frozen=True):
    """One list. `revision` counts its changes, each of which is one event; `fingerprint` is the SHA-256 of what was
    uploaded with its options. Nothing in it names an address but the preview's first rows, which go with the list.
    """

    id: str
    workspace: str
    client: str
    name: str
    created: datetime
    changed: datetime
    state: ListState
    options: ListOptions
    suffix: str = ""
    size: int = 0
    fingerprint: str = ""
    idempotency_key: str = ""
    revision: int = 0
    preview: Preview | None = None
    forecast: Forecast | None = None
    sample: Sample | None = None
    look: LookState | None = None
    blocks: int = 0
    columns: tuple[int, ...] = ()
    """The e-mail columns that were chosen, 0-based."""
    egress: EgressState = EgressState.UNTESTED
    counts: Counts = Counts()
    progress: Progress = Progress()
    started: datetime | None = None
    finished: datetime | None = None
    pause: PauseCode | None = None
    faults: int = 0
    """How often in a row it had to pause."""
    error: str = ""
    error_code: str = ""

    @property
    def trouble(self) -> tuple[str, str]:
        """Code and sentence of what it waits for, or what ended it; "" where there is nothing to be said. A list whose
        addresses were not found stays ready until somebody names their column, `start` or not.
        """
        if self.state is ListState.READY and not self.columns:
            return COLUMN_NEEDED, NO_COLUMN
        return self.pause or self.error_code, self.error

    @property
    def expires(self) -> datetime:
        """When it is deleted; moves on as long as it is worked on."""
        return (self.finished or self.changed) + self.options.retention

    @property
    def eta_s(self) -> float | None:
        """Seconds until every row was asked, at the pace of late; before there is one, the forecast's."""
        if self.state in FINISHED or self.preview is None:
            return None
        left = self.preview.rows - max(self.progress.asked, self.progress.judged)
        if self.progress.rate > 0:
            return round(left / self.progress.rate, 1)
        return round(self.forecast.seconds, 1) if self.forecast is not None else None


class EventKind(StrEnum):
    """What an event tells."""

    STATE = "state"
    PROGRESS = "progress"


class ListEvent(Struct, frozen=True):
    """One change of a list. `number` grows by one with each; `data` is the list's record then."""

    number: int
    kind: EventKind
    data: dict[str, Any]


def list_record(job: ListJob) -> dict[str, Any]:
    """The job as the wire has it, but for the preview's rows (`preview_record`)."""
    progress = job.progress
    rows = job.preview.rows if job.preview is not None else None
    code, sentence = job.trouble
    return {
        "id": job.id,
        "name": job.name,
        "status": job.state.value,
        "code": code or None,
        "error": sentence or None,
        "created_at": timestamp(job.created),
        "started_at": timestamp(job.started),
        "finished_at": timestamp(job.finished),
        "expires_at": timestamp(job.expires),
        "stages": [stage.value for stage in job.options.stages],
        "progress": {
            "rows": rows,
            "asked": progress.asked,
            "judged": progress.judged,
            "rate": round(progress.rate, 1),
            "eta_s": job.eta_s,
            "waiting": progress.waiting,
            "waiting_until": timestamp(progress.until),
        },
        "egress": job.egress.value,
        "counts": job.counts.record(),
    }


def told(job: ListJob, delivery: Delivery | None) -> Told | None:
    """How telling its receiver stands, by the list's message, where there is one; None where nobody is to be told."""
    webhook = job.options.webhook
    if webhook is None:
        return None
    if delivery is None:
        state = WebhookState.NOT_SENT if job.state in FINISHED else WebhookState.WAITING
        return Told(webhook.url, webhook.secret, state)
    due = delivery.due if delivery.state is WebhookState.PENDING else None
    return Told(
        delivery.url,
        delivery.secret,
        delivery.state,
        delivery.attempts,
        delivery.status,
        delivery.failure,
        delivery.attempted,
        due,
    )


def preview_record(job: ListJob, look: LookState | None = None) -> dict[str, Any] | None:
    """What was seen of the upload, with what is to be expected of it, and how a closer look stands; None before it was
    read.
    """
    if job.preview is None:
        return None
    whole = {**structs.asdict(job.preview), "forecast": job.forecast, "sample": job.sample, "look": look}
    record: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))
    return record


def changed(job: ListJob, now: datetime, **changes: Any) -> ListJob:
    """The job after its next change."""
    return structs.replace(job, changed=now, revision=job.revision + 1, **changes)
