"""Writes what the documentation says of verdicts, providers and measures from the code's own tables.

docs/verdicts.md as a whole, and the parts of README.md, docs/operations.md and docs/gate.md between
`<!-- made: NAME -->` and `<!-- end -->`.
"""

import re
from pathlib import Path
from typing import NamedTuple

from verifier.adapters.data_files import load_reference_data, shipped_folder
from verifier.core.gate_policies import BALANCED, BUILT_IN, Outcome
from verifier.core.gate_rules import BUCKETS, ROWS, Rule
from verifier.core.gate_words import MessageClass
from verifier.core.measures import MEASURES, Kind
from verifier.core.profiles import DEFAULT, PROFILES
from verifier.core.providers import ProbePolicy, Provider
from verifier.core.reasons import MEANINGS, Reason, Verdict, verdict_of
from verifier.writers.sentences_en import SENTENCES_EN

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
VERDICTS = ROOT / "docs" / "verdicts.md"
OPERATIONS = ROOT / "docs" / "operations.md"
GATE = ROOT / "docs" / "gate.md"
_PART = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ORDER = (Verdict.DELIVERABLE, Verdict.UNDELIVERABLE, Verdict.RISKY, Verdict.UNKNOWN)

_INTRODUCTION = """# Verdicts and reasons

Made from `verifier/core/reasons.py` by `tools/build_docs.py`; do not edit it here.

A verdict says what the evidence says; the reason says why. `undeliverable` is given only on a permanent, first-hand
statement about the mailbox or its domain: whatever was blocked, put off, timed out or not understood is `unknown`, and
an error of this program is too. When several reasons hold, the first speaks, in the order `undeliverable`, `risky`,
`deliverable`, `unknown` and within each as below; the others stay visible as flags. What a single SMTP reply means
is in [replies.md](replies.md).

Whether a verdict may be mailed is a question of policy, not of evidence. `--keep sendable` keeps what a marketing send
would be allowed; `--keep deliverable,risky` keeps the verdicts that you name.
"""

WHAT_TO_DO = {
    Reason.INVALID_SYNTAX: "Correct it if `ev_suggestion` or the person's record tells how; else drop it.",
    Reason.DOMAIN_NOT_FOUND: "Drop it. `ev_suggestion` names the domain that was probably meant: ask, don't rewrite.",
    Reason.NO_MAIL_HOST: "Drop it.",
    Reason.NULL_MX: "Drop it: the owner of the domain says so in DNS.",
    Reason.MX_UNROUTABLE: "Drop it; a domain of your own may need `VERIFIER_SMTP_ALLOW_NETWORKS`.",
    Reason.MAILBOX_NOT_FOUND: "Drop it, and suppress it in your sending service.",
    Reason.MAILBOX_DISABLED: "Drop it; the person may come back, so keep the record.",
    Reason.DISPOSABLE: "Leave it out of campaigns; an order confirmation may still be wanted.",
    Reason.MAILBOX_FULL: "Wait some weeks and verify again; mailing it meanwhile is a soft bounce.",
    Reason.CATCH_ALL: "Mail it if the person gave it to you; watch the bounces of the first portion.",
    Reason.ACCEPTED: "Mail it, if you may.",
    Reason.GREYLISTED: "Let `clean` wait (`--max-wait`), or clean the finished file again with `--only unknown`.",
    Reason.SMTP_TEMP_ERROR: "Ask again in some hours with `--only unknown`.",
    Reason.CONNECT_FAILED: "Ask again tomorrow; if it stays so for weeks, the domain is being given up.",
    Reason.SMTP_TIMEOUT: "Ask again tomorrow with `--only unknown`.",
    Reason.SMTP_PROTOCOL_ERROR: "Nothing; `check --transcript` shows what was said.",
    Reason.PROBE_BLOCKED: "Nothing with the address. Many of them: `verifier doctor` (PTR, SPF, block lists).",
    Reason.SENDER_REFUSED: "Set `VERIFIER_SMTP_MAIL_FROM` to a real, deliverable address; `verifier doctor`.",
    Reason.EGRESS_BLOCKED: "Run it where port 25 is open, or through a SOCKS5 proxy that is there.",
    Reason.EGRESS_INTERCEPTED: "Switch the antivirus' mail shield off, or ask your provider for a free port 25.",
    Reason.RESOLVER_UNTRUSTED: "Set `VERIFIER_DNS_NAMESERVERS` to a resolver that does not filter, and run again.",
    Reason.PROVIDER_UNVERIFIABLE: "Mail it if the person gave it to you; what you know of past sends decides.",
    Reason.SMTPUTF8_UNSUPPORTED: "Ask the person for an ASCII address.",
    Reason.DNS_TEMP_ERROR: "Ask again tomorrow with `--only unknown`.",
    Reason.NOT_PROBED: "Nothing; with the `smtp` stage more can be said.",
    Reason.INTERNAL_ERROR: "Please report it; the log says what happened.",
}


class Row(NamedTuple):
    """One line of the provider table: names in data/providers.toml, and what an answer there is worth."""

    title: str
    names: tuple[str, ...]
    worth: str


PROVIDER_ROWS = (
    Row(
        "Gmail, Google Workspace",
        ("google",),
        "Says at RCPT whether the mailbox exists. A Workspace domain may accept every name: then `catch_all`.",
    ),
    Row(
        "Microsoft 365",
        ("microsoft365",),
        "Says at RCPT whether the mailbox exists where the tenant's directory is complete; many tenants accept every "
        "name: `catch_all`.",
    ),
    Row(
        "Outlook.com, Hotmail, Live, MSN",
        ("outlook-consumer",),
        "Microsoft calls asking “namespace mining” and blocks those who do it; some refusals are about live mailboxes.",
    ),
    Row(
        "Yahoo, AOL",
        ("yahoo",),
        "Nothing: every name is accepted at RCPT and refused, if at all, after the message.",
    ),
    Row("AT&T and its old brands", ("att",), "Nothing, for the same reason."),
    Row("iCloud", ("icloud",), "Says at RCPT whether the mailbox exists; a full one is told apart."),
    Row("GMX, web.de, mail.com", ("gmx",), "Says at RCPT whether the mailbox exists; hosts without PTR are refused."),
    Row(
        "Orange, Wanadoo",
        ("orange",),
        "Says at RCPT whether the mailbox exists, and is impatient: too many questions, and every answer is about us.",
    ),
    Row(
        "SFR, Free, La Poste", ("sfr", "free-fr", "laposte"), "Say at RCPT whether the mailbox exists, at a slow pace."
    ),
    Row(
        "Proofpoint, Mimecast, Barracuda",
        ("proofpoint", "mimecast", "barracuda"),
        "Whatever each customer set up: with his directory behind it a real answer, without one every name is "
        "accepted (`catch_all`). Refusals by policy are `probe_blocked`.",
    ),
    Row(
        "Cisco (IronPort)",
        ("cisco",),
        "As above; `5.1.0 Address rejected` is also what its harvest guard says, so it is not believed alone.",
    ),
    Row(
        "Your own Postfix, Exim, OpenSMTPD, and other hosts",
        ("default",),
        "Say at RCPT whether the mailbox exists, unless a made-up name is accepted too (`catch_all`).",
    ),
)


def verdict_table() -> str:
    """Every verdict with its reasons, for the README."""
    lines = ["| verdict · reason | what it means |", "|---|---|"]
    for verdict in _ORDER:
        lines.append(f"| **{verdict}** | **{SENTENCES_EN[f'verdict.{verdict}.meaning']}** |")
        lines += [f"| [`{r}`](docs/verdicts.md#{r}) | {MEANINGS[r].sentence} |" for r in _reasons(verdict)]
    return "\n".join(lines) + "\n"


def provider_table(providers: dict[str, Provider]) -> str:
    """What can be proved where, for the README; how it is asked stands in the provider table."""
    lines = ["| who receives the mail | asked? | what an answer proves |", "|---|---|---|"]
    for row in PROVIDER_ROWS:
        asked = " · ".join(dict.fromkeys(_asked(providers[name]) for name in row.names))
        lines.append(f"| {row.title} | {asked} | {row.worth} |")
    return "\n".join(lines) + "\n"


def verdicts_page() -> str:
    """The whole of docs/verdicts.md."""
    parts = [_INTRODUCTION]
    for verdict in _ORDER:
        parts.append(f"## {verdict}\n\n{SENTENCES_EN[f'verdict.{verdict}.meaning']}\n")
        for reason in _reasons(verdict):
            meaning = MEANINGS[reason]
            facts = f"- What to do: {WHAT_TO_DO[reason]}\n- Source: {meaning.source}."
            parts.append(f"### {reason}\n\n{meaning.sentence}\n\n{facts}\n")
    return "\n".join(parts)


def readme(text: str) -> str:
    """The README with its made parts made anew."""
    table = {provider.name: provider for provider in load_reference_data(shipped_folder()).providers.providers}
    table["default"] = Provider(name="default")
    made = {"verdicts": verdict_table(), "providers": provider_table(table)}
    return _PART.sub(lambda part: f"{part[1]}{made[part[2]]}{part[3]}", text)


def measure_table() -> str:
    """Everything that /metrics shows, by the names that Prometheus has for it."""
    lines = ["| name | kind | labels | what it says |", "|---|---|---|---|"]
    for measure in sorted(MEASURES, key=lambda measure: measure.name):
        name = f"{measure.name}_total" if measure.kind is Kind.COUNTER else measure.name
        labels = " ".join(f"`{label}`" for label in measure.labels)
        lines.append(f"| `{name}` | {measure.kind} | {labels} | {measure.sentence} |")
    return "\n".join(lines) + "\n"


def operations_page(text: str) -> str:
    """docs/operations.md with its made part made anew."""
    return _PART.sub(lambda part: f"{part[1]}{measure_table()}{part[3]}", text)


def gate_page(text: str) -> str:
    """docs/gate.md with its made parts made anew."""
    made = {"rules": rule_table(), "profiles": profile_table()}
    return _PART.sub(lambda part: f"{part[1]}{made[part[2]]}{part[3]}", text)


def rule_table() -> str:
    """Every rule of the gate in its order, what the balanced policy concludes, and where others differ."""
    lines = [
        "| rule | when | marketing | triggered | transactional | bucket |",
        "|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        cells = " | ".join(_cell(row.rule, each) for each in MessageClass)
        lines.append(f"| `{row.rule}` | {row.sentence} | {cells} | `{BUCKETS[row.rule]}` |")
    return "\n".join(lines) + "\n"


def profile_table() -> str:
    """The limits of sending services that a campaign is held against."""
    lines = ["| profile | held from | blocked from | whose limits |", "|---|---|---|---|"]
    for name, profile in {"none": DEFAULT, **PROFILES}.items():
        lines.append(f"| `{name}` | {profile.hold:.1%} | {profile.block:.1%} | {profile.source} |")
    return "\n".join(lines) + "\n"


def _cell(rule: Rule, message_class: MessageClass) -> str:
    """The balanced outcome, and that of every policy which has another."""
    words = {Outcome.NEXT: "–"}
    outcome = BALANCED.cells[message_class][rule]
    others = [
        f"{name}: {words.get(policy.cells[message_class][rule], policy.cells[message_class][rule])}"
        for name, policy in BUILT_IN.items()
        if policy.cells[message_class][rule] is not outcome
    ]
    said = words.get(outcome, outcome)
    return f"{said} ({', '.join(others)})" if others else said


def _reasons(verdict: Verdict) -> list[Reason]:
    return [reason for reason in Reason if verdict_of(reason) is verdict]


def _asked(provider: Provider) -> str:
    if provider.accepts_all:
        return "no"
    if provider.probe is ProbePolicy.OPT_IN:
        return "off by default"
    pace = f", ≤ {provider.recipients_per_minute} a minute" if provider.recipients_per_minute else ""
    sessions = "session" if provider.sessions == 1 else "sessions"
    return f"yes, {provider.sessions} {sessions}{pace}"


if __name__ == "__main__":
    VERDICTS.write_text(verdicts_page(), encoding="utf-8")
    OPERATIONS.write_text(operations_page(OPERATIONS.read_text(encoding="utf-8")), encoding="utf-8")
    GATE.write_text(gate_page(GATE.read_text(encoding="utf-8")), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
