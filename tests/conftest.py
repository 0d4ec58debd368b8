"""What all tests share: the order in which two workers take their modules."""

from pathlib import Path

import pytest

_LONG = ("servers", "roads")
"""Folders whose modules take seconds and more, most of it waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules come first, so that at the end no worker waits for one that the other has just begun."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in _LONG)
