"""What does not change the sense of a reply does not change its reading; who a sentence is about does."""

import itertools
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import reply_traps, reply_vectors
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.bounce_text import reply_from_text, stage_from_text
from verifier.core.replies import Reply, ReplyClass, SmtpStage
from verifier.core.reply_rules import ABOUT_MAILBOX, DEAD

RULES = shipped_rules()


@cache
def texts() -> tuple[str, ...]:
    """Every known wording whose first line begins with its code, as servers send it to a RCPT."""
    known = (
        reply_vectors.UNKNOWN_USER
        + reply_vectors.DISABLED
        + reply_vectors.FULL
        + reply_vectors.NOT_ABOUT_A_DEAD_MAILBOX
        + reply_traps.GONE
        + reply_traps.FULL
        + reply_traps.ABOUT_US
        + reply_traps.UNDECIDED
        + reply_traps.GONE_IN_OTHER_TONGUES
        + reply_traps.OTHERS_IN_OTHER_TONGUES
        + [rule.example for rule in RULES.rules if not rule.mx and (not rule.stages or SmtpStage.RCPT in rule.stages)]
    )
    return tuple(dict.fromkeys(text for text in known if re.match(r"\d{3}[ -]", text) and "in reply to" not in text))


def read(text: str, host: str | None = None) -> ReplyClass:
    """As `explain` reads a pasted text."""
    stage = stage_from_text(text) or SmtpStage.RCPT
    return RULES.classify(reply_from_text(text), stage, host).reply_class


_ASKED_FOR = re.compile("|".join(f"(?:{source})" for rule in RULES.rules for source in rule.links))
"""What rules look for in links and host names: who keeps a blocklist says by its page who refused."""


def unsaid(name: str) -> bool:
    """No rule asks for this name."""
    return _ASKED_FOR.search(name) is None


words = st.from_regex(r"[a-z]{1,12}", fullmatch=True)
names = st.one_of(words, st.sampled_from(["unknown", "user", "blocked", "spam", "full", "disabled", "policy", "quota"]))
locals_ = st.builds("{}{}{}".format, names, st.sampled_from(["", ".", "-", "_", "+"]), names)
hosts = st.builds("{}-{}.{}.example".format, names, names, names).filter(unsaid)
addresses = st.builds("{}@{}".format, locals_, hosts)
ips = st.ip_addresses(v=4).map(str)
queue_ids = st.sampled_from(["4XyZ1234abcd", "a12si3456789wmb.123", "1qAbCd-0001Xy-2Z", "c18si2365148hub"])
links = st.builds("https://{}/{}/{}?x=5.1.1&y={}".format, hosts, names, names, names).filter(unsaid)


@given(st.sampled_from(texts()), addresses)
def test_addresses_do_not_matter(text: str, address: str) -> None:
    """Whoever was asked about, the same words mean the same."""
    assert read(text) == read(re.sub(r"[\w.+-]+@[\w.-]+\w", address, text))


@given(st.sampled_from(texts()), ips)
def test_addresses_of_clients_do_not_matter(text: str, ip: str) -> None:
    """Whichever address is quoted that is not ours, the same words mean the same."""
    assert read(text) == read(re.sub(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", ip, text))


@given(st.sampled_from(texts()), hosts)
def test_names_of_hosts_do_not_matter(text: str, host: str) -> None:
    """A host may be called anything: names that end in `.example` stand for all of them."""
    assert read(text) == read(re.sub(r"(?<![\w@./-])(?:[a-z0-9-]+\.)+example(?![\w./-])", host, text))


@given(st.sampled_from(texts()), queue_ids)
def test_queue_ids_do_not_matter(text: str, queue_id: str) -> None:
    """An identifier at the end of a reply is for the server's own log."""
    assert read(text) == read(f"{text} ({queue_id})") == read(f"{text} {queue_id}")


@given(st.sampled_from(texts()), links)
def test_links_do_not_matter(text: str, link: str) -> None:
    """A page that a reply points to may be called anything."""
    assert read(text) == read(f"{text} See {link}") == read(f"{text} {link}")


@pytest.mark.parametrize("text", texts())
def test_letter_case_does_not_matter(text: str) -> None:
    """Some servers shout."""
    assert read(text) == read(text.upper()) == read(text.lower())


@pytest.mark.parametrize("text", [text for text in texts() if "\n" not in text])
def test_line_breaks_do_not_matter(text: str) -> None:
    """A reply may be folded, doubly spaced, or marked as the first of several lines."""
    folded = text.replace(" ", "\n    ")
    marked = text[:3] + "-" + text[4:]
    assert read(text) == read(folded) == read(text.replace(" ", "  ")) == read(marked) == read(text + "\r\n")


@pytest.mark.parametrize("text", [text for text in texts() if "\n" not in text])
def test_wrappers_do_not_matter(text: str) -> None:
    """What the sending program writes around a reply is none of the server's words."""
    assert {read(text)} == {
        read(wrapper.format(text))
        for wrapper in (
            "host mx.b.example[192.0.2.1] said: {} (in reply to RCPT TO command)",
            "smtp; {}",
            "Diagnostic-Code: smtp;{}",
            "<a@b.example>: {}",
            "<a@b.example>: host mx.b.example[192.0.2.1] said: {}",
            "SMTP error from remote mail server after RCPT TO:<a@b.example>: host mx.b.example [192.0.2.1]: {}",
            "203.0.113.5 does not like recipient.\nRemote host said: {}\nGiving up on 203.0.113.5.",
        )
    }


@given(st.sampled_from(reply_vectors.UNKNOWN_USER + reply_vectors.DISABLED), st.integers(400, 499))
def test_a_temporary_number_spares_the_mailbox(text: str, code: int) -> None:
    """The surest words beside a number of class 4 leave the mailbox undecided."""
    assert RULES.classify(Reply(code, None, reply_from_text(text).text), SmtpStage.RCPT).reply_class not in DEAD


NOUNS_ABOUT_US = (
    """\
sender|sender address|sender domain|sender's mailbox|your domain|your IP|your IP address|your host|your server
your account|your address|client|client host|client name|HELO name|EHLO domain|MAIL FROM|MAIL FROM domain|return path
return-path address|reverse path|reverse DNS|reverse DNS name|envelope sender|envelope from|From address|From header
sending domain|sending host|sending user|sending account|originator|originating host|SPF record|DKIM key|DMARC record
PTR record|certificate|relay host|hostname of client 192.0.2.4|<news@a.example> as sender|message header
connecting host|remote host|authenticated user|login user|outgoing account|mail from address|author address
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
NOUNS_ABOUT_MAILBOXES = (
    """\
user|the user|mailbox|recipient|recipient address|account|addressee|address|email address|e-mail account|this user
that mailbox|customer|alias|local part|inbox|<a@b.example>|user a|mailbox a@b.example|recipient <a@b.example>
member|student|employee|user name|destination address|destination mailbox|mail user|local user
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
ABSENT = (
    """\
unknown|does not exist|doesn't exist|not found|was not found|is invalid|is not valid|is not known|no longer exists
is disabled|has been suspended|is inactive|is not recognized
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
BESIDE = (None, "5.1.1", "5.1.0", "5.2.1", "5.5.0")


@given(
    st.sampled_from(NOUNS_ABOUT_US),
    st.sampled_from(ABSENT),
    st.sampled_from(["{0} {1}", "Rejected: {0} {1}", "<a@b.example>: {0} {1}", "{0} {1}: see below", "{1} {0}"]),
    st.sampled_from(BESIDE),
)
@settings(max_examples=1000)
def test_what_is_said_of_us_kills_nobody(noun: str, predicate: str, sentence: str, enhanced: str | None) -> None:
    """Unknown, invalid, suspended: as long as it is we who are, the mailbox may exist, whatever the number is."""
    text = sentence.format(noun, predicate)
    assert RULES.classify(Reply(550, enhanced, text), SmtpStage.RCPT).reply_class not in DEAD


def test_what_is_said_of_mailboxes_is_understood() -> None:
    """Nouns for a mailbox and words for its absence, in the usual sentences: nearly all combinations are read."""
    combinations = list(itertools.product(NOUNS_ABOUT_MAILBOXES, ABSENT, ["{0} {1}", "Sorry, {0} {1}."]))
    missed = [
        sentence.format(noun, predicate)
        for noun, predicate, sentence in combinations
        if RULES.classify(Reply(550, None, sentence.format(noun, predicate)), SmtpStage.RCPT).reply_class not in DEAD
    ]
    assert (len(missed) <= len(combinations) // 50, len(combinations) > 600) == (True, True), missed


@given(st.sampled_from(texts()), st.sampled_from(["banner", "ehlo", "starttls", "mail"]))
def test_before_rcpt_no_known_words_speak_of_a_mailbox(text: str, stage: str) -> None:
    """Not even the surest words about a mailbox are believed before one was named."""
    assert RULES.classify(reply_from_text(text), SmtpStage(stage)).reply_class not in ABOUT_MAILBOX
