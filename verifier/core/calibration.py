"""Predicted against seen: bounce risks that learn from the user's own mail.

Each risk of data/bounce_risks.toml is the mean of a Beta prior worth PRIOR_MAILS mailboxes; what was seen of mailboxes
with that reason adds to it. A provider's risk has its reason's as prior, so that few events move it little, and where
nothing was seen it is what the reason's has become. (Beta-binomial conjugacy: Gelman, Bayesian Data Analysis, §2.)
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from verifier.core.beta import beta_quantile
from verifier.core.projection import PRIOR_MAILS, Basis, Evidence, Group
from verifier.core.reasons import Reason
from verifier.core.verdict import BounceRisks

_LEAST = 1e-4
_FIXED = frozenset({Reason.INVALID_SYNTAX, Reason.NULL_MX})
"""Certain by the standards: no mail can be delivered there, whatever is told."""
_TAIL = 0.025


class Seen(Struct, frozen=True):
    """Mailboxes with a reason at a provider ("" where it is not known) that were mailed: how many, how many bounced
    hard, and the sum of the risks that were predicted for them."""

    reason: str
    provider: str
    mailboxes: int
    hard: int
    predicted: float


class Beta(Struct, frozen=True):
    """A probability that is not known exactly: `a` successes against `b`, as many as they were worth."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def updated(self, hits: int, total: int) -> "Beta":
        return Beta(self.a + hits, self.b + total - hits)

    def interval(self) -> tuple[float, float]:
        """The middle 95 %."""
        return beta_quantile(self.a, self.b, _TAIL), beta_quantile(self.a, self.b, 1 - _TAIL)


class Calibrated(Struct, frozen=True):
    """One line of the calibration: what is predicted now, from which prior, and what was seen. `provider` None is all
    of a reason; `foretold` is what the verdicts had named, on the average of those who were mailed, `seen_rate` which
    share of them bounced hard: None where nobody was mailed."""

    reason: str
    provider: str | None
    prior: float
    predicted: float
    interval_95: tuple[float, float]
    mailboxes: int
    hard: int
    foretold: float | None
    seen_rate: float | None
    seen_interval_95: tuple[float, float] | None
    basis: str


class Calibration(Struct, frozen=True):
    """Risks to judge by, and the lines that they stand on."""

    risks: BounceRisks
    lines: tuple[Calibrated, ...]
    mailboxes: int
    """How many were mailed in all."""


def calibrate(prior: BounceRisks, seen: Sequence[Seen]) -> Calibration:
    """The risks after what was seen. What is of no known reason counts for nothing."""
    known = [each for each in seen if each.reason in prior.by_reason]
    by_reason = {
        reason: _sum(reason, [e for e in known if e.reason == reason and (reason, e.provider) not in prior.by_provider])
        for reason in prior.by_reason
    }
    betas = {reason: _posterior(prior.by_reason[reason], seen) for reason, seen in by_reason.items()}
    lines = [_line(None, prior.by_reason[reason], betas[reason], by_reason[reason]) for reason in sorted(by_reason)]
    groups = {(each.reason, each.provider): each for each in known if each.provider}
    providers: dict[tuple[str, str], float] = {}
    for reason, provider in sorted({*groups, *prior.by_provider}):
        group = groups.get((reason, provider), Seen(reason, provider, 0, 0, 0.0))
        special = prior.by_provider.get((reason, provider))
        rate = special if special is not None else betas[reason].mean
        posterior = _posterior(rate, group)
        providers[reason, provider] = posterior.mean
        lines.append(_line(provider, rate, posterior, group))
    risks = BounceRisks({reason: beta.mean for reason, beta in betas.items()}, providers)
    return Calibration(risks, tuple(lines), sum(each.mailboxes for each in known))


def evidence_of(calibration: Calibration) -> Mapping[Group, Evidence]:
    """What a projection may lean on: reasons at providers ("" for none), where mail was seen."""
    seen = {(line.reason, line.provider or ""): line.mailboxes for line in calibration.lines if line.mailboxes}
    return {group: Evidence(PRIOR_MAILS + mailboxes, Basis.CALIBRATED) for group, mailboxes in seen.items()}


def _sum(reason: str, seen: Iterable[Seen]) -> Seen:
    """All of a reason, but for providers with a prior of their own: that they are special is why they have one."""
    total = Seen(reason, "", 0, 0, 0.0)
    for each in seen:
        total = Seen(
            reason, "", total.mailboxes + each.mailboxes, total.hard + each.hard, total.predicted + each.predicted
        )
    return total


def _posterior(rate: float, seen: Seen) -> Beta:
    if seen.reason in _FIXED:
        return Beta(1.0, 0.0)
    bounded = min(1 - _LEAST, max(_LEAST, rate))
    return Beta(PRIOR_MAILS * bounded, PRIOR_MAILS * (1 - bounded)).updated(seen.hard, seen.mailboxes)


def _line(provider: str | None, rate: float, beta: Beta, seen: Seen) -> Calibrated:
    mailboxes, hard = seen.mailboxes, seen.hard
    return Calibrated(
        reason=seen.reason,
        provider=provider,
        prior=rate,
        predicted=beta.mean,
        interval_95=beta.interval(),
        mailboxes=mailboxes,
        hard=hard,
        foretold=seen.predicted / mailboxes if mailboxes else None,
        seen_rate=hard / mailboxes if mailboxes else None,
        seen_interval_95=Beta(hard + 0.5, mailboxes - hard + 0.5).interval() if mailboxes else None,
        basis=Basis.CALIBRATED if mailboxes else Basis.PRIOR,
    )
