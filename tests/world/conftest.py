"""One running world a module, on free ports, small and quick."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from verifier.world import RunningWorld, World


@pytest.fixture(scope="session")
def world() -> World:
    return World(7, hosts=3, grey_delay=0.8, slowness=0.02, hang=0.2)


@pytest_asyncio.fixture
async def running(world: World) -> AsyncIterator[RunningWorld]:
    async with world.serve() as running:
        yield running


def found(world: World, domain: str, exists: bool) -> Iterator[str]:
    """Addresses at a domain whose mailboxes are in use and well, or that nobody has."""
    wanted = "accepted" if exists else "mailbox_not_found"
    return (
        address for number in range(10_000) if world.truth(address := f"user{number}@{domain}").reasons[0] == wanted
    )
