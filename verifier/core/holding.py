"""How long mail is held: a mail server that asks again and again gets its mail through in the end.

Law: whoever is held at t is not held at t + limit and after, until a day after the first; a new hold begins then. What
is remembered is bounded: past that the oldest are forgotten, and their hold begins anew.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

MAX_HOLD = timedelta(hours=4)
REMEMBERED = timedelta(hours=24)
"""Long enough for the slowest of queues to come back once after the hold ended."""
MOST_HOLDS = 200_000
_PARTED = "\0"


def _unnoted(_name: str, _at: datetime) -> None:
    """Memory alone remembers."""


class Holds:
    """When each mail was first held: `known` from before, the oldest first. `begun` hears of each hold that begins.

    Mail is what tells one from another (sender, recipient, class); `name` makes it the text that it is known by.
    """

    def __init__(
        self,
        limit: timedelta = MAX_HOLD,
        most: int = MOST_HOLDS,
        *,
        known: Mapping[str, datetime] | None = None,
        name: Callable[[str], str] = str,
        begun: Callable[[str, datetime], None] = _unnoted,
    ) -> None:
        self._limit = limit
        self._most = most
        self._name = name
        self._begun = begun
        self._first: OrderedDict[str, datetime] = OrderedDict(known or {})

    def is_over(self, mail: tuple[str, ...], now: datetime) -> bool:
        """The mail has been held as long as may be; it is held from now on if it was not yet."""
        name = self._name(_PARTED.join(mail))
        first = self._first.get(name)
        if first is None or now - first >= REMEMBERED:
            self._first.pop(name, None)
            self._first[name] = now
            if len(self._first) > self._most:
                self._first.popitem(last=False)
            self._begun(name, now)
            return False
        return now - first >= self._limit
