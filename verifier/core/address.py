"""Addresses: what is one, what was cleaned off it, and its forms (RFC 5321, 5322, 6531)."""

from msgspec import Struct


class Address(Struct, frozen=True):
    """A syntactically valid address.

    `local` is the local part as it must be sent (quotes kept, NFC); `domain` the lower-case A-label domain;
    `normalized` the case-folded local part at that domain; `comparison` the key under which two spellings of one
    mailbox meet (Gmail dots and tags removed), never shown and never sent. `cleaned` names the clean-ups that were
    needed before the text was an address, in the order of their doing.
    """

    raw: str
    local: str
    domain: str
    normalized: str
    comparison: str
    smtputf8: bool = False
    cleaned: tuple[str, ...] = ()


class SyntaxFault(Struct, frozen=True):
    """A text that is no address, and one sentence why."""

    raw: str
    sentence: str
    cleaned: tuple[str, ...] = ()
