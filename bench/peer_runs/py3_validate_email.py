"""Asks py3-validate-email about every address on stdin; one JSON object a line on stdout, as the answers come.

    python py3_validate_email.py POOL HELO SENDER < addresses

It has no concurrency of its own: POOL threads call it, one address each. `validate_email_or_fail` is called, and what
it raises read exactly as its own `validate_email` does (None for a temporary error, else False), to have the reason.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from validate_email import validate_email_or_fail
from validate_email.exceptions import EmailValidationError, SMTPTemporaryError


def ask(place: int, address: str, helo: str, sender: str) -> None:
    try:
        said = validate_email_or_fail(address, smtp_helo_host=helo, smtp_from_address=sender)
    except SMTPTemporaryError as error:
        tell(place, "unknown", error)
    except EmailValidationError as error:
        tell(place, "invalid", error)
    except Exception as error:  # noqa: BLE001 - whatever it does not document is an answer too
        tell(place, "raised", error)
    else:
        tell(place, "valid" if said else "unknown", None)


def tell(place: int, answer: str, error: Exception | None) -> None:
    """`text`: the first host's reply where there was one."""
    replies = [f"{m.code} {m.text}" for m in getattr(error, "error_messages", {}).values()]
    kind = type(error).__name__ if error else ""
    text = replies[0] if replies else str(error or "")
    line = json.dumps({"place": place, "answer": answer, "kind": kind, "text": text})
    sys.stdout.write(line + "\n")  # one write a line, so that threads do not mix them
    sys.stdout.flush()


def main() -> None:
    pool, helo, sender = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    addresses = sys.stdin.read().splitlines()
    with ThreadPoolExecutor(pool) as threads:
        for place, address in enumerate(addresses):
            threads.submit(ask, place, address, helo, sender)


main()
