from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.data import Item, Scale
from truetwin.data.persona import Passage, Persona
from truetwin.errors import DataError
from truetwin.io import item_from_record, item_record, read_attributes, read_personas, write_personas


def test_personas_come_back_as_they_were(tmp_path: Path) -> None:
    personas = [
        Persona(
            "007",
            "Größe \u2028 {{x}}\r\n\tline",
            {"Q1": 2.0, "Q2": -0.5},
            (Passage("Q3", "p\n"),),
            {"age": "20"},
            "text",
        ),
        Persona("=1", "plain"),
    ]
    path = tmp_path / "p.jsonl"
    write_personas(personas, path)
    assert read_personas(path) == personas


def test_a_byte_order_mark_is_no_part_of_the_first_persona(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b'\xef\xbb\xbf{"id": 7, "text": "x"}\n\n')
    assert [p.id for p in read_personas(tmp_path / "p.jsonl")] == ["7"]


def test_attributes_are_texts_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,age,region\n007,020,NA\n12,,North\n")
    assert read_attributes(tmp_path / "a.csv") == {"007": {"age": "020"}, "12": {"region": "North"}}
    with pytest.raises(DataError, match="'who'"):
        read_attributes(tmp_path / "a.csv", "who")


@pytest.mark.parametrize(
    "scale",
    [
        None,
        Scale.ordinal(1, 5, labels={1: "a", 5: "b"}, off_scale={99: "refused"}),
        Scale.ordinal(0.5, 5, 0.5),
        Scale("ordinal", (1.0, 2.0, 5.0), 1.0, 5.0),
        Scale.nominal([3, 1], labels={3: "x", 1: "y|z"}),
        Scale.numeric(0, 9, 0.5),
        Scale.numeric(high=3),
        Scale.numeric(),
    ],
)
def test_items_come_back_from_their_records(scale: Scale | None) -> None:
    item = Item("Q1", "How?", scale, "B")
    again = item_from_record(item_record(item))
    assert (again.id, again.text, again.block) == (item.id, item.text, item.block)
    assert again.scale == item.scale
    assert scale is None or (
        again.scale is not None
        and (again.scale.labels, again.scale.off_scale) == (scale.labels, scale.off_scale)
    )
