"""Settings: the command's own over the environment over verifier.toml over defaults; frozen once read.

`SETTINGS` is the one table of what can be set: the reader, `verifier config` and the documentation's test go by it.
"""

import difflib
import os
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
from msgspec import Struct

from verifier.adapters.tomllib_settings import read_toml
from verifier.core.faults import ConfigError
from verifier.core.mail_server import mail_server
from verifier.core.setting_values import (
    IpAddress,
    Nameserver,
    Network,
    address,
    base_url,
    domain,
    duration,
    duration_text,
    growing_durations,
    host_name,
    listed,
    listener,
    masked_url,
    nameserver,
    network,
    plain,
    port,
    reverse_path,
    size,
    size_text,
    truth,
    url,
    whole_number,
)

FILE_NAME = "verifier.toml"
PREFIX = "VERIFIER_"
_SECRET_LENGTH = 16


class Origin(StrEnum):
    """Where a value came from, the weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND = "command line"


class Setting(Struct, frozen=True):
    """One row of the table: its name in `Settings`, how its text is read, its default as text, and what it means."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    @property
    def toml_key(self) -> tuple[str, ...]:
        """Where it stands in verifier.toml: `("smtp", "helo")` is `helo = …` under `[smtp]`."""
        section, _, key = self.name.partition("_")
        return (section, key) if section in _SECTIONS else (self.name,)


class Settings(Struct, frozen=True):
    """Every setting, read and checked. `origins` has one entry a setting; `warnings` are sentences for the operator.

    Empty text, or an empty tuple, stands for the meaning that the table gives to the default.
    """

    data_dir: Path
    secret_key: str
    dns_nameservers: tuple[Nameserver, ...]
    dns_canaries: tuple[str, ...]
    smtp_enabled: bool
    smtp_port: int
    smtp_helo: str
    smtp_mail_from: str
    smtp_allow_networks: tuple[Network, ...]
    smtp_source_addresses: tuple[IpAddress, ...]
    smtp_proxy: str
    smtp_sessions_per_group: int
    smtp_greylist_delays: tuple[timedelta, ...]
    smtp_probe_outlook_consumer: bool
    redis_url: str
    redis_prefix: str
    database_url: str
    http_host: str
    http_port: int
    http_public_url: str
    lists_retention: timedelta
    lists_max_upload: int
    policy_listen: str
    line_listen: str
    relay_listen: str
    relay_upstream: str
    relay_certificate: str
    gate_enforce: bool
    origins: Mapping[str, Origin]
    file: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def helo(self) -> str:
        """The name to greet mail servers with: as set, else this host's own."""
        return self.smtp_helo or host_fqdn()

    @property
    def mail_from(self) -> str:
        """The reverse path of probes: as set, else `probe@` the HELO name."""
        return self.smtp_mail_from or f"probe@{self.helo}"


def load_settings(
    environ: Mapping[str, str], toml_path: Path | None, overrides: Mapping[str, str] | None = None
) -> Settings:
    """Settings from `overrides` (field name to text) over `environ` over the file over the defaults.

    An empty variable counts as not set. Raises ConfigError with one sentence for whatever is unknown in the file or
    malformed anywhere; an unknown VERIFIER_ variable is only warned of, as it may belong to somebody else.
    """
    texts: dict[str, str] = {}
    origins = {setting.name: Origin.DEFAULT for setting in SETTINGS}
    sources = {setting.name: "" for setting in SETTINGS}
    for name, text in (_read_file(toml_path) if toml_path is not None else {}).items():
        texts[name], origins[name] = text, Origin.FILE
        sources[name] = f"{'.'.join(_BY_NAME[name].toml_key)} in {toml_path}"
    for setting in SETTINGS:
        text = environ.get(setting.variable, "")
        if text.strip():
            texts[setting.name], origins[setting.name] = text, Origin.ENVIRONMENT
            sources[setting.name] = setting.variable
    for name, text in (overrides or {}).items():
        texts[name], origins[name] = text, Origin.COMMAND
        sources[name] = name
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        try:
            values[setting.name] = setting.read(texts.get(setting.name, setting.default))
        except ValueError as error:
            raise ConfigError(f"{sources[setting.name]} {error}.") from None
    warnings = _unknown_variables(environ)
    if 0 < len(values["secret_key"]) < _SECRET_LENGTH:
        warnings += (
            f"VERIFIER_SECRET_KEY has fewer than {_SECRET_LENGTH} characters: `openssl rand -hex 32` makes one.",
        )
    if urlsplit(values["http_public_url"]).path.strip("/"):
        warnings += (
            "VERIFIER_HTTP_PUBLIC_URL has a path. A proxy that takes it off can serve programs under it, but not the"
            " pages for people, nor the links to log in: give the service a name of its own.",
        )
    return Settings(**values, origins=origins, file=toml_path, warnings=warnings)


def find_settings_file(folder: Path) -> Path | None:
    """verifier.toml in `folder`, else in the platform's configuration folder, else none.

    A folder that this user may not enter, such as root's where `sudo -u` was said, has none for him.
    """
    for place in (folder, Path(platformdirs.user_config_dir("verifier", appauthor=False))):
        if os.access(place / FILE_NAME, os.F_OK) and (place / FILE_NAME).is_file():
            return place / FILE_NAME
    return None


def require_shared_secret(settings: Settings) -> None:
    """Raises ConfigError where several machines share a store and the key was left to each of them to make."""
    shared = "VERIFIER_REDIS_URL" if settings.redis_url else "VERIFIER_DATABASE_URL"
    if not settings.secret_key and (settings.redis_url or settings.database_url.startswith("postgres")):
        raise ConfigError(
            f"VERIFIER_SECRET_KEY must be set where {shared} is, to the same text on every machine, "
            "or each would hash the shared addresses in its own way."
        )


def shown_value(settings: Settings, name: str) -> str:
    """The effective value as the operator would write it, secrets masked."""
    setting, value = _BY_NAME[name], getattr(settings, name)
    if setting.secret and "url" not in name and name not in ("smtp_proxy", "relay_upstream"):
        return "•••" if value else "(made once, in the data folder)"
    match name:
        case "smtp_helo":
            value = settings.helo
        case "smtp_mail_from":
            value = settings.mail_from
        case "lists_max_upload":
            return size_text(value)
    text = masked_url(_written(value))
    return text or f"({setting.default or _EMPTY.get(name, 'empty')})"


@lru_cache(maxsize=1)
def host_fqdn() -> str:
    """This host's fully qualified name; a host name with a dot is taken at its word, without asking DNS."""
    name = socket.gethostname()
    return (name if "." in name else socket.getfqdn(name)).rstrip(".").lower()


def _written(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case timedelta():
            return duration_text(value)
        case tuple():
            return ",".join(_written(part) for part in value)
        case _:
            return str(value)


def _folder(text: str) -> Path:
    default = platformdirs.user_data_dir("verifier", appauthor=False)
    try:
        return Path(text.strip() or default).expanduser().absolute()
    except RuntimeError:
        raise ValueError(f"must be a folder; no home is known for {text.strip()!r}") from None


SETTINGS = (
    Setting("data_dir", _folder, "", "SQLite files, uploads, journals"),
    Setting("secret_key", plain, "", "keyed hashes, cookies and tokens are made with it", secret=True),
    Setting("dns_nameservers", listed(nameserver), "", "name servers to ask, host[:port] separated by commas"),
    Setting("dns_canaries", listed(domain), "", "domains that must resolve before a DNS “no” is believed"),
    Setting("smtp_enabled", truth, "true", "false: stop after MX, the rest is unknown / not_probed"),
    Setting("smtp_port", port, "25", "port of mail servers; other values for tests and the demo world"),
    Setting("smtp_helo", host_name, "", "name that mail servers are greeted with; must be real"),
    Setting("smtp_mail_from", reverse_path, "", "sender of probes; must be real and deliverable"),
    Setting("smtp_allow_networks", listed(network), "", "networks that may be probed although not public"),
    Setting("smtp_source_addresses", listed(address), "", "own addresses to connect from"),
    Setting("smtp_proxy", url("socks5", "http"), "", "egress through socks5:// or http://", secret=True),
    Setting("smtp_sessions_per_group", whole_number(1, 100), "2", "sessions to one mail operator at a time"),
    Setting("smtp_greylist_delays", growing_durations, "310s,15m,1h,4h", "when greylisted rows are asked again"),
    Setting("smtp_probe_outlook_consumer", truth, "false", "ask Microsoft's consumer servers too"),
    Setting("redis_url", url("redis", "rediss", "unix"), "", "shared domain results and pacing", secret=True),
    Setting("redis_prefix", plain, "verifier:", "beginning of every key in Redis"),
    Setting(
        "database_url",
        url("sqlite", "postgresql", "postgres"),
        "",
        "lists, jobs and suppressions",
        secret=True,
    ),
    Setting("http_host", plain, "127.0.0.1", "address that the HTTP service listens on"),
    Setting("http_port", port, "8080", "port that the HTTP service listens on"),
    Setting("http_public_url", base_url, "", "URL under which others reach the HTTP service"),
    Setting("lists_retention", duration, "30d", "how long lists and results are kept"),
    Setting("lists_max_upload", size, "1GB", "largest list that is accepted"),
    Setting("policy_listen", listener, "", "Postfix policy service, host:port or unix:/path"),
    Setting("line_listen", listener, "", "one-shot line service, host:port or unix:/path"),
    Setting("relay_listen", listener, "", "SMTP relay, host:port or unix:/path"),
    Setting("relay_upstream", mail_server, "", "mail server behind the relay, host:port or smtp(s)://", secret=True),
    Setting("relay_certificate", plain, "", "PEM file with certificate, chain and key, for the relay's STARTTLS"),
    Setting("gate_enforce", truth, "false", "false: these listeners let everything pass, decide and log"),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}
_SECTIONS = {"dns", "smtp", "redis", "database", "http", "lists", "policy", "line", "relay", "gate"}
_EMPTY = {
    "dns_nameservers": "the system's",
    "dns_canaries": "domains of the provider table",
    "redis_url": "in-process",
    "database_url": "SQLite file in the data folder",
    "policy_listen": "off",
    "line_listen": "off",
    "relay_listen": "off",
    "relay_upstream": "off",
    "relay_certificate": "no STARTTLS",
}


def _read_file(path: Path) -> dict[str, str]:
    """Texts by setting name. Raises ConfigError where the file cannot be read or holds a key that is not a setting."""
    by_key = {setting.toml_key: setting.name for setting in SETTINGS}
    texts = {}
    for key, text in read_toml(path):
        if key not in by_key:
            known = [".".join(known_key) for known_key in by_key]
            raise ConfigError(f"{path}: {'.'.join(key)} is not a setting{_did_you_mean('.'.join(key), known)}")
        texts[by_key[key]] = text
    return texts


def _unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    known = {setting.variable for setting in SETTINGS}
    return tuple(
        f"{name} is not a setting and has no effect{_did_you_mean(name, list(known))}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    )


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else "; `verifier config` lists all there are."
