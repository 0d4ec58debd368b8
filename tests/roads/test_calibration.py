"""The world's own bounces, fed back: the risks approach its true rates. More is proved by real mail alone."""

from collections import Counter
from pathlib import Path

from tests.roads.worlds import quick_world
from verifier.config import load_settings
from verifier.core.address import Address, parse_address
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.reasons import Reason
from verifier.feedback_wiring import open_feedback_alone
from verifier.service.asking import Asking
from verifier.wiring import open_verifier
from verifier.world import World
from verifier.world.host_kinds import HOST_KINDS
from verifier.world.truth import Mailbox

ROWS = 2500
ENOUGH = 40
UNKNOWN_RATE = 0.3
"""Thrice what a list has, so that the world's rates are not the priors."""
SLOW = ("exchange", "gmail", "blackhole")
"""Kinds of hosts that are asked a few mailboxes a second, or never answer: nobody of them is mailed."""


def fate(world: World, address: Address) -> Mailbox | None:
    """What becomes of a mail to the address, sooner or later; None where no host would take it, or a slow one."""
    site = world.site(address.domain)
    if site is None or site.kind is None or site.kind in SLOW:
        return None
    return world.mailbox(HOST_KINDS[site.kind], address.local, address.domain)


def told(address: Address, state: Mailbox, number: int, at: object) -> MailEvent:
    """What a sender tells of it."""
    event = {
        Mailbox.UNKNOWN: (EventKind.BOUNCED, BounceClass.HARD),
        Mailbox.DISABLED: (EventKind.BOUNCED, BounceClass.HARD),
        Mailbox.FULL: (EventKind.BOUNCED, BounceClass.SOFT),
        Mailbox.RESTRICTED: (EventKind.BOUNCED, BounceClass.BLOCK),
        Mailbox.EXISTS: (EventKind.DELIVERED, None),
    }[state]
    return MailEvent("world", str(number), event[0], address.mailbox, at, event[1])  # type: ignore[arg-type]


async def test_risks_approach_the_true_rates_of_the_world(tmp_path: Path) -> None:
    """Half of a list is mailed. Of the other half the calibrated risks foretell the bounces better than the priors, by
    reason and on the whole, and where enough was seen they are near the truth; verdicts use them at once, and so does
    the next process.
    """
    world = quick_world(11, unknown_rate=UNKNOWN_RATE)
    async with world.serve() as running:
        settings = load_settings(running.environment | {"VERIFIER_DATA_DIR": str(tmp_path)}, None)
        faults: list[BaseException] = []
        async with (
            open_verifier(settings, warn=lambda _: None, report_fault=faults.append) as verifier,
            open_feedback_alone(verifier, report_fault=faults.append) as service,
        ):
            addresses = {
                a.comparison: a for row in world.rows(ROWS) if isinstance(a := parse_address(row.email), Address)
            }
            mailed = [(a, state) for a in addresses.values() if (state := fate(world, a)) is not None]
            raws = [address.raw for address, _ in mailed]
            before = await verifier.verification.assess(raws, Asking())
            now = verifier.clock.now()
            events = [told(a, state, n, now) for n, (a, state) in enumerate(mailed) if n % 2 == 0]
            await service.feedback.accept(events)
            calibration = await service.calibrating.calibrate()
            assert calibration.mailboxes > 0.4 * len(events)
            after = calibration.risks
            judged = await verifier.verification.assess(raws, Asking())
            assert faults == []
        async with open_verifier(settings, warn=lambda _: None, report_fault=faults.append) as again:
            assert again.reference.risks.by_reason == dict(after.by_reason)

    seen, bounced, predicted, prior = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for number, ((_, state), assessment) in enumerate(zip(mailed, before, strict=True)):
        if number % 2 and state in (Mailbox.EXISTS, Mailbox.UNKNOWN, Mailbox.DISABLED):
            reason = assessment.reason.value
            seen[reason] += 1
            bounced[reason] += state is not Mailbox.EXISTS
            prior[reason] += assessment.bounce_risk  # type: ignore[assignment]
            predicted[reason] += after.risk(assessment.reason, assessment.provider)  # type: ignore[assignment]
    known = [reason for reason in seen if seen[reason] >= ENOUGH]
    assert {Reason.ACCEPTED.value, Reason.CATCH_ALL.value, Reason.MAILBOX_NOT_FOUND.value} <= set(known)
    missed = {r: abs(predicted[r] - bounced[r]) / seen[r] for r in known}
    missed_by_prior = {r: abs(prior[r] - bounced[r]) / seen[r] for r in known}
    assert sum(missed[r] * seen[r] for r in known) < 0.6 * sum(missed_by_prior[r] * seen[r] for r in known)
    assert all(missed[r] < max(0.08, missed_by_prior[r]) for r in known), missed
    catch_all = next(each for each in judged if each.reason is Reason.CATCH_ALL)
    assert catch_all.bounce_risk == after.risk(Reason.CATCH_ALL, catch_all.provider)
