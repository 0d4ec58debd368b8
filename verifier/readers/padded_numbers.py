"""Numbers of a sheet that are shown with leading zeros: postal codes as 00000, telephone numbers as 0# ## ## ## ##.

A cell keeps 1000 and shows 01000, and people mean what they see; the parser of workbooks gives the number alone. So
the formats are read from the workbook's styles, and where one of them pads, the sheet's cells that have it.

Limits: only formats of digits with literals between them (no points, conditions or sections), and whole numbers.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_LITERAL = r'"[^"]*"|\\.|[ ()/-]'
_PADDING = re.compile(rf"0(?:{_LITERAL})*[0#](?:[0#]|{_LITERAL})*").fullmatch
_PART = re.compile(rf"[0#]|{_LITERAL}")
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>")
_REFERENCE = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_STYLE = re.compile(rb"\bs\s*=\s*[\"'](\d{1,6})[\"']")
_BLOCK = 1 << 20

Padded = Iterator[tuple[int, int, str]]


def padded_cells(workbook: str, sheet: str) -> Padded:
    """Row and column, 0-based, and the format, of each cell of the sheet whose format pads, in the sheet's order.

    Nothing where the workbook does not say it in the usual way: its parser may know more ways than this.
    """
    try:
        with zipfile.ZipFile(workbook) as archive:
            formats = _padding_styles(archive)
            if formats:
                yield from _cells(archive, _part_of(archive, sheet), formats)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError):
        return


def padded(number: float, code: str) -> str:
    """A whole number that is not negative as the format shows it."""
    parts = _parts(code)
    digits = str(int(number))
    places = sum(1 for part in parts if part in ("0", "#"))
    shown, digits = digits[: max(0, len(digits) - places)], digits[-places:].rjust(places)
    for part in parts:
        if part in ("0", "#"):
            digit, digits = digits[0], digits[1:]
            shown += digit if digit != " " else "0" * (part == "0")
        else:
            shown += part.strip('"') if part.startswith('"') else part[-1]
    return shown


@lru_cache(maxsize=64)
def _parts(code: str) -> list[str]:
    return _PART.findall(code)


def _padding_styles(archive: zipfile.ZipFile) -> Mapping[int, str]:
    """The styles of cells, by their number, whose format pads."""
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))
    codes = {
        each.get("numFmtId", ""): each.get("formatCode", "")
        for each in root.iterfind(f"{_MAIN}numFmts/{_MAIN}numFmt")
        if _PADDING(each.get("formatCode", ""))
    }
    styles = enumerate(root.iterfind(f"{_MAIN}cellXfs/{_MAIN}xf"))
    return {number: codes[each.get("numFmtId", "")] for number, each in styles if each.get("numFmtId", "") in codes}


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of the archive that holds the sheet."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    known = {each.get("name"): each.get(_RELATION) for each in book.iterfind(f"{_MAIN}sheets/{_MAIN}sheet")}
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    target = targets[known[sheet]]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _cells(archive: zipfile.ZipFile, part: str, formats: Mapping[int, str]) -> Padded:
    rest = b""
    with archive.open(part) as stream:
        while piece := stream.read(_BLOCK):
            text = rest + piece
            cut = text.rfind(b">") + 1
            text, rest = text[:cut], text[cut:]
            for attributes in _CELL.findall(text):
                style, place = _STYLE.search(attributes), _REFERENCE.search(attributes)
                if style is not None and place is not None and int(style[1]) in formats:
                    yield int(place[2]) - 1, _column(place[1]), formats[int(style[1])]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
