"""What the whole application knows: its parts, its addresses, and what is attached to a request on its way."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct

from verifier.config import Settings, host_fqdn
from verifier.core.api_keys import ApiKey
from verifier.ports import Clock
from verifier.serving import FrontDesk


class Site(Struct, frozen=True):
    """The front desk and how the service is reached. `public_url` has no final slash."""

    desk: FrontDesk
    public_url: str
    keys_required: bool

    @property
    def settings(self) -> Settings:
        return self.desk.verifier.settings

    @property
    def clock(self) -> Clock:
        return self.desk.verifier.clock

    @property
    def is_secure(self) -> bool:
        """People reach it by https."""
        return self.public_url.startswith("https:")

    def is_our_origin(self, origin: str, host: str) -> bool:
        """`origin` (RFC 6454) is the one that the request was sent to, or the public one."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return False
        return parts.netloc.lower() in (host.lower(), urlsplit(self.public_url).netloc.lower())


_ANY_ADDRESS = ("0.0.0.0", "::")
SITE = web.AppKey("site", Site)
REQUEST_ID = web.RequestKey("request_id", str)
BEGAN = web.RequestKey("began", float)
CALLER = web.RequestKey("caller", ApiKey)
HEAD_SENT = web.RequestKey("head_sent", bool)
"""The answer has begun: nothing but its own body can be sent any more."""
BODY = web.RequestKey("body", bytes)
"""The whole body, where it has been read."""
BY_SESSION = web.RequestKey("by_session", bool)


def site_of(settings: Settings, desk: FrontDesk) -> Site:
    """Keys are needed unless this machine alone can reach the service, as far as the settings tell."""
    return Site(desk, public_url_of(settings), keys_required(settings))


def public_url_of(settings: Settings) -> str:
    """Under which others reach the service, without a final slash: as set, else where it listens."""
    host = host_fqdn() if settings.http_host in _ANY_ADDRESS else settings.http_host
    host = f"[{host}]" if ":" in host else host
    return settings.http_public_url.rstrip("/") or f"http://{host}:{settings.http_port}"


def login_link(public_url: str, token: str) -> str:
    """The link that logs somebody in, once."""
    return f"{public_url}/login?invite={token}"


def keys_required(settings: Settings) -> bool:
    """The service listens to, or is announced to, more than this machine."""
    public = urlsplit(settings.http_public_url).hostname if settings.http_public_url else None
    return not is_loopback(settings.http_host) or (public is not None and not is_loopback(public))


def host_in(field: str) -> str:
    """The name or the address in a Host field (RFC 9110 §7.2), in lower case; "" where it has none."""
    try:
        return urlsplit(f"//{field}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """A name or an address of this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
