"""Policies: what each rule of the gate concludes for each class of mail, as a table that is total over both.

Law: only `manual_allow`, `unavailable` and `otherwise` can conclude `allow`, and `otherwise` always concludes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from verifier.core.faults import ConfigError
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import MessageClass

MARKETING, TRIGGERED, TRANSACTIONAL = MessageClass


class Outcome(StrEnum):
    """What a rule concludes; `next` leaves it to the next rule."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"
    NEXT = "next"


_ALLOW, _HOLD, _BLOCK, _NEXT = Outcome
Cells = Mapping[Rule, Outcome]


class Ages(Struct, frozen=True):
    """In days. `stale`: how old a good verdict may be, by class. `inactive`: how long somebody may have been silent
    (None: as long as he likes). `reactivation`: how old the verdict on somebody long silent may be.
    """

    stale: Mapping[MessageClass, int]
    inactive: int | None
    reactivation: int


class Policy(Struct, frozen=True):
    """One policy: a cell for each class and rule."""

    name: str
    cells: Mapping[MessageClass, Cells]
    ages: Ages


_AGES = Ages({MARKETING: 90, TRIGGERED: 180, TRANSACTIONAL: 180}, None, 30)
_TABLE: dict[Rule, tuple[Outcome, Outcome, Outcome]] = {
    Rule.MANUAL_BLOCK: (_BLOCK, _BLOCK, _BLOCK),
    Rule.INVALID_SYNTAX: (_BLOCK, _BLOCK, _BLOCK),
    Rule.COMPLAINT: (_BLOCK, _BLOCK, _NEXT),
    Rule.UNSUBSCRIBED: (_BLOCK, _BLOCK, _NEXT),
    Rule.NO_CONSENT: (_BLOCK, _BLOCK, _NEXT),
    Rule.MANUAL_ALLOW: (_ALLOW, _ALLOW, _ALLOW),
    Rule.HARD_BOUNCE: (_BLOCK, _BLOCK, _BLOCK),
    Rule.SOFT_BOUNCE_LIMIT: (_BLOCK, _BLOCK, _BLOCK),
    Rule.UNDELIVERABLE: (_BLOCK, _BLOCK, _BLOCK),
    Rule.UNDELIVERABLE_RETAINED: (_HOLD, _HOLD, _NEXT),
    Rule.UNAVAILABLE: (_HOLD, _ALLOW, _ALLOW),
    Rule.FREQUENCY_CAP: (_HOLD, _HOLD, _NEXT),
    Rule.QUOTA: (_HOLD, _HOLD, _NEXT),
    Rule.DISPOSABLE: (_BLOCK, _HOLD, _NEXT),
    Rule.TYPO_DOMAIN: (_HOLD, _NEXT, _NEXT),
    Rule.INACTIVE: (_HOLD, _NEXT, _NEXT),
    Rule.REACTIVATION: (_HOLD, _HOLD, _NEXT),
    Rule.ROLE: (_NEXT, _NEXT, _NEXT),
    Rule.NO_REPLY: (_NEXT, _NEXT, _NEXT),
    Rule.CATCH_ALL: (_NEXT, _NEXT, _NEXT),
    Rule.MAILBOX_FULL: (_NEXT, _NEXT, _NEXT),
    Rule.UNKNOWN_PROBE: (_HOLD, _NEXT, _NEXT),
    Rule.UNKNOWN_OTHER: (_NEXT, _NEXT, _NEXT),
    Rule.STALE: (_HOLD, _NEXT, _NEXT),
    Rule.OTHERWISE: (_ALLOW, _ALLOW, _ALLOW),
}


def _policy(name: str, changes: Mapping[tuple[Rule, MessageClass], Outcome]) -> Policy:
    cells = {
        each: {rule: changes.get((rule, each), row[place]) for rule, row in _TABLE.items()}
        for place, each in enumerate(MessageClass)
    }
    return Policy(name, cells, _AGES)


BALANCED = _policy("balanced", {})
STRICT = _policy(
    "strict",
    {
        (Rule.COMPLAINT, TRANSACTIONAL): _BLOCK,
        (Rule.ROLE, MARKETING): _HOLD,
        (Rule.NO_REPLY, MARKETING): _HOLD,
        (Rule.CATCH_ALL, MARKETING): _HOLD,
        (Rule.MAILBOX_FULL, MARKETING): _HOLD,
        (Rule.UNKNOWN_OTHER, MARKETING): _HOLD,
    },
)
LENIENT = _policy("lenient", {(Rule.UNKNOWN_PROBE, MARKETING): _NEXT})
BUILT_IN: dict[str, Policy] = {policy.name: policy for policy in (STRICT, BALANCED, LENIENT)}

_ALWAYS_BLOCK = (Rule.MANUAL_BLOCK, Rule.INVALID_SYNTAX)
_MAY_ALLOW = (Rule.MANUAL_ALLOW, Rule.UNAVAILABLE, Rule.OTHERWISE)
_LONGEST_AGE = 3650
_PARTS = ("based_on", "ages", *MessageClass)


def policy_of(name: str, table: Mapping[str, Any]) -> Policy:
    """The policy that a TOML file spells: a table for each class, rule = outcome; `based_on` fills what is not said.

    Raises ConfigError, with one sentence, where a cell is missing or says what it must not.
    """
    _require_known(name, "parts", table, _PARTS)
    base = _base(name, table.get("based_on"))
    cells = {each: _cells(name, each, _table(name, table, each), base) for each in MessageClass}
    return Policy(name, cells, _ages(name, _table(name, table, "ages"), base))


def _base(name: str, based_on: Any) -> Policy | None:
    if based_on is None:
        return None
    if not isinstance(based_on, str) or based_on not in BUILT_IN:
        raise ConfigError(f"Policy {name}: based_on can be {', '.join(BUILT_IN)}, not {based_on!r}.")
    return BUILT_IN[based_on]


def _table(name: str, table: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = table.get(part, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"Policy {name}: {part} is a table, written [{part}].")
    return found


def _cells(name: str, message_class: MessageClass, said: Mapping[str, Any], base: Policy | None) -> Cells:
    _require_known(name, f"rules of {message_class}", said, tuple(Rule))
    cells: dict[Rule, Outcome] = {}
    for rule in Rule:
        word = said.get(rule, base.cells[message_class][rule] if base is not None else None)
        if word is None:
            raise ConfigError(
                f'Policy {name} says nothing of {rule} for {message_class}: add it, or based_on = "balanced".'
            )
        if word not in (choices := _choices(rule)):
            raise ConfigError(f"Policy {name}: {rule} for {message_class} can be {', '.join(choices)}, not {word!r}.")
        cells[rule] = Outcome(word)
    return cells


def _choices(rule: Rule) -> tuple[Outcome, ...]:
    if rule in _ALWAYS_BLOCK:
        return (_BLOCK,)
    if rule is Rule.OTHERWISE:
        return (_ALLOW, _HOLD, _BLOCK)
    return tuple(Outcome) if rule in _MAY_ALLOW else (_HOLD, _BLOCK, _NEXT)


def _ages(name: str, said: Mapping[str, Any], base: Policy | None) -> Ages:
    _require_known(name, "ages", said, ("stale", "inactive", "reactivation"))
    ages = base.ages if base is not None else _AGES
    stale = said.get("stale", {})
    if not isinstance(stale, Mapping):
        stale = dict.fromkeys(MessageClass, stale)
    _require_known(name, "classes of stale", stale, tuple(MessageClass))
    for days in (*stale.values(), *(said[part] for part in ("inactive", "reactivation") if part in said)):
        if type(days) is not int or not 1 <= days <= _LONGEST_AGE:
            raise ConfigError(f"Policy {name}: an age is a number of days from 1 to {_LONGEST_AGE}, not {days!r}.")
    return Ages(
        {each: stale.get(each, ages.stale[each]) for each in MessageClass},
        said.get("inactive", ages.inactive),
        said.get("reactivation", ages.reactivation),
    )


def _require_known(name: str, what: str, said: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = [word for word in said if word not in known]
    if unknown:
        raise ConfigError(f"Policy {name}: {what} are {', '.join(known)}; {unknown[0]!r} is none of them.")
