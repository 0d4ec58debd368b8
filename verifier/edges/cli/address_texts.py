"""Addresses as arguments and on standard input: UTF-8, else what an older system writes, as lists are read too."""

import os
import sys
from collections.abc import Iterator

import click

from verifier.edges.cli.session import say


class AddressText(click.ParamType[str]):
    """An address as it was typed."""

    name = "address"

    def convert(self, value: object, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        return _decoded(os.fsencode(str(value)))


def address_lines() -> Iterator[str]:
    """The addresses on stdin; blank lines are none."""
    if sys.stdin.isatty():
        say("Reading addresses from the terminal, one a line; Ctrl-D ends.")
    for line in sys.stdin.buffer:
        text = _decoded(line).rstrip("\r\n")
        if text.strip():
            yield text


def _decoded(content: bytes) -> str:
    """Never with the lone surrogates that Python keeps undecodable bytes as, which no JSON can hold."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
