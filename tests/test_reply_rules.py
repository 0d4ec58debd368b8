"""The shipped rules: every rule reads its own example, the laws hold for all of them, and the page is current."""

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import reply_traps, reply_vectors
from tools.build_reply_docs import PAGE, render
from verifier.adapters.data_files import shipped_folder
from verifier.adapters.reply_rule_file import read_rules, shipped_rules
from verifier.core.bounce_text import reply_from_text, stage_from_text
from verifier.core.pattern_keys import key_sets_of, words_of
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage, mask
from verifier.core.reply_rules import ABOUT_MAILBOX, DEAD, Phase, Rule, Rules
from verifier.core.reply_text import without_accents, without_links

RULES = shipped_rules()
OWN = "192.0.2.7"
ALL_TEXTS = (
    reply_vectors.UNKNOWN_USER
    + reply_vectors.DISABLED
    + reply_vectors.FULL
    + reply_vectors.NOT_ABOUT_A_DEAD_MAILBOX
    + reply_traps.GONE
    + reply_traps.FULL
    + reply_traps.ABOUT_US
    + reply_traps.UNDECIDED
    + reply_traps.GONE_IN_OTHER_TONGUES
    + reply_traps.FULL_IN_OTHER_TONGUES
    + reply_traps.OTHERS_IN_OTHER_TONGUES
    + [rule.example for rule in RULES.rules]
)
BEFORE_RCPT = (SmtpStage.BANNER, SmtpStage.EHLO, SmtpStage.STARTTLS, SmtpStage.MAIL)


def read(text: str, stage: SmtpStage = SmtpStage.RCPT, mx_host: str | None = None) -> Reading:
    """As `explain` reads a pasted text."""
    return RULES.classify(reply_from_text(text), stage_from_text(text) or stage, mx_host)


@cache
def vocabulary() -> tuple[str, ...]:
    """The words that the rules are written in, so that random texts meet many of them."""
    return tuple(sorted({word for text in ALL_TEXTS for word in re.findall(r"[^\s.,:;()\[\]]+", text.lower())}))


texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(vocabulary()), max_size=14).map(" ".join))
codes = st.integers(400, 599)
enhanced_codes = st.one_of(
    st.none(), st.builds("{}.{}.{}".format, st.sampled_from("45"), st.integers(0, 7), st.integers(0, 30))
)


@pytest.mark.parametrize(
    ("rule", "example"), [(rule, example) for rule in RULES.rules for example in (rule.example, *rule.also)]
)
def test_examples(rule: Rule, example: str) -> None:
    """A rule speaks for the replies that it gives as its examples, and says its own class."""
    stage = SmtpStage.RCPT if not rule.stages or SmtpStage.RCPT in rule.stages else min(rule.stages)
    host = f"mx1.{min(rule.mx)}" if rule.mx else None
    own = (OWN,) if rule.id == "client.quotes-our-address" else ()
    reading = RULES.classify(reply_from_text(example), stage, host, own)
    assert (rule.id, rule.reply_class) == (reading.rule, reading.reply_class)


def test_identifiers_are_unique_and_sources_named() -> None:
    """A rule can be pointed at, and says where it comes from."""
    ids = [rule.id for rule in RULES.rules]
    assert (len(ids), []) == (len(set(ids)), [rule.id for rule in RULES.rules if len(rule.source) < 8])


def test_every_phase_has_rules() -> None:
    """The order of reading has no empty step."""
    assert set(Phase) == {rule.phase for rule in RULES.rules}


@pytest.mark.parametrize("text", reply_vectors.UNKNOWN_USER)
def test_unknown_users(text: str) -> None:
    """The trade's wordings for a mailbox that does not exist are understood."""
    assert read(text).reply_class == ReplyClass.MAILBOX_NOT_FOUND


@pytest.mark.parametrize("text", reply_vectors.DISABLED)
def test_disabled_mailboxes(text: str) -> None:
    """The trade's wordings for a mailbox that is switched off are understood."""
    assert read(text).reply_class == ReplyClass.MAILBOX_DISABLED


@pytest.mark.parametrize("text", reply_vectors.FULL)
def test_full_mailboxes(text: str) -> None:
    """The trade's wordings for a full mailbox are understood."""
    assert read(text).reply_class == ReplyClass.MAILBOX_FULL


@pytest.mark.parametrize("text", reply_traps.GONE + reply_traps.GONE_IN_OTHER_TONGUES)
def test_gone_mailboxes(text: str) -> None:
    """Misleading names and pages do not hide that a mailbox is gone, nor do other languages."""
    assert read(text).reply_class in DEAD


@pytest.mark.parametrize("text", reply_traps.FULL + reply_traps.FULL_IN_OTHER_TONGUES)
def test_full_whatever_else_is_said(text: str) -> None:
    """A mailbox that is full exists, also where the reply doubts it."""
    assert read(text).reply_class == ReplyClass.MAILBOX_FULL


@pytest.mark.parametrize("text", reply_traps.ABOUT_US + reply_traps.UNDECIDED + reply_traps.OTHERS_IN_OTHER_TONGUES)
def test_traps(text: str) -> None:
    """Words for a dead mailbox kill nobody where they are about us, on a page, denied by the numbers, or one of two."""
    assert read(text).reply_class not in DEAD


@pytest.mark.parametrize("text", reply_vectors.NOT_ABOUT_A_DEAD_MAILBOX)
def test_nothing_else_kills_a_mailbox(text: str) -> None:
    """What is about us, a policy, the system, or undecided never says that a mailbox is dead."""
    assert read(text).reply_class not in DEAD


@pytest.mark.parametrize(
    ("text", "stage", "host", "expected"),
    [
        ("250 2.1.5 Ok", "rcpt", None, ReplyClass.ACCEPTED),
        ("251 User not local; will forward", "rcpt", None, ReplyClass.ACCEPTED),
        ("252 Cannot VRFY user", "rcpt", None, ReplyClass.UNRECOGNISED),
        ("250 Ok", "mail", None, ReplyClass.UNRECOGNISED),
        ("354 Go ahead", "rcpt", None, ReplyClass.PROTOCOL_ERROR),
        ("550 5.1.1 User unknown", "mail", None, ReplyClass.SENDER_REFUSED),
        ("550 5.1.1 User unknown", "ehlo", None, ReplyClass.CLIENT_REFUSED),
        ("554 No thanks", "banner", None, ReplyClass.POLICY_REFUSED),
        ("554 Zzz", "banner", None, ReplyClass.CLIENT_REFUSED),
        ("451 Zzz", "mail", None, ReplyClass.TEMP_ERROR),
        ("421 User unknown", "rcpt", None, ReplyClass.SESSION_FATAL),
        ("550 5.7.1 No such user", "rcpt", None, ReplyClass.POLICY_REFUSED),
        ("550 5.7.1 No such user", "rcpt", "mx.yandex.net", ReplyClass.MAILBOX_NOT_FOUND),
        ("550 5.7.1 No such user", "rcpt", "aspmx.l.google.com.", ReplyClass.MAILBOX_NOT_FOUND),
        ("550 5.7.1 No such user", "rcpt", "mx.notgoogle.com", ReplyClass.POLICY_REFUSED),
        (
            "550 5.4.1 Recipient address rejected: Access denied.",
            "rcpt",
            "x.mail.protection.outlook.com",
            ReplyClass.MAILBOX_NOT_FOUND,
        ),
        ("550 5.4.1 Recipient address rejected: Access denied.", "rcpt", "mx.example.net", ReplyClass.POLICY_REFUSED),
        ("552 Sorry", "rcpt", None, ReplyClass.TOO_MANY),
        ("552 2 Action aborted, mailbox not found", "data", "mta7.am0.yahoodns.net", ReplyClass.MAILBOX_NOT_FOUND),
        ("550 4.1.1 User unknown", "rcpt", None, ReplyClass.TEMP_ERROR),
        ("451 5.1.1 User unknown", "rcpt", None, ReplyClass.TEMP_ERROR),
        ("550 5.1.1 User unknown, over quota", "rcpt", None, ReplyClass.MAILBOX_FULL),
        ("550 Zzz", "rcpt", None, ReplyClass.UNRECOGNISED),
    ],
)
def test_stage_code_and_host_decide(text: str, stage: str, host: str | None, expected: ReplyClass) -> None:
    """The same words mean different things from another host, after another command, beside another number."""
    assert expected == read(text, SmtpStage(stage), host).reply_class


def test_our_own_address_is_about_us() -> None:
    """A reply that quotes the address that we ask from speaks of us."""
    reply = Reply(550, None, f"Recipient unknown to {OWN}")
    assert (
        RULES.classify(reply, SmtpStage.RCPT).reply_class,
        RULES.classify(reply, SmtpStage.RCPT, own_addresses=(OWN,)).reply_class,
    ) == (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.CLIENT_REFUSED)


def test_pages_and_hosts_are_read_by_rules_that_ask_for_them() -> None:
    """What a link or a host is called says nothing of the mailbox, but may say who refused and why."""
    texts_by_page = (
        "550 Refused. http://www.spamhaus.org/query/bl?ip=192.0.2.7",
        "550 Refused. https://b.example/user-unknown/mailbox-does-not-exist",
        "550 no-such-user.mailbox-unknown.b.example refused",
    )
    assert [read(text).reply_class for text in texts_by_page] == [
        ReplyClass.CLIENT_REFUSED,
        ReplyClass.POLICY_REFUSED,
        ReplyClass.POLICY_REFUSED,
    ]


def test_starttls_demand_is_told_apart() -> None:
    """The session machine mends this refusal by itself, so it has a name of its own."""
    assert read("530 5.7.0 Must issue a STARTTLS command first", SmtpStage.MAIL).rule == "session.starttls-required"


def test_a_wait_is_passed_on() -> None:
    """What the reply asks for comes before what its rule would wait; greylisting that names no time leaves it open."""
    assert [
        read(text).retry_after_s
        for text in (
            "421 Poor reputation",
            "421 Poor reputation, try again in 60 seconds",
            "451 4.7.1 Greylisted, try again in 120 seconds",
            "451 4.7.1 Greylisted",
        )
    ] == [7200, 60, 120, None]


def test_texts_that_decide_nothing_are_ambiguous() -> None:
    """Where the words allow several readings a control is asked."""
    assert [
        read(text).ambiguous
        for text in (
            "550 Access denied",
            "550 Zzz",
            "550 Requested action not taken: mailbox unavailable",
            "550 User unknown",
        )
    ] == [True, True, True, False]


@given(
    texts,
    st.integers(0, 999),
    st.one_of(enhanced_codes, st.just("2.0.0")),
    st.sampled_from(SmtpStage),
    st.one_of(st.none(), st.text(max_size=30)),
)
def test_every_reply_is_read(text: str, code: int, enhanced: str | None, stage: SmtpStage, host: str | None) -> None:
    """No text, number or host makes the rules fail, and the second reading is the first."""
    reply = Reply(code, enhanced, text)
    assert RULES.classify(reply, stage, host) == RULES.classify(reply, stage, host)


@given(texts, codes, enhanced_codes, st.sampled_from(BEFORE_RCPT))
def test_nobody_speaks_of_a_mailbox_before_rcpt(text: str, code: int, enhanced: str | None, stage: SmtpStage) -> None:
    """Replies to the connection, EHLO, STARTTLS and MAIL are about us or the session."""
    assert RULES.classify(Reply(code, enhanced, text), stage).reply_class not in ABOUT_MAILBOX


@given(texts, st.one_of(st.tuples(st.integers(400, 499), enhanced_codes), st.tuples(codes, st.just("4.1.1"))))
def test_temporary_replies_kill_nothing(text: str, numbers: tuple[int, str | None]) -> None:
    """4xx, or an enhanced code of class 4, never says that a mailbox is dead."""
    assert RULES.classify(Reply(*numbers, text), SmtpStage.RCPT).reply_class not in DEAD


@given(texts, codes, st.builds("5.7.{}".format, st.integers(0, 700)))
def test_policy_codes_say_nothing_of_a_mailbox(text: str, code: int, enhanced: str) -> None:
    """5.7.x is "no such mailbox" by a provider's rule only."""
    assert RULES.classify(Reply(code, enhanced, text), SmtpStage.RCPT).reply_class != ReplyClass.MAILBOX_NOT_FOUND


def every_pattern() -> list[str]:
    return sorted({source for rule in RULES.rules for source in rule.match + rule.unless})


def every_link_pattern() -> list[str]:
    return sorted({source for rule in RULES.rules for source in rule.links})


def test_keys_miss_nothing_in_known_texts() -> None:
    """A pattern that matches is always led to: the words that it is filed under are in what it is looked for in."""
    read_apart = [without_links(without_accents(mask(text).lower())) for text in ALL_TEXTS]
    missed = [
        (source, text)
        for sources, texts_of_them in (
            (every_pattern(), {text for text, _ in read_apart}),
            (every_link_pattern(), {links for _, links in read_apart}),
        )
        for source in sources
        for text in texts_of_them
        if re.search(f"(?<![a-z0-9])(?:{source})", text)
        and any(words_of(text).isdisjoint(keys) for keys in key_sets_of(source))
    ]
    assert missed == []


@given(st.data(), st.sampled_from(every_pattern() + every_link_pattern()))
def test_keys_miss_nothing(data: st.DataObject, source: str) -> None:
    """The same for texts made after the pattern itself."""
    text = data.draw(st.from_regex(source)).lower()
    matches = re.search(f"(?<![a-z0-9])(?:{source})", text) is not None
    assert False is (matches and any(words_of(text).isdisjoint(keys) for keys in key_sets_of(source)))


def test_no_example_is_given_twice() -> None:
    """Whoever looks a reply up finds one answer."""
    examples = [example for rule in RULES.rules for example in (rule.example, *rule.also)]
    assert [] == [example for example in examples if examples.count(example) > 1]


def test_no_rules() -> None:
    """Without rules every refusal is unrecognised: the engine itself knows no words."""
    reading = Rules([]).classify(Reply(550, "5.1.1", "User unknown"), SmtpStage.RCPT)
    assert Reading(ReplyClass.UNRECOGNISED, "default.unrecognised-permanent", None, ambiguous=True) == reading


def test_the_page_is_current() -> None:
    """docs/replies.md is what tools/build_reply_docs.py makes of the rules."""
    assert render(read_rules(shipped_folder() / "reply_rules.toml")) == PAGE.read_text(encoding="utf-8")
