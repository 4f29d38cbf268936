"""What values are is said inside the table, and beside it where a format has no room."""

from __future__ import annotations

import pyarrow as pa
import pytest

from truetwin.results.disclosure import ANSWERS_OF_TWINS, STAND_INS_SAY, disclosed, twins_disclosure

TABLE = pa.table({"id": ["a", "b"]})


def test_a_table_carries_the_sentence() -> None:
    assert disclosed(TABLE, "predicted").schema.metadata == {b"truetwin": b"predicted"}


@pytest.mark.parametrize(("ending", "columns"), [(".csv", 2), (".tsv", 2), (".parquet", 1), ("", 1)])
def test_a_text_file_gets_a_column_if_asked(ending: str, columns: int) -> None:
    table = disclosed(TABLE, "predicted", column_for=ending)
    assert table.num_columns == columns
    assert disclosed(table, "predicted", column_for=ending).num_columns == columns


def test_stand_ins_are_never_called_language_models() -> None:
    assert twins_disclosure({"engine": "openai"}) == ANSWERS_OF_TWINS
    assert {twins_disclosure({"engine": name}) for name in STAND_INS_SAY} == set(STAND_INS_SAY.values())
    assert not any("simulated twins" in text for text in STAND_INS_SAY.values())
