"""Single flight: one running look-up a key in this process, however many wait for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_Result = TypeVar("_Result")


class Flights(Generic[_Result]):
    """Tasks by key. Who stops waiting does not stop the task, as long as it waits by `wait` or `asyncio.wait`."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[_Result]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, key: str) -> bool:
        return key in self._tasks

    def join(self, key: str, start: Callable[[], Coroutine[Any, Any, _Result]]) -> asyncio.Task[_Result]:
        """The running task of that key; where there is none, the one that `start` begins."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(start())
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))
        return task

    async def wait(self, key: str, start: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """The result of `join`ing, whatever becomes of the caller."""
        return await asyncio.shield(self.join(key, start))

    async def close(self) -> None:
        """Ends all that still run, and waits until they have."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
