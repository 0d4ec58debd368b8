"""Reads that many want at once, a few names each: one runs at a time, and whoever asks meanwhile shares the next."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

_Name = TypeVar("_Name", bound=Hashable)
_Value = TypeVar("_Value")
_FEW = 32
"""Who wants more names than that reads by himself: nobody else has to wait for them."""


class SharedReads(Generic[_Name, _Value]):
    """Law: a read that somebody shares begins after he asked; so nobody is told what was before his last write.

    500 checks that begin at once cost three reads instead of 500, each of which would go to a thread and back.
    """

    def __init__(self, read: Callable[[Sequence[_Name]], Awaitable[Mapping[_Name, _Value]]]) -> None:
        self._read = read
        self._is_reading = False
        self._wanted: dict[_Name, None] = {}
        self._next: asyncio.Future[Mapping[_Name, _Value]] | None = None
        self._task: asyncio.Task[None] | None = None

    async def get(self, names: Sequence[_Name]) -> Mapping[_Name, _Value]:
        """What `read` gives for these names, and raises."""
        if len(names) > _FEW:
            return await self._read(names)
        if not self._is_reading:
            self._is_reading = True
            try:
                return await self._read(names)
            finally:
                self._go_on()
        self._wanted.update(dict.fromkeys(names))
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        found = await asyncio.shield(self._next)
        return {name: found[name] for name in names if name in found}

    def _go_on(self) -> None:
        """The read has ended: those who have asked meanwhile have theirs."""
        self._is_reading = self._next is not None
        if self._next is not None:
            names, self._wanted = list(self._wanted), {}
            shared, self._next = self._next, None
            self._task = asyncio.get_running_loop().create_task(self._read_for(shared, names))

    async def _read_for(self, shared: "asyncio.Future[Mapping[_Name, _Value]]", names: Sequence[_Name]) -> None:
        try:
            shared.set_result(await self._read(names))
        except asyncio.CancelledError:
            shared.cancel()
            raise
        except Exception as fault:  # noqa: BLE001 whatever it is, it is for those who wait
            shared.set_exception(fault)
        finally:
            self._go_on()
