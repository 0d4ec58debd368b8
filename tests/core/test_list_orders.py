"""What is asked of a list, read and checked."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.clock import START
from tests.support.list_jobs import PREVIEW, job
from verifier.core.list_faults import BadRequest
from verifier.core.list_jobs import ListOptions, Webhook
from verifier.core.list_orders import (
    Order,
    as_lines,
    check_form,
    checked,
    columns_for,
    cut_filter,
    download_name,
    fingerprint,
    list_cursor,
    lists_before,
    plain_name,
    row_after,
    suffix_of,
)
from verifier.core.row_filter import RowFilter, parse_filter
from verifier.core.table import TableKind


@pytest.mark.parametrize(
    ("given", "name"),
    [("a/b/../c.csv", "c.csv"), ("C:\\lists\\c.csv", "c.csv"), ("c\n\x00.csv", "c.csv"), ("x" * 300, "x" * 200)],
)
def test_a_name_is_no_path(given: str, name: str) -> None:
    """Folders and control characters go, and so does what is too long."""
    assert plain_name(given) == name


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.CSV", ".csv"), ("a.b.csv.gz", ".csv.gz"), ("a.gz", ".gz"), ("a", ""), ("a.xlsx", ".xlsx")]
)
def test_the_suffix_of_a_name(name: str, suffix: str) -> None:
    """The last part, and the one before where that is gz."""
    assert suffix_of(name) == suffix


@pytest.mark.parametrize("url", ["https://shop.example/hook?x=1", "http://127.0.0.1:9/h"])
def test_a_webhook_is_a_url(url: str) -> None:
    """Where it leads is looked at when it is used, not here."""
    order = Order("w", "k", options=ListOptions(webhook=Webhook(url, "main")))
    assert checked(order).options.webhook == Webhook(url, "main")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "https://",
        "nonsense",
        "https://u:p@a.example",
        "https://a.example/ x",
        "https://[",
        "h" * 3000,
    ],
)
def test_what_is_no_webhook_is_refused(url: str) -> None:
    """Names the field."""
    with pytest.raises(BadRequest, match="webhook") as caught:
        checked(Order("w", "k", options=ListOptions(webhook=Webhook(url, "main"))))
    assert caught.value.field == "webhook_url"


def test_what_is_kept_and_the_key_are_checked() -> None:
    """A word that does not exist would keep nothing; a nameless list gets a name."""
    with pytest.raises(BadRequest, match="no verdict 'good'"):
        checked(Order("w", "k", options=ListOptions(keep=("good",))))
    with pytest.raises(BadRequest, match="Idempotency-Key"):
        checked(Order("w", "k", idempotency_key="x" * 256))
    for no_text in ("\udce9", "a\x00b"):  # as bytes of a header come that are not UTF-8
        with pytest.raises(BadRequest, match="is text"):
            checked(Order("w", "k", idempotency_key=no_text))
    assert checked(Order("w", "k")).name == "list"


def test_the_fingerprint_is_of_content_name_and_options() -> None:
    """Not of who sends it, nor of the key."""
    order = Order("w", "k", "a.csv", ListOptions(), "key")
    same = structs.replace(order, client="other", idempotency_key="other")
    assert fingerprint(order, "00") == fingerprint(same, "00")
    others = [
        fingerprint(order, "01"),
        fingerprint(structs.replace(order, name="b.csv"), "00"),
        fingerprint(structs.replace(order, options=ListOptions(start=True)), "00"),
    ]
    assert len({fingerprint(order, "00"), *others}) == 4


@given(st.lists(st.text(max_size=5), max_size=2500))
def test_rows_become_lines(texts: list[str]) -> None:
    """One line a row, in order, some at a time."""
    lines = b"".join(as_lines(texts)).splitlines()
    assert len(texts) == len(lines)


def test_objects_stay_objects() -> None:
    """A row with its cells goes in as it is, an address under `email`."""
    assert list(as_lines(["a@b.example", {"mail": "c@d.example", "n": 1}])) == [
        b'{"email":"a@b.example"}\n{"mail":"c@d.example","n":1}\n'
    ]


def test_columns_are_named_or_guessed() -> None:
    """By heading or number; what cannot be is told with the columns that there are."""
    assert columns_for(job(), ["E-Mail"]) == (1,)
    assert columns_for(job(), ["1"]) == (0,)
    assert columns_for(job(), []) == (1,)
    with pytest.raises(BadRequest, match="its columns are id, e-mail"):
        columns_for(job(), ["mail"])
    with pytest.raises(BadRequest, match="could not be guessed"):
        columns_for(job(columns=()), [])
    with pytest.raises(BadRequest, match="not read yet"):
        columns_for(job(preview=None), ["1"])


def test_what_a_download_keeps() -> None:
    """What is asked for, else the list's rule, else what a preset wants, else everything; a preset never repeats."""
    assert cut_filter(job(), None, "") == RowFilter()
    assert cut_filter(job(), None, "brevo") == RowFilter(sendable=True, repeats=False)
    risky = parse_filter(verdict=["risky"])
    assert cut_filter(job(), risky, "brevo") == structs.replace(risky, repeats=False)
    ruled = job(options=ListOptions(keep=("sendable",)))
    assert cut_filter(ruled, None, "") == RowFilter(sendable=True)
    assert cut_filter(ruled, risky, "") == risky


def test_forms() -> None:
    """Presets are CSV; unknown ones are refused with those that there are."""
    check_form(TableKind.CSV, "insider")
    check_form(TableKind.XLSX, "")
    with pytest.raises(BadRequest, match="mailjet, brevo, mailchimp, insider, campaigner"):
        check_form(None, "sendgrid")
    with pytest.raises(BadRequest, match="leave the format out"):
        check_form(TableKind.JSONL, "brevo")


def test_names_of_downloads() -> None:
    """After the list."""
    assert download_name(job(name="a.b.csv.gz"), TableKind.CSV, "") == "a.b.clean.csv"
    assert download_name(job(name="list"), TableKind.XLSX, "") == "list.clean.xlsx"
    assert download_name(job(name="a.csv"), TableKind.CSV, "brevo") == "a.brevo.csv"


def test_cursors_come_back() -> None:
    """A cursor that was given out is understood; any other is refused, and none begins at the beginning."""
    assert lists_before(list_cursor(job())) == (START, job().id)
    assert lists_before("") is None
    assert (row_after(""), row_after("12")) == (0, 12)
    for cursor in ("x", "2026-11-22T10:00:00~id", "2026-11-22T10:00:00+00:00~"):
        with pytest.raises(BadRequest, match="cursor"):
            lists_before(cursor)
    for cursor in ("x", "-1", "²", "1" * 13):
        with pytest.raises(BadRequest, match="cursor"):
            row_after(cursor)


def test_when_a_list_expires() -> None:
    """Its retention counts from its end, before that from its last change."""
    assert job().expires == START + timedelta(days=30)
    done = job(finished=START + timedelta(hours=1), options=ListOptions(retention=timedelta(hours=2)))
    assert done.expires == START + timedelta(hours=3)
    assert PREVIEW.rows == 4
