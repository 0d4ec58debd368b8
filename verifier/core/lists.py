"""Lists of names: domains with all that lies under them, and local parts that belong to a function, not to a person."""

import re
from collections.abc import Iterable, Iterator

import idna
from msgspec import Struct


class DomainList(Struct, frozen=True):
    """A set of domains (lower-case A-labels); whatever lies under a member is in the list too."""

    domains: frozenset[str]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "DomainList":
        """One domain a line: `#` begins a comment; case, a leading `@`, `.` or `*.`, a last dot do not matter.

        Lines that are no domain names are left out, and so are names without a dot: a stray `com` must not swallow
        the internet.
        """
        return cls(frozenset(domain for line in lines if (domain := _domain(line))))

    def covers(self, domain: str) -> str | None:
        """The member that `domain` (a lower-case A-label name) is or lies under: the longest one."""
        domains = self.domains
        while domain not in domains:
            dot = domain.find(".") + 1
            if not dot:
                return None
            domain = domain[dot:]
        return domain

    def __contains__(self, domain: str) -> bool:
        return self.covers(domain) is not None

    def __len__(self) -> int:
        return len(self.domains)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.domains))


def local_names(lines: Iterable[str]) -> frozenset[str]:
    """Local parts as `is_role` and `is_no_reply` want them: one a line, `#` begins a comment, case does not matter.

    A name written with separators stands for the one without them too (`no-reply`, `noreply`), not the other way round.
    """
    names = {name for line in lines if (name := _entry(line))}
    return frozenset({_SEPARATORS.sub("-", name) for name in names} | {_SEPARATORS.sub("", name) for name in names})


def is_role(local: str, roles: frozenset[str]) -> bool:
    """The whole local part, its tag aside, is a role's name (RFC 2142 and its like): `sales`, `Sales+de`, `help-desk`.

    Separators are interchangeable, and may be absent or added between words of three letters and more: `help.desk` is
    `helpdesk`, but `p.ress` is a person.
    """
    name = _untagged(local)
    if name in roles:
        return True
    if name.isalnum():
        return False
    words = _words(name)
    return "-".join(words) in roles or ("".join(words) in roles and min(map(len, words)) > 2)


def is_no_reply(local: str, names: frozenset[str]) -> bool:
    """The local part, its tag and a last number aside, is one of the names: `no-reply`, `Do_Not.Reply+x`, `noreply2`.

    A long name counts between separators too (`orders-noreply`); a short one may be a person's (`jane.null`).
    """
    name = _untagged(local)
    if name in names:
        return True
    unnumbered = name.rstrip("0123456789")
    if unnumbered.isalpha():
        return unnumbered in names
    words = _words(unnumbered)
    return "".join(words) in names or (len(unnumbered) > _LONG_NAME and _holds_long_name(words[:_MOST_WORDS], names))


def _holds_long_name(words: list[str], names: frozenset[str]) -> bool:
    for start in range(len(words)):
        run = ""
        for word in words[start:]:
            run += word
            if len(run) >= _LONG_NAME and run in names:
                return True
    return False


_SEPARATORS = re.compile(r"[-_.]+")
_MOST_WORDS = 8
_LONG_NAME = 7  # letters: `noreply`


def _words(name: str) -> list[str]:
    return name.replace("_", "-").replace(".", "-").split("-")


def _untagged(local: str) -> str:
    folded = local.casefold()
    return folded.partition("+")[0] or folded if "+" in folded else folded


def _entry(line: str) -> str:
    return line.partition("#")[0].strip("\ufeff \t\r\n").casefold()


def _domain(line: str) -> str | None:
    name = _entry(line).lstrip("@*.").rstrip(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            return None
    return name if _HOST_NAME(name) else None


_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+").fullmatch
