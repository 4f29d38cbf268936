"""Tables of arms."""

from __future__ import annotations

import pyarrow as pa
import pytest

from truetwin.data.arm_frames import arms_from_frame, levels_from_frame
from truetwin.errors import DataError


def test_texts_of_arms_are_read_as_they_are() -> None:
    frame = pa.table(
        {
            "condition": ["price", "price", "message", "message", ""],
            "arm": [1, 2, 1, 2, None],
            "text": ["1 €", "{{x}} ", None, "a\nb", ""],
        }
    )
    assert arms_from_frame(frame) == {
        "price": {"1": "1 €", "2": "{{x}} "},
        "message": {"1": "", "2": "a\nb"},
    }


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"arms": ["A"], "text": [""]}, "it lacks arm. Did you mean 'arms'"),
        ({"arm": ["A", "A"], "text": ["", "x"]}, "an arm must occur once; row 2 repeats condition 'A'"),
        ({"arm": ["A", ""], "text": ["", "x"]}, "row 2 must name its arm"),
        ({"condition": ["", "m"], "arm": ["A", "B"], "text": ["", ""]}, "row 1 must name its condition"),
        ({"arm": [""], "text": [""]}, "at least two arms; it has none"),
    ],
)
def test_a_faulty_table_of_arms_is_refused(columns: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        arms_from_frame(pa.table(columns))


def test_levels_of_several_studies_are_joined() -> None:
    frame = pa.table(
        {"id": ["a", "a", "b"], "study": ["s", "t", "s"], "m": ["A", None, ""], "p": [None, 1.0, 2.0]}
    )
    assert levels_from_frame(frame, ["m", "p"]) == {"a": {"m": "A", "p": "1"}, "b": {"p": "2"}}


def test_a_person_in_two_arms_is_named() -> None:
    frame = pa.table({"id": ["a", "b", "a"], "m": ["A", "A", "B"]})
    with pytest.raises(DataError, match="'a' has m 'A', and 'B' in row 3"):
        levels_from_frame(frame, ["m"])
    with pytest.raises(DataError, match=r"it lacks 'mm'. Did you mean 'm'"):
        levels_from_frame(frame, ["mm"])
