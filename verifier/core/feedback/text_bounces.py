"""Bounces that are written for people: by qmail (QSBMF, cr.yp.to/proto/qsbmf.txt), Exim, and those who copied them.

Law: only a mail system's own message is read; what a person or a holiday program wrote, with a bounce in it or not, is
none. What is copied of the mail that bounced is not read.
"""

import re
from email.message import Message
from email.utils import getaddresses, parseaddr

from verifier.core.feedback.report_parts import address, fields

_SYSTEM = re.compile(r"(?i)(?:mailer-?daemon|mail-?daemon|postmaster)@")
_LONGEST = 64 * 1024
_COPY = re.compile(
    r"(?im)^[ \t]*-{2,}[ \t]*(?:below this line|original message|this is a copy|the header|begin message|forwarded)"
)
_FAILED = re.compile(
    r"(?i)failed|failure|permanent|unable to deliver|n't able to deliver|could not be delivered|undeliver|returned mail"
    r"|n'(?:a|ont) pas pu|non remis|non distribu|échec|konnten? .{0,80}nicht|fehlgeschlagen|unzustellbar|できません"
    r"|no se (?:ha )?pud"
)
_TEMPORARY = re.compile(
    r"(?im)^.{0,80}(?:has not yet been delivered|not been delivered|has been delayed|warning message only"
    r"|will (?:be|keep) (?:re)?tr(?:y|ied))"
)
_NAMED = re.compile(r'^\s*(?:<([^<>\s]+@[^<>\s]+)>|"([^"<>\s]+@[^"<>\s]+)"|([^"<>\s:]+@[^<>\s:]+)):\s*(.*)$')
_ALONE = re.compile(r"^\s*<([^<>\s]+@[^<>\s]+)>\s*$")
_NUMBERED = re.compile(r"(?<![\d.])[45]\d\d(?![\d.])|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_RETRIES = re.compile(r"(?i)retr(?:y|ied|ying)|still trying|no action is required")
_LINES_KEPT = 6
_LONGEST_LINE = 998


def failed_recipients(message: Message, text: str) -> list[tuple[str, str]]:
    """Each address that the message says has failed, with the words about it ("" where there are none).

    `text` is the message's first part of plain text. Nothing for what is no bounce.
    """
    body = _COPY.split(text[:_LONGEST], maxsplit=1)[0]
    if _TEMPORARY.search(body):
        return []
    named = [email for _, email in getaddresses(list(fields(message, "X-Failed-Recipients"))) if "@" in email]
    if named:
        return [(email, _words_below(body, email, named)) for email in dict.fromkeys(named)]
    if not _is_from_system(message) or not _FAILED.search(body):
        return []
    return _paragraphs(body)


def _is_from_system(message: Message) -> bool:
    """A mail system wrote it: its From says so."""
    return any(_SYSTEM.match(parseaddr(sender)[1]) for sender in fields(message, "From"))


def _words_below(body: str, email: str, named: list[str]) -> str:
    """Exim: the address on a line of its own, what was said of it on those below, indented further."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    place = next((number for number, line in enumerate(lines) if email.lower() in line.lower()), None)
    if place is None:
        return ""
    others = {other.lower() for other in named if other.lower() != email.lower()}
    words = []
    for line in lines[place + 1 : place + 1 + _LINES_KEPT]:
        if line.lower().rstrip(":") in others or line.startswith("--"):
            break
        words.append(line)
    return " ".join(words)


def _paragraphs(body: str) -> list[tuple[str, str]]:
    """qmail: a paragraph for each address, `<address>:` on its first line; others leave the colon out, and then it is
    a reply's number below that makes it one.
    """
    found: dict[str, str] = {}
    email, words, counts = "", list[str](), False
    for line in [*body.splitlines(), ""]:
        whole = not email and len(line) <= _LONGEST_LINE
        named, alone = (_NAMED.match(line), _ALONE.match(line)) if whole else (None, None)
        if named is not None:
            email, words = address(named[1] or named[2] or named[3]), [named[4]] if named[4] else []
            counts = True
        elif alone is not None:
            email, words, counts = address(alone[1]), [], False
        elif email and line.strip():
            words.append(line.strip())
        elif email:
            said = " ".join(words[:_LINES_KEPT])
            if said and (counts or _NUMBERED.search(said)) and not _RETRIES.search(said):
                found.setdefault(email, said)
            email = ""
    return list(found.items())
