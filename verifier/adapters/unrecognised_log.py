"""Counts the replies that no rule knew, in one small file of JSON lines, so that the rules can grow.

Holds masked texts only, at most CAPACITY different ones; what comes beyond that is not kept. Counting may lose some
when two processes write at once: it says which texts are worth a rule, and no verdict stands on it.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from verifier.core.replies import Reply, SmtpStage, mask

FILE_NAME = "unrecognised.jsonl"
CAPACITY = 1000


class Unrecognised(msgspec.Struct, frozen=True):
    """One reply that no rule knew, and how often it was met."""

    stage: SmtpStage
    code: int
    enhanced: str | None
    text: str
    mx: str | None
    count: int = 1


class UnrecognisedLog:
    """The file `unrecognised.jsonl` of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME

    def add(self, replies: Iterable[tuple[Reply, SmtpStage, str | None]]) -> None:
        """Counts each (reply, stage, host that spoke) once more; the file is replaced in one step."""
        counts = {_key(entry): entry for entry in self.counts()}
        for reply, stage, mx_host in replies:
            entry = Unrecognised(stage, reply.code, reply.enhanced, mask(reply.text), mx_host)
            known = counts.get(_key(entry))
            if known is not None:
                counts[_key(entry)] = msgspec.structs.replace(known, count=known.count + 1)
            elif len(counts) < CAPACITY:
                counts[_key(entry)] = entry
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".part")
        aside.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in counts.values()))
        aside.replace(self._path)

    def counts(self) -> tuple[Unrecognised, ...]:
        """Everything counted, the most frequent first. Lines that cannot be read are left out."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        entries = [entry for line in lines if (entry := _decoded(line)) is not None]
        return tuple(sorted(entries, key=lambda entry: -entry.count))


def _key(entry: Unrecognised) -> tuple[SmtpStage, int, str | None, str]:
    return (entry.stage, entry.code, entry.enhanced, entry.text)


def _decoded(line: bytes) -> Unrecognised | None:
    try:
        return msgspec.json.decode(line, type=Unrecognised)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
