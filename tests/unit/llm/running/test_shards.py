"""Parts of a run are disjoint, complete and the same everywhere; a persona is in one of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.errors import DataError, ParameterError
from truetwin.llm import Cell, Message, Request, Shard, check_context, estimated_tokens


@given(st.text(), st.text(), st.integers(1, 20))
def test_a_cell_is_in_exactly_one_part_with_all_cells_of_its_persona(
    persona: str, item: str, count: int
) -> None:
    holding = [k for k in range(1, count + 1) if Shard(k, count).holds(Cell(persona, item))]
    assert len(holding) == 1
    assert Shard(holding[0], count).holds(Cell(persona, "another", "another step", 3))


def test_parts_are_the_same_on_every_machine() -> None:
    assert [
        next(k for k in (1, 2, 3) if Shard(k, 3).holds(Cell(name, "q")))
        for name in ("anna", "ben", "cem", "dora")
    ] == [2, 3, 1, 3]


def test_a_part_is_read_from_text() -> None:
    assert Shard(2, 8) == Shard.parse("2/8")


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "1/", "-1/2", "1/2/3", "1.0/2"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="a shard must be i/N"):
        Shard.parse(text)


def test_tokens_are_estimated_by_bytes() -> None:
    texts = ("plain text ", "中文" * 10)
    assert round((11 + 60) / 4) == estimated_tokens(Request((Message("user", texts),)))


def test_personas_too_long_are_found_before_any_call(survey: Any) -> None:
    class Long(survey):  # type: ignore[misc]
        asked = 0

        def request(self, cell: Cell) -> Request:
            type(self).asked += 1
            return Request(
                (Message("user", ("x" * (10_000_000 if cell.persona == "p1" else 10),)),), cell=cell
            )

    check_context(survey(), 1000)
    with pytest.raises(DataError, match=r"persona 'p1' has about 2,500,000\. Nothing was sent"):
        check_context(Long(), 250_000)
    assert Long.asked == 3  # one request a persona
