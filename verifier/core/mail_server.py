"""The mail server behind the relay, as a setting says it.

    host:port                        STARTTLS where it is offered, as between mail servers
    smtp://user:password@host:587    STARTTLS and a certificate that holds, before the password
    smtps://user:password@host:465   TLS from the first byte

Percent signs in user and password are as in any URL.
"""

from enum import StrEnum
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from verifier.core.setting_values import host_and_port

_SMTP_PORT, _SUBMISSION_PORT, _SUBMISSIONS_PORT = 25, 587, 465


class Security(StrEnum):
    """When a connection is encrypted."""

    OFFERED = "offered"
    DEMANDED = "demanded"
    IMPLICIT = "implicit"


class MailServer(Struct, frozen=True):
    """Where it is, how it is spoken to, and as whom; an empty `user` does not log in."""

    host: str
    port: int
    security: Security = Security.OFFERED
    user: str = ""
    password: str = ""


def mail_server(text: str) -> str:
    """A reader of settings: the text as it is. Raises ValueError with a half sentence."""
    stripped = text.strip()
    if stripped:
        parse_mail_server(stripped)
    return stripped


def parse_mail_server(text: str) -> MailServer:
    """Raises ValueError with a half sentence, which never quotes a password."""
    fault = "must be host:port, smtp://user:password@host:587 or smtps://user:password@host:465"
    try:
        if "://" not in text:
            host, port = host_and_port(text)
            return MailServer(host, port or _SMTP_PORT)
        parts = urlsplit(text)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
            raise ValueError
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if parts.scheme == "smtps":
            return MailServer(parts.hostname, parts.port or _SUBMISSIONS_PORT, Security.IMPLICIT, user, password)
        return MailServer(parts.hostname, parts.port or _SUBMISSION_PORT, Security.DEMANDED, user, password)
    except ValueError:
        raise ValueError(fault) from None
