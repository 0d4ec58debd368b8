"""Addresses agree with email-validator on every input, after a clean-up that only takes away."""

import unicodedata

import email_validator
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verifier.core.address import LONGEST_TEXT, Address, SyntaxFault, parse_address
from verifier.core.cleanup import clean_up


def judged(text: str) -> tuple[str, str] | None:
    """email-validator's local part, in the case of RFC 2142 names, and A-label domain; None where it refuses."""
    try:
        valid = email_validator.validate_email(
            text, check_deliverability=False, strict=True, allow_smtputf8=True, allow_quoted_local=True
        )
    except ValueError:
        return None
    return valid.local_part, valid.ascii_domain


def answers(text: str) -> tuple[object, object]:
    """email-validator's answer to the cleaned text, and ours: local part and domain, or None for a refusal; both with
    the text, and the names of what the clean-up took away.
    """
    cleaned, names = clean_up(text)
    expected = judged(cleaned)
    actual = parse_address(text)
    ours = None
    if isinstance(actual, Address):
        same_case = expected is None or actual.local == expected[0]
        ours = (actual.local if same_case else actual.local.lower(), actual.domain)
        if cleaned.lower().endswith("@verifier.test"):  # a domain of ours alone
            expected = ours
    return (text, names, expected), (actual.raw, actual.cleaned, ours)


ALPHABET = [
    *"abZ09-_.+!#'*/=?^`{|}~%&$@\"\\()[]<>,;: \t\n\x00\x7f",  # ASCII
    *"éÉßẞςİıǆﬁ½אا١۱中。．｡＠﹫ａ·゛⒈´′🙂\u212a\u037e\u1fef",  # letters, digits and what UTS #46 maps to others
    *"\u0301\u0338\u0327\u094d\u034f\ufe0f",  # combining marks
    *"\x85\u00a0\u3000\u2028\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\U0001bca0\U000e0001",  # spaces and formats
    *"\ud800\ue000\ufffe\u0378",  # surrogate, private use, no character, unassigned
    *("--", "..", '\\"', "xn--", "XN--", "xn--4ca", "xn--mnchen-3ya", "xn--a", "xn--zz"),
    *("info", "INFO", "test", "local", "invalid", "com", "[127.0.0.1]"),
]
RUNS = st.builds(
    str.__mul__, st.sampled_from(["a", "Z", "9", "é", "中", "-", "a."]), st.sampled_from([1, 2, 62, 63, 64, 65])
)
PIECES = st.one_of(st.sampled_from(ALPHABET), RUNS, st.characters())
NASTY = st.lists(PIECES, max_size=8).map("".join)
SUFFIXES = st.sampled_from(
    ["", ".com", ".fr", ".c", ".9", ".c9", ".test", ".local", ".INVALID", ".xn--p1ai", ".рф", "．ｔｅｓｔ", "."]
)
LABELS = st.one_of(
    st.sampled_from(
        [
            "a",
            "example",
            "EXAMPLE",
            "1",
            "a-b",
            "a--b",
            "ab--c",
            "xn--4ca",
            "-a",
            "a-",
            "münchen",
            "ßß",
            "中国",
            "א",
            "א1",
        ]
    ),
    st.sampled_from([61, 62, 63, 64]).map("a".__mul__),
)
DOMAINS = st.builds(
    lambda labels, suffix: ".".join(labels) + suffix, st.lists(LABELS, min_size=1, max_size=5), SUFFIXES
)
ATOMS = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~.", min_size=1, max_size=66)
QUOTED = st.one_of(ATOMS, NASTY).map('"{}"'.format)


@given(text=NASTY)
@settings(max_examples=1500, deadline=None)
def test_agrees_on_any_text(text: str) -> None:
    """Whatever the text, email-validator's answer to it is ours."""
    theirs, ours = answers(text)
    assert theirs == ours


@given(local=st.one_of(ATOMS, NASTY, QUOTED), domain=st.one_of(DOMAINS, st.builds(str.__add__, NASTY, SUFFIXES)))
@settings(max_examples=3000, deadline=None)
@example("a" * 64, "example.com")
@example("a" * 65, "example.com")
@example("é" * 64, "example.com")
@example("a" * 64, ("b" * 61 + ".") * 3 + "com")
@example("a" * 64, ("b" * 61 + ".") * 3 + "comm")
@example("a", ("b" * 62 + ".") * 4 + "c")
@example("a", "b" * 63 + ".com")
@example("a", "b" * 64 + ".com")
@example("a", "bb--b.com")
@example("a", "xn--mnchen-3ya.de")
@example("a", "xn--zzzzzz.de")
@example("a", "1.2.3.4")
@example("a", "localhost")
@example("a", "test")
@example("a", "foo.lo\U0001bca0cal")
@example('"INFO"', "example.com")
@example("\u212aelvin", "example.com")
def test_agrees_on_what_looks_like_an_address(local: str, domain: str) -> None:
    """The fast path and the clean-up give no other answer than email-validator does."""
    theirs, ours = answers(f"{local}@{domain}")
    assert theirs == ours


@given(local=ATOMS, domain=DOMAINS)
@settings(max_examples=500, deadline=None)
def test_what_is_an_address_is_not_cleaned(local: str, domain: str) -> None:
    """A text that email-validator takes as it stands is taken as it stands."""
    text = f"{local}@{domain}"
    if judged(text) is not None:
        assert (text, ()) == clean_up(text)


@given(text=st.one_of(NASTY, st.builds("{} <{}>".format, NASTY, NASTY), st.builds("mailto:{}?{}".format, NASTY, NASTY)))
@settings(max_examples=1000, deadline=None)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """The clean-up is idempotent."""
    cleaned, _ = clean_up(text)
    assert (cleaned, ()) == clean_up(cleaned)


@given(local=ATOMS, domain=DOMAINS)
@settings(max_examples=300, deadline=None)
def test_forms_are_stable(local: str, domain: str) -> None:
    """The normalized form is its own normalized form, and both forms ignore the case of what was typed."""
    address = parse_address(f"{local}@{domain}")
    if isinstance(address, SyntaxFault):
        return
    again = parse_address(address.normalized)
    shouted = parse_address(f"{local.upper()}@{domain}")
    assert isinstance(again, Address) and isinstance(shouted, Address)
    assert (address.normalized, address.comparison) == (again.normalized, again.comparison)
    assert address.comparison == shouted.comparison
    assert f"{address.local}@{address.domain}" == address.mailbox


CLEANED = {
    "jane@example.com": ("jane@example.com", ()),
    "  jane@example.com\r\n": ("jane@example.com", ("whitespace",)),
    "\ufeffjane@example.com": ("jane@example.com", ("bom",)),
    "\u00a0jane@example.com\u00a0": ("jane@example.com", ("nbsp",)),
    "ja\u200bne@exam\u00adple.com": ("jane@example.com", ("zero_width",)),
    "\u202ajane@example.com\u202c": ("jane@example.com", ("zero_width",)),
    "jane\u200d@example.com": ("jane@example.com", ("zero_width",)),
    '"jane@example.com"': ("jane@example.com", ("quotes",)),
    "'jane@example.com'": ("jane@example.com", ("quotes",)),
    "“jane@example.com”": ("jane@example.com", ("quotes",)),
    "« jane@example.com »": ("jane@example.com", ("quotes", "whitespace")),
    "<jane@example.com>": ("jane@example.com", ("angle_brackets",)),
    '""jane@example.com""': ("jane@example.com", ("quotes",)),
    "Jane Doe <jane@example.com>": ("jane@example.com", ("display_name",)),
    "Jane\u00a0Doe\u00a0<jane@example.com>": ("jane@example.com", ("display_name",)),
    '"Doe, Jane" <jane@example.com>': ("jane@example.com", ("display_name",)),
    "Doe, Jane <jane@example.com>;": ("jane@example.com", ("trailing_punctuation", "display_name")),
    "'jane@example.com' <jane@example.com>": ("jane@example.com", ("display_name",)),
    "JANE@example.com <jane@example.com>": ("jane@example.com", ("display_name",)),
    '"me@home" <jane@example.com>': ("jane@example.com", ("display_name",)),
    "mailto:jane@example.com": ("jane@example.com", ("mailto",)),
    "MAILTO:jane@example.com?subject=Hi@you&body=x": ("jane@example.com", ("mailto",)),
    "mailto:jane%2Btag@example.com": ("jane+tag@example.com", ("mailto",)),
    "mailto:jane%ff@example.com": ("jane%ff@example.com", ("mailto",)),
    "<mailto:jane@example.com>": ("jane@example.com", ("angle_brackets", "mailto")),
    "jane@example.com.": ("jane@example.com", ("trailing_punctuation",)),
    "jane@example.com,": ("jane@example.com", ("trailing_punctuation",)),
    "jane@example.com ; ": ("jane@example.com", ("whitespace", "trailing_punctuation")),
    '"jane doe"@example.com': ('"jane doe"@example.com', ()),
    "'jane'@example.com": ("'jane'@example.com", ()),
}


@pytest.mark.parametrize(("cell", "mailbox", "cleaned"), [(cell, *rest) for cell, rest in CLEANED.items()])
def test_cleaned_cells(cell: str, mailbox: str, cleaned: tuple[str, ...]) -> None:
    """What stands around an address is taken off and named; the cell itself stays as it is."""
    address = parse_address(cell)
    assert isinstance(address, Address)
    assert (cell, mailbox, cleaned) == (address.raw, address.mailbox, address.cleaned)


FORMS = {
    "Jane.Doe+News@GMail.com": ("Jane.Doe+News", "gmail.com", "jane.doe+news@gmail.com", "janedoe@gmail.com"),
    "j.a.n.e@googlemail.com": ("j.a.n.e", "googlemail.com", "j.a.n.e@googlemail.com", "jane@gmail.com"),
    "+tag@gmail.com": ("+tag", "gmail.com", "+tag@gmail.com", "+tag@gmail.com"),
    "Jane.Doe+News@Example.com": (
        "Jane.Doe+News",
        "example.com",
        "jane.doe+news@example.com",
        "jane.doe+news@example.com",
    ),
    "INFO@example.com": ("INFO", "example.com", "info@example.com", "info@example.com"),
    '"INFO"@example.com': ("INFO", "example.com", "info@example.com", "info@example.com"),
    "jane@MÜNCHEN.de": ("jane", "xn--mnchen-3ya.de", "jane@xn--mnchen-3ya.de", "jane@xn--mnchen-3ya.de"),
    "jane@XN--MNCHEN-3YA.de": ("jane", "xn--mnchen-3ya.de", "jane@xn--mnchen-3ya.de", "jane@xn--mnchen-3ya.de"),
    "jane@bücher．com": ("jane", "xn--bcher-kva.com", "jane@xn--bcher-kva.com", "jane@xn--bcher-kva.com"),
    "jane@verifier.test": ("jane", "verifier.test", "jane@verifier.test", "jane@verifier.test"),
    '"j d"@Verifier.TEST': ('"j d"', "verifier.test", '"j d"@verifier.test', '"j d"@verifier.test'),
    '"j d"@box.example': ('"j d"', "box.example", '"j d"@box.example', '"j d"@box.example'),
    '"A.b c"@gmail.com': ('"A.b c"', "gmail.com", '"a.b c"@gmail.com', '"a.b c"@gmail.com'),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.items())
def test_forms(text: str, expected: tuple[str, str, str, str]) -> None:
    """The local part keeps its case, the domain is a lower-case A-label, and only Gmail's dots and tags are ignored."""
    address = parse_address(text)
    assert isinstance(address, Address)
    assert expected == (address.local, address.domain, address.normalized, address.comparison)
    assert not address.smtputf8


def test_local_part_beyond_ascii_needs_smtputf8() -> None:
    """A local part that is not ASCII is sent in NFC and needs SMTPUTF8; only the forms are case-folded."""
    address = parse_address(unicodedata.normalize("NFD", "Zoé.Straße@example.com"))
    assert isinstance(address, Address)
    expected = ("Zoé.Straße@example.com", "zoé.strasse@example.com", True)
    assert expected == (address.mailbox, address.normalized, address.smtputf8)


FAULTS = {
    "": "The cell is empty.",
    " \u00a0\ufeff\t": "The cell is empty.",
    "a@example.com, b@example.com": "The cell holds more than one address.",
    "a@example.com;b@example.com": "The cell holds more than one address.",
    "a@example.com\nb@example.com": "The cell holds more than one address.",
    "a@example.com / b@example.com": "The cell holds more than one address.",
    '"a@example.com","b@example.com"': "The cell holds more than one address.",
    '"Doe, Jane" <a@example.com>, Bob <b@example.com>': "The cell holds more than one address.",
    "mailto:a@example.com,b@example.com": "The cell holds more than one address.",
    "a@example.com <b@example.com>": "The cell holds more than one address.",
    ", ".join(["somebody@example.com"] * 50): "The cell holds more than one address.",
    "n/a": "An email address must have an @-sign.",
    "jane＠example.com": 'The email address has the "full-width" at-sign (@) character instead of a regular at-sign.',
    "jane@localhost": "The part after the @-sign is not valid; it should have a period.",
    "jane@test": "The part after the @-sign is not valid; it should have a period.",
    "jane@[192.0.2.1]": "A bracketed IP address after the @-sign is not allowed here.",
    "jane@192.0.2.1": "The part after the @-sign is not valid; it is not within a valid top-level domain.",
    "jane doe@example.com": "The email address contains invalid characters before the @-sign: SPACE.",
    "jane\u00a0doe@example.com": "The email address contains unsafe characters: NO-BREAK SPACE.",
    f"{'a' * 65}@example.com": "The email address is too long before the @-sign (1 character too many).",
    f"{'a' * 300}@example.com": "The address is too long (312 octets, and 254 are allowed).",
    f"jane@{'中' * 60}.local": "The part after the @-sign is invalid (Label too long).",
}


@pytest.mark.parametrize(("text", "sentence"), FAULTS.items())
def test_faults(text: str, sentence: str) -> None:
    """A text that is no address says so in one sentence."""
    fault = parse_address(text)
    assert isinstance(fault, SyntaxFault)
    assert (text, sentence) == (fault.raw, fault.sentence)


@given(text=NASTY)
@settings(max_examples=300, deadline=None)
def test_a_fault_is_one_sentence(text: str) -> None:
    """Every sentence begins with a capital letter, ends with a period and fits a line."""
    fault = parse_address(text)
    if isinstance(fault, SyntaxFault):
        assert fault.sentence[0].isupper() and fault.sentence.endswith(".") and "\n" not in fault.sentence


def test_a_huge_cell_is_refused_unread() -> None:
    """A cell longer than any wrapped address is refused by its length alone."""
    fault = parse_address("x" * (LONGEST_TEXT + 1))
    assert SyntaxFault("x" * 2049, "The text is too long to be an address (2,049 characters).") == fault
