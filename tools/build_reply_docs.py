"""Writes docs/replies.md from data/reply_rules.toml: every known reply, what it means, its source, what to do."""

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from verifier.adapters.reply_rule_file import read_rules
from verifier.core.bounce_text import reply_from_text
from verifier.core.reasons import MEANINGS, verdict_of
from verifier.core.replies import ReplyClass
from verifier.core.reply_rules import Phase, Rule
from verifier.core.verdict import reason_of_reply

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "data" / "reply_rules.toml"
PAGE = ROOT / "docs" / "replies.md"

_INTRODUCTION = """# What SMTP replies mean

A mail server refused a message, or a bounce came back: what does it say, and what is to be done? This page explains
{count} kinds of replies, each with a source. It is made from `data/reply_rules.toml`, the rules by which the verifier
itself reads replies.

**To look one up**, paste it: `verifier explain "550 5.1.1 <a@b.example>: User unknown"`, or the whole bounce on
standard input. It answers with the name of one of the rules below, such as `generic.user-unknown`. Or search this page
for the telling words of the reply, without addresses, names of hosts and numbers: [all examples](#all-examples) stand
in one table at its end. A reply need not be among them: the rules read words, not whole sentences.

(Made by `tools/build_reply_docs.py`: changes belong into the rules.)

## What to believe

A number alone says little: most `550` replies are about the sender, not about the mailbox. So the rules are asked in
the order of this page, and the first one that holds speaks. Whatever they say,

- a reply to the connection, to EHLO, STARTTLS or MAIL is never about the mailbox;
- a temporary reply (`4xx`, or an enhanced code of class 4) never says that a mailbox is gone, and where code and
  enhanced code contradict each other the weaker reading holds;
- `5.7.x` says "no such mailbox" only by a provider's own rule;
- "unknown", "does not exist" and "disabled" are about the mailbox only where nothing in the reply speaks of the sender,
  the client or a policy;
- what stands in links and names of hosts (`https://b.example/user-unknown`) is no part of the sentence;
- a reply that no rule knows is `unrecognised`, and its address stays `unknown`.

Some refusals are **undecided by themselves**: the words are used for a missing mailbox and for other things as well. A
probe believes them only after it has compared them with the answers to a made-up name and to `postmaster`.

## What to do

"""
_TO_DO = {
    ReplyClass.MAILBOX_NOT_FOUND: "Remove the address.",
    ReplyClass.MAILBOX_DISABLED: "Stop sending to it.",
    ReplyClass.MAILBOX_FULL: "The mailbox exists. Try again in some days; drop it when it stays full for weeks.",
    ReplyClass.RECIPIENT_RESTRICTED: "The mailbox exists, but not for everybody. Ask its owner on another way.",
    ReplyClass.GREYLISTED: "Try again after the wait, from the same address.",
    ReplyClass.RATE_LIMITED: "Go slower.",
    ReplyClass.TOO_MANY: "Send smaller groups, with fewer unknown names in them.",
    ReplyClass.SENDER_REFUSED: "Mend the sender's address, its domain, SPF, DKIM or DMARC.",
    ReplyClass.CLIENT_REFUSED: "Mend the sending host: reverse name, greeting, blocklists.",
    ReplyClass.POLICY_REFUSED: "Ask the postmaster, or change the message. Leave the address alone.",
    ReplyClass.RELAY_DENIED: "Look at the domain's MX records: this host does not take its mail.",
    ReplyClass.TEMP_ERROR: "Try again later.",
    ReplyClass.SESSION_FATAL: "Connect again later.",
    ReplyClass.PROTOCOL_ERROR: "Look at the conversation that came before.",
    ReplyClass.UNRECOGNISED: "Read it yourself; `verifier explain --unrecognised` lists what no rule knew.",
}
"""What to do with a class, in the order of the page's table; `accepted` is no refusal."""

_PHASES = {
    Phase.CONNECTION: ("The session ends", "About the connection; whoever was asked about is asked again."),
    Phase.GUARD: ("The server counts", "Said to everybody once a limit is passed, good mailboxes included."),
    Phase.PROVIDER: ("The provider's own words", "Who speaks, or a documented tag, decides what the words mean."),
    Phase.CLIENT: ("About us, or about the server", "Address, name, sender, pace, message; the server's own troubles."),
    Phase.QUOTA: ("The mailbox is full", "It exists."),
    Phase.DISABLED: ("The mailbox is switched off", "It exists or existed, and takes no mail."),
    Phase.ENHANCED: ("The enhanced code decides", "Numbers that outweigh the words beside them."),
    Phase.UNKNOWN_USER: ("There is no such mailbox", "The words for it, and then the enhanced codes that say so."),
    Phase.AMBIGUOUS: ("Known words that decide little", "Recognised, but no verdict on the mailbox by themselves."),
}


def render(rules: tuple[Rule, ...]) -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION.format(count=len(rules)) + _what_to_do()]
    titles = [title for title, _ in _PHASES.values()] + ["All examples"]
    parts.append("## Contents\n\n" + "\n".join(f"- [{title}](#{_anchor(title)})" for title in titles) + "\n")
    for phase, (title, sentence) in _PHASES.items():
        parts.append(f"## {title}\n\n{sentence}\n")
        parts.extend(_section(rule) for rule in rules if rule.phase is phase)
    return "\n".join([*parts, _all_examples(rules)])


def _what_to_do() -> str:
    rows = ["| class | for a list | what to do |", "|---|---|---|"]
    for reply_class, advice in _TO_DO.items():
        verdict = verdict_of(reason_of_reply(reply_class, 550))
        rows.append(f"| `{reply_class}` | {verdict} | {advice} |")
    return "\n".join(rows) + "\n"


def _section(rule: Rule) -> str:
    reason = reason_of_reply(rule.reply_class, reply_from_text(rule.example).code)
    facts = [
        f"Class `{rule.reply_class}`, verdict `{verdict_of(reason)}` / `{reason}`: {MEANINGS[reason].sentence}",
        *(["Undecided by itself: a made-up name and `postmaster` are asked before it is believed."] * rule.ambiguous),
        *_conditions(rule),
        f"What to do: {rule.advice}",
        f"Source: {rule.source}.",
    ]
    if rule.wait_s is not None:
        facts.append(f"Wait, where the reply does not say: {_duration(rule.wait_s)}.")
    replies = "\n".join((rule.example, *rule.also))
    lines = "\n".join(f"- {fact}" for fact in facts)
    return f"### {rule.id}\n\n```\n{replies}\n```\n\n{lines}\n"


def _conditions(rule: Rule) -> list[str]:
    told = []
    if rule.mx:
        told.append("Said by hosts under " + _listed(sorted(rule.mx)) + ".")
    if rule.stages:
        told.append("In reply to " + ", ".join(sorted(rule.stages)) + ".")
    if rule.codes:
        told.append("With the code " + _listed(_short(rule.codes)) + ".")
    if rule.enhanced:
        spelled = {code.replace("x", digit) for code in rule.enhanced for digit in "45"}
        told.append("With the enhanced code " + _listed(sorted(spelled, key=_by_number)) + ".")
    if not rule.match and not rule.links:
        told.append("Whatever the words are.")
    return told


def _all_examples(rules: tuple[Rule, ...]) -> str:
    rows = ["## All examples", "", "| reply | class | rule |", "|---|---|---|"]
    examples = [(example, rule) for rule in rules for example in (rule.example, *rule.also)]
    for example, rule in sorted(examples, key=lambda row: row[0]):
        rows.append(f"| `{example}` | `{rule.reply_class}` | [{rule.id}](#{_anchor(rule.id)}) |")
    return "\n".join(rows) + "\n"


def _short(codes: Iterable[int]) -> list[str]:
    """Reply codes with "x" for a digit that does not matter."""
    short: list[str] = []
    for hundreds, hundred in groupby(sorted(codes), lambda code: code // 100):
        of_hundred = list(hundred)
        if len(of_hundred) == 100:
            short.append(f"{hundreds}xx")
            continue
        for tens, ten in groupby(of_hundred, lambda code: code // 10):
            of_ten = list(ten)
            short.extend([f"{tens}x"] if len(of_ten) == 10 else map(str, of_ten))
    return short


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _by_number(code: str) -> list[tuple[bool, int | str]]:
    return [(not part.isdigit(), int(part) if part.isdigit() else part) for part in code.split(".")]


def _duration(seconds: int) -> str:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit if seconds > length else unit[:-1]}"
    return f"{seconds} seconds"


def _anchor(title: str) -> str:
    """The name that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(render(read_rules(RULES)), encoding="utf-8")
