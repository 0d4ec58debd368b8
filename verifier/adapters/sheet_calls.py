"""What a service of lists and its worker process say to each other: calls by number, each with its answer.

A frame is four bytes of length and so many of MessagePack. The first one to the worker is its `Beginning`; every other
is a `Request`, or a `Reply` to the request of that number; the first from the worker says that it is ready.
"""

import struct
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from verifier.core import faults, list_faults
from verifier.core.faults import OperatorError
from verifier.core.list_counts import Counts
from verifier.core.list_jobs import Preview
from verifier.core.list_rows import Cut, Page, PageWish, Survey, Texts
from verifier.core.reasons import Reason, StageName

LENGTH = struct.Struct(">I")
READY = 0
"""The number of the reply that nobody asked for: the worker has begun."""
LONGEST = 1 << 30


class Beginning(Struct, frozen=True):
    """What a worker needs before its first call."""

    data_dir: str
    secret: bytes


class Request(Struct, frozen=True, array_like=True):
    """`arguments` is a tuple of the types that CALLS has for the method."""

    number: int
    method: str
    arguments: msgspec.Raw


class Reply(Struct, frozen=True, array_like=True):
    """`fault` names the class of an OperatorError, or is "-" for a fault of ours; `value` is its sentence then.
    `resident`: bytes of memory that the worker holds now, 0 where the system does not say.
    """

    number: int
    fault: str
    value: msgspec.Raw
    resident: int


class Call(Struct, frozen=True):
    """The types of one method of Sheets or SheetViews (list_ports.py)."""

    arguments: Any
    result: Any


CALLS: Mapping[str, Call] = {
    "survey": Call(tuple[str, str, str, list[str]], Survey),
    "mark": Call(tuple[str, list[int]], Preview),
    "texts": Call(tuple[str, int], Texts),
    "judge": Call(tuple[str, int, int, list[StageName], Reason | None], Counts),
    "forget": Call(tuple[str, str, list[StageName]], Counts | None),
    "page": Call(tuple[str, PageWish], Page),
    "render": Call(tuple[str, Cut, int, int], bytes),
    "workbook": Call(tuple[str, Cut, str], None),
    "piece": Call(tuple[str, str, int], bytes),
    "discard": Call(tuple[str, str], None),
}

OURS = "-"
_KNOWN: Mapping[str, type[OperatorError]] = {
    kind.__name__: kind for kind in (OperatorError, faults.InputError, faults.ServiceUnavailable, faults.DiskFull)
}
_encode = msgspec.msgpack.Encoder().encode


def frame(value: object) -> bytes:
    """The value as a frame."""
    content = _encode(value)
    return LENGTH.pack(len(content)) + content


def packed(value: object) -> msgspec.Raw:
    """The value as part of a frame."""
    return msgspec.Raw(_encode(value))


def fault_name(fault: BaseException) -> str:
    """What a fault is called in a reply."""
    for kind in type(fault).__mro__:
        if kind.__name__ in _KNOWN or kind is list_faults.UnknownList:
            return kind.__name__
    return OURS


def fault_of(name: str, sentence: str) -> Exception:
    """The fault that a reply tells of."""
    if name == list_faults.UnknownList.__name__:
        return list_faults.UnknownList()
    return _KNOWN[name](sentence) if name in _KNOWN else RuntimeError(sentence)
