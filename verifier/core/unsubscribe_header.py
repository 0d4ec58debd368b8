"""The header of one-click unsubscription (RFC 8058) for a message that is on its way.

Law: nothing is written where the sender has written it himself, nor over a signature that would not cover it, nor where
no end of the head is seen.
"""

import re

MOST_HEAD = 256 * 1024
"""Octets in which the head of a message has to end."""
_END_OF_HEAD = b"\r\n\r\n"
_SPEAKS_FOR_ITSELF = re.compile(rb"^(?:List-Unsubscribe|DKIM-Signature)[ \t]*:", re.IGNORECASE | re.MULTILINE)


def head_is_whole(begun: bytes) -> bool:
    """As much has come as is needed to know, or more than will be looked at."""
    return _END_OF_HEAD in begun or begun.startswith(b"\r\n") or len(begun) > MOST_HEAD


def unsubscribe_lines(begun: bytes, link: str) -> bytes:
    """What to put before a message that begins so; nothing where it should be left alone. `link` is an https URL."""
    head, end, _ = begun.partition(_END_OF_HEAD)
    if not end or begun.startswith(b"\r\n") or _SPEAKS_FOR_ITSELF.search(head):
        return b""
    return f"List-Unsubscribe: <{link}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
