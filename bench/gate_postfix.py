"""10,000 mails through Debian's Postfix, which asks `verifier serve` by the README's line: none lost, none misdirected.

Of the recipients, each somebody else, a tenth has bounced for good (blocked) and a twentieth is at a throw-away domain
(held, the mail being triggered). What became of each is read from Postfix's own log. Needs root, for Postfix.

    python -m bench.gate_postfix [--mails 10000] [--without]
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.command import ROOT
from tests.support.gate_servers import ADDRESS, SHOP, Sender, sending_postfix
from tests.support.nsd import free_port
from tests.support.recipes import recipe
from verifier.edges.gatekeeping import Passed

CLIENTS = 8
MESSAGES_A_CONNECTION = 100
_PATIENCE = 120.0
_EXPECTED = {"fine": 250, "blocked": 550, "held": 450}


def people(count: int) -> dict[str, str]:
    """Each recipient, and what has to become of his mail."""
    kinds = ["blocked"] * (count // 10) + ["held"] * (count // 20)
    kinds += ["fine"] * (count - len(kinds))
    random.Random(5).shuffle(kinds)
    domains = {"fine": "there.example", "blocked": "bounced.example", "held": "mailinator.com"}
    return {f"user{number:06d}@{domains[kind]}": kind for number, kind in enumerate(kinds)}


@contextmanager
def gate(folder: Path, policy_port: int, blocked: Sequence[str]) -> Iterator[None]:
    """The service, which knows who has bounced."""
    http = free_port()
    settings = {
        "PYTHONPATH": str(ROOT),
        "VERIFIER_DATA_DIR": str(folder / "data"),
        "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1",
        "VERIFIER_SMTP_ENABLED": "false",
        "VERIFIER_HTTP_PORT": str(http),
        "VERIFIER_POLICY_LISTEN": f"127.0.0.1:{policy_port}",
        "VERIFIER_GATE_ENFORCE": "true",
    }
    with (folder / "serve.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "verifier", "serve"], cwd=ROOT, env=os.environ | settings, stderr=log
        )
    try:
        body = json.dumps({"emails": list(blocked), "kind": "hard_bounce", "source": "bench"}).encode()
        url, deadline = f"http://127.0.0.1:{http}/v1/suppressions", time.monotonic() + 60
        while True:
            try:
                request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    print(f"suppressed: {json.load(answer)['added']:,}")
                break
            except urllib.error.URLError:
                assert child.poll() is None and time.monotonic() < deadline, (folder / "serve.log").read_text()
                time.sleep(0.1)
        yield
    finally:
        child.terminate()
        child.wait()


class Client:
    """Sends one mail after the other; what each recipient was answered is in `answers`."""

    def __init__(self, port: int, recipients: Sequence[str]) -> None:
        self._port = port
        self._waiting = list(reversed(recipients))
        self.answers: dict[str, int] = {}
        self.accepted: set[str] = set()

    async def send(self) -> None:
        while self._waiting:
            reader, writer = await asyncio.open_connection(ADDRESS, self._port)
            await self._code(reader)
            await self._say(reader, writer, "EHLO bench.example")
            for _ in range(MESSAGES_A_CONNECTION):
                if not self._waiting:
                    break
                await self._mail(reader, writer, self._waiting.pop())
            writer.write(b"QUIT\r\n")
            writer.close()

    async def _mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipient: str) -> None:
        assert await self._say(reader, writer, f"MAIL FROM:<{SHOP}>") == 250
        code = self.answers[recipient] = await self._say(reader, writer, f"RCPT TO:<{recipient}>")
        if code != 250:
            await self._say(reader, writer, "RSET")
            return
        assert await self._say(reader, writer, "DATA") == 354
        if await self._say(reader, writer, "Subject: hello\r\n\r\nhello\r\n.") == 250:
            self.accepted.add(recipient)

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> int:
        writer.write(line.encode() + b"\r\n")
        return await self._code(reader)

    @staticmethod
    async def _code(reader: asyncio.StreamReader) -> int:
        while (line := await reader.readline())[3:4] == b"-":
            pass
        return int(line[:3])


def delivered(sender: Sender, count: int) -> Counter[str]:
    """How often each recipient got mail, when so many deliveries are in the log."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        sent = [email for email, status in sender.outcomes() if status == "sent"]
        if len(sent) >= count or time.monotonic() > deadline:
            return Counter(sent)
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--without", action="store_true", help="the same without the gate's line, for comparison")
    arguments = parser.parse_args()
    who = people(arguments.mails)
    port = free_port()
    line = "" if arguments.without else recipe("README.md", "ini", "default_action=DUNNO", {10045: port})
    blocked = [email for email, kind in who.items() if kind == "blocked"]
    with tempfile.TemporaryDirectory() as folder, sending_postfix(line) as sender, gate(Path(folder), port, blocked):
        client = Client(sender.port, list(who))
        begun = time.monotonic()

        async def send() -> None:
            await asyncio.gather(*(client.send() for _ in range(CLIENTS)))

        asyncio.run(send())
        seconds = time.monotonic() - begun
        sent = delivered(sender, len(client.accepted))
        log = Path(folder, "serve.log").read_text()
        faults, late = log.count('"level":"error"'), log.count(f'"passed":"{Passed.UNAVAILABLE}"')
    kinds = {kind: Counter(client.answers[email] for email, k in who.items() if k == kind) for kind in _EXPECTED}
    for kind, codes in kinds.items():
        print(f"{kind:8} {sum(codes.values()):6,}  answered {dict(codes)}")
    lost = client.accepted - set(sent)
    doubled = [email for email, count in sent.items() if count > 1]
    wrongly = Counter(who[email] for email in sent if who[email] != "fine")
    print(
        f"accepted {len(client.accepted):,}, delivered {sum(sent.values()):,}; {len(who) / seconds:,.0f} mails a second"
    )
    to_whom = f"to a blocked one {wrongly['blocked']}, to a held one {wrongly['held']}"
    print(f"lost {len(lost)}, doubled {len(doubled)}, {to_whom}")
    if arguments.without:
        return
    print(f"faults of the gate {faults}; decisions that missed their deadline, so that mail passed: {late}")
    assert not lost and not doubled and not wrongly["blocked"] and not faults and wrongly["held"] <= late
    for kind, codes in kinds.items():
        assert codes[_EXPECTED[kind]] >= sum(codes.values()) - (late if kind == "held" else 0)


if __name__ == "__main__":
    main()
