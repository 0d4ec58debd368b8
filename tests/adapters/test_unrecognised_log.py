"""The log of unrecognised replies: counts, masks, stays small, survives damage."""

from pathlib import Path

from verifier.adapters import unrecognised_log
from verifier.adapters.unrecognised_log import FILE_NAME, UnrecognisedLog
from verifier.core.replies import Reply, SmtpStage


def spoken(text: str) -> tuple[Reply, SmtpStage, str | None]:
    return (Reply(550, None, text), SmtpStage.RCPT, "mx.b.example")


def test_same_texts_are_counted_together(tmp_path: Path) -> None:
    """Two replies that differ by the address alone are one entry."""
    log = UnrecognisedLog(tmp_path / "new")
    log.add([spoken("Zzz a@b.example"), spoken("Zzz c@d.example"), spoken("Yyy")])
    assert [(entry.text, entry.count) for entry in log.counts()] == [("Zzz <*>", 2), ("Yyy", 1)]


def test_no_more_than_its_capacity_is_kept(tmp_path: Path) -> None:
    """New texts beyond the capacity are dropped, known ones still counted."""
    log = UnrecognisedLog(tmp_path)
    words = [
        f"w{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(unrecognised_log.CAPACITY)
    ]
    log.add(spoken(word) for word in words)
    log.add([spoken("one more"), spoken(words[-1])])
    counts = log.counts()
    assert (unrecognised_log.CAPACITY, words[-1], 2) == (len(counts), counts[0].text, counts[0].count)


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    """Half a line from an older day does not hide the others."""
    log = UnrecognisedLog(tmp_path)
    log.add([spoken("Zzz")])
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"stage": "rc\n\xff\n')
    assert [entry.text for entry in log.counts()] == ["Zzz"]
