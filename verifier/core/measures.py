"""What is measured while the service runs: one table, from which whoever exposes it makes its own."""

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """`counter`: how often. `histogram`: how long, in seconds. `gauge`: how much there is just now."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


class Measure(Struct, frozen=True):
    """A name (Prometheus' rules: base unit at its end), its labels, and one sentence."""

    name: str
    kind: Kind
    sentence: str
    labels: tuple[str, ...] = ()


VERDICTS = Measure("verifier_verdicts", Kind.COUNTER, "Verdicts given.", ("verdict", "reason", "source"))
STAGE_SECONDS = Measure("verifier_stage_seconds", Kind.HISTOGRAM, "Time that a chunk spent in a stage.", ("stage",))
LATE = Measure("verifier_late_checks", Kind.COUNTER, "Checks that were answered before they had ended.", ("reason",))
BEHIND = Measure("verifier_checks_behind", Kind.GAUGE, "Checks that go on behind their answer.")
RUNNING = Measure("verifier_checks_running", Kind.GAUGE, "Checks that run, those behind their answer included.")
LANES = Measure("verifier_lanes", Kind.GAUGE, "Mail exchanges that somebody waits for.")
WAITING = Measure("verifier_lane_mailboxes", Kind.GAUGE, "Mailboxes that wait for their mail exchange.")
SESSIONS = Measure("verifier_smtp_sessions", Kind.GAUGE, "Open SMTP sessions.")
LEFT_ALONE = Measure("verifier_lanes_left_alone", Kind.GAUGE, "Mail exchanges that are left alone for a while.")
DNS_SECONDS = Measure("verifier_dns_seconds", Kind.HISTOGRAM, "Time of a DNS question.", ("type", "status"))
DIALS = Measure(
    "verifier_smtp_dials", Kind.COUNTER, "Connections to mail hosts, by how the attempt ended.", ("outcome",)
)
HTTP_SECONDS = Measure(
    "verifier_http_seconds", Kind.HISTOGRAM, "Time of an HTTP request.", ("method", "route", "status")
)
HTTP_RUNNING = Measure("verifier_http_requests_running", Kind.GAUGE, "HTTP requests that are being answered.")
EVENTS = Measure("verifier_events", Kind.COUNTER, "Events of mail that were taken in.", ("event", "bounce_class"))
EGRESS_OPEN = Measure("verifier_egress_open", Kind.GAUGE, "1 where port 25 was reachable, 0 where not.")

MEASURES = (
    VERDICTS,
    STAGE_SECONDS,
    LATE,
    BEHIND,
    RUNNING,
    LANES,
    WAITING,
    SESSIONS,
    LEFT_ALONE,
    DNS_SECONDS,
    DIALS,
    HTTP_SECONDS,
    HTTP_RUNNING,
    EVENTS,
    EGRESS_OPEN,
)
