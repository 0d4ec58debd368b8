"""What mail logs share: how a line begins, times without a year or a zone, and which relay is the recipient's exchange.

Law: a line that is read again, from whatever file, is the same event; that a smarthost or a filter took a mail does not
prove that the recipient's exchange did.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from ipaddress import ip_address

from msgspec import Struct

TIME = (
    rb"[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?"
    rb"|(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?"
    rb"(?:Z| ?[+-]\d\d:?\d\d| [A-Z]{3,5}(?= ))?"
    rb"|\d{10}\.\d+"
)
"""Syslog's own (RFC 3164), ISO 8601 (RFC 5424, rsyslog, Postfix's maillog_file), and `journalctl -o short-…`."""
HEAD = (
    rb"(?:[^ |]{1,64} +\| +)?(?:<\d{1,3}>)?(?:1 )?(?P<time>"
    + TIME
    + rb") (?:(?P<host>[^\s/\[]+) )?(?:[a-z]\w*\.[a-z]+ )?"
)
"""How a line begins, up to the name of the program: behind Docker's name of the service, a priority, a facility."""
TAIL = rb"(?:(?:\[\d+\])?:| \S+ \S+ (?:-|(?:\[[^\]]*\])+)) (?:\[ID \d+ \S+\] )?(?:\xef\xbb\xbf)?"
"""What stands between the program's name and its words: its process, or the fields of RFC 5424."""
_ANY_PROGRAM = re.compile(rb"^" + HEAD + rb"[\w./-]+" + TAIL)
_WEEKDAY = re.compile(r"[A-Z][a-z]{2} (?=\d{4}-)")
_ABBREVIATED_ZONE = re.compile(r" ([A-Z]{3,5})$")
_UNIX = re.compile(r"\d{10}\.\d+")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_SKEW = timedelta(days=1)
_SHARE = 0.9
_LEAST_DOMAINS = 10
_DOMAINS_KEPT = 50
_SMTP = "25"


class Relay(Struct, frozen=True, gc=False):
    """Who took a mail: the host's name, its address ("" where not logged) and port."""

    name: str
    address: str = ""
    port: str = _SMTP


class LogTime:
    """Reads the times of a log. `now` is when it is read: no line is newer. `zone` is that of times without one."""

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self._now = now
        self._zone = zone
        self._last: tuple[str, datetime | None] = ("", None)

    def read(self, text: str) -> datetime | None:
        """One of TIME; None for anything else. A zone that has but an abbreviation (not UTC) is taken for `zone`."""
        if text != self._last[0]:
            self._last = (text, self._read(text))
        return self._last[1]

    def _read(self, text: str) -> datetime | None:
        try:
            if _UNIX.fullmatch(text):
                return datetime.fromtimestamp(float(text), UTC)
            text = _WEEKDAY.sub("", text)
            return self._iso(text) if text[:1].isdigit() else self._yearless(text)
        except (ValueError, KeyError, OverflowError):
            return None

    def _iso(self, text: str) -> datetime:
        abbreviated = _ABBREVIATED_ZONE.search(text)
        if abbreviated is not None:
            text = text[: abbreviated.start()]
        found = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
        if found.tzinfo is not None:
            return found
        return found.replace(tzinfo=UTC if abbreviated is not None and abbreviated[1] == "UTC" else self._zone)

    def _yearless(self, text: str) -> datetime | None:
        """The latest that it can be: no line is newer than `now`. Some write the year all the same."""
        month, day, *years, clock = text.split()
        whole, _, fraction = clock.partition(".")
        hour, minute, second = (int(part) for part in whole.split(":"))
        micro = int(fraction[:6].ljust(6, "0")) if fraction else 0
        last = self._now.year
        for year in (int(year) for year in years or range(last, last - 5, -1)):  # the last four for 29 February
            try:
                found = datetime(year, _MONTHS[month], int(day), hour, minute, second, micro, self._zone)
            except ValueError:
                continue
            if found <= self._now + _SKEW:
                return found
        return None


class Relays:
    """Learns from a whole log which relays are smarthosts: who takes nearly everything, whosever it is."""

    def __init__(self, known_exchange: Callable[[str], bool], smarthosts: Iterable[str] = ()) -> None:
        self._known_exchange = known_exchange
        self._named = frozenset(name.lower() for name in smarthosts)
        self._counts: dict[str, int] = {}
        self._domains: dict[str, set[str]] = {}
        self._total = 0
        self._learned: frozenset[str] = frozenset()

    def note(self, relay: Relay, domain: str) -> None:
        """A mail for the domain was taken."""
        self._total += 1
        self._counts[relay.name] = self._counts.get(relay.name, 0) + 1
        domains = self._domains.setdefault(relay.name, set())
        if len(domains) < _DOMAINS_KEPT:
            domains.add(domain)

    def learn(self) -> None:
        """Call it when everything was noted."""
        self._learned = frozenset(
            name
            for name, count in self._counts.items()
            if count >= _SHARE * self._total
            and len(self._domains[name]) >= _LEAST_DOMAINS
            and not self._known_exchange(name)
        )

    @property
    def smarthosts(self) -> frozenset[str]:
        return self._named | self._learned

    def proves(self, relay: Relay) -> bool:
        """The relay is the recipient's own exchange, as far as can be told."""
        return relay.port == _SMTP and relay.name not in self.smarthosts and not is_inside(relay)


def is_inside(relay: Relay) -> bool:
    """A filter or a relay of the house: its address is of no public network."""
    try:
        return not ip_address(relay.address).is_global if relay.address else relay.name in ("localhost", "127.0.0.1")
    except ValueError:
        return False


def is_log_line(line: bytes) -> bool:
    """Some program wrote it into a log."""
    return _ANY_PROGRAM.match(line) is not None


def text_of(part: bytes | None) -> str:
    """A part of a line as text; "" where it is not there."""
    return (part or b"").decode("utf-8", "replace")
