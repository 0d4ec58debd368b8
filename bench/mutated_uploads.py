"""Uploads as bytes on the wire, made of a seed and a number: right ones, mutated ones, bombs, forms that break off."""

import gzip
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import xlsxwriter

_NAMES = (
    "people.csv", "people.xlsx", "people.csv.gz", "people.jsonl", "people.tsv", "people", "", ".", "..",
    "../../etc/passwd",
    "..\\..\\windows\\win.ini", "C:\\people.csv", "/dev/null", "a\x00b.csv", "a\r\nX-Evil: 1.csv", "x" * 5000 + ".csv",
    "people.csv/", "list-jobs.part", "%2e%2e%2f.csv", "\u202ecsv.exe", "nul", "-rf", "a;b\"c'd.csv", "upload.csv.gz.gz",
)  # fmt: skip
_BOUNDARY = b"----fuzz"
_STAGES = "stages=syntax,disposable"


class Upload(NamedTuple):
    """One request as bytes on the wire. `ends`: the sender goes away after it, without waiting for all of an answer."""

    kind: str
    wire: bytes
    ends: bool


_CELLS = ("jane@shop.example", "no address", "", '"a b"@x.example', "\u00e9l\u00e8ve@\u00e9cole.example", "a@b@c")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32")


def csv_list(draw: random.Random) -> bytes:
    separator, ending = draw.choice(",;\t|"), draw.choice(["\n", "\r\n", "\r"])
    rows = [separator.join(["id", "e-mail", "note"])]
    for number in range(draw.randrange(40)):
        email = draw.choice(
            ["jane@shop.example", "no address", "", '"a b"@x.example', "\u00e9l\u00e8ve@\u00e9cole.example", "a@b@c"]
        )
        rows.append(
            separator.join([str(number), f"{number}{email}", draw.choice(["", '"x\n""y"', "=1+1", "\U0001f600"])])
        )
    text = ending.join(rows) + ending
    return text.encode(draw.choice(_ENCODINGS), "replace")


def json_lines(draw: random.Random) -> bytes:
    lines = [json.dumps({"email": f"a{n}@shop.example", "n": n, "x": None}) for n in range(draw.randrange(1, 30))]
    return "\n".join(lines).encode()


def json_body(draw: random.Random) -> bytes:
    members = [
        {"emails": [f"a{n}@shop.example" for n in range(draw.randrange(20))]},
        {"rows": [{"a": n, "mail": f"{n}@shop.example"} for n in range(draw.randrange(20))]},
        {"emails": "a@b.example"}, {"rows": [[1]]}, {"emails": [None, 1, {}]}, {"start": "yes"}, {"name": "../x"},
        {"webhook_url": "http://127.0.0.1/"}, {"stages": ["smtp"]}, {"max_wait_s": -1}, {"retention_s": 10**30},
    ]  # fmt: skip
    whole: dict[str, object] = {}
    for each in draw.sample(members, draw.randrange(1, 4)):
        whole |= each
    return json.dumps(whole).encode()


@cache
def workbook() -> bytes:
    """A real one, of which all others are made."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate(
            (["id", "e-mail"], [1, "jane@shop.example"], [2, "no address"], ["", "b@shop.example"])
        ):
            sheet.write_row(number, 0, row)
    return content.getvalue()


def workbook_with(draw: random.Random) -> bytes:
    """A workbook whose parts are bitten, swapped, swollen or named like paths."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as whole, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        members = [(member.filename, whole.read(member)) for member in whole.infolist()]
        chosen = draw.randrange(len(members))
        for place, (name, content) in enumerate(members):
            if place == chosen:
                name, content = draw.choice(
                    [
                        (name, bitten(draw, content)),
                        (name, b""),
                        (f"../../{name}", content),
                        (name, members[draw.randrange(len(members))][1]),
                        (name, content.replace(b'r="A1"', b'r="XFD1048576"')),
                        (name, _entities() + content),
                    ]
                )
            target.writestr(name, content)
    return made.getvalue()


def _entities() -> bytes:
    """A billion laughs."""
    lines = ['<!DOCTYPE a [<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    return "".join([*lines, "]>"]).encode()


@cache
def zip_bomb() -> bytes:
    """A sheet of three gigabytes of blanks."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as whole, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for member in whole.infolist():
            if not member.filename.endswith("sheet1.xml"):
                target.writestr(member.filename, whole.read(member))
        with target.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(3 << 10):
                sheet.write(b" " * (1 << 20))
    return made.getvalue()


@cache
def gzip_bomb(what: bytes, megabytes: int) -> bytes:
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = what * ((1 << 20) // len(what))
    return b"".join([*(packing.compress(piece) for _ in range(megabytes)), packing.flush()])


def million_columns(draw: random.Random) -> bytes:
    cells = 1_000_000
    return draw.choice(
        [b"," * cells, b"a@b.example" + b"," * cells + b"\n", b"email" + b",a" * cells + b"\na@b.example\n"]
    )


def nuls(draw: random.Random) -> bytes:
    return draw.choice([b"\0" * 10_000, b"email\na\0@b.example\n", b"email\n" + b"a@b.example\n" * 500 + b"\0" * 200])


def noise(draw: random.Random) -> bytes:
    return draw.randbytes(draw.randrange(1, 3000))


def bitten(draw: random.Random, content: bytes) -> bytes:
    """Bytes changed, cut out, doubled, or the end cut off."""
    changed = bytearray(content)
    for _ in range(draw.randrange(1, 6)):
        if not changed:
            break
        place, length = draw.randrange(len(changed)), draw.randrange(1, 50)
        match draw.randrange(5):
            case 0:
                changed[place] = draw.randrange(256)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length] * draw.randrange(1, 4)
            case 3:
                changed[place:place] = draw.choice(
                    [b"\0", b"\xff\xfe", b'"', b"\r", b"\n\n", b"\xf0\x9f", b",,,,", b"{["]
                )
            case _:
                del changed[place:]
    return bytes(changed)


CONTENTS: tuple[tuple[int, str, Callable[[random.Random], bytes]], ...] = (
    (300, "csv", csv_list),
    (120, "jsonl", json_lines),
    (60, "xlsx", workbook_with),
    (20, "nuls", nuls),
    (20, "noise", noise),
    (6, "columns", million_columns),
    (2, "gzip zeros", lambda _: gzip_bomb(b"\0", 1024)),
    (2, "gzip blanks", lambda _: gzip_bomb(b"\n", 1024)),
    (1, "gzip rows", lambda _: gzip_bomb(b"a@b.example\n", 400)),
    (1, "zip bomb", lambda _: zip_bomb()),
)
_WEIGHTS = [weight for weight, _, _ in CONTENTS]


def upload(seed: int, number: int) -> Upload:
    """The upload of that number, always the same."""
    draw = random.Random(f"{seed}:{number}")
    if draw.random() < 0.15:
        return _wired(
            draw, "json", *_typed(draw, json_body(draw) if draw.random() < 0.7 else bitten(draw, json_body(draw)))
        )
    _, kind, make = draw.choices(CONTENTS, _WEIGHTS)[0]
    content = make(draw)
    if "bomb" not in kind and "gzip" not in kind:
        if draw.random() < 0.5:
            content = bitten(draw, content)
        if draw.random() < 0.15:
            kind, content = f"{kind} gzipped", gzip.compress(content, 1)
            content = bitten(draw, content) if draw.random() < 0.4 else content
    name = draw.choice(_NAMES)
    if draw.random() < 0.5:
        return _wired(draw, f"{kind} in a form", *_in_form(draw, name, content))
    media = draw.choice(
        ["text/csv", "application/octet-stream", "text/plain; charset=nonsense", "application/x-ndjson", ""]
    )
    return _wired(
        draw, kind, {"Content-Type": media, "Content-Disposition": f'attachment; filename="{_in_head(name)}"'}, content
    )


def _typed(draw: random.Random, body: bytes) -> tuple[dict[str, str], bytes]:
    return {
        "Content-Type": draw.choice(
            ["application/json", "application/json; charset=utf-8", "application/json; charset=x"]
        )
    }, body


def _in_form(draw: random.Random, name: str, content: bytes) -> tuple[dict[str, str], bytes]:
    fields = [(b"start", b"true"), (b"column", b"2"), (b"max_wait_s", b"soon"), (b"webhook_url", b"http://[::1]/"),
              (b"", b"x"), (b"keep", b"y" * 9000), (b"name", b"../../x.csv")]  # fmt: skip
    parts = [b'name="%b"\r\n\r\n%b' % draw.choice(fields) for _ in range(draw.choice([0, 0, 0, 1, 1, 2, 30]))]
    extra = draw.choice([b"", b"", b"Content-Type: text/csv\r\n", b"Content-Transfer-Encoding: base64\r\n",
                         b"Content-Encoding: gzip\r\n", b"X: " + b"y" * 20_000 + b"\r\n",
                         b"Content-Type: multipart/mixed; boundary=x\r\n"])  # fmt: skip
    file = b'name="file"; filename="%b"\r\n%b\r\n%b' % (_in_head(name).encode(), extra, content)
    parts.insert(draw.randrange(len(parts) + 1), file)
    if draw.random() < 0.05:
        parts.append(file)
    body = b"".join(b"--" + _BOUNDARY + b"\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    body += draw.choice([b"--" + _BOUNDARY + b"--\r\n"] * 8 + [b"", b"--" + _BOUNDARY])
    if draw.random() < 0.15:
        body = body[: draw.randrange(len(body) + 1)]
    if draw.random() < 0.1 and len(body) < 100_000:
        body = bitten(draw, body)
    boundary = draw.choice(
        ["; boundary=----fuzz"] * 9 + ["", "; boundary=", "; boundary=other", f"; boundary={'z' * 500}"]
    )
    return {"Content-Type": f"multipart/form-data{boundary}"}, body


def _in_head(name: str) -> str:
    """Quotes and line ends would end the head: sometimes that is what is wanted, but not of every name."""
    return name.replace("\r\n", "%0d%0a").replace("\x00", "%00").encode("utf-8").decode("latin-1")


def _wired(draw: random.Random, kind: str, head: dict[str, str], body: bytes) -> Upload:
    """The request on the wire, now and then with a head that lies, or a sender that goes away."""
    query = draw.choice(
        [_STAGES, f"{_STAGES}&start=true", f"{_STAGES}&start=true", f"{_STAGES}&column=1", f"{_STAGES}&name=a.csv"]
    )
    lines = [f"POST /v1/lists?{query} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    ends = False
    match draw.randrange(30):
        case 0:
            lines.append(f"Content-Length: {len(body) + 1000}")
            kind, ends = f"{kind}, half of it", True
        case 1:
            lines.append("Transfer-Encoding: chunked")
            body = draw.choice([b"zz\r\n" + body, b"%x\r\n" % len(body) + body, b"ffffffffffffffff\r\n" + body])
            kind, ends = f"{kind}, bad chunks", True
        case 2:
            lines.append("Transfer-Encoding: chunked")
            cut = draw.randrange(len(body) + 1)
            body = (
                b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:cut], body[cut:]) if piece)
                + b"0\r\n\r\n"
            )
        case 3 if "Content-Encoding" not in head:
            lines += ["Content-Encoding: gzip", f"Content-Length: {len(body)}"]
            kind, ends = f"{kind}, encoded or not", True
        case 4:
            body = body[: max(0, len(body) - 1)]
            lines.append(f"Content-Length: {len(body)}")
        case _:
            lines.append(f"Content-Length: {len(body)}")
    return Upload(kind, "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body, ends)
