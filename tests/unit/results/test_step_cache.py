"""The step cache: what counts as done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.errors import RunError
from truetwin.io import file_hash
from truetwin.results.step_cache import Ledger, digest_of, step_key


def test_a_step_is_done_only_under_its_key_and_with_its_files_unchanged(tmp_path: Path) -> None:
    ledger, output = Ledger(tmp_path), tmp_path / "rows.csv"
    output.write_text("1\n")
    ledger.record("rows", "key", [output], 0.5, counts={"n": 1})
    assert ledger.is_done("rows", "key")
    assert not ledger.is_done("rows", "another key")
    assert not ledger.is_done("columns", "key")
    found = ledger.done("rows", "key")
    assert found is not None
    assert found["counts"] == {"n": 1}
    output.write_text("2\n")
    assert not ledger.is_done("rows", "key")
    output.unlink()
    assert not ledger.is_done("rows", "key")


def test_a_record_as_older_versions_wrote_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("1\n")
    entry = {"key": "k", "outputs": {"rows.csv": file_hash(tmp_path / "rows.csv")}, "seconds": 0.1}
    (tmp_path / "steps.json").write_text(
        json.dumps({"rows": {**entry, "finished": "2026-01-01T00:00:00+00:00"}})
    )
    assert Ledger(tmp_path).is_done("rows", "k")


@pytest.mark.parametrize("content", ["{", "[1]", '{"rows": 1}', '{"rows": {"key": "k"}}'])
def test_a_spoiled_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "steps.json").write_text(content)
    with pytest.raises(RunError, match=r"steps\.json must be the record of a run"):
        Ledger(tmp_path).is_done("rows", "k")


def test_a_key_follows_from_name_settings_inputs_and_version(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("1\n")
    first = step_key("rows", {"a": 1}, {"table": file, "before": "x"}, "1")
    assert first == step_key("rows", {"a": 1}, {"before": "x", "table": file}, "1")
    others = [
        step_key("columns", {"a": 1}, {"table": file, "before": "x"}, "1"),
        step_key("rows", {"a": 2}, {"table": file, "before": "x"}, "1"),
        step_key("rows", {"a": 1}, {"table": file, "before": "y"}, "1"),
        step_key("rows", {"a": 1}, {"table": file, "before": "x"}, "2"),
    ]
    file.write_text("2\n")
    others.append(step_key("rows", {"a": 1}, {"table": file, "before": "x"}, "1"))
    assert len({first, *others}) == 6


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
