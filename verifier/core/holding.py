"""How long mail is held: a mail server that asks again and again gets its mail through in the end.

Law: whoever is held at t is not held at t + limit and after, until a day after the first; a new hold begins then. What
is remembered is bounded: past that the oldest are forgotten, and their hold begins anew.
"""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

MAX_HOLD = timedelta(hours=4)
_REMEMBERED = timedelta(hours=24)
"""Long enough for the slowest of queues to come back once after the hold ended."""
_MOST = 200_000


class Holds:
    """When each mail was first held."""

    def __init__(self, limit: timedelta = MAX_HOLD, most: int = _MOST) -> None:
        self._limit = limit
        self._most = most
        self._first: OrderedDict[Hashable, datetime] = OrderedDict()

    def is_over(self, mail: Hashable, now: datetime) -> bool:
        """The mail has been held as long as may be; it is held from now on if it was not yet."""
        first = self._first.get(mail)
        if first is None or now - first >= _REMEMBERED:
            self._first.pop(mail, None)
            self._first[mail] = now
            if len(self._first) > self._most:
                self._first.popitem(last=False)
            return False
        return now - first >= self._limit
