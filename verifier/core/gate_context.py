"""What a mail server says of the mail beside the address: one text of words, the same on every surface.

    marketing          the class; without one it is `triggered`
    strict             any other word is the name of a policy
    sender=shop        whose suppressions, caps and quota hold
    fail-closed        where the gate cannot decide, the mail waits; marketing waits anyway
    one-click          the relay writes the header of one-click unsubscription (RFC 8058)

Words are separated by what is no letter, digit, `-`, `_`, `.`, `@` or `=`: a comma or a space cannot stand in a
`policy_context` of main.cf without braces of its own, so a `/` does as well.
"""

import re

from msgspec import Struct

from verifier.core.gate_words import MessageClass

_FAIL_CLOSED = "fail-closed"
_ONE_CLICK = "one-click"
_SENDER = "sender="
_WORDS = re.compile(r"[^\s,;/+]+")
_WORD = re.compile(r"[\w.@=-]+")
_CLASSES = {each.value: each for each in MessageClass}
TAKEN = frozenset({*_CLASSES, _FAIL_CLOSED, _ONE_CLICK})
"""Words that say something else, so no policy can be called by one."""
_LONGEST = 256


class ContextFault(ValueError):
    """The words cannot be meant; the text is a half sentence."""


class GateContext(Struct, frozen=True):
    """What was said. `policy` and `sender` None: nothing. `fails_closed`: the mail waits where nobody can decide.
    `one_click`: the header of one-click unsubscription is wanted.
    """

    message_class: MessageClass = MessageClass.TRIGGERED
    policy: str | None = None
    sender: str | None = None
    fails_closed: bool = False
    one_click: bool = False


def parse_context(text: str) -> GateContext:
    """The words of a text. Raises ContextFault with a half sentence where they cannot be meant."""
    if len(text) > _LONGEST:
        raise ContextFault(f"a context has at most {_LONGEST} characters")
    message_class, policy, sender, fails_closed, one_click = None, None, None, False, False
    for word in _WORDS.findall(text):
        if not _WORD.fullmatch(word):
            raise ContextFault("a context is made of words such as marketing, strict, sender=shop and fail-closed")
        lowered = word.lower()
        if lowered == _FAIL_CLOSED:
            fails_closed = True
        elif lowered == _ONE_CLICK:
            one_click = True
        elif word.startswith(_SENDER):
            sender = word.removeprefix(_SENDER) or None
        elif lowered in _CLASSES:
            if message_class not in (None, _CLASSES[lowered]):
                raise ContextFault("a context names one class of mail")
            message_class = _CLASSES[lowered]
        elif policy in (None, word):
            policy = word
        else:
            raise ContextFault("a context names one policy")
    message_class = message_class or MessageClass.TRIGGERED
    fails_closed = fails_closed or message_class is MessageClass.MARKETING
    return GateContext(message_class, policy, sender, fails_closed, one_click)
