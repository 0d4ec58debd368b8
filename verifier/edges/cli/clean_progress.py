"""How a list's cleaning shows on a terminal: a bar with rate and time left; off a terminal only what must be known."""

from datetime import datetime
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from verifier.core.egress import Egress, EgressState
from verifier.edges.cli.session import say
from verifier.edges.cli.terminal import remarks
from verifier.writers.sentences import Language, Phrases


class CleanProgress:
    """The progress of one list of `rows` rows, in its steps."""

    def __init__(self, rows: int, language: Language) -> None:
        self._phrases = Phrases(language)
        console = remarks()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._rows = rows
        self._task: TaskID | None = None

    def __enter__(self) -> "CleanProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, key: str) -> None:
        """A new step begins: `progress.asking` or `progress.writing`."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(self._phrases(key), total=self._rows, rate="")

    def settled(self, rows: int) -> None:
        """So many more rows are done."""
        if self._task is None:
            return
        self._bar.advance(self._task, rows)
        speed = self._bar.tasks[-1].speed
        if speed:
            self._bar.update(
                self._task, rate=self._phrases("progress.rate", rows=self._phrases.counted("row", round(speed)))
            )

    def way_out(self, egress: Egress) -> None:
        """A shut way out is said at once: the rest is finished without it."""
        if egress.state in (EgressState.BLOCKED, EgressState.INTERCEPTED):
            say(self._phrases(f"progress.{egress.state.value}"))

    def waiting(self, rows: int, until: datetime) -> None:
        """Greylisted rows are waited for."""
        say(
            self._phrases(
                "progress.waiting", rows=self._phrases.counted("row", rows), until=self._phrases.moment(until)
            )
        )
