"""The past, from files: mail logs, read twice: once to learn who is a smarthost, once for what happened."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from verifier.core.feedback.exim_log import EximLog, is_exim_line, note_exim_relay
from verifier.core.feedback.log_lines import LogTime, Relays, is_log_line
from verifier.core.feedback.postfix_log import PostfixLog, is_postfix_line, note_postfix_relay
from verifier.core.mail_events import MailEvent
from verifier.service.keeping import Receipt

AT_ONCE = 2000
Lines = Callable[[], Iterable[bytes]]
"""All lines of the logs, oldest first; may be called again."""
Take = Callable[[Sequence[MailEvent]], Awaitable[Receipt | None]]
_NOTHING = Receipt(0, 0, 0)
_READERS: Mapping[str, Callable[[LogTime, Relays], PostfixLog | EximLog]] = {"postfix": PostfixLog, "exim": EximLog}
_NOTERS = {"postfix": note_postfix_relay, "exim": note_exim_relay}
_KNOWN_BY = {"postfix": is_postfix_line, "exim": is_exim_line}
LOGS = tuple(_READERS)


def log_of(line: bytes) -> str | None:
    """Which of LOGS the line belongs to."""
    return next((kind for kind, knows in _KNOWN_BY.items() if knows(line)), None)


def is_foreign_log(lines: Sequence[bytes]) -> bool:
    """Most of the lines are some log's, though of none of LOGS: no export of addresses."""
    return 2 * sum(map(is_log_line, lines)) > len(lines)


def log_events(lines: Lines, kind: str, times: LogTime, relays: Relays) -> Iterator[MailEvent]:
    """Every event of the logs, `kind` being one of LOGS."""
    note, log = _NOTERS[kind], _READERS[kind](times, relays)
    for line in lines():
        note(line, relays)
    relays.learn()
    for line in lines():
        yield from log.events(line)


async def take_all(
    events: Iterable[MailEvent], take: Take, sender: str | None, progress: Callable[[int], None]
) -> Receipt:
    """Hands the events on, some at a time; `progress` hears how many have been."""
    total, batch = _NOTHING, list[MailEvent]()

    async def hand_on() -> None:
        nonlocal total
        receipt = await take(batch) or _NOTHING
        total = Receipt(total.new + receipt.new, total.repeated + receipt.repeated, total.ignored + receipt.ignored)
        batch.clear()
        progress(total.new + total.repeated + total.ignored)

    for event in events:
        batch.append(structs.replace(event, sender=event.sender or sender) if sender else event)
        if len(batch) >= AT_ONCE:
            await hand_on()
    if batch:
        await hand_on()
    return total
