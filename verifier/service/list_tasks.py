"""At most one task for each list, which can be ended before the list is taken away."""

import asyncio
from collections.abc import Callable, Coroutine


class ListTasks:
    """`in` says whether a list has one at work; a task that has ended is forgotten."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, list_id: str) -> bool:
        return list_id in self._tasks

    def begin(self, list_id: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Begins the work; nothing where the list has a task already."""
        if list_id not in self._tasks:
            task = self._tasks[list_id] = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._tasks.pop(list_id, None))

    async def end(self, list_id: str) -> None:
        """Cancels the list's task, and returns once it has ended."""
        task = self._tasks.get(list_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Ends all of them."""
        for list_id in list(self._tasks):
            await self.end(list_id)
