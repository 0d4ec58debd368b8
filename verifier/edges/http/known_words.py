"""What a request type knows at a place in it, for the sentence about what it does not know."""

from collections.abc import Sequence
from typing import Any

from msgspec import inspect


def known_at(asked: Any, steps: Sequence[str]) -> tuple[str, ...]:
    """The words of an enumeration, or the names of an object's fields, where `steps` lead to from the type `asked`:
    names of fields, and whatever stands for an element of an array. Empty where there is neither.
    """
    return _known(inspect.type_info(asked), tuple(steps))


def _known(kind: inspect.Type, steps: tuple[str, ...]) -> tuple[str, ...]:
    match kind:
        case inspect.Metadata():
            return _known(kind.type, steps)
        case inspect.UnionType():
            return next((known for each in kind.types if (known := _known(each, steps))), ())
        case inspect.StructType() if steps:
            return next((_known(field.type, steps[1:]) for field in kind.fields if field.encode_name == steps[0]), ())
        case inspect.ListType() | inspect.VarTupleType() if steps:
            return _known(kind.item_type, steps[1:])
        case inspect.StructType():
            return tuple(field.encode_name for field in kind.fields)
        case inspect.EnumType() if not steps:
            return tuple(str(member.value) for member in kind.cls)
        case _:
            return ()
