"""The people of the world: the names that mailboxes have, and that nobody guesses by chance.

Law: a random local part is never plausible, so a control address is never a mailbox.
"""

import re
import unicodedata

_FIRST_NAMES = """
jane john anna paul marie pierre lucas emma hugo chloe louis camille jules lea arthur sarah maria jose carlos
lucia pablo elena marco giulia luca sofia lars ingrid sven astrid bjorn karin piotr agnieszka tomasz katarzyna
jan petra milan olga ivan natalia dmitri yuki kenji haruto mei wei li chen aisha omar fatima youssef priya arjun
ravi ananya david laura peter susan mark linda kevin karen brian nancy eric julie alain nathalie patrick sylvie
josé rené zoë françois jürgen søren chloé andré noël léa
"""
FIRST_NAMES = tuple(_FIRST_NAMES.split())
_LAST_NAMES = """
smith jones taylor brown wilson evans thomas roberts walker wright martin bernard dubois durand moreau laurent
simon michel lefebvre garcia rodriguez martinez lopez gonzalez perez sanchez rossi russo ferrari esposito
bianchi muller schmidt schneider fischer weber meyer wagner becker hoffmann nowak kowalski wisniewski novak
svoboda petrov ivanov sidorov tanaka suzuki sato watanabe wang zhang liu kumar singh patel sharma khan ali
hassan ahmed andersen hansen nilsson larsson virtanen korhonen jansen devries bakker visser peeters murphy kelly
ryan byrne garcía müller lefèvre núñez åberg
"""
LAST_NAMES = tuple(_LAST_NAMES.split())
ROLES = ("info", "sales", "support", "contact", "admin", "office", "billing", "jobs", "hello", "webmaster")
ALWAYS = frozenset((*ROLES, "postmaster", "abuse", "noreply", "no-reply", "hr", "help", "marketing", "hostmaster"))
"""Names that every host of this world knows; of `postmaster` RFC 5321 §4.5.1 demands it."""

_PLAIN = str.maketrans("éèçüøëíåñ", "eecuoeian")


def without_accents(name: str) -> str:
    """A name as most people have it in their address."""
    return name.translate(_PLAIN)


_LAST = frozenset((*LAST_NAMES, *map(without_accents, LAST_NAMES)))
_NAMES = frozenset((*FIRST_NAMES, *map(without_accents, FIRST_NAMES), *_LAST, "user"))
_SEPARATOR = re.compile(r"[._-]")


def plausible(local: str) -> bool:
    """A person could have this local part: names and initials, apart by `.`, `_` or `-`, each with digits behind it."""
    return len(local) > 1 and all(_is_name(token) for token in _SEPARATOR.split(local))


def _is_name(token: str) -> bool:
    name = token.rstrip("0123456789")
    if name in _NAMES or name[1:] in _LAST:
        return True
    if len(token) == 1:
        return name.isalpha()
    return any(name[:cut] in _NAMES and name[cut:] in _NAMES for cut in range(2, len(name) - 1))


def mailbox_name(local: str, *, dots_count: bool = True) -> str:
    """The mailbox that a local part leads to: unquoted, without case and tag, and where they do not count, dots."""
    if local.startswith('"') and local.endswith('"') and len(local) > 1:
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    name = unicodedata.normalize("NFC", local).lower().partition("+")[0]
    return name if dots_count else name.replace(".", "")
