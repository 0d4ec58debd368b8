"""The engine that reads replies by rules: the first rule that holds, in the order of the phases, says what one means.

Laws: replies to anything but RCPT and DATA never speak of the mailbox; a temporary or self-contradicting reply never
says that a mailbox is dead; 5.7.x says so only by a provider's own rule; a reply that no rule knows says nothing.
(RFC 5321 §4.2.1 and §4.5.3.1.10, RFC 3463, RFC 2034 §4; the rules themselves are data/reply_rules.toml.)
"""

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache

from msgspec import Struct

from verifier.core.pattern_keys import Keys, Vocabulary, WordPattern, elsewhere, words_of
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage, mask, retry_after_s
from verifier.core.reply_text import without_accents, without_links


class Phase(IntEnum):
    """The order in which rules are asked: what ends the connection first, what is about us before what is about the
    mailbox, and the words before the number where the words are surer."""

    CONNECTION = 1
    GUARD = 2
    PROVIDER = 3
    CLIENT = 4
    QUOTA = 5
    DISABLED = 6
    ENHANCED = 7
    UNKNOWN_USER = 8
    AMBIGUOUS = 9


class Rule(Struct, frozen=True, kw_only=True):
    """One row of the rules: it holds where all that it names holds; what it leaves empty is not asked.

    `match`, `links` and `unless` are regular expressions, each tried where a word begins: `match` and `unless` on the
    masked lower-case text without accents, links and host names (core/reply_text.py), `links` on those. One of
    `match` and `links` and none of `unless` must be found. `mx` are suffixes of the host that spoke, `codes` reply
    codes, `enhanced` enhanced codes ("x.1.1" for 4.1.1 and 5.1.1, "5.7.*"). `wait_s` is how long to wait where the
    text does not say. `example` and `also` are replies that the rule is meant for.
    """

    id: str
    phase: Phase
    reply_class: ReplyClass
    source: str
    example: str
    also: tuple[str, ...] = ()
    stages: frozenset[SmtpStage] = frozenset()
    mx: frozenset[str] = frozenset()
    codes: frozenset[int] = frozenset()
    enhanced: frozenset[str] = frozenset()
    match: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    ambiguous: bool = False
    wait_s: int | None = None
    advice: str | None = None


class _Pattern(Struct, frozen=True):
    """One pattern of a rule, or a rule without patterns, ready to be asked; `key` leads to it, `needed` has to be
    met."""

    rule: Rule
    stages: frozenset[SmtpStage]
    key: Keys | None
    needed: int
    match: WordPattern | None
    unless: tuple[WordPattern, ...]

    def holds(self, text: str, links: str, met: int, enhanced: frozenset[str]) -> bool:
        wanted = self.rule.enhanced
        if wanted and wanted.isdisjoint(enhanced):
            return False
        if self.match is not None and not self.match.found(links if self.match.apart else text):
            return False
        return not any(words.needed & met == words.needed and words.found(text) for words in self.unless)


class _Selection(Struct, frozen=True):
    """The patterns that can hold for one stage, reply code and host, as bits whose places are those of
    `Rules._patterns`: which words make which worth asking, and those that are always asked."""

    index: dict[str, int]
    always: int

    def worth_asking(self, words: set[str]) -> int:
        """The bits of all patterns that could hold for a text of these words."""
        places = self.always
        for word in words & self.index.keys():
            places |= self.index[word]
        return places


DEAD = frozenset({ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED})
ABOUT_MAILBOX = DEAD | {ReplyClass.ACCEPTED, ReplyClass.MAILBOX_FULL, ReplyClass.RECIPIENT_RESTRICTED}
DEFAULT_RULES = frozenset(
    {
        "default.accepted",
        "default.contradiction",
        "default.go-ahead",
        "default.cannot-verify",
        "default.no-reply-code",
        "default.unrecognised-temporary",
        "default.unrecognised-permanent",
        "default.banner-refused",
        "default.ehlo-refused",
        "default.starttls-refused",
        "default.mail-refused",
    }
)
"""The rule names of readings that only stage and number made."""

_BEFORE_RCPT = frozenset({SmtpStage.BANNER, SmtpStage.EHLO, SmtpStage.STARTTLS, SmtpStage.MAIL})
_AFTER_MAIL = frozenset({SmtpStage.RCPT, SmtpStage.DATA})
_REFUSED_AT = {
    SmtpStage.BANNER: ReplyClass.CLIENT_REFUSED,
    SmtpStage.EHLO: ReplyClass.CLIENT_REFUSED,
    SmtpStage.STARTTLS: ReplyClass.TEMP_ERROR,
    SmtpStage.MAIL: ReplyClass.SENDER_REFUSED,
}
_CACHE_SIZE = 8192
_SELECTIONS = 512


class Rules:
    """Rules compiled once, and what they said of texts already met. Not for several threads at once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.phase))
        self._vocabulary = Vocabulary()
        self._patterns = _compile(self.rules, self._vocabulary)
        self._selections: dict[tuple[SmtpStage, int, frozenset[str]], _Selection] = {}
        self._suffixes = frozenset(suffix for rule in rules for suffix in rule.mx)
        self._suffixes_of_host: dict[str | None, frozenset[str]] = {None: frozenset()}
        self._readings: dict[tuple[str, int, str | None, SmtpStage, frozenset[str]], Reading] = {}

    def classify(
        self, reply: Reply, stage: SmtpStage, mx_host: str | None = None, own_addresses: Sequence[str] = ()
    ) -> Reading:
        """What `reply` to the command `stage` says, spoken by `mx_host`. `own_addresses` are the IP addresses that
        we ask from: a reply that quotes one is about us. Never raises."""
        suffixes = self._suffixes_of_host.get(mx_host)
        if suffixes is None:
            suffixes = self._learn_host(mx_host or "")
        key = (mask(reply.text, own_addresses), reply.code, reply.enhanced, stage, suffixes)
        reading = self._readings.get(key)
        if reading is None:
            reading = self._read(reply, stage, key[0], suffixes)
            if len(self._readings) >= _CACHE_SIZE:
                self._readings.clear()
            self._readings[key] = reading
        return reading

    def _learn_host(self, mx_host: str) -> frozenset[str]:
        labels = mx_host.lower().rstrip(".").split(".")
        tails = {".".join(labels[start:]) for start in range(len(labels))}
        suffixes = frozenset(tails & self._suffixes)
        if len(self._suffixes_of_host) >= _CACHE_SIZE:
            self._suffixes_of_host = {None: frozenset()}
        self._suffixes_of_host[mx_host] = suffixes
        return suffixes

    def _read(self, reply: Reply, stage: SmtpStage, masked: str, suffixes: frozenset[str]) -> Reading:
        if not 400 <= reply.code <= 599:
            return _without_refusal(reply, stage)
        text, links = without_links(without_accents(masked.lower()))
        enhanced = _names_of(reply.enhanced)
        words = words_of(text) | enhanced
        if links:
            words |= elsewhere(words_of(links))
        met = self._vocabulary.met(words)
        places = self._selection(stage, reply.code, suffixes).worth_asking(words)
        while places:
            lowest = places & -places
            places ^= lowest
            pattern = self._patterns[lowest.bit_length() - 1]
            if pattern.needed & met == pattern.needed and pattern.holds(text, links, met, enhanced):
                wait = retry_after_s(text)
                return _spoken(pattern.rule, reply, wait if wait is not None else pattern.rule.wait_s)
        return _unspoken(reply, stage, retry_after_s(text))

    def _selection(self, stage: SmtpStage, code: int, suffixes: frozenset[str]) -> _Selection:
        selection = self._selections.get((stage, code, suffixes))
        if selection is None:
            if len(self._selections) >= _SELECTIONS:
                self._selections.clear()
            selection = _select(self._patterns, stage, code, suffixes)
            self._selections[stage, code, suffixes] = selection
        return selection


def _compile(rules: Sequence[Rule], vocabulary: Vocabulary) -> tuple[_Pattern, ...]:
    """One entry a pattern, so that each is only tried where its own words are met; it is filed under those of its
    words that the fewest patterns share."""
    words = {source: WordPattern(source, vocabulary) for rule in rules for source in rule.match + rule.unless}
    links = {source: WordPattern(source, vocabulary, apart=True) for rule in rules for source in rule.links}
    popularity = Counter(
        key for rule in rules for source in rule.match for keys in words[source].key_sets for key in keys
    )
    patterns: list[_Pattern] = []
    for rule in rules:
        stages = rule.stages or frozenset(SmtpStage)
        if rule.reply_class in ABOUT_MAILBOX:
            stages &= _AFTER_MAIL
        unless = tuple(words[source] for source in rule.unless)
        if not rule.match and not rule.links:
            patterns.append(_Pattern(rule, stages, rule.enhanced or None, 0, None, unless))
        for match in [words[source] for source in rule.match] + [links[source] for source in rule.links]:
            key = min(match.key_sets, key=lambda keys: sum(popularity[word] for word in keys), default=None)
            patterns.append(_Pattern(rule, stages, key, match.needed, match, unless))
    return tuple(patterns)


def _select(patterns: Sequence[_Pattern], stage: SmtpStage, code: int, suffixes: frozenset[str]) -> _Selection:
    index: dict[str, int] = {}
    always = 0
    for place, pattern in enumerate(patterns):
        rule = pattern.rule
        if stage not in pattern.stages or (rule.codes and code not in rule.codes):
            continue
        if rule.mx and rule.mx.isdisjoint(suffixes):
            continue
        if pattern.key is None:
            always |= 1 << place
        for key in pattern.key or ():
            index[key] = index.get(key, 0) | 1 << place
    return _Selection(index, always)


@lru_cache(maxsize=1024)
def _names_of(enhanced: str | None) -> frozenset[str]:
    """The ways in which rules may name an enhanced code."""
    if enhanced is None:
        return frozenset()
    digit, subject, detail = enhanced.split(".")
    return frozenset({enhanced, f"x.{subject}.{detail}", f"{digit}.{subject}.*", f"x.{subject}.*", f"{digit}.*"})


def _without_refusal(reply: Reply, stage: SmtpStage) -> Reading:
    code = reply.code
    if code in (250, 251) and stage in _AFTER_MAIL:
        if _begins_as_refusal(reply):
            return Reading(ReplyClass.PROTOCOL_ERROR, "default.contradiction")
        return Reading(ReplyClass.ACCEPTED, "default.accepted")
    if code == 252:
        return Reading(ReplyClass.UNRECOGNISED, "default.cannot-verify")
    if (200 <= code <= 299 and stage in _BEFORE_RCPT) or (code == 354 and stage is SmtpStage.DATA):
        return Reading(ReplyClass.UNRECOGNISED, "default.go-ahead")
    return Reading(ReplyClass.PROTOCOL_ERROR, "default.no-reply-code")


def _begins_as_refusal(reply: Reply) -> bool:
    """`250 5.1.1 …` contradicts itself (RFC 2034 §4), and the weaker reading is that nothing is known. An enhanced code
    that still stands in the text did not begin it, and may be the version of a program.
    """
    return reply.enhanced is not None and reply.enhanced[0] != "2" and reply.enhanced not in reply.text


def _spoken(rule: Rule, reply: Reply, wait: int | None) -> Reading:
    temporary = reply.code < 500 or (reply.enhanced is not None and reply.enhanced[0] == "4")
    if rule.reply_class in DEAD:
        if temporary:
            return Reading(ReplyClass.TEMP_ERROR, rule.id, wait)
        if _is_policy(reply.enhanced) and not _may_overrule_policy(rule, reply.enhanced):
            return Reading(ReplyClass.POLICY_REFUSED, rule.id, wait, ambiguous=True)
    return Reading(rule.reply_class, rule.id, wait, rule.ambiguous and not temporary)


def _is_policy(enhanced: str | None) -> bool:
    return enhanced is not None and enhanced.startswith("5.7.")


def _may_overrule_policy(rule: Rule, enhanced: str | None) -> bool:
    return bool(rule.mx) or (rule.reply_class is ReplyClass.MAILBOX_DISABLED and enhanced in rule.enhanced)


def _unspoken(reply: Reply, stage: SmtpStage, wait: int | None) -> Reading:
    refused = _REFUSED_AT.get(stage)
    if refused is not None:
        return Reading(refused if reply.code >= 500 else ReplyClass.TEMP_ERROR, f"default.{stage}-refused", wait)
    if reply.code >= 500:
        at_recipient = stage is SmtpStage.RCPT and not (reply.enhanced or "").startswith("4")
        return Reading(ReplyClass.UNRECOGNISED, "default.unrecognised-permanent", wait, at_recipient)
    return Reading(ReplyClass.UNRECOGNISED, "default.unrecognised-temporary", wait)
