"""What the gate is asked and what it answers, as values; every surface translates to and from these."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from verifier.core.reasons import Verdict


class GateDecision(StrEnum):
    """What a sender should do with one recipient; of several the worst is the last here."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


class MessageClass(StrEnum):
    """What kind of mail wants to go out."""

    MARKETING = "marketing"
    TRIGGERED = "triggered"
    TRANSACTIONAL = "transactional"


class GateQuestion(Struct, frozen=True):
    """May this mail go to this address? `email` is raw text; `policy` None is the sender's own, else `balanced`.

    `sender` names whose suppressions, caps and quota hold; `topic` what the mail is about, for suppressions of one
    topic; `count` also counts one use of the sender's quota and caps, once for each `id` and address. `surface` is
    where it was asked ("http", "postfix", …), for the log; `observed`: the surface lets the mail pass whatever is
    answered. `reactivation`: mail to people who were silent for long, which needs a recent verdict.
    """

    email: str
    message_class: MessageClass = MessageClass.MARKETING
    policy: str | None = None
    sender: str | None = None
    campaign: str | None = None
    topic: str | None = None
    count: bool = False
    id: str | None = None
    surface: str = "http"
    observed: bool = False
    reactivation: bool = False


class GateAnswer(Struct, frozen=True):
    """One decision, with the rule of its policy that spoke.

    `until`: when a held mail may be asked about again. `degraded`: something lacked when the answer was due. `verdict`
    is None where nothing is known of the address, `age_s` the seconds since it was last seen. `also`: further rules
    whose condition holds, whatever they conclude.
    """

    email: str
    decision: GateDecision
    rule: str
    policy: str
    message_class: MessageClass
    until: datetime | None = None
    degraded: bool = False
    verdict: Verdict | None = None
    age_s: int | None = None
    also: tuple[str, ...] = ()
