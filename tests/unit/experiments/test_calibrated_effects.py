"""The result of calibrating effects: few studies, published effects, pilots, units and words."""

from __future__ import annotations

import numpy as np
import pytest

from effect_examples import split
from truetwin.errors import DataError
from truetwin.experiments import published_effects as published
from truetwin.experiments.calibrated_effects import calibrate_effects, human_sds
from truetwin.experiments.effect_words import effect_in_words
from truetwin.experiments.paired_effects import PairedEffects
from truetwin.experiments.published_effects import (
    COLUMNS,
    published_apart_from,
    published_effects,
    published_errors,
    published_rows,
)


def new_study(name: str = "messages", **human: list[float]) -> PairedEffects:
    return PairedEffects.of(
        ["b", "c"], [name] * 2, ["between"] * 2, own=[0.6, -0.2], own_variance=[0.004] * 2, **human
    )


def test_own_past_studies_are_used_alone_if_there_are_enough() -> None:
    past, new, _ = split(5)
    found = calibrate_effects(new, past)
    assert found.learned is not None
    assert found.learned.studies == past.study_names
    assert found.notes == ()


def test_published_effects_stand_in_for_past_studies_and_a_note_says_so() -> None:
    found = calibrate_effects(new_study())
    assert found.calibrated
    assert "44 published contrasts of 6 studies" in found.notes[0]
    assert all(row["low"] < row["effect"] < row["high"] for row in found.rows)


def test_few_past_studies_are_joined_by_published_ones() -> None:
    past, new, _ = split(2)
    found = calibrate_effects(new, past)
    assert found.learned is not None
    assert len(found.learned.studies) == 8
    assert "2 past studies of your own" in found.notes[0]


def test_too_few_past_studies_leave_twin_effects_as_they_are_with_a_warning() -> None:
    past, new, _ = split(2)
    found = calibrate_effects(new, past, published=False)
    assert not found.calibrated
    errors = published_errors()
    assert errors is not None
    for row, twin in zip(found.rows, new.twin, strict=True):
        assert row["effect"] == twin
        assert row["high"] - row["effect"] == pytest.approx(errors.reach_at(0.9))
        assert not row["calibrated"]
    assert "not calibrated: 2 past studies" in found.notes[0]
    assert "nine in ten were within" in found.notes[0]


def test_a_published_study_never_learns_from_itself() -> None:
    table = published_effects()
    study = table.study_names[0]
    found = calibrate_effects(new_study(study.upper().replace("_", " ")))
    assert found.learned is not None
    assert study not in found.learned.studies
    assert len(found.learned.studies) == 5


def test_published_studies_given_as_past_are_not_counted_twice() -> None:
    table = published_effects()
    past = table.take(np.isin(table.study_numbers, [0, 1]))
    found = calibrate_effects(new_study(), past)
    assert found.learned is not None
    assert sorted(found.learned.studies) == sorted(table.study_names)


def test_past_results_of_the_new_study_are_not_used() -> None:
    past, new, _ = split(5)
    found = calibrate_effects(new, past.and_also(new))
    assert found.learned is not None
    assert found.learned.studies == past.study_names


def test_the_published_table_has_sources_licences_and_the_declared_columns() -> None:
    rows = published_rows()
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 44
    assert len(published_effects().study_names) == 6
    assert sum(kind == "within" for kind in published_effects().kinds) == 8
    assert all(row["source"] and row["licence"] == "Apache-2.0" for row in rows)


def test_nothing_is_left_of_published_effects_without_their_studies() -> None:
    names = published_effects().study_names
    assert not len(published_apart_from(names))
    assert published_errors(names) is None
    found = calibrate_effects(new_study(names[0]), published_effects(), published=False)
    assert found.calibrated


def test_a_pilot_moves_the_effect_and_narrows_the_interval() -> None:
    past, new, _ = split(6)
    alone = calibrate_effects(new.without_human(), past)
    pilot = np.array([row["effect"] + 0.08 for row in alone.rows])
    seen = PairedEffects.of(
        new.contrasts,
        new.studies,
        new.kinds,
        human=pilot,
        human_variance=np.full(len(new), 0.01),
        twin=new.twin,
        twin_variance=new.twin_variance,
        own=new.own,
        own_variance=new.own_variance,
    )
    both = calibrate_effects(seen, past)
    for before, after in zip(alone.rows, both.rows, strict=True):
        assert before["pilot"] is None
        assert before["effect"] < after["effect"] < after["pilot"]
        assert after["high"] - after["low"] < before["high"] - before["low"]
        assert after["worth"] == pytest.approx(before["worth"])


def test_units_come_from_the_human_sd_or_from_the_ratio_in_past_studies() -> None:
    past, new, _ = split(5)
    found = calibrate_effects(new, past)
    known, unknown = [20.0] * len(new), [np.nan] * len(new)
    rows = found.with_units(human_sds(known, [10.0] * len(new), found.learned, "declared")).rows
    assert rows[0]["raw"] == pytest.approx(20 * rows[0]["effect"])
    assert rows[0]["raw_low"] == pytest.approx(20 * rows[0]["low"])
    assert rows[0]["human_sd_from"] == "declared"
    rows = found.with_units(human_sds(unknown, [10.0] * len(new), found.learned, "declared")).rows
    assert rows[0]["human_sd"] == pytest.approx(15.0)  # own effects are 1.5 times those in the human sd
    assert rows[0]["human_sd_from"] == "twins' own sd times 1.50, as in past studies"


def test_an_uncertain_sd_widens_intervals_in_units() -> None:
    found = calibrate_effects(new_study())
    sds = human_sds([np.nan] * 2, [10.0] * 2, found.learned, "declared")
    assert sds.spread[0] > 0.05
    for row in found.with_units(sds).rows:
        assert row["raw_high"] - row["raw_low"] > row["human_sd"] * (row["high"] - row["low"])


def test_without_calibration_an_unknown_sd_leaves_no_units() -> None:
    sds = human_sds([np.nan], [10.0], None, "declared")
    assert np.isnan(sds.sd[0])
    assert sds.source == ("unknown",)


def test_the_table_has_a_row_a_contrast_in_the_given_order() -> None:
    past, new, _ = split(5)
    both = new.and_also(PairedEffects.of(["x"], ["other"], ["within"], own=[0.1], own_variance=[0.01]))
    frame = calibrate_effects(both, past).to_frame()
    assert frame["contrast"].to_pylist() == [*new.contrasts, "x"]
    assert frame["shrunken"].to_pylist()[-1] is None  # its human sd is unknown


def test_sentences_name_the_side_that_is_higher() -> None:
    row = {"contrast": "c", "level": 0.9, "raw": -4.2, "raw_low": -9.1, "raw_high": 1.2}
    assert (
        effect_in_words(row, "B", "A")
        == "A is expected ahead of B by 4.2 points, not sure (90%: -1.2 to 9.1)"
    )
    clear = {"contrast": "c", "level": 0.9, "raw": -4.2, "raw_low": -9.1, "raw_high": -0.2}
    assert effect_in_words(clear, "B", "A") == "A beats B by 4.2 points (90%: 0.2 to 9.1)"
    assert effect_in_words(row) == "c: -4.2 points (90%: -9.1 to 1.2)"
    assert effect_in_words({**row, "calibrated": False}, "B", "A").endswith("in twins; not calibrated")
    whole = {"contrast": "c", "level": 0.9, "raw": 40.0, "raw_low": -13.0, "raw_high": 93.0}
    assert (
        effect_in_words(whole, "B", "A") == "B is expected ahead of A by 40 points, not sure (90%: -13 to 93)"
    )


def test_no_side_beats_the_other_by_nothing() -> None:
    row = {"contrast": "c", "level": 0.9, "raw": 0.0, "raw_low": -1.3, "raw_high": 1.3}
    assert effect_in_words(row, "B", "A") == "B against A: 0 points (90%: -1.3 to 1.3)"


def test_nothing_to_calibrate_is_refused() -> None:
    with pytest.raises(DataError, match="no contrast"):
        calibrate_effects(PairedEffects.of([], [], []))


def test_names_of_published_studies_are_compared_without_case_and_punctuation() -> None:
    name = published_effects().study_names[0]
    assert published._plain(name.title().replace("_", "-")) == published._plain(name)
