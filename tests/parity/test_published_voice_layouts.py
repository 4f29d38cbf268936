"""The small published files of dimensions 2 and 3 are read as their authors laid them out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from truetwin.voice.scoring.score_table import score_answers
from truetwin.voice.scoring.stored_answers import read_answers

MIRROR = Path(os.environ.get("TRUETWIN_DATA_MIRROR", "nowhere")) / "TwinBench" / "result"
pytestmark = pytest.mark.skipif(not MIRROR.is_dir(), reason="needs the data mirror")


def test_marks_of_dimension_2() -> None:
    found = read_answers(MIRROR / "generative/dimension_2/Score_and_Analysis_by_gpt-5-chat.jsonl")
    row = score_answers([found]).rows()[0]
    assert (row["model"], row["judge"], row["n"], row["mean_score"]) == (
        "Qwen2.5-14B-Instruct",
        "gpt-5-chat",
        5,
        1.8,
    )
    assert row["score_0_to_1"] == pytest.approx(0.2)
    assert (row["opinion"], row["logic"], row["style"]) == (20.0, 20.0, 20.0)
    assert found.outcomes[0].item_id == "interpersonal-1573"


def test_generations_of_dimension_2() -> None:
    found = read_answers(MIRROR / "generative/dimension_2/step1_generations_Qwen2.5-14B-Instruct.jsonl")
    assert found.items is not None
    assert (len(found.items), found.outcomes[0].model) == (5, "Qwen2.5-14B-Instruct")
    assert len(found.items[0].history) >= 30


@pytest.mark.parametrize(("dimension", "right"), [(2, 1), (3, 4)])
def test_tried_choices(dimension: int, right: int) -> None:
    path = MIRROR / f"discriminative/dimension_{dimension}/results_test.jsonl"
    if not path.is_file():
        pytest.skip("the mirror lacks it")
    found = read_answers(path)
    assert [o.status.value for o in found.outcomes].count("correct") == right
    if dimension == 3:  # drawn from anywhere in the published items
        numbers = [o.item_id for o in found.outcomes]
        assert numbers == [f"narrative-{k:04d}" for k in (735, 522, 302, 801, 705)]
