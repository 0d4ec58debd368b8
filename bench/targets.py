"""Mailboxes as the engine is asked about them, with nobody who keeps what it finds."""

import asyncio
from collections.abc import Sequence

from verifier.core.facts import MailRoute
from verifier.service.probing import Probed, Target


def target(path: str, route: MailRoute) -> Target:
    """One mailbox of a list, whose domain's control is wanted; within a running loop."""
    return Target(
        key=path,
        path=path,
        domain=path.partition("@")[2],
        smtputf8=False,
        route=route,
        provider=None,
        accepts_all=None,
        control_wanted=True,
        source="bench",
        interactive=False,
        record=_nothing_is_kept,
        future=asyncio.get_running_loop().create_future(),
    )


async def _nothing_is_kept(_: Sequence[tuple[Target, Probed]]) -> None:
    pass
