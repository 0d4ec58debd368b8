"""Writes docs/replies.md from data/reply_rules.toml: every known reply, what it means, its source, what to do."""

from pathlib import Path

from verifier.adapters.reply_rule_file import read_rules
from verifier.core.bounce_text import reply_from_text
from verifier.core.reasons import MEANINGS, verdict_of
from verifier.core.reply_rules import Phase, Rule
from verifier.core.verdict import reason_of_reply

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "data" / "reply_rules.toml"
PAGE = ROOT / "docs" / "replies.md"

_INTRODUCTION = """# What SMTP replies mean

Made from `data/reply_rules.toml` by `tools/build_reply_docs.py`; do not edit it here. `verifier explain "550 5.1.1 …"`
says the same for one reply.

A number alone says little: most `550` replies are about the sender, not about the mailbox. So the rules below are asked
in this order, and the first one that holds speaks. Whatever they say,

- a reply to the connection, to EHLO, STARTTLS or MAIL is never about the mailbox;
- a temporary reply (`4xx`, or an enhanced code of class 4) never says that a mailbox is dead, and where code and
  enhanced code contradict each other the weaker reading holds;
- `5.7.x` says "no such mailbox" only by a provider's own rule;
- a reply that no rule knows is `unrecognised`, and its address stays `unknown`.

Addresses, queue ids and IP addresses are masked before a text is read or kept. "Ambiguous" means that a probe compares
the reply with the answer to a random name and to `postmaster` before it believes it.
"""
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
    parts = [_INTRODUCTION]
    for phase, (title, sentence) in _PHASES.items():
        parts.append(f"## {title}\n\n{sentence}\n")
        parts.extend(_section(rule) for rule in rules if rule.phase is phase)
    return "\n".join(parts)


def _section(rule: Rule) -> str:
    reason = reason_of_reply(rule.reply_class, reply_from_text(rule.example).code)
    facts = [
        f"Class `{rule.reply_class}`, verdict `{verdict_of(reason)}` / `{reason}`: {MEANINGS[reason].sentence}"
        + (" Ambiguous." if rule.ambiguous else ""),
        *_conditions(rule),
        f"Source: {rule.source}.",
    ]
    if rule.advice is not None:
        facts.append(f"What to do: {rule.advice}")
    if rule.wait_s is not None:
        facts.append(f"Wait, where the reply does not say: {rule.wait_s} s.")
    lines = "\n".join(f"- {fact}" for fact in facts)
    return f"### {rule.id}\n\n```\n{rule.example}\n```\n\n{lines}\n"


def _conditions(rule: Rule) -> list[str]:
    told = []
    if rule.mx:
        told.append("Said by hosts under " + ", ".join(f"`{suffix}`" for suffix in sorted(rule.mx)) + ".")
    if rule.stages:
        told.append("In reply to " + ", ".join(sorted(rule.stages)) + ".")
    if rule.enhanced:
        told.append("With the enhanced code " + ", ".join(f"`{code}`" for code in sorted(rule.enhanced)) + ".")
    return told


if __name__ == "__main__":
    PAGE.write_text(render(read_rules(RULES)), encoding="utf-8")
