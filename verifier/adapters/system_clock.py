"""The machine's clock and its source of chance: the one place where either is touched."""

import asyncio
import os
import random
import string
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCAL_TIME = "/etc/localtime"
_ALPHABET = (string.ascii_lowercase + string.digits).encode()
_FAIR = 256 - 256 % len(_ALPHABET)
_LETTER_OF = bytes(_ALPHABET[number % len(_ALPHABET)] for number in range(256))
_UNUSED = bytes(range(_FAIR, 256))
"""Bytes that would make some letters likelier than others."""


def local_zone() -> tzinfo:
    """This machine's zone with its summer time; where its rules are not to be had, the offset that holds now."""
    named = os.environ.get("TZ", "").removeprefix(":")
    try:
        if named and not named.startswith("/"):
            return ZoneInfo(named)
        with Path(named or _LOCAL_TIME).open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return datetime.now(UTC).astimezone().tzinfo or UTC


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
