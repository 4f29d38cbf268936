"""A result and its sidecar appear together, and nothing of a user's is overwritten by one."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from truetwin.errors import OutputError
from truetwin.results.sidecars import (
    TableFile,
    check_sidecar,
    companion_path,
    hashed,
    sidecar_path,
    versions,
    write_with_sidecar,
)

TABLE = pa.table({"id": ["a"], "Q1": [1.0]})


def test_tables_and_sidecar_are_written_together(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    more = companion_path(output, "intervals")
    sidecar = write_with_sidecar(
        [TableFile(output, TABLE), TableFile(more, TABLE)], {"disclosure": "predicted", "n": 1}
    )
    assert sidecar == sidecar_path(output) == tmp_path / "out.json"
    assert more.name == "out.intervals.csv"
    assert output.read_text() == more.read_text() == "id,Q1\na,1\n"
    assert json.loads(sidecar.read_text()) == {"disclosure": "predicted", "n": 1}


def test_nothing_is_written_if_one_file_cannot_be(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    absent = tmp_path / "no folder" / "more.csv"
    with pytest.raises(OutputError, match="folder must exist"):
        write_with_sidecar([TableFile(output, TABLE), TableFile(absent, TABLE)], {})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_sidecar_is_not_overwritten(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    check_sidecar(output)
    for content in ('{"mine": 1}', "no JSON", "[1]"):
        sidecar_path(output).write_text(content)
        with pytest.raises(OutputError, match=r"out\.json; a file of that name exists"):
            check_sidecar(output)
    sidecar_path(output).write_text('{"disclosure": "predicted"}')
    check_sidecar(output)


def test_inputs_are_recorded_by_content_and_versions_by_name(tmp_path: Path) -> None:
    (tmp_path / "human.csv").write_text("id,Q1\n")
    found = hashed({"human": tmp_path / "human.csv"})
    assert found["human"]["file"] == "human.csv"
    assert len(found["human"]["sha256"]) == 64
    assert {"truetwin", "python", "numpy"} <= versions().keys()
