"""Debian's own Postfix, Exim, OpenSMTPD and postgrey on loopback addresses, each in a root of its own.

All of them listen on one port (the prober knows only one), each on an address in a /24 of its own, so that each is a
pacing group. Mailboxes are user0001@ … in every domain but the catch-all ones, where everybody is.
"""

import contextlib
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.debian_root import PROJECT, DebianRoot, debian_root
from tests.support.nsd import free_port

MAILBOXES = 1000
PROBER = "probe.verifier-tests.example"
_CONFIGS = Path(__file__).with_name("server_configs")
_CERTIFICATE = PROJECT / "verifier" / "world" / "certificate.pem"
_POSTGREY_SOCKET = "/run/postgrey.sock"


@dataclass(frozen=True)
class Listener:
    """One mail exchange: an address, the domains with mailboxes that it serves, and those where everybody is."""

    name: str
    address: str
    domains: tuple[str, ...]
    catch_all: tuple[str, ...] = ()

    @property
    def exchange(self) -> str:
        return f"mx.{self.name}.example"

    @property
    def every_domain(self) -> tuple[str, ...]:
        return self.domains + self.catch_all


class Loopback:
    """A port that is free on all of 127.0.0.0/8 as far as we use it, and addresses in networks of their own."""

    def __init__(self) -> None:
        self.port = free_port()
        self._second = random.Random().randrange(16, 250)
        self._third = 0

    def listener(self, name: str, domains: int = 2, catch_all: int = 1) -> Listener:
        self._third += 1
        address = f"127.{self._second}.{self._third}.1"
        with socket.socket() as probe:
            probe.bind((address, self.port))
        return Listener(
            name,
            address,
            tuple(f"{number}.{name}-people.example" for number in ("one", "two", "three", "four")[:domains]),
            tuple(f"all{number}.{name}-everybody.example" for number in range(catch_all)),
        )


def local_part(number: int) -> str:
    """The local part of a mailbox that exists in every domain, from 1 to MAILBOXES."""
    return f"user{number:04d}"


def zone(listeners: Sequence[Listener]) -> str:
    """The zone `example.` in which every domain's exchange is its listener."""
    lines = ["$ORIGIN example.", "$TTL 300", "@ SOA ns hostmaster 1 3600 600 86400 60", "@ NS ns", "ns A 127.0.0.1"]
    for listener in listeners:
        lines.append(f"{listener.exchange}. A {listener.address}")
        lines += [f"{domain}. MX 10 {listener.exchange}." for domain in listener.every_domain]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def postfix(
    port: int, services: dict[Listener, Sequence[str]], *, in_flow_delay: str = "0", greylist_seconds: int = 0
) -> Iterator[DebianRoot]:
    """One Postfix with a smtpd for each listener, which may override settings ("name=value"). `in_flow_delay` is 1s in
    a stock Postfix, which then sleeps after a hundred transactions that nobody finished; 0 is how a busy one behaves.
    With `greylist_seconds` a postgrey of that delay stands beside it; `GREYLISTED` makes a service ask it.
    """
    with debian_root("postfix") as root, contextlib.ExitStack() as stack:
        listeners = list(services)
        domains = [domain for listener in listeners for domain in listener.every_domain]
        root.write("etc/postfix/main.cf", _filled("main.cf", DOMAINS=" ".join(domains), IN_FLOW_DELAY=in_flow_delay))
        lines = [_filled("master.cf")]
        for listener, overrides in services.items():
            lines.append(f"{listener.address}:{port} inet n - n - 200 smtpd -o myhostname={listener.exchange}\n")
            lines.append(f"  -o syslog_name={listener.name}\n")
            lines += [f"  -o {{ {override} }}\n" for override in overrides]
        root.write("etc/postfix/master.cf", "".join(lines))
        root.write("etc/postfix/certificate.pem", _CERTIFICATE.read_text(encoding="ascii"))
        root.write("etc/postfix/mailboxes", _mailbox_table(listeners, "{} here\n"))
        make_spool(root)
        if greylist_seconds:
            stack.enter_context(_postgrey(port, greylist_seconds))
        root.start("/usr/lib/postfix/sbin/master", "-d", "-c", "/etc/postfix", output="var/log/stderr")
        root.wait_until_listening([(listener.address, port) for listener in listeners], "var/log/mail.log")
        yield root


def greylisted(port: int) -> str:
    """The override that makes a Postfix service ask the postgrey beside it."""
    steps = (
        "check_recipient_access static:{INFO asked}",
        "reject_unauth_destination",
        "reject_unlisted_recipient",
        f"check_policy_service inet:127.0.0.1:{port}",
    )
    return f"smtpd_recipient_restrictions = {', '.join(steps)}"


@contextlib.contextmanager
def exim(port: int, listener: Listener, *, accept_max: int = 20) -> Iterator[DebianRoot]:
    """One Exim with the stock recipient ACL; 20 connections at a time are its default."""
    with debian_root("exim4-daemon-light") as root:
        root.write(
            "etc/exim4/exim4.conf",
            _filled(
                "exim4.conf",
                DOMAINS=" : ".join(listener.every_domain),
                CATCH_ALL=" : ".join(listener.catch_all),
                ADDRESSES=listener.address,
                PORT=str(port),
                ACCEPT_MAX=str(accept_max),
                PROBER=PROBER,
            ),
        )
        root.write("etc/exim4/local_parts", "".join(f"{local_part(n)}\n" for n in range(1, MAILBOXES + 1)))
        for path in ("var/log/exim", "var/spool/exim4"):
            root.folder(path, "Debian-exim", 0o750)
        root.start("/usr/sbin/exim4", "-bdf", output="var/log/stderr")
        root.wait_until_listening([(listener.address, port)], "var/log/stderr")
        yield root


@contextlib.contextmanager
def opensmtpd(port: int, listener: Listener) -> Iterator[DebianRoot]:
    """One OpenSMTPD; its log is its standard error, with the SMTP dialogue in it."""
    with debian_root("opensmtpd") as root:
        listen = f"listen on {listener.address} port {port} hostname {listener.exchange}"
        root.write("etc/smtpd.conf", _filled("smtpd.conf", DOMAINS=", ".join(listener.every_domain), LISTEN=listen))
        root.write("etc/mailboxes", _mailbox_table([listener], "{} mail\n"))
        root.folder("var/lib/opensmtpd/empty")
        root.start("/usr/sbin/smtpd", "-d", "-T", "smtp", output="var/log/mail.log")
        root.wait_until_listening([(listener.address, port)], "var/log/mail.log")
        yield root


@contextlib.contextmanager
def _postgrey(port: int, seconds: int) -> Iterator[None]:
    """Debian's postgrey at 127.0.0.1; everybody has to wait, however often he has come back."""
    with debian_root("postgrey") as root:
        root.folder("var/lib/postgrey", "postgrey", 0o700)
        for whitelist in ("clients", "recipients"):
            root.write(f"etc/postgrey/whitelist_{whitelist}", "")
        arguments = (f"--inet=127.0.0.1:{port}", f"--delay={seconds}", "--auto-whitelist-clients=0", "--hostname=mx")
        root.start("/usr/sbin/postgrey", *arguments, output="var/log/stderr")
        root.wait_until_listening([("127.0.0.1", port)], "var/log/stderr")
        yield


def make_spool(root: DebianRoot) -> None:
    """What `postfix set-permissions` would make."""
    root.folder("var/spool/postfix")
    for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved"):
        root.folder(f"var/spool/postfix/{name}", "postfix", 0o700)
    for name in ("maildrop", "public"):
        root.folder(f"var/spool/postfix/{name}", "postfix", 0o755)
    root.folder("var/spool/postfix/pid")
    root.folder("var/lib/postfix", "postfix", 0o700)


def _mailbox_table(listeners: Sequence[Listener], line: str) -> str:
    keys = [f"{local_part(n)}@{d}" for each in listeners for d in each.domains for n in range(1, MAILBOXES + 1)]
    keys += [f"@{domain}" for each in listeners for domain in each.catch_all]
    return "".join(line.format(key) for key in keys)


def _filled(name: str, **values: str) -> str:
    text = (_CONFIGS / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
