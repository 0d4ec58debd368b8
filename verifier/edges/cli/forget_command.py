"""`verifier forget`: everything that is known of an address is erased."""

import click

from verifier.adapters.sqlite_journal import forget_in_journals
from verifier.config import Settings
from verifier.core.address import SyntaxFault, parse_address
from verifier.core.faults import InputError
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import probing, read_settings, say
from verifier.list_wiring import open_lists


@click.command("forget")
@click.argument("address")
def forget_command(address: str) -> None:
    """Erase everything that is known of ADDRESS: what was seen of its mailbox, here, in journals, and in Redis.

    In lists that were handed in its cells are blanked; their other cells, and the number of rows, stay."""
    run_async(_forget(read_settings(), address))
    say("Nothing is known of that address any more.")


async def _forget(settings: Settings, text: str) -> None:
    address = parse_address(text)
    if isinstance(address, SyntaxFault):
        raise InputError(f"That is not an address: {address.sentence}")
    async with probing(settings, "verifier forget") as verifier:
        key = verifier.verification.judging.key_of(address)
        await forget_in_journals(verifier.journals, key)
        async with open_lists(verifier, report_fault=_raise, warn=say, at_work=False) as service:
            await service.lists.forget(address, key)
        await verifier.store.forget(key)
        await verifier.harvest.forget(address.domain, key)


def _raise(fault: BaseException) -> None:
    raise fault
