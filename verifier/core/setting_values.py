"""Reads the values of settings and options: durations, sizes, truths, networks, name servers, listeners, URLs.

Every reader takes the operator's text and raises ValueError with the half sentence that completes "NAME …": what is
wrong and what would be right.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

Network = IPv4Network | IPv6Network
IpAddress = IPv4Address | IPv6Address
T = TypeVar("T")

_DURATION = re.compile(r"(?:\d+(?:ms|[smhdw]))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.ASCII | re.IGNORECASE)
_EXPONENT = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?", re.ASCII | re.IGNORECASE)
_LONGEST = timedelta(days=36500)


class Nameserver(Struct, frozen=True):
    """A name server to ask: an IP address or a host name, and its port."""

    host: str
    port: int = 53

    def __str__(self) -> str:
        if self.port == 53:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def duration(text: str) -> timedelta:
    """`310s`, `15m`, `1h30m`, `30d`, `500ms`; `0` needs no unit."""
    compact = text.strip().lower().replace(" ", "")
    if compact == "0":
        return timedelta(0)
    if not _DURATION.fullmatch(compact):
        raise ValueError(f"must be a duration such as 310s, 15m, 1h or 30d, not {text!r}")
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(compact))
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"must be at most 100 years, not {text!r}")
    return timedelta(seconds=seconds)


def size(text: str) -> int:
    """Bytes: `500MB`, `1GB` (powers of 1000), `1GiB` (powers of 1024), or a bare number."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"must be a size such as 500MB or 1GB, not {text!r}")
    number, unit, binary = match.groups()
    total = int(float(number) * (1024 if binary else 1000) ** _EXPONENT[unit.upper()])
    if total < 1:
        raise ValueError(f"must be at least one byte, not {text!r}")
    return total


def truth(text: str) -> bool:
    """`true` or `false`, and the usual spellings of them."""
    value = _TRUTHS.get(text.strip().lower())
    if value is None:
        raise ValueError(f"must be true or false, not {text!r}")
    return value


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A reader of whole numbers from `lowest` to `highest`."""

    def read(text: str) -> int:
        stripped = text.strip()
        if not (stripped.isascii() and stripped.isdigit()) or not lowest <= int(stripped[:20]) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}, not {text!r}")
        return int(stripped)

    return read


port = whole_number(1, 65535)


def listed(read: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """A reader of values separated by commas; empty text is the empty list."""
    return lambda text: tuple(read(part.strip()) for part in text.split(",") if part.strip())


def network(text: str) -> Network:
    """A CIDR; a bare address is the network of that one address."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"must be networks such as 127.0.0.0/8 or fd00::/8, not {text!r}") from None


def address(text: str) -> IpAddress:
    """An IPv4 or IPv6 address."""
    try:
        return ip_address(text.strip())
    except ValueError:
        raise ValueError(f"must be IP addresses, not {text!r}") from None


def nameserver(text: str) -> Nameserver:
    """`host[:port]`, an IPv6 address with a port in brackets: `[2001:db8::53]:5353`."""
    try:
        return Nameserver(str(ip_address(text.strip().strip("[]"))))
    except ValueError:
        host, given_port = host_and_port(text)
        return Nameserver(host, given_port if given_port is not None else 53)


def domain(text: str) -> str:
    """A host name as ASCII, lower case, without the last dot."""
    name = text.strip().rstrip(".").lower()
    if "." not in name or not _HOST.fullmatch(name):
        raise ValueError(f"must be domain names such as example.org, not {text!r}")
    return name


def listener(text: str) -> str:
    """`host:port` or `unix:/path`, returned as it is; empty is off."""
    stripped = text.strip()
    if not stripped:
        return ""
    if stripped.startswith("unix:"):
        if not stripped.removeprefix("unix:").startswith("/"):
            raise ValueError(f"must be host:port or unix:/path, not {text!r}")
        return stripped
    try:
        given_port = host_and_port(stripped)[1]
    except ValueError:
        given_port = None
    if given_port is None:
        raise ValueError(f"must be host:port or unix:/path, not {text!r}")
    return stripped


def url(*schemes: str) -> Callable[[str], str]:
    """A reader of URLs of these schemes that name a host (a socket's or a file's path for those that have none)."""
    examples = " or ".join(f"{scheme}://" for scheme in schemes)

    def read(text: str) -> str:
        stripped = text.strip()
        if not stripped:
            return ""
        try:
            parts = urlsplit(stripped)
            named = bool(parts.hostname or parts.path.strip("/"))
            parts.port  # noqa: B018 - raises where the port is no number
        except ValueError:
            named = False
        if not named or parts.scheme not in schemes:
            raise ValueError(f"must be a URL that begins with {examples}, not {masked_url(stripped)!r}")
        return stripped

    return read


def base_url(text: str) -> str:
    """An http:// or https:// URL that paths can be put behind: nothing is asked for in it, and nobody is named."""
    read = url("http", "https")(text)
    parts = urlsplit(read)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a URL that others can be made from, such as https://verifier.example.org")
    return read


def masked_url(text: str) -> str:
    """The URL with its passwords hidden."""
    return re.sub(r"(?<=[?&]password=)[^&]*", "•••", re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:•••@", text))


def duration_text(value: timedelta) -> str:
    """The shortest text that `duration` reads back as `value`."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        step = int(_SECONDS[unit]) * 1000
        if milliseconds and milliseconds % step == 0:
            return f"{milliseconds // step}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0"


def size_text(value: int) -> str:
    """The shortest text that `size` reads back as `value`."""
    for unit in ("T", "G", "M", "K"):
        step = 1000 ** _EXPONENT[unit]
        if value % step == 0:
            return f"{value // step}{unit}B"
    return str(value)


def host_and_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[IPv6]:port`; None where no port is given. Raises ValueError with a half sentence."""
    stripped = text.strip()
    if stripped.startswith("["):
        inner, _, rest = stripped[1:].partition("]")
        host, given_port = str(address(inner)), rest.removeprefix(":") if rest.startswith(":") else None
    else:
        host, colon, tail = stripped.partition(":")
        given_port = tail if colon else None
        if not _HOST.fullmatch(host):
            raise ValueError(f"must be host or host:port, not {text!r}")
    return host, None if given_port is None else port(given_port)


def plain(text: str) -> str:
    """Text without control characters."""
    stripped = text.strip()
    if not stripped.isprintable():
        raise ValueError("must be plain text without control characters")
    return stripped


def host_name(text: str) -> str:
    """A name to greet mail servers with, in lower case, without the last dot."""
    name = plain(text).rstrip(".").lower()
    if any(character in name for character in " @/<>"):
        raise ValueError(f"must be a host name such as mail.example.org, not {text!r}")
    return name


def reverse_path(text: str) -> str:
    """An address for MAIL FROM, with or without its angle brackets (RFC 5321 §4.1.1.2)."""
    path = plain(text).removeprefix("<").removesuffix(">")
    local, _, host = path.rpartition("@")
    if (text.strip() and not (local and host)) or " " in path:
        raise ValueError(f"must be an address such as probe@example.org, not {text!r}")
    return path


def growing_durations(text: str) -> tuple[timedelta, ...]:
    """Durations with commas between, none shorter than the one before it."""
    delays = listed(duration)(text)
    if not delays or list(delays) != sorted(delays) or not delays[0]:
        raise ValueError(f"must be growing durations such as 310s,15m,1h,4h, not {text!r}")
    return delays
