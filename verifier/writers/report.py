"""Writes the report of a cleaned list: one HTML page with charts that holds no address and loads nothing.

No script; one style sheet, allowed by its hash in the page's own Content-Security-Policy; every chart has a text
alternative and its numbers in a table beside it; light and dark; fit to be printed.
"""

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from verifier.core.faults import OperatorError
from verifier.core.reasons import ALL_STAGES, Reason, Verdict, verdict_of
from verifier.core.summary import OTHERS, SENDERS_LIMIT, Bucket, NoticeKind, Run, Summary
from verifier.writers.sentences import Language, Phrases

SENDERS_HARM = 0.05
"""The rate above which a send is harmful whoever sends it."""

_LEAST_AXIS = 0.03
_TEMPLATES = Environment(
    loader=PackageLoader("verifier.writers"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Part(NamedTuple):
    """One part of a chart: its CSS class, name and numbers as text, and where it lies on 0-100."""

    style: str
    name: str
    number: str
    share: str
    start: float
    length: float
    meaning: str = ""


class BounceBar(NamedTuple):
    """One bar of the projection: `length` on 0-100 of the axis."""

    style: str
    name: str
    rate: str
    about: str
    length: float


class ReasonRow(NamedTuple):
    """A reason as the page shows it; `length` of its bar in per cent."""

    style: str
    code: str
    number: str
    share: str
    length: float
    meaning: str


class ProviderRow(NamedTuple):
    """A provider as the page shows it; `length` of its bar in per cent."""

    name: str
    number: str
    proved: str
    length: float
    parts: tuple[Part, ...]


class Warned(NamedTuple):
    """A warning, and the ways out of it where there are some."""

    text: str
    ways: tuple[str, ...] = ()


def write_report(path: Path, summary: Summary, run: Run, language: Language) -> None:
    """Writes the page in one piece: a reader sees the old file or the whole new one.

    Raises OperatorError where the path cannot be written.
    """
    page = render_report(summary, run, language)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise OperatorError(f"The report cannot be written to {path}: {error.strerror or error}.") from error


def render_report(summary: Summary, run: Run, language: Language) -> str:
    """The page as text."""
    phrases = Phrases(language)
    style = _TEMPLATES.get_template("report.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _TEMPLATES.get_template("report.html").render(
        t=phrases,
        language=str(language),
        style=Markup(style),
        style_hash=digest,
        summary=summary,
        run=run,
        list_name=phrases("report.list") if "@" in run.list_name else run.list_name,
        moment=phrases.moment(run.finished_at),
        verdicts=_verdicts(summary, phrases),
        buckets=_buckets(summary, phrases) if summary.mailboxes_out_of_reach else (),
        bounces=_bounces(summary, phrases),
        caution=summary.bounce_rate_after > SENDERS_LIMIT,
        limit=100 * SENDERS_LIMIT / _axis(summary),
        reasons=_reasons(summary, phrases),
        providers=_providers(summary, phrases),
        warnings=_warnings(summary, phrases),
        stages=[(phrases(f"report.method.{stage}"), stage in run.stages) for stage in ALL_STAGES],
    )


def _verdicts(summary: Summary, phrases: Phrases) -> tuple[Part, ...]:
    counts = {f"{verdict}": count for verdict, count in summary.by_verdict().items()}
    return _parts(counts, summary.unique, "verdict", phrases)


def _buckets(summary: Summary, phrases: Phrases) -> tuple[Part, ...]:
    counts = {f"{b}": count for b, count in summary.by_bucket().items() if count or b is not Bucket.UNANSWERED}
    return _parts(counts, summary.unique, "bucket", phrases)


def _parts(counts: dict[str, int], whole: int, catalogue: str, phrases: Phrases) -> tuple[Part, ...]:
    parts, start = [], 0.0
    for code, count in counts.items():
        length = 100 * count / whole if whole else 0.0
        share = phrases.share(count / whole if whole else 0.0)
        meaning = phrases(f"verdict.{code}.meaning") if catalogue == "verdict" else ""
        name = phrases(f"{catalogue}.{code}")
        parts.append(Part(code, name, phrases.number(count), share, round(start, 3), round(length, 3), meaning))
        start += length
    return tuple(parts)


def _axis(summary: Summary) -> float:
    """The rate at the right end of the projection's axis."""
    return max(summary.bounce_rate_before, summary.bounce_rate_after, _LEAST_AXIS) * 1.05


def _bounces(summary: Summary, phrases: Phrases) -> tuple[BounceBar, BounceBar]:
    def bar(name: str, rate: float, bounces: float, mailed: int) -> BounceBar:
        addresses = phrases.counted("address", mailed)
        severity = "harmful" if rate > SENDERS_HARM else "harmless" if rate <= SENDERS_LIMIT else "doubtful"
        about = phrases("report.about", bounces=phrases.number(round(bounces)), addresses=addresses)
        shown = phrases.share(rate) if mailed else "–"
        return BounceBar(severity, phrases(f"report.{name}"), shown, about, round(100 * rate / _axis(summary), 3))

    return (
        bar("before", summary.bounce_rate_before, summary.risk_sum_before, summary.unique),
        bar("after", summary.bounce_rate_after, summary.risk_sum_after, summary.sendable),
    )


def _reasons(summary: Summary, phrases: Phrases) -> tuple[ReasonRow, ...]:
    counts = summary.by_reason()

    def row(reason: Reason, count: int) -> ReasonRow:
        share = phrases.share(count / summary.unique)
        length = round(100 * count / summary.unique, 3)
        return ReasonRow(verdict_of(reason), reason, phrases.number(count), share, length, phrases.reason(reason))

    grouped = sorted(counts.items(), key=lambda item: (list(Verdict).index(verdict_of(item[0])), -item[1]))
    return tuple(row(reason, count) for reason, count in grouped)


def _providers(summary: Summary, phrases: Phrases) -> tuple[ProviderRow, ...]:
    shares = summary.by_provider()
    largest = max((share.count for share in shares), default=1)
    rows = []
    for share in shares:
        name = phrases("report.others") if share.provider == OTHERS else share.provider
        parts = _parts({f"{v}": count for v, count in share.by_verdict.items()}, largest, "verdict", phrases)
        proved = phrases.share(share.proved / share.count)
        rows.append(
            ProviderRow(name, phrases.number(share.count), proved, round(100 * share.count / largest, 3), parts)
        )
    return tuple(rows)


def _warnings(summary: Summary, phrases: Phrases) -> tuple[Warned, ...]:
    warned = []
    for notice in summary.notices():
        addresses = phrases.counted("address", notice.count)
        if notice.until is not None:
            text = phrases("notice.greylisted_until", addresses=addresses, until=phrases.moment(notice.until))
            warned.append(Warned(text))
            continue
        text = phrases(f"notice.{notice.kind}", addresses=addresses)
        closed = notice.kind in (NoticeKind.EGRESS_BLOCKED, NoticeKind.EGRESS_INTERCEPTED)
        ways = ("port25.host", "port25.proxy", "port25.history") if closed else ()
        warned.append(Warned(text, tuple(phrases(way) for way in ways)))
    return tuple(warned)
