"""All the real servers at once, and cleaning a list with them as with a town's mail hosts."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.command import Command, Finished, rows_of
from tests.support.debian_root import DebianRoot
from tests.support.nsd import nsd
from tests.support.real_servers import (
    PROBER,
    Listener,
    Loopback,
    exim,
    greylisted,
    local_part,
    opensmtpd,
    postfix,
    zone,
)
from tests.support.server_logs import Reader, Seen, read_exim, read_opensmtpd, read_postfix

GREYLIST_SECONDS = 3
SESSIONS = 2
MANY = 1000
SOME = 300
FEW = 100
EVERYBODY = 10
"""Rows at each catch-all domain."""


@dataclass(frozen=True)
class Row:
    """One address, and what a list has to say of it."""

    email: str
    verdict: str
    reason: str


@dataclass
class Station:
    """A listener with the log that tells of it."""

    listener: Listener
    root: DebianRoot
    log: str
    read: Reader
    offset: int = 0

    def pass_over(self) -> None:
        """What has been said so far is not of interest."""
        self.offset = len(self.root.text(self.log))

    def seen(self) -> Seen:
        """What the log says since."""
        return self.read(self.root.text(self.log)[self.offset :])


@dataclass
class Town:
    """The servers by name, and the settings under which the command finds them."""

    stations: dict[str, Station]
    environment: dict[str, str]

    def rows(self, name: str, size: int, unknown: float) -> list[Row]:
        """Addresses at one server, of which a share is unknown there, and some at its catch-all domains."""
        listener = self.stations[name].listener
        gone = set(random.Random(f"{name} {unknown}").sample(range(1, size + 1), round(size * unknown)))
        rows = [
            Row(f"gone{n:04d}@{domain}", "undeliverable", "mailbox_not_found")
            if n in gone
            else Row(f"{local_part(n)}@{domain}", "deliverable", "accepted")
            for n in range(1, size + 1)
            for domain in (listener.domains[n % len(listener.domains)],)
        ]
        for domain in listener.catch_all:
            rows += [Row(f"anybody{n}@{domain}", "risky", "catch_all") for n in range(EVERYBODY)]
        return rows


class Visit:
    """What came of cleaning one list: what the command said, its file, and what each server wrote down."""

    def __init__(self, town: Town, folder: Path, rows: list[Row], *arguments: str) -> None:
        for station in town.stations.values():
            station.pass_over()
        self.rows = rows
        self._town = town
        command = Command(folder, town.environment)
        source = command.write("list.csv", "email\n" + "".join(f"{row.email}\n" for row in rows))
        self.finished: Finished = command.run("clean", source, "-o", "cleaned.csv", *arguments)
        cleaned = folder / "cleaned.csv"
        self.cleaned = rows_of(cleaned.read_text(encoding="utf-8")) if cleaned.exists() else []
        self.seen = {name: station.seen() for name, station in town.stations.items()}

    def domains(self, name: str) -> tuple[str, ...]:
        """Everything that one server serves."""
        return self._town.stations[name].listener.every_domain

    @property
    def wrong(self) -> list[tuple[str, str, str, str]]:
        """Rows whose verdict is not the true one: address, verdict, reason, what the server said."""
        return [
            (row.email, found["ev_verdict"], found["ev_reason"], found["ev_smtp"])
            for row, found in zip(self.rows, self.cleaned, strict=True)
            if (row.verdict, row.reason) != (found["ev_verdict"], found["ev_reason"])
        ]


@contextlib.contextmanager
def open_town(folder: Path) -> Iterator[Town]:
    """Postfix five times over (plain, terse, behind TLS, greylisting), Exim and OpenSMTPD, and a name server."""
    loopback = Loopback()
    port = loopback.port
    plain, terse, tls, grey = (loopback.listener(name) for name in ("postfix", "terse", "tls", "grey"))
    at_exim, at_opensmtpd = loopback.listener("exim"), loopback.listener("opensmtpd")
    services = {
        plain: (),
        terse: ("show_user_unknown_table_name = no",),
        tls: ("smtpd_tls_security_level = encrypt",),
        grey: (greylisted(port),),
    }
    with (
        postfix(port, services, greylist_seconds=GREYLIST_SECONDS) as with_postfix,
        exim(port, at_exim) as with_exim,
        opensmtpd(port, at_opensmtpd) as with_opensmtpd,
        nsd(folder, {"example": zone((*services, at_exim, at_opensmtpd))}) as dns_port,
    ):
        stations = {
            each.name: Station(each, with_postfix, "var/log/mail.log", partial(read_postfix, name=each.name))
            for each in services
        }
        stations["exim"] = Station(at_exim, with_exim, "var/log/exim/mainlog", read_exim)
        stations["opensmtpd"] = Station(at_opensmtpd, with_opensmtpd, "var/log/mail.log", read_opensmtpd)
        yield Town(
            stations,
            {
                "VERIFIER_DNS_NAMESERVERS": f"127.0.0.1:{dns_port}",
                "VERIFIER_DNS_CANARIES": ",".join(station.listener.domains[0] for station in stations.values()),
                "VERIFIER_SMTP_PORT": str(port),
                "VERIFIER_SMTP_ALLOW_NETWORKS": "127.0.0.0/8",
                "VERIFIER_SMTP_HELO": PROBER,
                "VERIFIER_SMTP_MAIL_FROM": f"probe@{PROBER}",
                "VERIFIER_SMTP_SESSIONS_PER_GROUP": str(SESSIONS),
                "VERIFIER_SMTP_GREYLIST_DELAYS": f"{GREYLIST_SECONDS + 1}s",
            },
        )
