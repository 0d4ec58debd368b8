"""What a refusal says of words that nobody knows."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from tests.edges.http.test_lists import CSV, OFFLINE
from tests.support.front_desk import Visitor
from verifier.edges.http.known_words import known_at


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct):
    colours: Annotated[list[Colour], Meta(min_length=1)] = []
    pair: tuple[Colour, ...] = ()


class Outer(Struct):
    inner: Inner | None = None
    colour: Colour | None = None
    number: int = 0


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([], ("inner", "colour", "number")),
        (["inner"], ("colours", "pair")),
        (["inner", "colours", "0"], ("red", "blue")),
        (["inner", "pair", "..."], ("red", "blue")),
        (["colour"], ("red", "blue")),
        (["number"], ()),
        (["inner", "colours"], ()),
        (["colour", "deeper"], ()),
        (["nothing"], ()),
    ],
)
def test_what_is_known_at_a_place(steps: list[str], known: tuple[str, ...]) -> None:
    """Words of an enumeration, fields of an object, through arrays and what may be null; nothing anywhere else."""
    assert known_at(Outer, steps) == known


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/verify", {"email": "a", "policy": "x"}, "there are signup, signup_strict."),
        ("/v1/verify", {"email": "a", "stages": ["x"]}, "there are syntax, disposable, mx, smtp."),
        ("/v1/verify", {"email": "a", "mail": "b"}, "there are email, timeout_ms, stages, policy, lang."),
        ("/v1/lists", {"emails": ["a"], "stages": ["x"]}, "there are syntax, disposable, mx, smtp."),
    ],
)
async def test_a_refused_word_is_told_with_those_that_are_known(
    local: Visitor, path: str, body: dict[str, Any], said: str
) -> None:
    """Whoever mistyped one need not look for the documentation."""
    answer = await local.ask("POST", path, json=body)
    assert (answer.status, answer.json["detail"].endswith(said)) == (422, True), answer.json["detail"]


async def test_a_refused_parameter_is_told_with_what_can_be_sent(local: Visitor) -> None:
    """By its name; and of what is true or false, that it is written so."""
    for wrong, said in (("strat=true", "there are name, column, "), ("start=maybe", "start: Expected true or false.")):
        answer = await local.ask("POST", f"/v1/lists?{OFFLINE}&{wrong}", data=CSV, headers={"Content-Type": "text/csv"})
        assert (answer.status, said in answer.json["detail"]) == (422, True), answer.json["detail"]
