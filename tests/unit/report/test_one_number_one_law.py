"""Whatever two outputs of one calibration share is the same number."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration import Calibration
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets import generate_population
from truetwin.diagnosis import diagnose
from truetwin.diagnosis.diagnosis_record import to_record
from truetwin.evaluation.calibration_gain import gain_in_words, measure_gain
from truetwin.io import read_table
from truetwin.io.excel_files import read_workbook
from truetwin.io.survey_files import read_survey_file
from truetwin.report.figures.diagnosis_figures import verdict_figure
from truetwin.report.files.prediction_files import (
    expected_correlations,
    intervals_path,
    probability_column,
    write_predictions,
)
from truetwin.report.sections.calibration_section import calibration_section, new_item_shares
from truetwin.report.sections.diagnosis_section import diagnosis_section, verdict_in_words

ENDINGS = [
    "csv",
    "parquet",
    pytest.param("sav", marks=pytest.mark.extra("survey")),
    pytest.param("xlsx", marks=pytest.mark.extra("excel")),
]


@pytest.fixture(scope="module")
def panel() -> Panel:
    """New items of all kinds, and new respondents."""
    panel = generate_population(90, 18, n_new_items=4, n_new_respondents=4, random_state=2).panel
    scales = {
        panel.item_ids[-1]: Scale.nominal(range(1, 8)),
        panel.item_ids[-2]: Scale.numeric(1, 7),
        panel.item_ids[-3]: Scale.ordinal(1, 7),
    }
    items = [
        replace(item, scale=scales.get(item.id, item.scale)) if item.id in scales else item
        for item in (Item(i) for i in panel.twin.item_ids)
    ]
    return Panel(panel.human, ResponseMatrix(panel.twin.values, panel.twin.respondent_ids, items))


@pytest.fixture(scope="module")
def result(panel: Panel) -> Calibration:
    return tt.calibrate(panel)


def rows_of(path: Path, sheet: str | None = None) -> list[dict[str, Any]]:
    """Rows of a table; of an Excel workbook those of one sheet."""
    if path.suffix == ".xlsx":
        return list(read_workbook(path, sheet).to_pylist())
    table = read_survey_file(path)[0] if path.suffix == ".sav" else read_table(path)
    return table.to_pylist()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("point", [None, "median"])
def test_predictions_intervals_and_probabilities_agree(
    tmp_path: Path, result: Calibration, ending: str, point: str | None
) -> None:
    result = replace(result, point=point)
    output = tmp_path / f"predictions.{ending}"
    write_predictions(
        result, output, id_column="respondent_id", rounded=False, inputs={}, settings={}, interval=0.9
    )
    wide = rows_of(output)
    points = {str(row["respondent_id"]): row for row in wide}
    rows = rows_of(output if ending == "xlsx" else intervals_path(output), "intervals")
    sidecar = json.loads((tmp_path / "predictions.json").read_text())
    assert len(rows) == int(np.isfinite(result.grid).sum())
    tables: dict[str, list[list[float]]] = {}
    for row in rows:
        item, person = row["item_id"], str(row["respondent_id"])
        scale = result.panel.scales[item]
        prediction = float(row["prediction"])
        assert prediction == pytest.approx(float(points[person][item]), abs=1e-9)
        if scale.kind != "nominal":
            assert float(row["lower"]) - 1e-9 <= prediction <= float(row["upper"]) + 1e-9
        if scale.kind == "numeric":
            continue
        chances = np.array([float(row[probability_column(c)]) for c in scale.categories])
        codes = np.array(scale.categories)
        assert chances.sum() == pytest.approx(1.0, abs=1e-9)
        if scale.kind == "nominal":
            assert prediction == codes[chances.argmax()]
        elif point == "median":
            assert prediction == codes[np.searchsorted(np.cumsum(chances), 0.5 - 1e-9)]
        else:
            assert chances @ codes == pytest.approx(prediction, abs=1e-8)
        tables.setdefault(item, []).append(chances.tolist())
    for item, law in sidecar["laws"].items():
        if "shares" in law:
            np.testing.assert_allclose(np.mean(tables[item], axis=0), list(law["shares"].values()), atol=1e-9)
            np.testing.assert_allclose(result.shares(item), list(law["shares"].values()), atol=1e-12)
            assert law["n"] == len(tables[item])
        if "mean" in law and point is None:
            column = result.grid[:, result.panel.item_ids.index(item)]
            assert law["mean"] == pytest.approx(float(np.nanmean(column)), abs=1e-9)


def test_reports_show_the_numbers_of_the_files(tmp_path: Path, panel: Panel, result: Calibration) -> None:
    output = tmp_path / "predictions.csv"
    write_predictions(
        result, output, id_column="respondent_id", rounded=False, inputs={}, settings={}, interval=0.9
    )
    sidecar = json.loads((tmp_path / "predictions.json").read_text())
    expected = expected_correlations(sidecar)
    for item, value in expected.items():
        assert value == result.law(item).expected_correlation()[1]
    for row in new_item_shares(sidecar, panel):
        codes = [f"{c:g}" for c in panel.scales[row["item"]].categories]
        share = result.shares(row["item"])[codes.index(row["category"])]
        assert row["calibrated"] == pytest.approx(float(share), abs=1e-12)
    diagnosis = diagnose(panel, expected=expected)
    record = to_record(diagnosis)
    table = calibration_section(sidecar, new_item_shares(sidecar, panel), None).blocks[0]
    shown = {row["target"]: row for row in table.rows}
    verdicts = diagnosis_section(diagnosis).blocks[0]
    for row in verdicts.rows:
        value = row["expected_calibrated"]
        if value is not None and row["item"] in expected:
            assert value == expected[row["item"]] == shown[row["item"]]["expected"]
            assert f"{value:.2f} calibrated" in row["reasons"]
    assert [r["expected_calibrated"] for r in record["verdicts"]] == [
        r["expected_calibrated"] for r in diagnosis.verdicts
    ]


def test_records_and_reports_are_weighted_as_estimates_are(tmp_path: Path, panel: Panel) -> None:
    weights = np.linspace(0.2, 3.0, len(panel.respondent_ids))
    result = tt.calibrate(panel, "ridge", shares="pool", weights=weights)
    options: dict[str, Any] = {"id_column": "id", "rounded": False, "inputs": {}, "settings": {}}
    write_predictions(result, tmp_path / "predictions.csv", **options)
    sidecar = json.loads((tmp_path / "predictions.json").read_text())
    estimates = tt.estimate(panel, weights=weights).rows
    for item, law in sidecar["laws"].items():
        if "shares" in law:
            np.testing.assert_allclose(list(law["shares"].values()), result.shares(item), atol=1e-12)
        here = {row["category"]: row["estimate"] for row in estimates if row["item"] == item}
        if None in here and panel.scales[item].kind == "ordinal":
            assert law["mean"] == pytest.approx(here[None], abs=1e-4)
    (row, *_) = new_item_shares(sidecar, panel, weights)
    twin = panel.twin_values[:, panel.item_ids.index(row["item"])] == float(row["category"])
    assert row["twin"] == pytest.approx(float(weights @ twin / weights.sum()))


def test_verdicts_and_counts_of_them_agree_with_the_calibration(panel: Panel, result: Calibration) -> None:
    diagnosis = diagnose(panel)
    stated = {row["item"]: row["expected_calibrated"] for row in diagnosis.verdicts}
    summarised = {row["target"]: row["expected_correlation"] for row in result.summary()}
    assert len(result.expected_correlations()) == 3
    for item, value in result.expected_correlations().items():
        assert value == stated[item] == summarised[item] == result.law(item).expected_correlation()[1]
    labels = [text.get_text() for text in verdict_figure(diagnosis).axes[0].get_legend().get_texts()]
    for verdict in {row["verdict"] for row in diagnosis.verdicts}:
        here = [r for r in diagnosis.verdicts if r["verdict"] == verdict]
        drawn = sum(r["expected_calibrated"] is not None for r in here)
        assert f"{verdict} {len(here)}" in verdict_in_words(diagnosis)
        assert not drawn or f"{verdict}: {drawn} new" in labels
    assert f"Verdicts on {len(diagnosis.verdicts)} new items" in verdict_in_words(diagnosis)


def test_the_gain_in_words_is_that_of_the_table() -> None:
    panel = generate_population(90, 18, n_new_items=2, random_state=2).panel
    gain = measure_gain(tt.calibrate(panel), 6)
    rows = [r for r in gain.rows if "difference" in r]
    assert rows
    for row in rows:
        words = gain_in_words(row)
        assert f"{row['difference']:+.3f}" in words
        if "from" in words:
            assert f"to {row['paired_mean']:.3f}" in words
            assert f"from {row['paired_mean'] - row['difference']:.3f}" in words
