"""A mailbox over IMAP (RFC 9051) with TLS, by the standard library: its messages, whole, one after the other.

Law: nothing in the mailbox is changed, not even what counts as seen; certificates are checked; what is larger than a
report can be is passed over unread.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator

from verifier.core.faults import ServiceUnavailable

_PATIENCE = 60.0
_PORT = 993
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class ImaplibMailbox:
    """`folder` of a user's mailbox. `trust` says whose certificates hold (the system's)."""

    def __init__(
        self,
        host: str,
        user: str,
        password: str,
        *,
        folder: str = "INBOX",
        port: int = _PORT,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._folder = folder
        self._trust = trust or ssl.create_default_context()

    def messages(self, largest: int) -> Iterator[bytes]:
        """Every message of at most `largest` bytes. Raises ServiceUnavailable where the mailbox cannot be read."""
        try:
            with imaplib.IMAP4_SSL(self._host, self._port, ssl_context=self._trust, timeout=_PATIENCE) as session:
                session.login(self._user, self._password)
                status, told = session.select(_quoted(self._folder), readonly=True)
                if status != "OK":
                    raise imaplib.IMAP4.error(str(told))
                _, found = session.uid("SEARCH", "ALL")
                for uid in (found[0] or b"").split():
                    yield from self._message(session, uid.decode(), largest)
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            raise ServiceUnavailable(f"The mailbox at {self._host} cannot be read: {_words(error)}.") from None

    def _message(self, session: imaplib.IMAP4_SSL, uid: str, largest: int) -> Iterator[bytes]:
        _, sizes = session.uid("FETCH", uid, "(RFC822.SIZE)")
        size = _SIZE.search(sizes[0] if sizes and isinstance(sizes[0], bytes) else b"")
        if size is None or int(size[1]) > largest:
            return
        _, parts = session.uid("FETCH", uid, "(BODY.PEEK[])")
        yield from (part[1] for part in parts if isinstance(part, tuple))


def _quoted(folder: str) -> str:
    """A folder's name as a quoted string; line ends cannot stand in one."""
    plain = "".join(c for c in folder if c.isprintable())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(error: Exception) -> str:
    """The error's own words, without those of the server's login lines."""
    text = error.args[0] if error.args else error
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(error)
    return words.strip().rstrip(".") or type(error).__name__
