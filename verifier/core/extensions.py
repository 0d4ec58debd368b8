"""What a server's EHLO reply offers (RFC 5321 §4.1.1.1, RFC 2920, RFC 3207, RFC 6531, RFC 9422)."""

from collections.abc import Sequence

from msgspec import Struct


class Extensions(Struct, frozen=True):
    """The service extensions that a probe can use; a limit of 0 was not stated."""

    pipelining: bool = False
    starttls: bool = False
    smtputf8: bool = False
    recipients_max: int = 0
    mail_max: int = 0
    one_domain: bool = False


NO_EXTENSIONS = Extensions()


def read_extensions(lines: Sequence[str]) -> Extensions:
    """The extensions that a positive EHLO reply names: its first line is the greeting."""
    offered: set[str] = set()
    limits: dict[str, int] = {}
    for line in lines[1:]:
        keyword, _, parameters = line[4:].strip().upper().partition(" ")
        offered.add(keyword)
        if keyword == "LIMITS":
            limits = _limits(parameters)
    return Extensions(
        pipelining="PIPELINING" in offered,
        starttls="STARTTLS" in offered,
        smtputf8="SMTPUTF8" in offered,
        recipients_max=limits.get("RCPTMAX", 0),
        mail_max=limits.get("MAILMAX", 0),
        one_domain=limits.get("RCPTDOMAINMAX", 0) == 1,
    )


def _limits(parameters: str) -> dict[str, int]:
    pairs = (item.partition("=") for item in parameters.split())
    return {name: int(value) for name, _, value in pairs if value.isascii() and value.isdigit() and len(value) < 7}
