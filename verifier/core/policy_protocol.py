"""Postfix's policy delegation without the wire: bytes in, requests out; an action in, bytes out.

    name=value lines, a blank line ends the request      →      action=… and a blank line

SMTPD_POLICY_README: the order of attributes means nothing, unknown ones are passed over, of two with one name either
may be taken; a line that is no attribute is passed over too, as by its example server. A server that cannot answer says
nothing and disconnects; Postfix then goes by its `default_action`.
Law: cut anywhere, the same bytes give the same requests; no more is held than one request may be long.
"""

from functools import lru_cache

from msgspec import Struct

MOST_BYTES = 64 * 1024
_REQUEST = "\nrequest=smtpd_access_policy\n"
_AT_RECIPIENT = "\nprotocol_state=RCPT\n"
_END = b"\n\n"


class PolicyFault(Exception):
    """What came is no policy request: a sentence, without anything of its content."""


class PolicyRequest(Struct, frozen=True):
    """What is used of one request; texts are as Postfix wrote them, empty where it said nothing. `at_recipient`: it is
    asked when a recipient is named (RCPT), and not later or earlier.
    """

    at_recipient: bool
    recipient: str
    sender: str
    context: str

    @property
    def names_recipient(self) -> bool:
        """One recipient with a domain is asked about: `RCPT TO:<postmaster>` has none, and is this system's own."""
        return self.at_recipient and "@" in self.recipient


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
        if not self._buffer and data.find(_END) == len(data) - len(_END) >= 0:  # as Postfix writes it
            return [_request(data)]
        *whole, self._buffer = (self._buffer + data).split(_END)
        if len(self._buffer) > MOST_BYTES:
            raise PolicyFault(f"a request is at most {MOST_BYTES} bytes long")
        return [_request(block) for block in whole]


@lru_cache(maxsize=256)
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
    lines = f"\n{block.decode('utf-8', 'replace')}\n"
    if _REQUEST not in lines:
        raise PolicyFault("a request other than smtpd_access_policy")
    return PolicyRequest(
        _AT_RECIPIENT in lines,
        _value(lines, "\nrecipient="),
        _value(lines, "\nsender="),
        _value(lines, "\npolicy_context="),
    )


def _value(lines: str, name: str) -> str:
    """Found by searching: taking all thirty attributes apart for three of them took three times as long."""
    return lines.partition(name)[2].partition("\n")[0]
