"""Web origins (RFC 6454): which pages may use a publishable key."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse_origin(text: str) -> str:
    """The origin as browsers write it: scheme, host and, where it is not the usual one, port.

    Raises ValueError with a sentence for whoever typed it.
    """
    wrong = f"{text[:100]!r} is no origin: it is written https://shop.example.com, with a port where there is one."
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    whole = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in _DEFAULT_PORTS or not whole or not _HOST.fullmatch(host) or parts.netloc.endswith(":"):
        raise ValueError(wrong)
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else "")
