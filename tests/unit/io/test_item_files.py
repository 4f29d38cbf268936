"""Item files: what they declare of an item beside its scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.data import Item
from truetwin.data.item import merged_item
from truetwin.errors import DataError
from truetwin.io import item_from_record, item_record, read_items


def written(folder: Path, text: str) -> Path:
    path = folder / "items.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_item_may_be_a_variant_of_another_and_have_a_date(tmp_path):
    found = read_items(written(tmp_path, "item_id,variant_of,fielded\nQ1,,2024-05\nQ1b,Q1,2025\n"))

    assert Item("Q1b", variant_of="Q1", fielded="2025") == found["Q1b"]
    assert found["Q1"].variant_of is None
    assert found["Q1"] == item_from_record(item_record(found["Q1"]))


def test_a_variant_of_an_unknown_item_is_refused(tmp_path):
    with pytest.raises(DataError, match="'Q1b' must be a variant of another item of the file; it names 'Q9'"):
        read_items(written(tmp_path, "item_id,variant_of\nQ1,\nQ1b,Q9\n"))


def test_a_date_that_is_none_is_refused(tmp_path):
    with pytest.raises(DataError, match="item 'Q1': fielded must be a year, month or day"):
        read_items(written(tmp_path, "item_id,fielded\nQ1,last spring\n"))


def test_a_table_without_declaration_loses_none_of_another_table():
    declared = Item("Q1", "Tea?", block="drinks", variant_of="Q0", fielded="2024")

    assert declared == merged_item(Item("Q1"), declared)
