"""Jobs for tests of what is done with them."""

from typing import Any

from tests.support.clock import START
from verifier.core.list_jobs import ListJob, ListOptions, Preview
from verifier.core.list_states import ListState
from verifier.core.table import TableKind

PREVIEW = Preview(
    kind=TableKind.CSV,
    encoding="utf-8",
    separator=",",
    has_header=True,
    columns=("id", "e-mail"),
    email_columns=(1,),
    first_rows=(("1", "ann@shop.example"),),
    rows=4,
)


def job(**changes: Any) -> ListJob:
    """A list of workspace w that is ready."""
    fields: dict[str, Any] = {
        "id": "a1b2c3d4e5f6a7b8c9d0e1f2g3",
        "workspace": "w",
        "client": "key 1",
        "name": "customers.csv",
        "created": START,
        "changed": START,
        "state": ListState.READY,
        "options": ListOptions(),
        "preview": PREVIEW,
        "blocks": 1,
        "columns": (1,),
    }
    return ListJob(**{**fields, **changes})
