"""The states of a list, and which may follow which.

    uploaded → parsing → ready → running ⇄ paused → rechecking → completed | failed | cancelled      any → expired

Law: a list moves along `FOLLOWING` and nowhere else; from `expired` nothing leads back. `rechecking` may pause as
`running` does, and what was paused goes on with what it was doing.
"""

from collections.abc import Mapping
from enum import StrEnum


class ListState(StrEnum):
    """Where a list is on its way."""

    UPLOADED = "uploaded"
    PARSING = "parsing"
    READY = "ready"
    """Its preview is there; it waits to be started."""
    RUNNING = "running"
    PAUSED = "paused"
    """Something is in the way (`PauseCode`); it goes on by itself."""
    RECHECKING = "rechecking"
    """All rows have a verdict; those that were greylisted are asked again."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its retention is over: rows and results are deleted."""


class PauseCode(StrEnum):
    """Why a list is paused."""

    DISK_FULL = "disk_full"
    STORE_UNAVAILABLE = "store_unavailable"
    QUOTA_EXCEEDED = "quota_exceeded"
    """Of its key, for today."""


_ENDS = frozenset({ListState.FAILED, ListState.CANCELLED, ListState.EXPIRED})
_AT_WORK = _ENDS | {ListState.PAUSED, ListState.COMPLETED}

FOLLOWING: Mapping[ListState, frozenset[ListState]] = {
    ListState.UPLOADED: _ENDS | {ListState.PARSING},
    ListState.PARSING: _ENDS | {ListState.READY},
    ListState.READY: frozenset({ListState.RUNNING, ListState.CANCELLED, ListState.EXPIRED}),
    ListState.RUNNING: _AT_WORK | {ListState.RECHECKING},
    ListState.PAUSED: _ENDS | {ListState.RUNNING, ListState.RECHECKING},
    ListState.RECHECKING: _AT_WORK,
    ListState.COMPLETED: frozenset({ListState.EXPIRED}),
    ListState.FAILED: frozenset({ListState.EXPIRED}),
    ListState.CANCELLED: frozenset({ListState.EXPIRED}),
    ListState.EXPIRED: frozenset(),
}

AT_REST = frozenset({ListState.READY, ListState.COMPLETED, ListState.FAILED, ListState.CANCELLED, ListState.EXPIRED})
"""Nothing happens to the list by itself, but that it expires."""

FINISHED = AT_REST - {ListState.READY}
"""Nothing more will be learned of the list."""

READABLE = frozenset(
    {ListState.RUNNING, ListState.PAUSED, ListState.RECHECKING, ListState.COMPLETED, ListState.CANCELLED}
)
"""Rows can be read, as far as they are known (a cancelled list that was never read has none)."""


def may_follow(state: ListState, following: ListState) -> bool:
    """Whether a list in `state` may become `following`."""
    return following in FOLLOWING[state]
