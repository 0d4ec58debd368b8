"""A week of Postfix's log, gzipped day by day, into `verifier feedback import`, twice: how long, and counted once?

python bench/feedback_logs.py [--megabytes 100]
"""

import argparse
import gzip
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)
DAYS = 7
WANTED_SECONDS = 60.0


def mail(chance: random.Random, number: int, at: datetime) -> tuple[str, int]:
    """The lines of one mail, and how many of them are events of one recipient each."""
    when, queue = at.strftime("%b %e %H:%M:%S"), f"4{number:010X}z"
    person, host = f"person{chance.randrange(200_000)}", chance.randrange(5000)
    to = f"to=<{person}@d{host}.example>, relay=mx.d{host}.example[8.8.{host % 250}.{host // 250}]:25"
    head = f"{when} mail postfix"
    tail = "delay=1.2, delays=0.05/0.01/0.6/0.54"
    lines = [
        f"{head}/smtpd[811]: connect from app.shop.example[192.0.2.9]",
        f"{head}/smtpd[811]: {queue}: client=app.shop.example[192.0.2.9]",
        f"{head}/cleanup[815]: {queue}: message-id=<{number}.{person}@shop.example>",
        f"{head}/qmgr[702]: {queue}: from=<news@shop.example>, size=41234, nrcpt=1 (queue active)",
        f"{head}/smtpd[811]: disconnect from app.shop.example[192.0.2.9] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
    ]
    fate = chance.random()
    if fate < 0.02:
        said = f"host mx.d{host}.example said: 550 5.1.1 <{person}@d{host}.example>: User unknown"
        lines.append(
            f"{head}/smtp[900]: {queue}: {to}, {tail}, dsn=5.1.1, status=bounced ({said} (in reply to RCPT TO command))"
        )
    elif fate < 0.05:
        lines.append(f"{head}/smtp[900]: {queue}: {to}, {tail}, dsn=4.7.1, status=deferred (451 4.7.1 Greylisted)")
    else:
        lines.append(
            f"{head}/smtp[900]: {queue}: {to}, {tail}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {queue})"
        )
    lines.append(f"{head}/qmgr[702]: {queue}: removed")
    return "\n".join(lines) + "\n", 1


def write_week(folder: Path, megabytes: float) -> tuple[list[Path], int, int]:
    """The files, their bytes unpacked, and the events in them."""
    chance, number, total, events = random.Random(4), 0, 0, 0
    start = datetime.now(UTC) - timedelta(days=DAYS + 1)
    paths = []
    for day in range(DAYS):
        path = folder / f"mail.log.{DAYS - day}.gz"
        size = 0
        with gzip.open(path, "wt", compresslevel=3) as log:
            while size < megabytes * 1e6 / DAYS:
                number += 1
                lines, more = mail(chance, number, start + timedelta(days=day, seconds=number % 80_000))
                log.write(lines)
                size += len(lines)
                events += more
        os.utime(path, (day + 1, day + 1))
        paths.append(path)
        total += size
    return paths, total, events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=100.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths, size, events = write_week(Path(name), arguments.megabytes)
        print(f"{size / 1e6:.0f} MB in {len(paths)} files, {events:,} events")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": name,
            "VERIFIER_DATA_DIR": f"{name}/data",
            "VERIFIER_SMTP_ENABLED": "false",
            "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1",
        }
        for _ in range(2):
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "verifier", "feedback", "import", *map(str, paths)]
            done = subprocess.run(command, env=environment, cwd=name, capture_output=True, text=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{time.monotonic() - began:.1f} s (wanted {WANTED_SECONDS:.0f}), {used:.1f} s of processor time,"
                f" at most {after.ru_maxrss / 1024:.0f} MB: {done.stdout.strip()}"
            )


if __name__ == "__main__":
    main()
