"""What a sign-up form does with an address: a pure function of its assessment, and a sentence for whoever types.

Law: `refuse` only on bad syntax, a dead domain, a fresh `mailbox_not_found`, or a throw-away address where the form is
set to refuse those. Unknown is never refused: who signs up is not to blame for a mail server's silence.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import idna
from msgspec import Struct

from verifier.core.reasons import Reason, Verdict
from verifier.core.verdict import Assessment

FRESH = timedelta(hours=3)
"""A mailbox that was not there is believed for so long here: people sign up with mailboxes that they have just made."""


class SignupPolicy(StrEnum):
    """How strict the form is: `signup_strict` refuses throw-away addresses too."""

    SIGNUP = "signup"
    SIGNUP_STRICT = "signup_strict"


class Decision(StrEnum):
    """`accept`: take it. `suggest`: ask whether another address was meant. `confirm`: take it, and wait for the
    confirmation mail to be answered. `refuse`: ask for another one.
    """

    ACCEPT = "accept"
    SUGGEST = "suggest"
    CONFIRM = "confirm"
    REFUSE = "refuse"


class Language(StrEnum):
    """The languages of the sentences."""

    ENGLISH = "en"
    FRENCH = "fr"


class Advice(Struct, frozen=True):
    """The decision, and one sentence to be shown beside the field."""

    decision: Decision
    sentence: str


_LANGUAGES = frozenset(language.value for language in Language)
_DEAD_DOMAIN = frozenset({Reason.DOMAIN_NOT_FOUND, Reason.NO_MAIL_HOST, Reason.NULL_MX, Reason.MX_UNROUTABLE})
_SENTENCES: dict[str, tuple[str, str]] = {
    "accept": ("This address can receive mail.", "Cette adresse peut recevoir des messages."),
    "suggest": ("Did you mean {meant}?", "Vouliez-vous dire {meant} ?"),
    "confirm": (
        "Please check the address: you will get a mail to confirm it.",
        "Vérifiez l’adresse : vous recevrez un message pour la confirmer.",
    ),
    "syntax": (
        "This is not a complete e-mail address; it should look like name@example.com.",
        "Ce n’est pas une adresse e-mail complète ; elle ressemble à nom@example.com.",
    ),
    "domain": (
        "No mail can be delivered to {domain}; please check what follows the @.",
        "Aucun message ne peut être livré à {domain} ; vérifiez ce qui suit le @.",
    ),
    "domain_meant": (
        "No mail can be delivered to {domain}. Did you mean {meant}?",
        "Aucun message ne peut être livré à {domain}. Vouliez-vous dire {meant} ?",
    ),
    "mailbox": (
        "Mail to this address would not arrive; please check it.",
        "Un message à cette adresse n’arriverait pas ; vérifiez-la.",
    ),
    "disposable": (
        "Please use an address that you keep, not a throw-away one.",
        "Utilisez une adresse que vous gardez, pas une adresse jetable.",
    ),
}


def advise(assessment: Assessment, policy: SignupPolicy, language: Language, now: datetime) -> Advice:
    """What the form does with the address, and says to whoever typed it."""
    decision, key = _decide(assessment, policy, now)
    sentence = _SENTENCES[key][language is Language.FRENCH]
    domain = _written(assessment.normalized or "")
    return Advice(decision, sentence.format(domain=domain, meant=assessment.did_you_mean))


def _written(address: str) -> str:
    """The address's domain as people write it: `bücher.example`, who has never seen `xn--bcher-kva.example`."""
    domain = address.rpartition("@")[2]
    try:
        return idna.decode(domain)
    except UnicodeError:  # nothing there, or a name that is none by IDNA and stands for itself
        return domain


def told_to_browsers(advice: Advice) -> Advice:
    """What the public learns: whether to ask again, never that a mailbox was found there.

    `confirm` is told as `accept`, so that what was not refused may exist or not; there is nothing to say about it then.
    """
    if advice.decision in (Decision.ACCEPT, Decision.CONFIRM):
        return Advice(Decision.ACCEPT, "")
    return advice


def _decide(assessment: Assessment, policy: SignupPolicy, now: datetime) -> tuple[Decision, str]:
    reason, meant = assessment.reason, assessment.did_you_mean
    if reason is Reason.INVALID_SYNTAX:
        return Decision.REFUSE, "syntax"
    if reason in _DEAD_DOMAIN:
        return Decision.REFUSE, "domain_meant" if meant else "domain"
    if assessment.flags.disposable and policy is SignupPolicy.SIGNUP_STRICT:
        return Decision.REFUSE, "disposable"
    if meant:
        return Decision.SUGGEST, "suggest"
    if reason is Reason.MAILBOX_NOT_FOUND and now - assessment.checked_at <= FRESH:
        return Decision.REFUSE, "mailbox"
    if assessment.verdict is Verdict.DELIVERABLE:
        return Decision.ACCEPT, "accept"
    return Decision.CONFIRM, "confirm"


def preferred_language(accept_language: str) -> Language:
    """The first of ours that an Accept-Language header prefers (RFC 9110 §12.5.4); English where it names none."""
    best, weight = Language.ENGLISH, 0.0
    for part in accept_language[:1000].split(","):
        tag, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        primary = tag.strip().partition("-")[0].lower()
        if primary in _LANGUAGES and quality > weight:
            best, weight = Language(primary), quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
