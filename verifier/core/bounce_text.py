"""Finds the SMTP reply in what mail programs wrote around it: bounces, log lines, tracebacks, as people paste them.

Law: what the sending program wrote itself is no part of the reply, nor are replies to what it sent after the refusal.
(The forms of Postfix, Exim, qmail, Sendmail, Exchange, IONOS, Zoho and smtplib; RFC 3464 §2.3.6.)
"""

import re

from verifier.core.replies import ENHANCED, RAW_LIMIT, Reply, SmtpStage, enhanced_code_in, parse_reply

_STATUS = re.compile(r"[2-5]\d\d(?!\d|\.\d+\.)")
_INTRODUCED = re.compile(
    rf"""(?ix) (?: said | <<< | says | responded | response | replied | reply | reason | error(?:[ _]code)? | returned
         | smtp | status | diagnostic-code | with | \]\)? | >\)? ) (?:\ (?:was|is|code))? \s*[:;=,"'(]*\s*
         (?: smtp; \s* )? (?<![\d.]) ([45]\d\d|25[0-2]) (?= [\s-]+ (?:[#(\[]*{ENHANCED}|\D) | \s*$ | [,:] )"""
)
_BEFORE_ENHANCED = re.compile(rf"(?<![\w.=/-])([245]\d\d)(?=[ -]+[#(\[]*{ENHANCED}(?![\d.]))")
_LEADING = re.compile(r"\W{0,3}[245]\d\d(?=[ -]|[^\W\d]|$)")
_FOLLOW_UP = re.compile(
    r"""(?ix) (?<!\S) (?:503|554|421) [ -] (?:[45]\.\d\.\d+\ )? (?:\S+\ ){0,3}?
        (?: (?:error:\ )? need\ (?:a\ )?rcpt | rcpt\ first | (?:error:\ )? no\ valid\ recipients | no\ recipients
          | bad\ sequence | valid\ rcpt | start\ afresh | issue\ rcpt | all\ rcpt | error:\ too\ many\ errors )"""
)
_NEXT_REPLY = re.compile(rf"(?<!\S)(?<!said: )[45]\d\d(?=[ -](?:{ENHANCED} |[^\W\d_<\[]))")
_ONLY_AROUND = re.compile(r"[:;>,]\s*$")
_TAIL = re.compile(
    r"(?is)\s*\(in reply to [\w ]+ command\).*$|;\s*from=<[^<>]*> to=<.*$|\s*\bgiving up on \S+.*$"
    r"|\s*\(other mxes tried:.*$|\s*(?:i'm not going to try again|no action is required on your part).*$"
)
_RAISED_BY_PYTHON = re.compile(r"\(([245]\d\d), b?['\"]")
_ZOHO = re.compile(rf"(?i)\berror_code ?: ?(\d{{3}}), ?error_code ?: ?({ENHANCED})?")


def reply_from_text(text: str) -> Reply:
    """The reply inside a bounce text as people paste it: with or without a code, wrapped, behind `host … said:`,
    `smtp;`, `Remote host said:` or an address.

    What the sending program wrote around the reply is left out, so are the replies to commands that it sent after the
    refusal. A text without any number is taken for a permanent refusal (550, or its enhanced code's class): mail
    programs write such texts when they have given up. Never raises.
    """
    text = text[:RAW_LIMIT].strip()
    if "\n" in text:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if all(_STATUS.match(line) and line[:3] == lines[0][:3] for line in lines):
            return parse_reply(lines)
    joined = _refusal(_plain(" ".join(text.split())))
    if not _LEADING.match(joined):
        found = _INTRODUCED.search(joined) or _BEFORE_ENHANCED.search(joined)
        if found is not None:
            joined = joined[found.start(1) :]
    joined = _TAIL.sub("", joined).strip(" \"'")
    reply = parse_reply([joined])
    if reply.code:
        return reply
    enhanced = enhanced_code_in(joined)
    code = 450 if enhanced is not None and enhanced.startswith("4") else 550
    return Reply(code, enhanced, joined)


def _plain(text: str) -> str:
    """`text` with its code where a server puts it, in the forms that separate it from its words."""
    if "Remote_host_said:_" in text:
        text = text.replace("_", " ")
    if ", b" in text or ", '" in text:
        text = _RAISED_BY_PYTHON.sub(r"said: \1 ", text)
    if "_code" in text or "_CODE" in text:
        text = _ZOHO.sub(lambda found: f"{found[1]} {found[2] or ''}", text)
    return text


def _refusal(transcript: str) -> str:
    """Of several replies in a row the one that refused: the last before the server complained about what followed."""
    follow_up = _FOLLOW_UP.search(transcript)
    if follow_up is None or follow_up.start() == 0:
        return transcript
    before = transcript[: follow_up.start()]
    starts = [found.start() for found in _NEXT_REPLY.finditer(before)]
    if starts:
        return before[starts[-1] :]
    return transcript if _ONLY_AROUND.search(before) else before


_STAGE_WORDS = (
    (
        SmtpStage.DATA,
        (
            "after end of data",
            "in reply to end of data",
            "after i sent the message",
            "after data ",
            "after data:",
            "for text command",
        ),
    ),
    (
        SmtpStage.RCPT,
        (
            "after rcpt to",
            "after rcpt command",
            "in reply to rcpt to",
            "for rcpt to command",
            "does not like recipient",
            ">>> rcpt to",
        ),
    ),
    (
        SmtpStage.MAIL,
        (
            "after mail from",
            "in reply to mail from",
            "for mail from command",
            "but sender was rejected",
            ">>> mail from",
        ),
    ),
    (
        SmtpStage.EHLO,
        (
            "after ehlo ",
            "after helo ",
            "after ehlo:",
            "after helo:",
            "in reply to ehlo",
            "in reply to helo",
            "but my name was rejected",
        ),
    ),
    (SmtpStage.BANNER, ("after initial connection", "refused to talk to me", "but greeting failed")),
)


def stage_from_text(text: str) -> SmtpStage | None:
    """The command that a pasted bounce text says was refused ("in reply to RCPT TO command"), None where it does not.

    A complaint about missing recipients behind the refusal shows that it was RCPT's. (The words of Postfix, Exim,
    qmail and IONOS.)
    """
    joined = " ".join(text[:RAW_LIMIT].split())
    lowered = joined.lower()
    for stage, phrases in _STAGE_WORDS:
        if any(phrase in lowered for phrase in phrases):
            return stage
    follow_up = _FOLLOW_UP.search(joined)
    return SmtpStage.RCPT if follow_up is not None and follow_up.start() > 0 else None
