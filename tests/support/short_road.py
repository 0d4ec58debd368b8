"""Which requests the short road answered."""

from typing import Any

import pytest


def answered_shortly(monkeypatch: pytest.MonkeyPatch, owner: type[Any], method: str) -> list[bool]:
    """For each call of `method`, which answers on the short road, whether it gave an answer; grows with the calls."""
    answered: list[bool] = []
    answer = getattr(owner, method)

    async def counted(self: Any, *given: Any) -> bytes | None:
        content: bytes | None = await answer(self, *given)
        answered.append(content is not None)
        return content

    monkeypatch.setattr(owner, method, counted)
    return answered
