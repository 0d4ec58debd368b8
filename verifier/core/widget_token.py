"""Tokens of the sign-up widget: a browser carries a decision to the form's server, and can neither read nor make one.

    1.<expiry in seconds since 1970>.<HMAC-SHA-256, 64 hex digits>

Law: a token holds for one mailbox, one policy and one decision, until it expires; whoever has no key can neither make
one nor tell which decision it holds. The decision is not written in it: `decision_of` tries all there are.
"""

import hmac
import re
from datetime import datetime, timedelta
from hashlib import sha256

from verifier.core.signup import Decision, SignupPolicy

HOLDS = timedelta(minutes=10)
_VERSION = "1"
_TOKEN = re.compile(r"1\.([1-9][0-9]{0,11})\.([0-9a-f]{64})", re.ASCII)


def make_widget_token(key: bytes, mailbox: str, policy: SignupPolicy, decision: Decision, expires_at: datetime) -> str:
    """`key` is the sub-key "widget", `mailbox` the keyed hash of the address."""
    expiry = str(int(expires_at.timestamp()))
    return f"{_VERSION}.{expiry}.{_tag(key, mailbox, policy, decision, expiry)}"


def decision_of(key: bytes, token: str, mailbox: str, policy: SignupPolicy, now: datetime) -> Decision | None:
    """What was decided of this mailbox under this policy; None where the token does not say so, or has expired.

    Takes the same time whatever the token holds.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or int(match[1]) <= now.timestamp():
        return None
    found = None
    for decision in Decision:
        if hmac.compare_digest(_tag(key, mailbox, policy, decision, match[1]), match[2]):
            found = decision
    return found


def _tag(key: bytes, mailbox: str, policy: SignupPolicy, decision: Decision, expiry: str) -> str:
    said = "\n".join((_VERSION, mailbox, policy, decision, expiry))
    return hmac.new(key, said.encode(), sha256).hexdigest()
