from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truetwin.calibration import calibrate
from truetwin.data import Item, Panel, Scale
from truetwin.datasets import generate_population
from truetwin.io import read_responses, read_table, write_draft
from truetwin.report.files.prediction_files import intervals_path, write_predictions

pandas = pytest.importorskip("pandas", reason="needs the extra 'survey'")
pyreadstat = pytest.importorskip("pyreadstat", reason="needs the extra 'survey'")
ITEMS = {
    "Q1": Item("Q1", "How are you?", Scale.ordinal(1, 3, labels={1: "badly", 3: "well"})),
    "1_Q295": Item("1_Q295", "Would you buy it?", Scale.nominal([0, 1], labels={0: "no", 1: "yes"})),
}
TABLE = pa.table({"person": ["007", "b"], "Q1": [1.0, 3.0], "1_Q295": [0.0, None]})


@pytest.mark.parametrize("ending", [".sav", ".dta"])
def test_answers_wordings_and_labels_come_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    write_draft(TABLE, path, ending, items=ITEMS, note="made by a model " * 20)
    found = read_responses(path, id_column="person")
    assert found.respondent_ids == ("007", "b")
    items = {item.id: item for item in found.items}
    assert found.item_ids == ("Q1", "v1_Q295")
    assert items["Q1"].text == "How are you?"
    assert items["v1_Q295"].text == "1_Q295: Would you buy it?"
    assert items["Q1"].scale == ITEMS["Q1"].scale
    assert found.n_missing == 1


def test_predictions_for_spss_say_that_they_are_predictions(tmp_path: Path) -> None:
    panel: Panel = generate_population(80, 12, n_new_items=2).panel
    path = tmp_path / "predictions.sav"
    result = calibrate(panel, "ridge", preset="twin-2k-500")
    write_predictions(result, path, id_column="person", rounded=False, inputs={}, settings={})
    frame, meta = pyreadstat.read_sav(str(path))
    assert list(frame.columns) == ["person", "Q11", "Q12"]
    assert "predictions of a statistical model" in " ".join(meta.notes).replace("  ", " ")


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".sav", ".dta"])
def test_predictions_and_intervals_say_in_every_format_that_they_are_predicted(
    tmp_path: Path, ending: str
) -> None:
    result = calibrate(generate_population(40, 10, n_new_items=2).panel)
    output = tmp_path / f"out{ending}"
    write_predictions(
        result,
        output,
        id_column="who",
        rounded=False,
        inputs={},
        settings={},
        interval=0.9,
        disclosure_column=True,
    )
    for path in (output, intervals_path(output)):
        if ending == ".parquet":
            assert b"not answers that anybody gave" in pq.read_schema(path).metadata[b"truetwin"]
        elif ending == ".sav":
            assert "They are not answers that anybody gave" in "".join(
                pyreadstat.read_sav(str(path))[1].notes
            )
        elif ending == ".dta":
            assert pyreadstat.read_dta(str(path))[1].file_label == "Model-based predictions"
        else:
            found = read_table(path)
            assert set(found.column("disclosure").to_pylist()) == {"model-based prediction"}
    again = read_responses(output)
    assert again.item_ids == ("Q09", "Q10")  # the remark is no item
    assert again.n_missing == 0


def test_extended_missing_values_of_whole_numbers_are_missing(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"person": ["a", "b", "c"], "Q1": [1, "d", 2], "Q2": [1, 2, 3]})
    path = tmp_path / "human.dta"
    pyreadstat.write_dta(frame, str(path), missing_user_values={"Q1": ["d"]})
    found = read_responses(path)
    np.testing.assert_array_equal(found.values, [[1, 1], [np.nan, 2], [2, 3]])


def test_texts_that_the_file_declares_as_missing_are_missing(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"person": ["a", "b", "c"], "Q1": ["1", "8", "2"]})
    path = tmp_path / "human.sav"
    pyreadstat.write_sav(frame, str(path), missing_ranges={"Q1": ["8"]})
    found = read_responses(path)
    np.testing.assert_array_equal(found.values[:, 0], [1, np.nan, 2])
    assert "1 texts of columns such as 'Q1' are read as missing" in " ".join(found.notes)
