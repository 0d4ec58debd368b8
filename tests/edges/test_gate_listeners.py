"""The policy service, socketmap and the one-shot line, over sockets, around a scripted gate."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.gate_listeners import Post, policy_request, say
from verifier.core.faults import ServiceUnavailable
from verifier.core.gate_words import MessageClass
from verifier.edges import listening as listening_module
from verifier.edges.gatekeeping import Passed
from verifier.edges.listening import Crowd, is_local
from verifier.edges.postfix.connection import PostfixConnection

BLOCKED, HELD, FINE = "block.hard_bounce@x.example", "hold.unknown@x.example", "jane@x.example"
REFUSED = b"action=550 5.1.1 gate: hard_bounce\n\n"
PUT_OFF = b"action=DEFER_IF_PERMIT 4.7.1 gate: unknown, try again later\n\n"
DUNNO = b"action=DUNNO\n\n"


async def ask(post: Post, *requests: bytes) -> bytes:
    async with post.policy() as port:
        return await say(port, b"".join(requests))


@pytest.mark.parametrize("seconds", [None, 0.0])
async def test_each_decision_is_answered_in_order_on_one_connection(seconds: float | None) -> None:
    """Many requests a connection, each answered once, in the order in which they came; at once or not."""
    post, people = Post(), [FINE, BLOCKED, HELD] * 100
    post.gate.seconds = seconds
    answers = await ask(post, *map(policy_request, people))
    assert (DUNNO + REFUSED + PUT_OFF) * 100 == answers
    assert people == [question.email for question in post.gate.questions]


async def test_who_has_to_wait_is_not_overtaken() -> None:
    """What could be answered at once waits behind what cannot."""
    post = Post()
    post.gate.slow = {BLOCKED}
    assert DUNNO + REFUSED + PUT_OFF + DUNNO == await ask(post, *map(policy_request, (FINE, BLOCKED, HELD, FINE)))
    assert [FINE, BLOCKED, HELD, FINE] == [question.email for question in post.gate.questions]


async def test_it_observes_until_it_is_switched() -> None:
    """Everything passes; what would have been refused is noted, and the gate knows that it was only observed."""
    post = Post(enforce=False)
    assert DUNNO * 3 == await ask(post, *map(policy_request, (FINE, BLOCKED, HELD)))
    assert [("hard_bounce", Passed.OBSERVING), ("unknown", Passed.OBSERVING)] == [
        (note.rule, note.passed) for note in post.notes
    ]
    assert {(True, "postfix")} == {(question.observed, question.surface) for question in post.gate.questions}


async def test_the_context_says_class_policy_and_sender() -> None:
    """Without a class it is triggered."""
    post = Post()
    await ask(post, policy_request(FINE), policy_request(FINE, "marketing/strict/sender=shop"))
    assert [(MessageClass.TRIGGERED, None, None), (MessageClass.MARKETING, "strict", "shop")] == [
        (question.message_class, question.policy, question.sender) for question in post.gate.questions
    ]


@pytest.mark.parametrize(
    ("context", "answer"),
    [("", DUNNO), ("transactional", DUNNO), ("marketing", b"DEFER"), ("triggered/fail-closed", b"DEFER")],
)
@pytest.mark.parametrize("seconds", [None, 0.0])
async def test_a_fault_of_ours_lets_mail_pass_or_wait(context: str, answer: bytes, seconds: float | None) -> None:
    """As the context has it; it is reported, and never a refusal for good."""
    post = Post()
    post.gate.seconds = seconds
    post.gate.fault = RuntimeError("broken")
    assert answer in await ask(post, policy_request(BLOCKED, context))
    assert [post.gate.fault] == post.faults
    assert ["unavailable"] * (answer == DUNNO) == [note.rule for note in post.notes]


@pytest.mark.parametrize(
    ("context", "why"), [("marketing triggered", "a context names one class of mail"), ("stict", "no policy stict")]
)
@pytest.mark.parametrize("seconds", [None, 0.0])
async def test_what_nobody_understands_of_a_context_is_as_though_not_said(
    context: str, why: str, seconds: float | None
) -> None:
    """A typing error in main.cf is no reason to lose mail, nor to mail those who are suppressed; the log names it."""
    post = Post()
    post.gate.seconds = seconds
    post.gate.policies = {"strict"}
    assert b"550 5.1.1 gate: hard_bounce" in await ask(post, policy_request(BLOCKED, context))
    assert [f"The context {context!r} of the postfix surface cannot be meant: {why}."] == post.warnings
    assert DUNNO == await ask(post, policy_request("jane@x.example", context))
    assert [] == post.faults
    assert (MessageClass.TRIGGERED, None) == (post.gate.questions[-1].message_class, post.gate.questions[-1].policy)


@pytest.mark.parametrize("rule", ["frequency_cap", "quota"])
async def test_caps_and_quotas_hold_no_mail_here(rule: str) -> None:
    """A queue is no calendar: the mail passes and is noted."""
    post = Post()
    assert DUNNO == await ask(post, policy_request(f"hold.{rule}@x.example"))
    assert [Passed.CAP] == [note.passed for note in post.notes]


async def test_nothing_is_held_for_longer_than_four_hours() -> None:
    """Then the mail passes, and is noted; another mail is held by itself."""
    post = Post()
    async with post.policy() as port:
        assert PUT_OFF == await say(port, policy_request(HELD))
        post.clock.move(4 * 3600)
        assert DUNNO == await say(port, policy_request(HELD.upper().replace("HOLD.UNKNOWN", "hold.unknown")))
        assert PUT_OFF == await say(port, policy_request("hold.unknown@y.example"))
    assert [Passed.HELD_LONG] == [note.passed for note in post.notes]


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\n\n", b"request=other\n\n", b"\n\n", b"9:abc"])
async def test_what_is_not_understood_ends_the_connection_unanswered(data: bytes) -> None:
    """As the protocol has it: Postfix then goes by its default_action."""
    post = Post()
    assert b"" == await ask(post, policy_request(FINE)[:0], data)
    assert [] == post.gate.questions


async def test_what_came_before_the_nonsense_does_no_harm() -> None:
    """The next client is answered."""
    post = Post()
    async with post.policy() as port:
        await say(port, b"nonsense\n\n")
        assert DUNNO == await say(port, policy_request(FINE))


async def test_recipients_without_a_domain_pass_unasked() -> None:
    """postmaster is this system's own."""
    post = Post()
    assert DUNNO * 2 == await ask(
        post, policy_request("postmaster"), policy_request(BLOCKED, protocol_state="END-OF-MESSAGE")
    )
    assert [] == post.gate.questions


async def test_socketmap_is_spoken_on_the_same_listener() -> None:
    """For transport_maps: refused and put off have a transport, everything else goes its usual way."""
    post = Post()
    lookups = [f"marketing {key}" for key in (FINE, BLOCKED, HELD, "x.example", "*")]
    stream = "".join(f"{len(text)}:{text}," for text in lookups).encode()
    refused, held = "OK error:5.1.1 gate: hard_bounce", "OK retry:4.7.1 gate: unknown, try again later"
    expected = f"9:NOTFOUND ,{len(refused)}:{refused},{len(held)}:{held},9:NOTFOUND ,9:NOTFOUND ,"
    assert expected.encode() == await ask(post, stream)
    assert [(MessageClass.MARKETING, "socketmap")] * 3 == [(q.message_class, q.surface) for q in post.gate.questions]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (f"CHECK {FINE}\n", b"ALLOW otherwise\n"),
        (f"CHECK {HELD} marketing\n", b"HOLD unknown\n"),
        (f"CHECK {BLOCKED}\r\nCHECK {FINE}\n", b"BLOCK hard_bounce\n"),
        ("HELO there\n", b"ERROR write CHECK"),
        ("CHECK " + "x" * 2000, b"ERROR a line has at most 1024 bytes\n"),
        ("CHECK a@b no-end", b""),
    ],
)
async def test_one_line_is_answered_with_one_line(line: str, answer: bytes) -> None:
    """And the connection is closed; what is no question is no decision."""
    post = Post()
    async with post.line() as port:
        found = await say(port, line.encode())
    assert found.startswith(answer) and found.count(b"\n") == bool(answer)


async def test_the_line_observes_too() -> None:
    """It says ALLOW, with the rule that would have spoken."""
    post = Post(enforce=False)
    async with post.line() as port:
        assert b"ALLOW hard_bounce\n" == await say(port, f"CHECK {BLOCKED}\n".encode())


async def test_a_path_serves_as_well_as_a_port_and_is_taken_over_when_nobody_answers(tmp_path: Path) -> None:
    """A socket that a dead process left is replaced; one that is answered at, or another file, is not."""
    path, post = tmp_path / "policy", Post()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with post.policy(f"unix:{path}"):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(policy_request(BLOCKED))
        assert REFUSED == await reader.readexactly(len(REFUSED))
        writer.close()
        with pytest.raises(ServiceUnavailable, match="another process listens there"):
            async with post.policy(f"unix:{path}"):
                pass
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(ServiceUnavailable, match="no socket"):
        async with post.policy(f"unix:{path}"):
            pass
    assert "mine" == path.read_text()


@pytest.mark.parametrize(
    ("place", "local"),
    [
        ("unix:/run/gate", True),
        ("127.0.0.1:25", True),
        ("127.8.9.1:25", True),
        ("localhost:25", True),
        ("[::1]:25", True),
        ("0.0.0.0:25", False),
        ("[::]:25", False),
        ("192.0.2.1:25", False),
        ("127.0.0.1.example.org:25", False),
    ],
)
def test_what_only_this_machine_reaches(place: str, local: bool) -> None:
    """A name that looks like a loopback address is none: the relay would be open to all who reach it."""
    assert local == is_local(place)


async def test_a_port_that_is_taken_is_said_with_its_setting() -> None:
    """The operator reads which setting to change."""
    post = Post()
    async with post.policy() as port:
        with pytest.raises(ServiceUnavailable, match="X chooses another place"):
            async with post.policy(f"127.0.0.1:{port}"):
                pass


async def test_one_connection_too_many_is_closed_unanswered() -> None:
    """Those that are there go on."""
    post = Post()
    async with post.policy(most=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(policy_request(FINE))
        assert DUNNO == await reader.readexactly(len(DUNNO))
        assert b"" == await _read_all(port)
        writer.write(policy_request(BLOCKED))
        assert REFUSED == await reader.readexactly(len(REFUSED))
        writer.close()


async def test_who_asks_and_ends_is_answered() -> None:
    """The request and the end of what is sent may arrive together; so may those of many."""
    async with Post().policy() as port:
        for _ in range(3):
            asking = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
            for _, writer in asking:
                writer.write(policy_request(FINE) + policy_request(BLOCKED))
                writer.write_eof()
            for reader, writer in asking:
                assert DUNNO + REFUSED == await asyncio.wait_for(reader.read(), 10)
                writer.close()


async def test_half_a_request_does_not_hold_a_connection_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has ten seconds to be whole."""
    monkeypatch.setattr("verifier.edges.postfix.connection._REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(listening_module, "_SWEEP_SECONDS", 0.05)
    post = Post()
    async with post.policy() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(policy_request(FINE)[:40])
        assert b"" == await asyncio.wait_for(reader.read(), 10)
        writer.close()


async def test_who_asks_and_reads_nothing_is_dropped() -> None:
    """Answers are not piled up for somebody who does not want them."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.setblocking(False)
    keeper, crowd, loop = Post().keeper(), Crowd(9), asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: PostfixConnection(crowd, keeper), sock=ours)
    for _ in range(10_000):
        await asyncio.sleep(0)
        try:
            theirs.send(policy_request(BLOCKED) * 20)
        except BlockingIOError:
            continue
        except ConnectionError:
            break
    assert connection.transport.is_closing()
    assert set() == crowd.members
    theirs.close()


async def _read_all(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
