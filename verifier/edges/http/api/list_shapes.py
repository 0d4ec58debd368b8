"""What goes in and comes out of /v1/lists, as types: the OpenAPI document is made from these."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from verifier.core.egress import EgressState
from verifier.core.forecast import Forecast, Sample
from verifier.core.keep import SENDABLE
from verifier.core.list_jobs import ListJob, LookState, Preview, Told, list_record, preview_record
from verifier.core.list_states import ListState
from verifier.core.presets import PRESETS
from verifier.core.reasons import ALL_STAGES, Reason, StageName, Verdict
from verifier.core.record import Timestamp, VerdictRecord, timestamp, word
from verifier.core.row_filter import ALL, FLAGS
from verifier.core.table import TableKind
from verifier.core.webhooks import WebhookState
from verifier.edges.http.api.checking import Stages
from verifier.service.list_look import SAMPLE_ROWS

MOST_WAIT_S = 7 * 86400
MaxWait = Annotated[
    int, Meta(ge=0, le=MOST_WAIT_S, description="Seconds for which greylisted rows are waited for; 0 is not at all.")
]
LONGEST_RETENTION_S = 366 * 86400
Retention = Annotated[
    int,
    Meta(
        ge=60,
        le=LONGEST_RETENTION_S,
        description="Seconds behind its end after which list and results are deleted; else VERIFIER_LISTS_RETENTION.",
    ),
]
WebhookUrl = Annotated[
    str, Meta(description="Who is told when the list is `completed` or `failed`: an http:// or https:// URL.")
]


def some_of(*known: str) -> Meta:
    """Documents a parameter of words with commas between; whoever reads it says himself which one is not known."""
    return Meta(
        description="One or several, with commas between.",
        extra_json_schema={"items": {"type": "string", "enum": list(known)}},
    )


Verdicts = Annotated[str, some_of(SENDABLE, *Verdict)]
Keep = Annotated[str, some_of(ALL, SENDABLE, *Verdict)]
Reasons = Annotated[str, some_of(*Reason)]
FlagWords = Annotated[str, some_of(*FLAGS, *(f"-{name}" for name in FLAGS))]


class ListsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How a list is handed in."""

    name: Annotated[str, Meta(description="The file's name; its ending tells the format.")] = ""
    column: Annotated[str, Meta(description="Headings or 1-based numbers of the e-mail columns, commas between.")] = ""
    stages: Annotated[
        str,
        Meta(description="How far to go: the first so many of syntax,disposable,mx,smtp."),
        word("", *(",".join(ALL_STAGES[:count]) for count in range(1, len(ALL_STAGES) + 1))),
    ] = ""
    keep: Annotated[Keep, Meta(description="What downloads keep that say nothing: as there.")] = ""
    max_wait_s: MaxWait = 1200
    start: Annotated[bool, Meta(description="Do not stop at `ready`.")] = False
    retention_s: Retention | None = None
    webhook_url: WebhookUrl = ""


class ListRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A list as JSON: addresses, or rows with their cells; what else it says goes before the parameters."""

    emails: Annotated[list[str], Meta(min_length=1)] | None = None
    rows: Annotated[list[dict[str, str | int | float | bool | None]], Meta(min_length=1)] | None = None
    name: str | None = None
    column: str | None = None
    stages: Stages | None = None
    keep: list[str] | None = None
    max_wait_s: MaxWait | None = None
    start: bool | None = None
    retention_s: Retention | None = None
    webhook_url: WebhookUrl | None = None


class StartRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What was chosen after the preview; what is left out stays as it was handed in."""

    column: Annotated[str, Meta(description="A heading, or a 1-based number.")] | None = None
    columns: Annotated[list[str], Meta(description="Several of them.")] = []
    stages: Stages | None = None
    keep: list[str] | None = None
    max_wait_s: MaxWait | None = None
    retention_s: Retention | None = None
    webhook_url: WebhookUrl | None = None


class LookRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be looked at more closely."""

    mx: Annotated[bool, Meta(description="Look up every domain: the provider mix by mail exchanges.")] = True
    sample: Annotated[
        int, Meta(ge=0, le=SAMPLE_ROWS, description="So many rows, spread over the list, are verified; 0 is none.")
    ] = 0


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which lists."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class ResultsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows."""

    verdict: Verdicts = ""
    reason: Reasons = ""
    flag: FlagWords = ""
    q: Annotated[str, Meta(description="Text in the address.")] = ""
    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class DownloadQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows, in which form."""

    format: Annotated[str, Meta(description="Else the list's own."), word("", *TableKind)] = ""
    keep: Annotated[
        Keep, Meta(description="`sendable`, or verdicts, with commas between; `all` goes before the list's own rule.")
    ] = ""
    reason: Reasons = ""
    flag: FlagWords = ""
    q: str = ""
    preset: Annotated[str, Meta(description="What a sending service imports: its name."), word("", *PRESETS)] = ""
    bom: Annotated[bool, Meta(description="CSV with a byte order mark, for Excel, though the list had none.")] = False


class WatchQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to begin; the header Last-Event-ID goes before."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


class PreviewAnswer(Preview, frozen=True, kw_only=True):
    """What a look at the whole upload says, and what is to be expected of it."""

    forecast: Forecast | None
    sample: Sample | None
    look: Annotated[str, word(*LookState)] | None


class ListProgress(Struct, frozen=True):
    """How far it is, in rows; `rate` in rows a second, `eta_s` in seconds."""

    rows: int | None
    asked: int
    judged: int
    rate: float
    eta_s: float | None
    waiting: int
    waiting_until: Timestamp | None


class ListCounts(Struct, frozen=True):
    """What the rows came to; bounce rates are 0.0-1.0, of unique rows."""

    rows: int
    unique: int
    duplicates: int
    blank: int
    sendable: int
    by_verdict: Annotated[dict[str, int], Meta(description="; ".join(Verdict))]
    by_reason: Annotated[dict[str, int], Meta(description="; ".join(Reason))]
    bounce_rate: float
    bounce_rate_sendable: float


class ListSummary(Struct, frozen=True):
    """A list, and how far it is; `code` and `error` say why it is paused, failed, or `ready` though it was to start."""

    id: str
    name: str
    status: Annotated[str, word(*ListState)]
    code: str | None
    error: str | None
    created_at: Timestamp | None
    started_at: Timestamp | None
    finished_at: Timestamp | None
    expires_at: Timestamp | None
    stages: list[Annotated[str, word(*StageName)]]
    progress: ListProgress
    egress: Annotated[str, word(*EgressState)]
    counts: ListCounts


class WebhookAnswer(Struct, frozen=True):
    """Who is told, the secret that its signatures are checked with (Standard Webhooks), the workspace's own; and what
    became of it: `attempts` since it was last asked for, of the latest its HTTP status or why there was none, and when
    the next is due.
    """

    url: str
    secret: str
    state: Annotated[str, word(*WebhookState)]
    attempts: int
    last_status: int | None
    last_error: str | None
    last_at: Timestamp | None
    next_at: Timestamp | None


class ListAnswer(ListSummary, frozen=True, kw_only=True):
    """A list with its preview, which is null until the upload was read."""

    preview: PreviewAnswer | None
    webhook: WebhookAnswer | None


class ListPage(Struct, frozen=True):
    """The newest lists first; `cursor` is where the next page begins."""

    lists: list[ListSummary]
    cursor: str | None


class RowRecord(VerdictRecord, frozen=True, kw_only=True):
    """A row: its 1-based number, its own cells, the earlier row that it repeats, and the verdict."""

    row: int
    cells: list[str]
    duplicate_of: int | None


class ResultsPage(Struct, frozen=True):
    """Rows in order. A page may be short and not the last: `cursor` tells."""

    rows: list[RowRecord]
    cursor: str | None


def answer_of(
    job: ListJob, look: LookState | None, told: Told | None, secret_of: Callable[[str], str]
) -> dict[str, Any]:
    """The list with its preview, as ListAnswer has it; `look` is how a closer look stands, `told` who is told,
    `secret_of` knows the secrets of webhooks by their name.
    """
    webhook = None if told is None else _webhook_record(told, secret_of(told.secret))
    return list_record(job) | {"preview": preview_record(job, look), "webhook": webhook}


def _webhook_record(told: Told, secret: str) -> dict[str, Any]:
    return {
        "url": told.url,
        "secret": secret,
        "state": told.state.value,
        "attempts": told.attempts,
        "last_status": told.status,
        "last_error": told.failure or None,
        "last_at": timestamp(told.at),
        "next_at": timestamp(told.next_at),
    }


def words_of(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def stages_of(text: str) -> tuple[StageName, ...]:
    """The stages of a parameter; all where it is empty. Raises msgspec.ValidationError."""
    return msgspec.convert(words_of(text), type=tuple[StageName, ...]) if text else ALL_STAGES
