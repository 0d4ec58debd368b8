"""Fetcher over aiohttp: a small text over https, from an address that may be contacted, and from nowhere else.

Law: the address that is connected to is the one that was checked; redirects are not followed, certificates are checked,
and no more than LARGEST bytes are read.
"""

import ssl
from collections.abc import Callable

import aiohttp

from verifier.adapters.aiohttp_webhooks import guarded_session

LARGEST = 64 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=10.0, connect=5.0)
_OK = 200


class AiohttpFetcher:
    """`forbidden` says of an address why it must not be contacted; `trust` whose certificates hold (the system's)."""

    def __init__(
        self,
        forbidden: Callable[[str], str | None],
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._forbidden = forbidden
        self._timeout = timeout
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str) -> str | None:
        if not url.startswith("https://"):
            return None
        if self._session is None:
            self._session = guarded_session(self._forbidden, self._timeout)
        trust = self._trust if self._trust is not None else True
        try:
            async with self._session.get(url, allow_redirects=False, ssl=trust) as response:
                if response.status != _OK:
                    return None
                text = await response.content.read(LARGEST + 1)
                while len(text) <= LARGEST and (more := await response.content.read(LARGEST)):
                    text += more
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return None
        return text.decode("utf-8", "replace") if len(text) <= LARGEST else None
