"""`verifier serve` with the gate's listeners, as mail servers and their programs meet it."""

import re
import smtplib
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.command import Command, Running
from tests.support.debian_root import PROJECT
from tests.support.gate_listeners import policy_request
from tests.support.nsd import free_port
from tests.support.sink import SinkThread

FINE, DEAD, GREY = "accepted@verifier.test", "mailbox_not_found@verifier.test", "greylisted@verifier.test"
BODY = "Subject: hello\r\n\r\nhello\r\n"


def ask(place: Path | tuple[str, int], data: bytes) -> bytes:
    """Everything that is answered to this."""
    family = socket.AF_UNIX if isinstance(place, Path) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(20)
        client.connect(str(place) if isinstance(place, Path) else place)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer


@contextmanager
def serving(command: Command, **settings: str) -> Iterator[Running]:
    with command.start("serve", **{"VERIFIER_HTTP_PORT": str(free_port()), **settings}) as service:
        service.wait_until_said("Listening at")
        yield service


def test_it_observes_then_enforces_by_one_setting(offline: Command) -> None:
    """Postfix's requests and one line are answered by what is known; what passes is logged, its address masked."""
    policy, line = free_port(), offline.folder / "line"
    places = {"VERIFIER_POLICY_LISTEN": f"127.0.0.1:{policy}", "VERIFIER_LINE_LISTEN": f"unix:{line}"}
    requests = policy_request(FINE) + policy_request(DEAD) + policy_request(GREY, "marketing")
    with serving(offline, **places) as service:
        service.wait_until_said("They observe")
        assert "others than this machine" not in service.said()
        assert b"action=DUNNO\n\n" * 3 == ask(("127.0.0.1", policy), requests)
        assert b"ALLOW undeliverable\n" == ask(line, f"CHECK {DEAD}\n".encode())
        service.wait_until_said('"passed":"observing"')
        assert DEAD not in service.said() and "m***@verifier.test" in service.said()
    with serving(offline, **places, VERIFIER_GATE_ENFORCE="true"):
        refused, held = b"550 5.1.1 gate: undeliverable", b"DEFER_IF_PERMIT 4.7.1 gate: unknown_probe, try again later"
        expected = b"action=DUNNO\n\naction=" + refused + b"\n\naction=" + held + b"\n\n"
        assert expected == ask(("127.0.0.1", policy), requests)
        assert b"BLOCK undeliverable\n" == ask(line, f"CHECK {DEAD}\n".encode())
        assert b"HOLD unknown_probe\n" == ask(line, f"CHECK {GREY} marketing\n".encode())


def test_mail_is_relayed_for_who_has_a_key(offline: Command) -> None:
    """Where others reach it: STARTTLS, a key with the scope gate, and the gate's own refusals."""
    tokens = {name: offline.run("keys", "create", name, "--scope", name).out.strip() for name in ("gate", "verify")}
    relay = free_port()
    with SinkThread() as sink:
        settings = {
            "VERIFIER_RELAY_LISTEN": f"0.0.0.0:{relay}",
            "VERIFIER_RELAY_UPSTREAM": f"127.0.0.1:{sink.port}",
            "VERIFIER_RELAY_CERTIFICATE": str(PROJECT / "verifier" / "world" / "certificate.pem"),
            "VERIFIER_GATE_ENFORCE": "true",
        }
        with (
            serving(offline, **settings),
            smtplib.SMTP("127.0.0.1", relay, "app.example", timeout=30) as client,
        ):
            with pytest.raises(smtplib.SMTPSenderRefused):
                client.sendmail("news@shop.example", [FINE], BODY)
            client.starttls(context=trusting())
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("triggered", tokens["verify"])
            client.login("marketing", tokens["gate"])
            refused = client.sendmail("news@shop.example", [FINE, DEAD, GREY], BODY)
        assert {DEAD: 550, GREY: 450} == {email: code for email, (code, _) in refused.items()}
        assert [[FINE]] == [recipients for recipients, _ in sink.sink.messages]


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"VERIFIER_RELAY_LISTEN": "127.0.0.1:2525"}, 64, "VERIFIER_RELAY_UPSTREAM must say"),
        (
            {"VERIFIER_RELAY_LISTEN": "127.0.0.1:2525", "VERIFIER_RELAY_UPSTREAM": "127.0.0.1:2525"},
            64,
            "round in circles",
        ),
        (
            {"VERIFIER_RELAY_LISTEN": "0.0.0.0:2525", "VERIFIER_RELAY_UPSTREAM": "127.0.0.1:25"},
            64,
            "VERIFIER_RELAY_CERTIFICATE must name",
        ),
        (
            {"VERIFIER_RELAY_LISTEN": "127.0.0.1.example.org:2525", "VERIFIER_RELAY_UPSTREAM": "127.0.0.1:25"},
            64,
            "VERIFIER_RELAY_CERTIFICATE must name",
        ),
        ({"VERIFIER_RELAY_UPSTREAM": "http://u:secret@x"}, 64, "must be host:port, smtp://"),
        ({"VERIFIER_POLICY_LISTEN": "unix:/nowhere/at/all"}, 69, "VERIFIER_POLICY_LISTEN chooses another place"),
    ],
)
def test_a_listener_that_cannot_be_is_said(offline: Command, settings: dict[str, str], code: int, said: str) -> None:
    """With the setting, what it should be, and no password."""
    finished = offline.run("serve", VERIFIER_HTTP_PORT=str(free_port()), **settings)
    assert (code, True, False) == (finished.code, said in finished.err, "secret" in finished.err), finished.err


def trusting() -> ssl.SSLContext:
    """Takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("said", [2, 3, 4, 5])
def test_a_service_that_is_killed_delivers_no_half_message(offline: Command, said: int) -> None:
    """kill -9 after MAIL, RCPT, DATA and half a message: nothing was taken; the next service takes the whole, once."""
    steps = [
        b"EHLO app\r\n",
        b"MAIL FROM:<news@shop.example>\r\n",
        f"RCPT TO:<{FINE}>\r\n".encode(),
        b"DATA\r\n",
        b"Subject: half\r\n\r\nhel",
    ]
    relay = free_port()
    with SinkThread() as sink:
        settings = {
            "VERIFIER_RELAY_LISTEN": f"127.0.0.1:{relay}",
            "VERIFIER_RELAY_UPSTREAM": f"127.0.0.1:{sink.port}",
        }
        with (
            serving(offline, **settings) as service,
            socket.create_connection(("127.0.0.1", relay), 20) as client,
            client.makefile("rb") as answers,
        ):
            answers.readline()
            for step in steps[:said]:
                client.sendall(step)
                while step[:4].isupper() and answers.readline()[3:4] == b"-":
                    pass
            service.kill()
            with suppress(ConnectionResetError):
                assert b"" == answers.read()
        assert [] == sink.sink.messages
        with serving(offline, **settings), smtplib.SMTP("127.0.0.1", relay, "app.example", timeout=30) as client:
            assert {} == client.sendmail("news@shop.example", [FINE], BODY)
        assert [[FINE]] == [recipients for recipients, _ in sink.sink.messages]


def test_a_click_on_what_the_relay_wrote_ends_the_mail(offline: Command) -> None:
    """The link of a message that went through, opened as a mail provider does; the next mail of that sender is refused,
    another sender's is not.
    """
    token = offline.run("keys", "create", "crm", "--scope", "gate").out.strip()
    relay, http = free_port(), free_port()
    with SinkThread() as sink:
        settings = {
            "VERIFIER_RELAY_LISTEN": f"127.0.0.1:{relay}",
            "VERIFIER_RELAY_UPSTREAM": f"127.0.0.1:{sink.port}",
            "VERIFIER_HTTP_PUBLIC_URL": "https://gate.example",
            "VERIFIER_HTTP_PORT": str(http),
            "VERIFIER_GATE_ENFORCE": "true",
        }

        def refused(sender: str) -> dict[str, tuple[int, bytes]]:
            with smtplib.SMTP("127.0.0.1", relay, "app.example", timeout=30) as client:
                client.login(f"marketing/one-click/sender={sender}", token)
                try:
                    return client.sendmail("news@shop.example", [FINE], BODY)
                except smtplib.SMTPRecipientsRefused as all_of_them:
                    return all_of_them.recipients

        with serving(offline, **settings):
            assert {} == refused("shop")
            (link,) = re.findall(
                rb"List-Unsubscribe: <https://gate\.example(/unsubscribe/[\w-]+)>", sink.sink.messages[0][1]
            )
            click = urllib.request.Request(
                f"http://127.0.0.1:{http}{link.decode()}", b"List-Unsubscribe=One-Click", method="POST"
            )
            with urllib.request.urlopen(click, timeout=30) as answer:
                assert 200 == answer.status
            assert {FINE: (550, b"5.7.1 gate: unsubscribed")} == refused("shop")
            assert {} == refused("other")
