"""Facts and findings for tests, at times given in seconds after the fake clock's start."""

from datetime import datetime, timedelta

from tests.support.clock import START
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.replies import ReplyClass, SmtpStage


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def route(status: RouteStatus = RouteStatus.FOUND, seen: float = 0, lasts: float = 3600) -> MailRoute:
    hosts = (MailHost("mx1.shop.example", 10, ("192.0.2.1", "2001:db8::1")),) if status is RouteStatus.FOUND else ()
    return MailRoute(status, hosts, observed_at=at(seen), expires_at=at(seen + lasts), detail=status.value)


def control(value: bool | None, seen: float = 0, lasts: float = 7 * 86400) -> AcceptsAll:
    return AcceptsAll(value, observed_at=at(seen), expires_at=at(seen + lasts))


def facts(domain: str, route: MailRoute | None = None, accepts_all: AcceptsAll | None = None) -> DomainFacts:
    return DomainFacts(domain, route, accepts_all)


def replied(reply_class: ReplyClass, seen: float = 0, code: int = 250, text: str = "Ok") -> Finding:
    return Finding(
        observed_at=at(seen),
        reply_class=reply_class,
        stage=SmtpStage.RCPT,
        code=code,
        enhanced="2.1.5",
        text=text,
        rule="generic.rule",
        mx_host="mx1.shop.example",
    )


def hindered(obstacle: Obstacle, seen: float = 0, retry: float | None = None) -> Finding:
    return Finding(observed_at=at(seen), obstacle=obstacle, retry_after=None if retry is None else at(retry))
