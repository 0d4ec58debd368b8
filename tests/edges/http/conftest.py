"""What the tests of the HTTP service share: an application for this machine alone, and one that needs keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.front_desk import KEYED, Visitor, visiting


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Visitor]:
    """A service that only this machine reaches: no key is needed."""
    async with visiting(tmp_path) as visitor:
        yield visitor
        assert visitor.faults == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitor]:
    """The same for all questions of a module that change nothing: to be asked in the module's loop."""
    async with visiting(tmp_path_factory.mktemp("shared")) as visitor:
        yield visitor
        assert visitor.faults == []


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[Visitor]:
    """A service that others reach: keys are needed."""
    async with visiting(tmp_path, KEYED) as visitor:
        yield visitor
        assert visitor.faults == []
