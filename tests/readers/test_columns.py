"""Headings and e-mail columns are guessed as a person would guess them."""

import pytest

from verifier.core.table import chosen_columns
from verifier.readers.columns import guess_columns

A, B, C = "a@x.test", "b@x.test", "c@x.test"
TABLES = {
    "plain": ([["email"], [A]], True, (0,)),
    "no heading": ([[A], [B]], False, (0,)),
    "first is broken": ([["not-an-address"], [A], [B]], False, (0,)),
    "unknown word alone": ([["johndoe"], [A]], False, (0,)),
    "contacts": ([["Contacts"], [A]], True, (0,)),
    "french": ([["Nom", "Adresse e-mail"], ["Ann", A]], True, (1,)),
    "french electronic": ([["Nom", "Adresse électronique"], ["Ann", A]], True, (1,)),
    "german": ([["Vorname", "E-Mail-Adresse"], ["Ann", A]], True, (1,)),
    "spanish": ([["Nombre", "Correo electrónico"], ["Ann", A]], True, (1,)),
    "italian": ([["Nome", "Indirizzo e-mail"], ["Ann", A]], True, (1,)),
    "underscores": ([["EMAIL_ADDRESS", "x"], [A, "1"]], True, (0,)),
    "heading unknown": ([["Foo", "Bar"], ["1", A], ["2", B]], True, (1,)),
    "postal address": ([["address", "foo"], ["1 High Street", A], ["2", B]], True, (1,)),
    "beside its status": ([["email_status", "email", "email type"], ["ok", A, "x"]], True, (1,)),
    "two": ([["Email", "Work Email", "Owner Email"], [A, B, C]], True, (0, 1)),
    "google": ([["E-mail 1 - Type", "E-mail 1 - Value", "E-mail 2 - Value"], ["* Work", A, B]], True, (1, 2)),
    "second one empty": ([["Email", "Email 2"], [A, ""], [B, ""]], True, (0,)),
    "headed but hashed": ([["email", "contact"], ["9f86d081", A], ["60303ae2", B]], True, (1,)),
    "dirty": ([["email", "name"], ["nonsense", "x"], [A, "y"], ["foo", "z"]], True, (0,)),
    "heading only": ([["name", "email"]], True, (1,)),
    "data first": ([["1", "Ann", "no address", "2024-01-02"], ["2", "Bob", A, "2024-01-02"]], False, (2,)),
    "former run": ([["email", "ev_verdict", "ev_normalized"], [A, "deliverable", A]], True, (0,)),
    "none": ([["name", "phone"], ["Ann", "12"]], None, ()),
    "blank": ([[], [""]], False, ()),
}


@pytest.mark.parametrize("name", TABLES)
def test_guesses(name: str) -> None:
    """The heading and the columns that a person would see."""
    rows, has_header, columns = TABLES[name]
    guess = guess_columns(rows)
    assert (guess.has_header if has_header is None else has_header, columns) == (guess.has_header, guess.email)


TITLED = {
    "a title": ([["Clients, 1 November"], [], ["Nom", "Email", "Ville"], ["Ann", A, "Lyon"]], 3, (1,)),
    "a title about e-mail": ([["E-mail list", "", ""], ["Nom", "Email", "Ville"], ["Ann", A, "Lyon"]], 2, (1,)),
    "groups of columns": ([["Client", "", "Contact"], ["Nom", "Prénom", "E-mail"], ["Ann", "Bo", A]], 2, (2,)),
    "Outlook in French": ([["Export"], ["Nom", "Adresse de messagerie"], ["Ann", A]], 2, (1,)),
    "no headings below it": ([["Clients"], ["Ann", A], ["Bob", B]], 0, (1,)),
    "headings first": ([["Nom", "Email"], ["Ann", A], ["email", B]], 0, (1,)),
    "an address above": ([["for boss@x.test"], ["Nom", "Email"], ["Ann", A]], 0, (1,)),
    "too far below": ([["x"]] * 11 + [["Nom", "Email"], ["Ann", A]], 0, (1,)),
}


@pytest.mark.parametrize("name", TITLED)
def test_headings_below_a_title_are_found(name: str) -> None:
    """They name the columns; the lines above them, and they themselves, stay rows, so that none is lost."""
    rows, place, columns = TITLED[name]
    guess = guess_columns(rows)
    assert (guess.headings_row, guess.email) == (place, columns)
    assert not (guess.headings_row and guess.has_header)


def test_columns_are_chosen_by_name_or_number() -> None:
    """A heading goes before a number; numbers count from 1; a column twice named is taken once."""
    header = ["Email", "2", " Work mail "]
    assert chosen_columns(["work MAIL", "2", "1", "email"], header, 3) == (2, 1, 0)
    assert chosen_columns(["3"], None, 3) == (2,)
