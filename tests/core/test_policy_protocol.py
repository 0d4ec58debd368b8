"""Postfix's policy protocol, as transcripts and as properties."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.policy_protocol import (
    MOST_BYTES,
    PolicyFault,
    PolicyReader,
    PolicyRequest,
    plain,
    policy_answer,
)

# As Postfix 3.7 sends it, from SMTPD_POLICY_README and a recorded session.
TRANSCRIPT = b"""\
request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
client_address=127.0.0.1
client_name=localhost
client_port=37166
reverse_client_name=localhost
server_address=127.0.0.1
server_port=25
helo_name=app.example
sender=news@shop.example
recipient=jane@there.example
recipient_count=0
queue_id=
instance=1f3.6565f3a1.2c1d8.0
size=0
etrn_domain=
stress=
sasl_method=
sasl_username=
sasl_sender=
ccert_subject=
ccert_issuer=
ccert_fingerprint=
ccert_pubkey_fingerprint=
encryption_protocol=
encryption_cipher=
encryption_keysize=0
policy_context=marketing/strict

"""
ASKED = PolicyRequest(True, "jane@there.example", "news@shop.example", "marketing/strict")


def test_a_session_of_postfix_is_read() -> None:
    """What is used of its attributes is found, and the others are passed over."""
    assert [ASKED] == PolicyReader().feed(TRANSCRIPT)
    assert ASKED.names_recipient


@given(st.lists(st.integers(0, 2 * len(TRANSCRIPT)), max_size=8))
def test_it_does_not_matter_how_the_bytes_arrive(cuts: list[int]) -> None:
    """Two requests cut anywhere are the same two requests."""
    stream, reader = TRANSCRIPT * 2, PolicyReader()
    edges = [0, *sorted(cuts), len(stream)]
    found = [r for start, end in itertools.pairwise(edges) for r in reader.feed(stream[start:end])]
    assert [ASKED, ASKED] == found
    assert not reader.pending


@pytest.mark.parametrize(
    "request_text",
    [
        "request=junk\nrecipient=jane@there.example\n\n",
        "recipient=jane@there.example\n\n",
        "\n\n",
        "no equals sign\n\n",
        "xrequest=smtpd_access_policy\n\n",
        "request=smtpd_access_policy2\n\n",
        "request=smtpd_access_policy\n" + "a=" + "b" * MOST_BYTES,
        "request=smtpd_access_policy\n" + f"a={'b' * 8000}\n" * 9 + "\n",
        "GET / HTTP/1.1\r\n\r\n\n\n",
    ],
)
def test_what_is_no_request_is_refused(request_text: str) -> None:
    """A line, an attribute, a length that cannot be: the fault says so, and never quotes."""
    with pytest.raises(PolicyFault) as fault:
        PolicyReader().feed(request_text.encode())
    assert "there.example" not in str(fault.value)


@pytest.mark.parametrize("line", ["no equals sign", "=nameless", "recipients=x@y.example", "new=" + "1" * 9000])
def test_lines_that_nobody_knows_are_passed_over(line: str) -> None:
    """As Postfix's own example server does: a newer Postfix may say more."""
    assert [ASKED] == PolicyReader().feed(line.encode() + b"\n" + TRANSCRIPT)


@pytest.mark.parametrize(
    ("state", "recipient", "asked"),
    [("RCPT", "jane@there.example", True), ("RCPT", "postmaster", False), ("DATA", "jane@there.example", False)],
)
def test_only_a_recipient_with_a_domain_is_asked_about(state: str, recipient: str, asked: bool) -> None:
    """Mail to this system's own postmaster, and other states than RCPT, are nobody's business."""
    text = f"protocol_state={state}\nrequest=smtpd_access_policy\nrecipient={recipient}\n\n"
    assert [asked] == [request.names_recipient for request in PolicyReader().feed(text.encode())]


@given(st.binary(max_size=300))
def test_bytes_of_no_kind_break_it(data: bytes) -> None:
    """Whatever comes is read, awaited or refused."""
    reader = PolicyReader()
    try:
        reader.feed(data)
    except PolicyFault:
        return
    assert reader.pending == (data != b"")


@given(st.text())
def test_an_answer_is_one_line(text: str) -> None:
    """Nothing in a text can end the answer or begin another one."""
    answer = policy_answer(text)
    assert answer.startswith(b"action=") and answer.endswith(b"\n\n") and answer.count(b"\n") == 2
    assert len(plain(text)) == len(text)
