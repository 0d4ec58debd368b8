"""`verifier forget`: everything that is known of an address is erased."""

from contextlib import aclosing

import click

from verifier.adapters.folder_lock import FolderBusy
from verifier.adapters.prober_socket import ask_prober, socket_path
from verifier.config import Settings
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import SERVE, address_or_fault, probing, read_settings, report_fault, say
from verifier.feedback_wiring import open_feedback_alone
from verifier.gate_wiring import open_gate
from verifier.list_wiring import open_lists


@click.command("forget")
@click.argument("address")
def forget_command(address: str) -> None:
    """Erase everything that is known of ADDRESS: what was seen of its mailbox, here, in journals, and in Redis.

    In lists that were handed in its cells are blanked; their other cells, and the number of rows, stay. A suppression
    survives as a hash, or the address would be mailed again."""
    run_async(_forget(read_settings(), address))
    say("Nothing is known of that address any more.")


async def _forget(settings: Settings, text: str) -> None:
    address = address_or_fault(text)
    try:
        async with (
            probing(settings, "verifier forget") as verifier,
            open_lists(verifier, report_fault=report_fault, warn=say, at_work=False),
            open_gate(verifier, report_fault=report_fault, warn=say),
            open_feedback_alone(verifier, report_fault=report_fault),
        ):
            await verifier.forgetting.forget(address)
    except FolderBusy as busy:
        if busy.holder is None or busy.holder.command != SERVE:
            raise
        request = {"op": "forget", "emails": [text]}
        async with aclosing(ask_prober(socket_path(settings.data_dir), request)) as answers:
            async for _ in answers:
                pass
