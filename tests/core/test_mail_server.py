"""The setting that says where the relay's mail goes."""

import pytest

from verifier.core.mail_server import MailServer, Security, mail_server, parse_mail_server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("127.0.0.1:2525", MailServer("127.0.0.1", 2525)),
        ("mail.example.org", MailServer("mail.example.org", 25)),
        ("[::1]:25", MailServer("::1", 25)),
        (
            "smtp://us%40er:p%3Aw@in.example:25",
            MailServer("in.example", 25, Security.DEMANDED, "us@er", "p:w"),
        ),
        ("smtp://in.example", MailServer("in.example", 587, Security.DEMANDED)),
        ("smtps://u:p@in.example/", MailServer("in.example", 465, Security.IMPLICIT, "u", "p")),
    ],
)
def test_a_mail_server_is_read(text: str, server: MailServer) -> None:
    """Where, how, and as whom; a URL demands TLS."""
    assert server == parse_mail_server(text)
    assert text == mail_server(f" {text} ")


@pytest.mark.parametrize("text", ["http://x", "smtp://", "smtp://u:sesame@x:99999", "a b:25", "x:0", "smtp://x/path"])
def test_what_is_no_mail_server_is_refused(text: str) -> None:
    """With what it could be, and without the password."""
    with pytest.raises(ValueError, match="must be host:port") as fault:
        mail_server(text)
    assert "sesame" not in str(fault.value)


def test_nothing_is_off() -> None:
    """No relay."""
    assert "" == mail_server("  ")
