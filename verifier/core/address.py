"""Addresses: what is one, what was cleaned off it, and its forms (RFC 5321, 5322, 6531).

Law: after the clean-up, a text is an Address exactly where email-validator takes it (strict lengths, quoted local parts
and SMTPUTF8 allowed; domain literals, display names, dotless domains and special-use names such as `.local` refused,
RFC 6761). The one exception is `verifier.test`, where the test addresses live.
"""

import re
import unicodedata
from functools import lru_cache

import email_validator
from msgspec import Struct

from verifier.core.cleanup import address_like, clean_up

LONGEST_TEXT = 2048
"""Characters of a text that are still read: a name or a mailto query may stand around an address, a book may not."""

_LONGEST_ADDRESS = 254  # octets, RFC 5321 §4.5.3.1.3 less the angle brackets
_LONGEST_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
_LONGEST_PLAIN_DOMAIN = 65  # a dotted name of this length cannot have a label of more than 63 octets

_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]++"
_ALNUM = "[A-Za-z0-9]++"
_plain = re.compile(
    rf"{_ATOM}(?:\.{_ATOM})*+@{_ALNUM}(?:-{_ALNUM})*+\.{_ALNUM}(?:[.-]{_ALNUM})*+(?<=[A-Za-z])"
).fullmatch
_plain_local = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+").fullmatch
TEST_DOMAIN = "verifier.test"
_SPECIAL_USE = frozenset(email_validator.SPECIAL_USE_DOMAIN_NAMES)
_DOTS_AND_TAGS_IGNORED = frozenset({"gmail.com", "googlemail.com"})


class Address(Struct, frozen=True, gc=False):
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

    @property
    def mailbox(self) -> str:
        """The address as RCPT names it: needs SMTPUTF8 where `smtputf8` says so (RFC 6531 §3.3)."""
        return f"{self.local}@{self.domain}"


class SyntaxFault(Struct, frozen=True, gc=False):
    """A text that is no address, and one sentence why."""

    raw: str
    sentence: str
    cleaned: tuple[str, ...] = ()


def parse_address(raw: str) -> Address | SyntaxFault:
    """The address that a cell holds, or why it holds none. Never raises; a cell of any length costs little."""
    address = _plain_address(raw)
    if address is not None:
        return address
    if len(raw) > LONGEST_TEXT:
        return SyntaxFault(raw, f"The text is too long to be an address ({len(raw):,} characters).")
    text, cleaned = clean_up(raw)
    if cleaned:
        address = _plain_address(text, raw, cleaned)
        if address is not None:
            return address
    parts = _parts(text)
    if isinstance(parts, str):
        return SyntaxFault(raw, parts, cleaned)
    local, domain = parts
    folded = unicodedata.normalize("NFC", local.casefold())
    normalized = f"{folded}@{domain}"
    plain = domain in _DOTS_AND_TAGS_IGNORED and not folded.startswith('"')
    comparison = _without_dots_and_tag(folded) if plain else normalized
    return Address(raw, local, domain, normalized, comparison, not local.isascii(), cleaned)


def _plain_address(text: str, raw: str | None = None, cleaned: tuple[str, ...] = ()) -> Address | None:
    """The fast path: an ASCII dot-atom at a host name without `--`; None says nothing but that it is not one of these.

    For such a text the answer is email-validator's, at a thirtieth of its cost; a property test holds them together.
    """
    if len(text) > _LONGEST_ADDRESS or _plain(text) is None:
        return None
    at = text.index("@")
    if at > _LONGEST_LOCAL_PART or len(text) - at - 1 > _LONGEST_PLAIN_DOMAIN:
        return None
    normalized = text.lower()
    domain = normalized[at + 1 :]
    if domain[domain.rindex(".") + 1 :] in _SPECIAL_USE and domain != TEST_DOMAIN:
        return None
    comparison = _without_dots_and_tag(normalized[:at]) if domain in _DOTS_AND_TAGS_IGNORED else normalized
    return Address(text if raw is None else raw, text[:at], domain, normalized, comparison, False, cleaned)


def _without_dots_and_tag(local: str) -> str:
    """The key of a mailbox at the provider that ignores dots and tags and has two names."""
    return f"{local.partition('+')[0].replace('.', '') or local}@gmail.com"


def _parts(text: str) -> tuple[str, str] | str:
    """The local part and the A-label domain of a cleaned text, or the sentence of its fault."""
    if not text:
        return "The cell is empty."
    if len(text) > _LONGEST_ADDRESS:
        parts: tuple[str, str] | str = _too_long(text)
    else:
        parts = _judged(text)
    if isinstance(parts, str) and len(address_like(text)) > 1:
        return "The cell holds more than one address."
    return parts


def _judged(text: str) -> tuple[str, str] | str:
    """What email-validator says; of a plain local part's domain only once."""
    at = text.rfind("@")
    if 0 < at <= _LONGEST_LOCAL_PART and _plain_local(text, 0, at) is not None:
        parts = _at_domain(text[at:])
        if not isinstance(parts, str):
            domain = parts[1]
            if max(len(text.encode()), at + 1 + len(domain)) <= _LONGEST_ADDRESS:
                return text[:at], domain
    return _validated(text)


@lru_cache(10_000)
def _at_domain(domain: str) -> tuple[str, str] | str:
    return _validated(f"a{domain}")


def _validated(text: str) -> tuple[str, str] | str:
    try:
        valid = email_validator.validate_email(
            text,
            check_deliverability=False,
            strict=True,
            allow_smtputf8=True,
            allow_empty_local=False,
            allow_quoted_local=True,
            allow_domain_literal=False,
            allow_display_name=False,
            test_environment=text.lower().endswith(f"@{TEST_DOMAIN}"),
            globally_deliverable=True,
        )
    except email_validator.EmailNotValidError as fault:
        return _sentence(str(fault))
    except UnicodeError:  # an IDNA error that email-validator let through
        return "The part after the @-sign is not a valid internationalised domain name."
    if len(text.encode()) > _LONGEST_ADDRESS:
        return _too_long(text)
    return _case_kept(valid.local_part, text), valid.ascii_domain


def _too_long(text: str) -> str:
    octets = len(text.encode(errors="surrogatepass"))
    return f"The address is too long ({octets} octets, and {_LONGEST_ADDRESS} are allowed)."


def _case_kept(local: str, text: str) -> str:
    """email-validator writes the names of RFC 2142 in lower case; the sender's spelling is kept."""
    typed = text.rpartition("@")[0].strip('"')
    return typed if typed.isascii() and typed.lower() == local else local


def _sentence(message: str) -> str:
    """One sentence of email-validator's message."""
    return message.replace(". It ", "; it ").rstrip(".") + "."
