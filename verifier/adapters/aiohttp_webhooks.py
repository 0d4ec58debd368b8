"""WebhookPoster over aiohttp: one POST to whoever a customer named, and to nothing that is forbidden.

Law: the address that is connected to is the one that was checked, at every attempt and for every address of the name,
written as a number or not; redirects are not followed, no proxy of the environment is used, and of the answer nothing
is read but its head.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from errno import EPERM
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from verifier.core.webhooks import Posted
from verifier.ports import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=20.0, connect=10.0)
_CONNECTIONS = 16
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_LONGEST_LINE = 4096
_MOST_HEADERS = 64
_LOOK_UP_SECONDS = 5.0
_AGENT = "verifier-webhooks"


class ForbiddenAddress(OSError):
    """The name leads to an address that is not to be contacted."""


class AiohttpWebhooks:
    """`forbidden` says of an address why it must not be contacted, None where it may be (core/guard.py)."""

    def __init__(
        self, forbidden: Callable[[str], str | None], clock: Clock, timeout: aiohttp.ClientTimeout = _TIMEOUT
    ) -> None:
        self._forbidden = forbidden
        self._clock = clock
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def refusal(self, url: str) -> str | None:
        """Why its host must not be contacted, or is none, as far as name servers say now; every attempt looks again."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            return "its host has no address" if error.errno in _NO_SUCH_NAME else None
        except UnicodeError:
            return "its host is no name"
        except (TimeoutError, OSError):
            return None
        reasons = (self._forbidden(str(address[0])) for *_, address in found)
        reason = next((reason for reason in reasons if reason is not None), None)
        return None if reason is None else f"its host leads to an address that is not contacted ({reason})"

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """What became of one attempt."""
        try:
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as response:
                return Posted(response.status, retry_after=self._seconds(response.headers.get("Retry-After")))
        except TimeoutError:
            return Posted(failure="no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Posted(failure=str(error) or type(error).__name__)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = guarded_session(self._forbidden, self._timeout)
        return self._session

    def _seconds(self, text: str | None) -> float | None:
        """Retry-After as seconds from now (RFC 9110 §10.2.3); None for what is neither a number nor a date."""
        if text is None:
            return None
        if text.strip().isascii() and text.strip().isdigit():
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self._clock.now()).total_seconds())


def guarded_session(forbidden: Callable[[str], str | None], timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    """A session that makes a socket only where the address may be contacted, whatever the name leads to."""

    def checked(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        reason = forbidden(str(address[0]))
        if reason is not None:
            raise ForbiddenAddress(EPERM, f"the address is not to be contacted: {reason}")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS,
        force_close=True,
        resolver=aiohttp.ThreadedResolver(),  # the system's, whatever else is installed
        use_dns_cache=False,
        socket_factory=checked,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers={"User-Agent": _AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        max_headers=_MOST_HEADERS,
        auto_decompress=False,
    )
