"""Postfix's policy delegation without the wire: bytes in, requests out; an action in, bytes out.

    name=value lines, a blank line ends the request      →      action=… and a blank line

SMTPD_POLICY_README: the order of attributes means nothing, unknown ones are passed over, of two with one name either
may be taken. A server that cannot answer says nothing and disconnects; Postfix then goes by its `default_action`.
Law: cut anywhere, the same bytes give the same requests; no more is held than one request may be long.
"""

from msgspec import Struct

MOST_BYTES = 64 * 1024
_LONGEST_LINE = 8 * 1024
_MOST_ATTRIBUTES = 128
_REQUEST = "smtpd_access_policy"
_END = b"\n\n"


class PolicyFault(Exception):
    """What came is no policy request: a sentence, without anything of its content."""


class PolicyRequest(Struct, frozen=True):
    """What is used of one request; texts are as Postfix wrote them, empty where it said nothing."""

    state: str
    recipient: str
    sender: str
    context: str

    @property
    def names_recipient(self) -> bool:
        """One recipient with a domain is asked about: `RCPT TO:<postmaster>` has none, and is this system's own."""
        return self.state == "RCPT" and "@" in self.recipient


class PolicyReader:
    """Feed it what came; it gives the requests that are whole."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def pending(self) -> bool:
        """Something came that is not a whole request yet."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[PolicyRequest]:
        """Raises PolicyFault where it is no request or too long; nothing can be read after that."""
        *whole, self._buffer = (self._buffer + data).split(_END)
        if len(self._buffer) > MOST_BYTES:
            raise PolicyFault(f"a request is at most {MOST_BYTES} bytes long")
        return [_request(block) for block in whole]


def policy_answer(action: str) -> bytes:
    """One answer. What is no printable ASCII becomes `?`: an answer is one line."""
    return b"action=" + plain(action).encode() + _END


def plain(text: str) -> str:
    """The text with what is no printable ASCII as `?`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def _request(block: bytes) -> PolicyRequest:
    if len(block) > MOST_BYTES:
        raise PolicyFault(f"a request is at most {MOST_BYTES} bytes long")
    lines = block.decode("utf-8", "replace").split("\n")
    if len(lines) > _MOST_ATTRIBUTES:
        raise PolicyFault(f"a request has at most {_MOST_ATTRIBUTES} attributes")
    values = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not name:
            raise PolicyFault("a line that is not name=value")
        if len(line) > _LONGEST_LINE:
            raise PolicyFault(f"a line is at most {_LONGEST_LINE} characters long")
        values[name] = value
    if values.get("request") != _REQUEST:
        raise PolicyFault(f"a request other than {_REQUEST}")
    return PolicyRequest(
        values.get("protocol_state", ""),
        values.get("recipient", ""),
        values.get("sender", ""),
        values.get("policy_context", ""),
    )
