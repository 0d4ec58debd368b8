"""The machine's clock and its source of chance: the one place where either is touched."""

import asyncio
import random
import secrets
import string
import time
from datetime import UTC, datetime

_ALPHABET = string.ascii_lowercase + string.digits


class SystemClock:
    """The real time; `random` is for jitter and shuffling, `token` for what nobody may guess."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def random(self) -> float:
        return random.random()

    def token(self, length: int) -> str:
        number, letters = secrets.randbelow(len(_ALPHABET) ** length), []
        for _ in range(length):
            number, letter = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[letter])
        return "".join(letters)
