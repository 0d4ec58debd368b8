"""The machine's clock and its source of chance: the one place where either is touched."""

import asyncio
import os
import random
import string
import time
from datetime import UTC, datetime

_ALPHABET = (string.ascii_lowercase + string.digits).encode()
_FAIR = 256 - 256 % len(_ALPHABET)
_LETTER_OF = bytes(_ALPHABET[number % len(_ALPHABET)] for number in range(256))
_UNUSED = bytes(range(_FAIR, 256))
"""Bytes that would make some letters likelier than others."""


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
        letters = b""
        while len(letters) < length:
            letters += os.urandom(2 * length).translate(_LETTER_OF, _UNUSED)
        return letters[:length].decode()
