"""Tables 7 and 8 of paper A."""

from __future__ import annotations

import pytest

from truetwin.calibration.calibrators import PAPER_METHODS
from truetwin.reproduction.hyperparameters import reproduce_hyperparameters


@pytest.mark.parametrize(("table", "dataset"), [("table-7", "movielens"), ("table-8", "twin-2k-500")])
def test_the_presets_have_the_published_settings(table: str, dataset: str) -> None:
    rows = list(reproduce_hyperparameters(table))
    assert {row["dataset"] for row in rows} == {dataset}
    assert {(row["method"], row["predicts"]) for row in rows} == {
        (method, predicts) for method in PAPER_METHODS for predicts in ("new items", "new respondents")
    }
    assert [row for row in rows if not row["agrees"]] == []
