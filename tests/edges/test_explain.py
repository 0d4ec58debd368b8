"""`verifier explain`: one reply for people, many for programs, and the list of what no rule knew."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from verifier.adapters.unrecognised_log import UnrecognisedLog
from verifier.core.replies import Reply, SmtpStage
from verifier.edges.cli.root import run

Explain = Callable[..., tuple[int, str, str]]


@pytest.fixture
def explain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Explain:
    """Runs the command with these arguments and this standard input: exit code, stdout, stderr."""
    monkeypatch.setenv("VERIFIER_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(["explain", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def facts(out: str) -> dict[str, str]:
    return {line[:10].strip(): line[11:] for line in out.splitlines()}


def test_one_reply(explain: Explain) -> None:
    """Class, verdict, reason, rule, source and advice are told."""
    code, out, _ = explain("550 5.1.1 <a@b.example>: User unknown")
    told = facts(out)
    assert (
        code,
        told["class"],
        told["verdict"],
        told["rule"],
        "source" in told and "advice" in told,
    ) == (0, "mailbox_not_found", "undeliverable", "generic.user-unknown", True)


def test_host_and_stage_matter(explain: Explain) -> None:
    """--mx and --stage change what the same words mean."""
    reply = "550 5.7.1 No such user!"
    assert [
        facts(explain(reply)[1])["class"],
        facts(explain(reply, "--mx", "mx.yandex.ru")[1])["class"],
        facts(explain(reply.replace("5.7.1 No", "Zzz"), "--stage", "mail")[1])["class"],
    ] == ["policy_refused", "mailbox_not_found", "sender_refused"]


def test_a_bounce_on_stdin(explain: Explain) -> None:
    """Without an argument the text comes from standard input; its own stage is believed."""
    text = b"host mx.b.example[192.0.2.1] said: 550 5.1.1 User unknown\n (in reply to MAIL FROM command)\n"
    assert facts(explain("--stage", "rcpt", stdin=text)[1])["class"] == "sender_refused"


def test_the_reply_within_is_shown(explain: Explain) -> None:
    """People see what was taken for the reply, without addresses, and not more than a line of it."""
    text = "<a@b.example>: host mx.b.example[192.0.2.1] said: 550 <a@b.example> No (in reply to RCPT TO command)"
    assert (
        facts(explain(text)[1])["read as"],
        facts(explain("550 5.1.1 " + 100 * "User unknown ")[1])["read as"][-12:],
    ) == ("a reply to rcpt: 550 (no enhanced code) <*> No", "unknown Use…")


def test_unsure_replies_say_so(explain: Explain) -> None:
    """A person is told where the text alone does not decide, and that words which the numbers deny stay unproved."""
    assert (
        "but" in facts(explain("550 Access denied")[1]),
        "do not confirm" in facts(explain("450 User unknown")[1])["advice"],
    ) == (True, True)


def test_json_lines(explain: Explain) -> None:
    """One line in gives one line out, in order; mx and stage may be missing or empty; blank lines are passed over."""
    rows = [
        {"reply": "550 5.1.1 User unknown", "mx": "mx.b.example", "stage": "rcpt"},
        {"reply": "450 4.7.1 Greylisted", "mx": None, "stage": None},
        {"reply": "552 5.2.2 Over quota", "mx": "", "stage": "", "more": 1},
        {"reply": "250 Ok"},
        {"reply": "550 5.1.1 User unknown", "stage": "QUIT"},
        {"reply": ""},
    ]
    code, out, _ = explain("--jsonl", stdin="\n\n".join(json.dumps(row) for row in rows).encode())
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, answers) == (
        0,
        [
            {
                "class": "mailbox_not_found",
                "verdict": "undeliverable",
                "reason": "mailbox_not_found",
                "rule": "generic.user-unknown",
            },
            {"class": "greylisted", "verdict": "unknown", "reason": "greylisted", "rule": "greylisting.words"},
            {"class": "mailbox_full", "verdict": "risky", "reason": "mailbox_full", "rule": "quota.enhanced-and-words"},
            {"class": "accepted", "verdict": "deliverable", "reason": "accepted", "rule": "default.accepted"},
            {
                "class": "client_refused",
                "verdict": "unknown",
                "reason": "probe_blocked",
                "rule": "default.banner-refused",
            },
            {
                "class": "unrecognised",
                "verdict": "unknown",
                "reason": "probe_blocked",
                "rule": "default.unrecognised-permanent",
            },
        ],
    )


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[1]",
        b'{"mx": "a"}',
        b'{"reply": 5}',
        b'{"reply": "x", "stage": "lunch"}',
        b"\xff\xfe",
        b'{"reply": "x", "mx": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"reply": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=range(8),
)
def test_malformed_lines(explain: Explain, line: bytes) -> None:
    """A line that is no question ends it with 65 and its number; what was answered before stands."""
    code, out, err = explain("--jsonl", stdin=b'{"reply": "250 Ok"}\n' + line + b"\n")
    assert (code, len(out.splitlines()), "Line 2 " in err) == (65, 1, True)


def test_nothing_to_explain(explain: Explain) -> None:
    """An empty text is bad input, two questions at once are bad usage."""
    assert (explain(stdin=b" \n")[0], explain("550 x", "--jsonl")[0]) == (65, 64)


def test_unrecognised_replies_are_listed(explain: Explain, tmp_path: Path) -> None:
    """The most frequent first, masked, with the host that said it."""
    log = UnrecognisedLog(tmp_path)
    strange = (Reply(550, "5.0.0", "Zzz <a@b.example>"), SmtpStage.RCPT, "mx.b.example")
    log.add([(Reply(451, None, "Hm"), SmtpStage.DATA, None), strange])
    log.add([strange])
    code, out, _ = explain("--unrecognised")
    assert (code, out.splitlines()) == (0, ["2\trcpt\tmx.b.example\t550 5.0.0 Zzz <*>", "1\tdata\t-\t451 Hm"])


def test_no_unrecognised_replies(explain: Explain) -> None:
    """An empty list is no failure, and says so to people only."""
    code, out, err = explain("--unrecognised")
    assert (code, out, "No unrecognised" in err) == (0, "", True)
