"""Small IMAP and POP3 servers with TLS on loopback, for a mailbox of given messages; they say what they were told."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.adapters.test_aiohttp_fetcher import contexts

Speak = Callable[["Wire"], None]


class Wire:
    """One connection: lines in and out."""

    def __init__(self, connection: ssl.SSLSocket, heard: list[str]) -> None:
        self._file = connection.makefile("rwb")
        self.heard = heard

    def line(self) -> str:
        text = self._file.readline().decode().rstrip("\r\n")
        self.heard.append(text)
        return text

    def say(self, *lines: bytes) -> None:
        for line in lines:
            self._file.write(line + b"\r\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


@contextmanager
def served(folder: Path, speak: Speak) -> Iterator[tuple[int, Path, list[str]]]:
    """A server on 127.0.0.1: its port, the certificate that it is trusted by, and every line that it heard."""
    context, _ = contexts(folder)
    heard: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    wire = Wire(connection, heard)
                    speak(wire)
                    wire.close()
            except (OSError, ValueError):
                plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], folder / "certificate.pem", heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def imap(messages: Sequence[bytes], password: str = "secret") -> Speak:
    """RFC 9051, as much of it as reading takes."""

    def speak(wire: Wire) -> None:
        wire.say(b"* OK IMAP4rev1 ready")
        while line := wire.line():
            tag, _, rest = line.partition(" ")
            word, end = rest.upper(), tag.encode()
            fetched = re.match(r"UID FETCH (\d+) ", word)
            if word.startswith("CAPABILITY"):
                wire.say(b"* CAPABILITY IMAP4rev1", end + b" OK done")
            elif word.startswith("LOGIN"):
                wire.say(
                    end + (b" OK done" if f'"{password}"' in rest else b" NO [AUTHENTICATIONFAILED] Wrong password.")
                )
            elif word.startswith("EXAMINE"):
                wire.say(b"* %d EXISTS" % len(messages), end + b" OK [READ-ONLY]")
            elif word.startswith("UID SEARCH"):
                wire.say(b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, len(messages) + 1)), end + b" OK done")
            elif fetched is not None:
                number = int(fetched[1])
                body = messages[number - 1]
                if "RFC822.SIZE" in word:
                    wire.say(b"* %d FETCH (UID %d RFC822.SIZE %d)" % (number, number, len(body)), end + b" OK done")
                else:
                    head = b"* %d FETCH (UID %d BODY[] {%d}" % (number, number, len(body))
                    wire.say(head, body + b")", end + b" OK done")
            elif word.startswith("LOGOUT"):
                wire.say(b"* BYE bye", end + b" OK done")
                return
            else:
                wire.say(end + b" BAD what?")

    return speak


def pop3(messages: Sequence[bytes], password: str = "secret") -> Speak:
    """RFC 1939, likewise."""

    def speak(wire: Wire) -> None:
        wire.say(b"+OK ready")
        while line := wire.line():
            word, _, rest = line.partition(" ")
            if word == "PASS" and rest != password:
                wire.say(b"-ERR wrong password")
            elif word == "LIST":
                sizes = (b"%d %d" % (n, len(body)) for n, body in enumerate(messages, start=1))
                wire.say(b"+OK", *sizes, b".")
            elif word == "RETR":
                lines = messages[int(rest) - 1].splitlines()
                wire.say(b"+OK", *(b"." + each if each.startswith(b".") else each for each in lines), b".")
            else:
                wire.say(b"+OK")
            if word == "QUIT":
                return

    return speak
