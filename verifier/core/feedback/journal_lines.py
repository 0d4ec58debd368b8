"""Logs that come wrapped, as syslog would have written them: `journalctl -o json`, `-o export`, and Docker's json-file.

(systemd.io/JOURNAL_EXPORT_FORMATS; docs.docker.com, JSON File logging driver.)
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

_RECORD_SEPARATOR = b"\x1e"
_CURSOR = b"__CURSOR="
_FIELDS = (b"MESSAGE", b"_HOSTNAME", b"SYSLOG_IDENTIFIER", b"SYSLOG_PID", b"_PID", b"__REALTIME_TIMESTAMP")
_MILLION = 1_000_000


class _Entry(Struct, frozen=True, rename="upper"):
    """What is read of an entry of the journal; a message that is no UTF-8 is a list of bytes."""

    message: str | list[int] | None = None
    syslog_identifier: str | None = None
    syslog_pid: str | None = None
    hostname: str | None = msgspec.field(name="_HOSTNAME", default=None)
    pid: str | None = msgspec.field(name="_PID", default=None)
    time: str | None = msgspec.field(name="__REALTIME_TIMESTAMP", default=None)
    log: str | None = msgspec.field(name="log", default=None)


_entry = msgspec.json.Decoder(_Entry).decode


def plain_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Every line; what is wrapped, unwrapped. A wrapping that is broken stays as it is, and tells nothing."""
    exported: dict[bytes, bytes] | None = None
    for line in lines:
        if exported is not None:
            if line.strip():
                name, parted, value = line.rstrip(b"\n").partition(b"=")
                if parted and name in _FIELDS:
                    exported[name] = value
                continue
            yield from _of_export(exported)
            exported = None
        elif line.startswith(_CURSOR):
            exported = {}
        elif line[:1] in (b"{", _RECORD_SEPARATOR):
            yield _of_json(line)
        else:
            yield line
    if exported is not None:
        yield from _of_export(exported)


def _of_json(line: bytes) -> bytes:
    try:
        entry = _entry(line.lstrip(_RECORD_SEPARATOR))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line
    if entry.log is not None:
        return entry.log.encode("utf-8", "surrogatepass")
    message = entry.message
    try:
        said = bytes(message) if isinstance(message, list) else (message or "").encode("utf-8", "surrogatepass")
    except ValueError:
        return line
    pid = entry.syslog_pid or entry.pid or ""
    return _line(entry.time or "", entry.hostname or "", entry.syslog_identifier or "", pid, said) or line


def _of_export(entry: dict[bytes, bytes]) -> Iterator[bytes]:
    _, *names, _ = _FIELDS
    host, identifier, pid, own_pid = (entry.get(name, b"").decode("utf-8", "replace") for name in names)
    time = entry.get(_FIELDS[-1], b"").decode("ascii", "replace")
    line = _line(time, host, identifier, pid or own_pid, entry.get(b"MESSAGE", b""))
    if line:
        yield line


def _line(time: str, host: str, identifier: str, pid: str, message: bytes) -> bytes:
    """`time` is in microseconds since 1970; nothing where it is none."""
    if not (time.isascii() and time.isdigit()):
        return b""
    seconds, micros = divmod(int(time[:20]), _MILLION)
    head = f"{seconds}.{micros:06d} {host or '-'} {identifier}[{pid or 0}]: "
    return head.encode("utf-8", "surrogatepass") + message.replace(b"\n", b" ")
