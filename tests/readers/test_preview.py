"""A preview says what open_table would say, from the beginning only."""

import io
from pathlib import Path

from verifier.core.table import TableKind
from verifier.readers.preview import Preview, preview


def test_a_table(tmp_path: Path) -> None:
    """Columns, guess and first rows of separated text."""
    path = tmp_path / "list.csv"
    path.write_bytes("Nom;Courriel\r\nZoé;z@x.test\r\nÉva;e@x.test;x\r\n".encode("cp1252"))
    expected = Preview(
        kind=TableKind.CSV,
        encoding="cp1252",
        separator=";",
        has_header=True,
        columns=("Nom", "Courriel", ""),
        email_columns=(1,),
        rows=(("Zoé", "z@x.test"),),
    )
    assert expected == preview(path, rows=1)


def test_objects() -> None:
    """Keys are columns."""
    found = preview("-", stdin=io.BytesIO(b'{"name":"A","email":"a@x.test"}\n{"name":"B"}\n'))
    assert (
        found.columns,
        found.email_columns,
        found.rows,
    ) == (("name", "email"), (1,), (("A", "a@x.test"), ("B", "")))


def test_a_list_without_addresses_is_still_shown(tmp_path: Path) -> None:
    """No guess is no error: the person chooses."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"name,phone\nAnn,12\n")
    assert preview(path).email_columns == ()
