"""An address erased everywhere, or as far as can be."""

from pathlib import Path

import pytest

from tests.support.facts import replied
from verifier.config import load_settings
from verifier.core.address import Address, parse_address
from verifier.core.faults import ServiceUnavailable
from verifier.core.replies import ReplyClass
from verifier.wiring import open_verifier


def _unexpected(told: object) -> None:
    raise AssertionError(told)


async def test_a_place_that_cannot_erase_keeps_no_other_from_it(tmp_path: Path) -> None:
    """What could not be done is said, once everything else is gone: one damaged file must not keep all the rest."""
    settings = load_settings({}, None, {"data_dir": str(tmp_path), "dns_nameservers": "127.0.0.1:1"})
    address, reached = parse_address("jane@shop.example"), []
    assert isinstance(address, Address)

    async def refuses(_: Address, __: str) -> None:
        raise ServiceUnavailable("The first place is away.")

    async def erases(_: Address, key: str) -> None:
        reached.append(key)

    async with open_verifier(settings, warn=_unexpected, report_fault=_unexpected) as verifier:
        key = verifier.verification.judging.key_of(address)
        await verifier.store.remember_mailboxes([(key, replied(ReplyClass.ACCEPTED))])
        assert list(await verifier.store.mailboxes([key])) == [key]
        verifier.forgetting.reach(refuses)
        verifier.forgetting.reach(erases)
        with pytest.raises(ServiceUnavailable, match="The first place is away"):
            await verifier.forgetting.forget(address)
        assert reached == [key]
        assert list(await verifier.store.mailboxes([key])) == []
