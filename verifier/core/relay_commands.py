"""Commands of an SMTP client without the wire (RFC 5321 §4.1.1): one line in, a command or a refusal out.

What is passed on to another server is passed on as it was written, so it must not hold what could be read as two
commands: no control character gets through.
"""

import re

from msgspec import Struct

LONGEST_LINE = 4096
_PATH = re.compile(r'<((?:"(?:[^"\\]|\\.)*"|[^<>" ])*)>')
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?")


class Refused(Exception):
    """The command cannot be obeyed; the text is the whole reply, code first."""


class Command(Struct, frozen=True):
    """A verb in capitals, and what follows it."""

    verb: str
    argument: str


class Envelope(Struct, frozen=True):
    """A path without its brackets, and its parameters by name, in capitals; a value may be empty."""

    address: str
    parameters: dict[str, str]

    @property
    def size(self) -> int:
        """Octets that the client expects to send; 0 where it says nothing."""
        return int(self.parameters.get("SIZE") or 0)


def parse_command(line: bytes) -> Command:
    """The command of one line, with or without its end. Raises Refused."""
    try:
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise Refused("500 5.5.2 a command is ASCII, or UTF-8 after SMTPUTF8") from None
    if any(c < " " or c == "\x7f" for c in text):
        raise Refused("500 5.5.2 a command has no control characters")
    verb, _, argument = text.partition(" ")
    return Command(verb.upper(), argument.strip())


def parse_mail(argument: str, most_bytes: int) -> Envelope:
    """`FROM:<path> SIZE=… BODY=… SMTPUTF8`; an empty address is the null reverse path. Raises Refused."""
    envelope = _envelope("FROM:", argument, {"SIZE", "BODY", "SMTPUTF8", "AUTH"})
    size = envelope.parameters.get("SIZE", "0")
    if not (size.isascii() and size.isdigit() and len(size) <= 20):
        raise Refused("501 5.5.4 SIZE is a number of octets")
    if int(size) > most_bytes:
        raise Refused(f"552 5.3.4 a message is at most {most_bytes} octets long")
    if envelope.parameters.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Refused("501 5.5.4 BODY is 7BIT or 8BITMIME")
    if not envelope.address.isascii() and "SMTPUTF8" not in envelope.parameters:
        raise Refused("553 5.6.7 an address that is not ASCII needs SMTPUTF8")
    return envelope


def parse_rcpt(argument: str, *, utf8: bool) -> Envelope:
    """`TO:<path>`; no parameter is known. Raises Refused."""
    envelope = _envelope("TO:", argument, set())
    if not envelope.address:
        raise Refused("501 5.1.3 the recipient is empty")
    if not envelope.address.isascii() and not utf8:
        raise Refused("553 5.6.7 an address that is not ASCII needs SMTPUTF8")
    return envelope


def _envelope(keyword: str, argument: str, known: set[str]) -> Envelope:
    if argument[: len(keyword)].upper() != keyword:
        raise Refused(f"501 5.5.4 write {keyword}<address>")
    rest = argument[len(keyword) :].lstrip()
    match = _PATH.match(rest)
    if match is None:
        raise Refused(f"501 5.1.3 write {keyword}<address>")
    if match[1].startswith("@"):
        raise Refused("553 5.1.3 source routes are not used any more")
    parameters = {}
    for word in rest[match.end() :].split():
        name, _, value = word.partition("=")
        if not _PARAMETER.fullmatch(word) or name.upper() not in known:
            raise Refused(f"555 5.5.4 {keyword}<address> has a parameter that is not known here")
        parameters[name.upper()] = value
    return Envelope(match[1], parameters)
