"""Senders: what each may send. A quota of the calendar month (UTC), caps for each recipient, a policy of its own.

Law: a quota and a cap only ever hold mail, and say until when.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from verifier.core.feedback.hook import made_id
from verifier.core.gate_policies import BALANCED

BLASTS_KEPT = timedelta(days=31)
_CAP_PERIOD = timedelta(days=30)


class Sender(Struct, frozen=True):
    """`quota`: mails a calendar month; `blasts`: mails that a recipient gets within 30 days; `gap_hours`: the least
    time between two of them; None is no limit. `profile` names the service that sends, for its limits.
    """

    name: str
    policy: str = BALANCED.name
    profile: str | None = None
    quota: int | None = None
    blasts: int | None = None
    gap_hours: float | None = None

    @property
    def is_capped(self) -> bool:
        """It has limits, so what it has used has to be known."""
        return self.quota is not None or self.blasts is not None or self.gap_hours is not None


def use_id(message: str, recipient: str) -> str:
    """What one mail to a recipient (his keyed hash) is counted under, whoever tells of it: whoever asks the gate, or an
    event. `message` is its Message-ID, with or without its brackets, or what its sender calls it.
    """
    return made_id(message.strip().removeprefix("<").removesuffix(">"), recipient)


def month_of(moment: datetime) -> str:
    """The month that a use counts for: `2026-11`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def month_end(moment: datetime) -> datetime:
    """When the quota begins anew."""
    first = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def quota_until(sender: Sender, used: int, now: datetime) -> datetime | None:
    """Until when the quota is used up; None where it is not."""
    return month_end(now) if sender.quota is not None and used >= sender.quota else None


def cap_until(sender: Sender, blasts: Sequence[datetime], now: datetime) -> datetime | None:
    """Until when a recipient who got these mails gets none; None where he may get one now."""
    ends: list[datetime] = []
    recent = sorted(at for at in blasts if now - _CAP_PERIOD < at <= now)
    if sender.gap_hours is not None and recent:
        ends.append(recent[-1] + timedelta(hours=sender.gap_hours))
    if sender.blasts is not None and len(recent) >= sender.blasts:
        ends.append(recent[-sender.blasts] + _CAP_PERIOD if sender.blasts else now + _CAP_PERIOD)
    end = max(ends, default=now)
    return end if end > now else None
