"""What the work on lists needs of the world, beside ports.py: where jobs, uploads, rows and messages are kept."""

from collections.abc import AsyncIterable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from verifier.core.list_counts import Counts
from verifier.core.list_jobs import ListEvent, ListJob, Preview
from verifier.core.list_rows import Block, Cut, Page, PageWish, Row, Settled, Survey, Texts
from verifier.core.list_states import ListState
from verifier.core.reasons import Reason, StageName
from verifier.core.table import Layout
from verifier.core.webhooks import Delivery, Posted
from verifier.ports import Journal


class JobStore(Protocol):
    """Lists as jobs. Must not lose; may be told twice, records once.

    Law: once `add` or `put` has returned, kill -9 of the process loses nothing of it. `add` gives the job that is there
    already where its workspace has used the idempotency key before. `put` writes a job, the event that tells of it and
    a message to be delivered, all or nothing; a revision that is not newer than the known one changes nothing, and of
    a job that was removed nothing comes back. `jobs` gives the newest first, those made before `before`. `remove`
    takes events and deliveries along.
    """

    async def add(self, job: ListJob) -> ListJob: ...
    async def get(self, list_id: str) -> ListJob | None: ...
    async def jobs(
        self,
        *,
        workspace: str | None = None,
        states: Collection[ListState] = (),
        before: "tuple[datetime, str] | None" = None,
        limit: int = 100,
    ) -> Sequence[ListJob]: ...
    async def put(self, job: ListJob, event: ListEvent, delivery: Delivery | None = None) -> bool: ...
    async def remove(self, list_id: str) -> None: ...


class EventLog(Protocol):
    """The latest events of each list, by their growing numbers: those after `after`, oldest first."""

    async def events(self, list_id: str, after: int, limit: int = 100) -> Sequence[ListEvent]: ...


class DeliveryStore(Protocol):
    """Messages to receivers, as long as their lists are there. Must not lose: what was put is due while it is pending.

    `delivery` is the latest message of a list.
    """

    async def due(self, now: datetime, limit: int = 100) -> Sequence[Delivery]: ...
    async def delivery(self, list_id: str) -> Delivery | None: ...
    async def put_delivery(self, delivery: Delivery) -> None: ...


class WebhookPoster(Protocol):
    """Posts to a URL that somebody gave us. Never raises for what became of it; reaches no forbidden address.

    `refusal` says before anything is sent why nothing could be, None where that cannot be told yet.
    """

    async def refusal(self, url: str) -> str | None: ...
    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted: ...


class Received(Struct, frozen=True):
    """An upload that came in whole: its bytes and their SHA-256 (hexadecimal)."""

    size: int
    sha256: str


class Uploads(Protocol):
    """The folders of lists, one a list, named by its id alone.

    `receive` keeps the upload once all of it is there, and leaves nothing behind where it is not: raises
    UploadTooLarge, UploadBroken or DiskFull, or whatever `chunks` raises. `parsed` deletes the upload, whose rows are
    kept elsewhere by then; `remove` deletes a list's folder with everything in it, and `sweep`,
    before anything comes in, what a killed process left half-way.
    """

    async def receive(self, list_id: str, suffix: str, chunks: AsyncIterable[bytes], limit: int) -> Received: ...
    async def parsed(self, list_id: str, suffix: str) -> None: ...
    async def remove(self, list_id: str) -> None: ...
    async def ids(self) -> Collection[str]: ...
    async def sweep(self) -> None: ...


class Journals(Protocol):
    """The journals of lists: at most one open at a time for each. `forget` erases a mailbox (keyed as in FactStore)
    from all of them, open or not; `discard` deletes one that nobody has open.
    """

    async def open(self, list_id: str) -> Journal: ...
    async def discard(self, list_id: str) -> None: ...
    async def forget(self, key: str) -> None: ...


class Sheet(Protocol):
    """The rows of one list in a file, in blocks; of this process alone while it writes. Never waits for the network.

    It is whole once `seal` was called. Raises DiskFull or ServiceUnavailable where it cannot be written.
    """

    def append(self, rows: Sequence[Row], repeats: Sequence[int]) -> None: ...
    def seal(self, layout: Layout) -> None: ...
    @property
    def layout(self) -> Layout: ...
    def block(self, number: int) -> Block | None: ...
    def change(self, block: Block) -> None: ...


class SheetVerdicts(Protocol):
    """What is known of a sheet's rows: `settle` replaces what was known of these blocks and gives the counts of all."""

    def settle(self, blocks: Sequence[Settled]) -> Counts: ...
    def settled(self, number: int) -> Settled | None: ...
    def reasons(self, first: int, count: int) -> Mapping[int, frozenset[Reason]]: ...
    def unsettle(self) -> None: ...


class SheetFile(Sheet, SheetVerdicts, Protocol):
    """Both, in one file; `first_at` is the number of the block that has a row (1-based), None behind the last."""

    def first_at(self, row: int) -> int | None: ...


class Sheets(Protocol):
    """The work on the rows of lists that needs a processor rather than a network: it never holds our event loop.

    `survey` reads an upload (`suffix` is its file's) and keeps its rows; raises InputError where that is no list.
    `mark` reads the rows again under other e-mail columns. `texts` gives what is to be asked of a block. `judge` judges
    blocks, with `only` those that had a row of that reason, and gives the counts of all that was judged. `forget`
    blanks the cells that hold a mailbox and gives the counts then, None where there was none.
    """

    async def survey(self, list_id: str, name: str, suffix: str, columns: Sequence[str]) -> Survey: ...
    async def mark(self, list_id: str, columns: Sequence[int]) -> Preview: ...
    async def texts(self, list_id: str, block: int) -> Texts: ...
    async def judge(
        self, list_id: str, first: int, count: int, stages: Sequence[StageName], only: Reason | None = None
    ) -> Counts: ...
    async def forget(self, list_id: str, address: str, stages: Sequence[StageName]) -> Counts | None: ...


class SheetViews(Protocol):
    """The rows of lists for people: what has no verdict yet is judged by what is known by now.

    `render` gives a part of a download; of the block `first` 0 it begins with the heading. `workbook` makes a whole one
    under a name, and returns when it is done; `piece` gives what there is of it behind `offset`, b"" where that is
    nothing yet; `discard` deletes it, and ends what is still made of it.
    """

    async def page(self, list_id: str, wish: PageWish) -> Page: ...
    async def render(self, list_id: str, cut: Cut, first: int, count: int) -> bytes: ...
    async def workbook(self, list_id: str, cut: Cut, name: str) -> None: ...
    async def piece(self, list_id: str, name: str, offset: int) -> bytes: ...
    async def discard(self, list_id: str, name: str) -> None: ...
