"""A mailbox over POP3 (RFC 1939) with TLS, by the standard library: its messages, whole, one after the other.

Law: nothing is deleted; certificates are checked; what is larger than a report can be is passed over unread.
"""

import poplib
import ssl
from collections.abc import Iterator

from verifier.core.faults import ServiceUnavailable

_PATIENCE = 60.0
_PORT = 995


class PoplibMailbox:
    """A user's mailbox. `trust` says whose certificates hold (the system's)."""

    def __init__(
        self, host: str, user: str, password: str, *, port: int = _PORT, trust: ssl.SSLContext | None = None
    ) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._trust = trust or ssl.create_default_context()

    def messages(self, largest: int) -> Iterator[bytes]:
        """Every message of at most `largest` bytes. Raises ServiceUnavailable where the mailbox cannot be read."""
        try:
            session = poplib.POP3_SSL(self._host, self._port, timeout=_PATIENCE, context=self._trust)
            try:
                session.user(self._user)
                session.pass_(self._password)
                for line in session.list()[1]:
                    number, size = (int(part) for part in line.split()[:2])
                    if size <= largest:
                        yield b"\r\n".join(session.retr(number)[1]) + b"\r\n"
            finally:
                session.quit()
        except (poplib.error_proto, OSError, ValueError) as error:
            text = error.args[0] if error.args else error
            words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(error)
            raise ServiceUnavailable(f"The mailbox at {self._host} cannot be read: {words.strip()}.") from None
