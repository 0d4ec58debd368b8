"""The prober's local socket: other commands of the same user ask the process that holds the data folder.

A connection carries one request, one line of JSON, `{"op":"assess","emails":[…],"stages":[…]}`, and its answer: one
record a line, in order, then `{"done":true}`; or `{"error":"a sentence"}`.
"""

import asyncio
import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import msgspec

from verifier.core.faults import InputError, OperatorError, ServiceUnavailable

Request = dict[str, Any]
Record = dict[str, Any]

_LONGEST_PATH = 100  # bytes; sun_path holds 108 on Linux and 104 on macOS, with a final zero
_LONGEST_LINE = 4 << 20  # bytes
_MOST_EMAILS = 10_000
_MOST_CONNECTIONS = 64
_PATIENCE = 60.0  # seconds for a peer to send its request, and to read each record
_PEER = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


class ProberGone(ServiceUnavailable):
    """Nobody answers at the socket, or the answer ended before it was done."""


def socket_path(folder: Path) -> Path:
    """Where the prober of a data folder listens: in the folder, or under a short name where its path is too long."""
    path = folder.absolute() / "prober.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=12).hexdigest()
    return _runtime_folder() / f"{name}.sock"


class ProberServer:
    """Answers requests at `path` with the records that `answer` yields.

    For the holder of the folder's lock alone: a socket that lies there is a dead process's, and is replaced. An
    OperatorError of `answer` is told to the client; whatever else it raises ends that connection and goes to the event
    loop's exception handler. When a client vanishes, what was being done for it is cancelled.
    """

    def __init__(self, path: Path, answer: Callable[[Request], AsyncGenerator[Record, None]]) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens from now on. Raises ServiceUnavailable where that cannot be done safely."""
        try:
            _prepare_folder(self._path.parent)
            self._path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            try:
                listener.bind(os.fspath(self._path))
                self._path.chmod(0o600)  # before it listens, so that nobody connects earlier
                self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=_LONGEST_LINE)
            except OSError:
                listener.close()
                raise
        except OSError as error:
            raise ServiceUnavailable(f"{self._path} cannot be listened at: {error.strerror or error}.") from None

    async def close(self) -> None:
        """Listens no more, ends what is being answered and removes the socket."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= _MOST_CONNECTIONS or not _same_user(writer):
            writer.close()
            return
        connection = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._disconnected)

    def _disconnected(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        fault = None if connection.cancelled() else connection.exception()
        if fault is not None:
            context = {"message": "a request at the prober's socket failed", "exception": fault, "task": connection}
            connection.get_loop().call_exception_handler(context)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            answering = asyncio.ensure_future(self._respond(request, writer))
            vanishing = asyncio.ensure_future(reader.read(1))
            try:
                await asyncio.wait((answering, vanishing), return_when=asyncio.FIRST_COMPLETED)
            finally:
                vanishing.cancel()
                answering.cancel()  # does nothing where it has ended
                await asyncio.wait((answering, vanishing))
            if not answering.cancelled():
                answering.result()
        except OperatorError as error:
            with suppress(ConnectionError, TimeoutError):
                await _write(writer, {"error": str(error)})
        except (ConnectionError, TimeoutError):
            pass  # the client vanished, or neither writes nor reads
        finally:
            writer.close()

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        async with aclosing(self._answer(request)) as records:
            async for record in records:
                await _write(writer, record)
        await _write(writer, {"done": True})


async def ask_prober(path: Path, request: Request) -> AsyncGenerator[Record, None]:
    """The records that answer `request`, as they come.

    Raises InputError where the request is too large, ProberGone where nobody listens or the answer is cut short, and
    ServiceUnavailable with the prober's own sentence where it refuses.
    """
    line = msgspec.json.encode(request) + b"\n"
    _check(line, request)
    try:
        reader, writer = await asyncio.open_unix_connection(os.fspath(path), limit=_LONGEST_LINE)
    except OSError as error:
        raise ProberGone(f"Nobody answers at {path}: {error.strerror or error}.") from None
    try:
        if not _same_user(writer):
            raise ProberGone(f"{path} belongs to another user's process.")
        writer.write(line)
        await writer.drain()
        while (answer := await reader.readline()).endswith(b"\n"):
            record: Record = msgspec.json.decode(answer)
            if record == {"done": True}:
                return
            if record.keys() == {"error"}:
                raise ServiceUnavailable(str(record["error"]))
            yield record
        raise ProberGone(f"The process that listens at {path} ended before it had answered.")
    except (ConnectionError, msgspec.DecodeError) as error:
        raise ProberGone(f"The process that listens at {path} broke off: {error}.") from None
    finally:
        writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    try:
        async with asyncio.timeout(_PATIENCE):
            line = await reader.readline()
    except ValueError:
        raise InputError(f"A request is at most {_LONGEST_LINE} bytes long.") from None
    if not line.endswith(b"\n"):
        raise ConnectionError
    try:
        request: Request = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError("A request is one line with a JSON object.") from None
    _check(line, request)
    return request


def _check(line: bytes, request: Request) -> None:
    if len(line) > _LONGEST_LINE:
        raise InputError(f"A request is at most {_LONGEST_LINE} bytes long.")
    emails = request.get("emails", [])
    if not isinstance(emails, list) or len(emails) > _MOST_EMAILS:
        raise InputError(f"A request asks for at most {_MOST_EMAILS} addresses, in a list.")


async def _write(writer: asyncio.StreamWriter, record: Record) -> None:
    writer.write(msgspec.json.encode(record) + b"\n")
    async with asyncio.timeout(_PATIENCE):
        await writer.drain()


def _runtime_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"verifier-{os.getuid()}"


def _prepare_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder == _runtime_folder():
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(0, f"{folder} is not a folder of this user alone")


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """The peer runs as the same user. Where the kernel does not say, the socket's own permissions must do."""
    if sys.platform != "linux":
        return True
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, uid, _ = _PEER.unpack(credentials)
    return bool(uid == os.getuid())
