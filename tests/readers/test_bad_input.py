"""Bad input is one sentence, an InputError, whatever is wrong with it."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from verifier.core.faults import InputError
from verifier.readers.preview import preview
from verifier.readers.tables import open_table

NOT_A_LIST: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n\n  \n", "is empty"),
    "bom-only.csv": (b"\xef\xbb\xbf", "is empty"),
    "empty.jsonl": (b"", "is empty"),
    "blank.jsonl": (b"\n\n", "is empty"),
    "empty.csv.gz": (gzip.compress(b""), "is empty"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "binary"),
    "controls.txt": (bytes(range(1, 9)) * 100, "binary"),
    "late-nul.csv": (b"email\n" + b"a@x.test\n" * 200_000 + b"\0\n", "binary"),
    "late-nul-utf16.csv": (("email\n" + "a@x.test\n" * 200_000 + "\0\n").encode("utf-16"), "binary"),
    "odd-utf16.csv": (b"\xff\xfee\0m\0\n\0\x00\xd8a\0", "not valid UTF-16"),
    "heading.csv": (b"email,name\n", "no rows"),
    "heading.txt": (b"Email", "no rows"),
    "numbers.csv": (b"name,phone\nAnn,12\nBob,34\n", "no column of e-mail addresses"),
    "postal.csv": (b"name,address\nAnn,1 High Street\nBob,2 Low Street\n", "no column of e-mail addresses"),
    "keys.jsonl": (b'{"name":"Ann"}\n', "no key with e-mail addresses"),
    "text.jsonl": (b"email\na@x.test\n", "not JSON lines"),
    "array.json": (b'[{"email":"a@x.test"}]', "JSON array"),
    "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old or password-protected Excel"),
    "report.csv": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "a PDF, not a list: ask for the table"),
    "letter.txt": (b"{\\rtf1\\ansi a@x.test}", "a text document (RTF): save it as plain text"),
    "contacts.vcf": (b"BEGIN:VCARD\r\nEMAIL:a@x.test\r\nEND:VCARD\r\n", "vCards: export the contacts as CSV"),
    "export.xls": (b"<html><table><tr><td>a@x.test</td></tr></table></html>", "a web page or XML"),
    "login.csv": (b"\n<!DOCTYPE html><title>Log in</title> help@x.test\n", "a web page or XML"),
    "2003.xml": (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook>a@x.test</Workbook>', "a web page or XML"),
    "text.xlsx": (b"email\na@x.test\n", "not an XLSX workbook"),
    "cut.xlsx": (b"PK\x03\x04" + bytes(100), "damaged"),
    "cut.csv.gz": (gzip.compress(b"email\n" + b"a@x.test\n" * 1000)[:-20], "damaged gzip"),
    "wide.csv": (b"email\na@x.test" + b"," * 20_000 + b"\n", "a row of 20,001 cells"),
}


@pytest.mark.parametrize("name", NOT_A_LIST)
def test_what_is_no_list_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    """Every kind of bad input raises InputError with one sentence that names the file and the fault."""
    content, fault = NOT_A_LIST[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refusal:
        open_table(tmp_path / name)
    sentence = str(refusal.value)
    assert (sentence.startswith(name), fault in sentence, len(sentence.splitlines())) == (True, True, 1)


@pytest.mark.parametrize("name", ["missing.csv", "folder"])
def test_what_cannot_be_opened_is_refused(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are bad input too."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        open_table(tmp_path / name)


@pytest.mark.parametrize("begin", [b"", b"email\n", b'email\n"', b"\xef\xbb\xbfemail\r\n"])
def test_a_line_of_a_hundred_megabytes_is_refused(tmp_path: Path, begin: bytes) -> None:
    """An endless line is refused after a few MiB, not read."""
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(begin)
        for _ in range(100):
            file.write(b"a@b.example," * 87_382)
    with pytest.raises(InputError, match="a line of more than 1 MiB"):
        open_table(path)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gzip file that grows more than lists do is refused while it is unpacked."""
    monkeypatch.setattr("verifier.readers.source._FREE_GROWTH", 1 << 20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a@x.test\n" * 1_000_000))
    with pytest.raises(InputError, match="times its size"):
        open_table(path)


def _zip(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


BOMBS = {
    "far corner": {"xl/worksheets/sheet1.xml": b'<worksheet><c r="A1"/><c r="XFD1048576"/></worksheet>'},
    "other quotes": {"xl/other.xml": b"<x:c r = 'ZZZ999999'/>"},
    "big part": {"xl/sharedStrings.xml": bytes(3 << 20)},
    "many parts": {f"xl/{number}.xml": b"" for number in range(200)},
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_workbook_beyond_the_caps_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bomb: str) -> None:
    """Sizes and cell positions are counted before any parser sees them."""
    monkeypatch.setattr("verifier.readers.workbook.MOST_UNPACKED", 2 << 20)
    monkeypatch.setattr("verifier.readers.workbook._MOST_MEMBERS", 100)
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(_zip(BOMBS[bomb]))
    with pytest.raises(InputError, match="too big a workbook"):
        open_table(path)


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ("list.csv", "a zip file but no XLSX workbook: unpack it"),
        ("Index/Document.iwa", "a Numbers document: export it"),
        ("mimetype", "an OpenDocument file: save it"),
        ("word/document.xml", "a Word document: copy its table"),
    ],
)
def test_another_zip_is_no_workbook(tmp_path: Path, member: str, fault: str) -> None:
    """A zip of something else is told from a damaged workbook, and what to do with it is said."""
    path = tmp_path / "list.zip"
    path.write_bytes(_zip({member: b"email\na@x.test\n"}))
    with pytest.raises(InputError, match=fault):
        open_table(path)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    """--column with a wrong name says which names there are."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"email,name\na@x.test,Ann\n")
    with pytest.raises(InputError, match="no column 'mail': its columns are email, name"):
        open_table(path, ["mail"])
    with pytest.raises(InputError, match="no column '3'"):
        open_table(path, ["3"])


def test_a_file_that_changes_between_the_passes_is_refused(tmp_path: Path) -> None:
    """Rows of another content than the layout's are never given out as complete."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"email\na@x.test\n")
    with open_table(path) as table:
        path.write_bytes(b"email\na@x.test\nb@x.test\n")
        with pytest.raises(InputError, match="changed while"):
            list(table.chunks(10))


@pytest.mark.parametrize("name", ["empty.csv", "picture.csv", "cut.csv.gz", "cut.xlsx", "array.json"])
def test_a_preview_refuses_in_the_same_words(tmp_path: Path, name: str) -> None:
    """What open_table would refuse at its beginning, preview refuses too."""
    content, fault = NOT_A_LIST[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=fault):
        preview(tmp_path / name)
