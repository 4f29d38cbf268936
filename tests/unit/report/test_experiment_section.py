"""Sections on experiments say what their records say, calibrated or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.datasets import generate_experiments
from truetwin.experiments.experiment import Experiment
from truetwin.report.files.effect_files import Origin, write_calibrated, write_effects
from truetwin.report.page import Table
from truetwin.report.sections.experiment_section import (
    calibrated_in_words,
    calibrated_section,
    effects_in_words,
    effects_section,
)

NOWHERE = Origin({}, {})


def experiment(**changes: Any) -> Experiment:
    found = generate_experiments(4, 80, random_state=1)
    tables = {name: getattr(found, name) for name in ("human", "twin", "conditions", "contrasts")} | changes
    return Experiment(*tables.values())


def record(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))


def test_effects_that_are_not_calibrated_are_called_so_first(tmp_path: Path) -> None:
    result = experiment(human=None).calibrate(published=False)
    write_calibrated(tmp_path / "c.csv", result, NOWHERE)
    found = record(tmp_path / "c.csv")
    assert "not calibrated" in calibrated_in_words(found)
    section = calibrated_section(found)
    assert section.texts[0].startswith("Too few past studies")
    assert section.texts[1].startswith("Not calibrated: 0 past studies")
    assert [block.title for block in section.blocks if isinstance(block, Table)] == ["Calibrated effects"]
    assert all(row["calibrated"] is None for row in section.blocks[0].data)  # type: ignore[union-attr]


def test_the_first_effect_is_named_by_its_contrast(tmp_path: Path) -> None:
    write_calibrated(tmp_path / "c.csv", experiment().calibrate(), NOWHERE)
    found = record(tmp_path / "c.csv")
    first = found["sentences"][0]
    assert calibrated_in_words(found) == f"{first} (new_messages:B:buys); 3 more effects are below."
    assert calibrated_in_words(found, ["new_messages:C:buys"]).startswith(found["sentences"][1])


@pytest.mark.parametrize(
    ("human", "who"), [(True, "among people."), (False, "among twins (twin), which is not")]
)
def test_effects_in_words_say_whose_they_are(tmp_path: Path, human: bool, who: str) -> None:
    effects = (experiment() if human else experiment(human=None)).effects()
    write_effects(tmp_path / "e.csv", effects, NOWHERE)
    found = record(tmp_path / "e.csv")
    words = effects_in_words(found)
    assert words.startswith("study_1:nudge:likes: ")
    assert who in words
    (table,) = effects_section(found).blocks
    assert [row["effect"] for row in table.rows] == [row["effect"] for row in effects.rows]  # type: ignore[union-attr]
