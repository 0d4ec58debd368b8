"""Debian's Postfix and Exim as senders that ask the gate, and what they did by their own logs."""

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.debian_root import PROJECT, DebianRoot, debian_root
from tests.support.nsd import free_port
from tests.support.real_servers import make_spool

SHOP = "news@shop.example"
ADDRESS = "127.0.0.2"
"""Of the sender: a port that is free here may be the gate's at 127.0.0.1."""
_CONFIGS = Path(__file__).with_name("server_configs")
_CERTIFICATE = PROJECT / "verifier" / "world" / "certificate.pem"
_SENT = re.compile(r"to=<([^>]*)>,.* status=(\w+)")
_DELIVERED = re.compile(r" => \S+ <([^>]+)>")
_SWAKS_RCPT = re.compile(r" -> RCPT TO:<([^>]*)>.*\n(?:<-|<~|<\*\*)\s*(.*)")


@dataclass
class Sender:
    """A mail server that is running: where it listens, and the root that it lives in."""

    root: DebianRoot
    port: int
    log: str
    program: str = "/usr/sbin/sendmail"

    def text(self) -> str:
        """Its log so far."""
        return self.root.text(self.log)

    def outcomes(self) -> list[tuple[str, str]]:
        """Recipient and status of every delivery that Postfix wrote down."""
        return _SENT.findall(self.text())

    def delivered(self) -> list[str]:
        """Recipients of every delivery that Exim wrote down."""
        return _DELIVERED.findall(self.text())

    def sendmail(self, recipients: Sequence[str], body: str = "Subject: hello\n\nhello\n") -> None:
        """Mail as cron and PHP send it."""
        subprocess.run(
            ["/usr/sbin/chroot", str(self.root.path), self.program, "-f", SHOP, "--", *recipients],
            input=body.encode(),
            check=True,
            timeout=30,
        )

    def flush(self) -> None:
        """Try everything that is queued now."""
        subprocess.run(["/usr/sbin/chroot", str(self.root.path), "/usr/sbin/postqueue", "-f"], check=True, timeout=30)


@contextlib.contextmanager
def sending_postfix(recipe: str, port: int = 0, *, chrooted: bool = False) -> Iterator[Sender]:
    """A Postfix that relays for this machine, with these lines at the end of its main.cf; mail goes nowhere."""
    chroot = "y" if chrooted else "n"
    port = port or free_port()
    with debian_root("postfix") as root:
        root.write("etc/postfix/main.cf", _filled("gate_main.cf", RECIPE=recipe))
        root.write("etc/postfix/master.cf", _filled("gate_master.cf", ADDRESS=ADDRESS, PORT=str(port), CHROOT=chroot))
        root.write("etc/postfix/certificate.pem", _CERTIFICATE.read_text(encoding="ascii"))
        root.write("etc/services", "smtp 25/tcp mail\n")
        make_spool(root)
        root.start("/usr/lib/postfix/sbin/master", "-d", "-c", "/etc/postfix", output="var/log/stderr")
        root.wait_until_listening([(ADDRESS, port)], "var/log/mail.log")
        yield Sender(root, port, "var/log/mail.log")


@contextlib.contextmanager
def sending_exim(recipe: str, router: str = "") -> Iterator[Sender]:
    """An Exim that relays for this machine, with this recipe in its recipients' ACL, and perhaps this router; mail goes
    nowhere.
    """
    port = free_port()
    with debian_root("exim4-daemon-light") as root:
        root.write(
            "etc/exim4/exim4.conf",
            _filled("gate_exim.conf", ADDRESS=ADDRESS, PORT=str(port), RECIPE=recipe, ROUTER=router),
        )
        for path in ("var/log/exim", "var/spool/exim4"):
            root.folder(path, "Debian-exim", 0o750)
        root.start("/usr/sbin/exim4", "-bdf", "-q1m", output="var/log/stderr")
        root.wait_until_listening([(ADDRESS, port)], "var/log/stderr")
        yield Sender(root, port, "var/log/exim/mainlog", "/usr/sbin/exim4")


def swaks(port: int, *recipients: str) -> dict[str, str]:
    """One message by swaks: what was answered to each recipient, and to the whole under `DATA` where it came so far."""
    command = ["swaks", "--server", ADDRESS, "--port", str(port), "--from", SHOP, "--to", ",".join(recipients)]
    done = subprocess.run([*command, "--timeout", "20"], capture_output=True, text=True, timeout=120)
    answers = swaks_said(done.stdout)
    assert len(set(recipients) - set(answers)) == 0, done.stdout + done.stderr
    return answers


def swaks_said(text: str) -> dict[str, str]:
    """What swaks tells of one message: the answer to each recipient, and to the whole under `DATA`."""
    answers = dict(_SWAKS_RCPT.findall(text))
    after = text.split("\n -> .\n", 1)
    if len(after) == 2:
        answers["DATA"] = after[1].splitlines()[0].split(None, 1)[1]
    return answers


def _filled(name: str, **values: str) -> str:
    text = (_CONFIGS / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
