"""A calibrator of another package: its laws are used, its old hooks work, and its faults break nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import truetwin as tt
from truetwin import registry
from truetwin.calibration import Calibrator, methods
from truetwin.calibration.calibrators import PAPER_METHODS, Method
from truetwin.calibration.design import Design
from truetwin.calibration.laws.prediction_errors import Errors
from truetwin.calibration.paper.fit_and_transfer import Ridge
from truetwin.cli import main
from truetwin.data import Axis
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError
from truetwin.evaluation import interval_coverage

PANEL = generate_population(80, 12, n_new_items=2, n_new_respondents=2).panel


class OnePoint(Errors):
    """Nine answers in ten lie within one scale point."""

    def quantiles(self, level: float) -> tuple[float, float]:
        """See the base class."""
        return -level / 0.9, level / 0.9


class RidgeWithLaws(Ridge):
    """Ridge regression that knows how far off it is."""

    error_axes: ClassVar[tuple[Axis, ...]] = ("item", "respondent")

    def errors(self, design: Design) -> Sequence[Errors]:
        """See the base class."""
        return [OnePoint()] * design.n_targets


def test_any_calibrator_can_offer_intervals() -> None:
    result = tt.calibrate(PANEL, RidgeWithLaws())
    for axis, part in zip(("item", "respondent"), result.parts, strict=True):
        lower, upper = result.intervals(0.9, axis)[part.target_ids[0]]  # type: ignore[arg-type]
        assert (upper - lower)[np.isfinite(lower)].max() <= 2 + 1e-9
    assert result.online("Q11").spread == pytest.approx(0.6827 / 0.9)
    law = result.law("Q11")
    np.testing.assert_allclose(law.mean(), result.grid[:, PANEL.item_ids.index("Q11")], atol=1e-9)
    assert (law.probabilities() > 0.05).sum(axis=1).max() <= 4


def test_coverage_is_counted_for_any_calibrator_with_laws() -> None:
    panel = generate_population(80, 12, n_new_items=0).panel
    for protocol in ("leave-one-item-out", "leave-one-respondent-out"):
        assert 0 < interval_coverage(panel, protocol, model=RidgeWithLaws()).mean < 1


def test_a_method_without_errors_of_its_own_has_laws_from_hidden_items_and_people() -> None:
    panel = generate_population(120, 20, n_new_items=0, random_state=2).panel
    assert interval_coverage(panel, model=Ridge()).mean == pytest.approx(0.9, abs=0.06)
    with pytest.raises(ParameterError, match="it declares no error_axes"):
        Ridge().errors(None)  # type: ignore[arg-type]


def test_hooks_by_the_names_of_version_0_1_work_and_warn() -> None:
    with pytest.warns(DeprecationWarning, match=r"Doubled\._solve is now .*Doubled\.solve") as warned:

        class Doubled(Ridge):
            def _solve(self, design: Design) -> tuple[np.ndarray, np.ndarray]:
                coef, intercept = super()._solve(design)  # type: ignore[misc]
                return 2 * coef, 2 * intercept

    with pytest.warns(DeprecationWarning, match="is now"):

        class Zero(Calibrator):
            def _fit(self, design: Design) -> None:
                self.shape_ = (len(design.human_samples), design.n_targets)

            def _predict(self, design: Design) -> np.ndarray:
                return np.zeros(self.shape_)

    assert [warning.filename for warning in warned] == [__file__]
    once, twice = (m().fit(PANEL).predict().values for m in (Ridge, Doubled))
    middle = Zero().fit(PANEL).predict().values
    np.testing.assert_allclose(twice - middle, 2 * (once - middle))


def test_the_papers_ten_methods_are_named_and_not_selected() -> None:
    assert len(PAPER_METHODS) == 10
    kinds = {methods[name].kind for name in PAPER_METHODS}
    assert kinds == {"fit-and-transfer", "matrix completion"}


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three methods of another package: one that works, one that cannot be imported, one by a name that is taken."""
    (tmp_path / "tt_lines.py").write_text(
        "from truetwin.calibration.calibrators import Method\n"
        "from truetwin.calibration.paper.fit_and_transfer import Ridge\n"
        "class Line(Ridge):\n    '''A line.'''\n"
        "LINE = Method('other', 'a line', Line)\n"
    )
    metadata = tmp_path / "tt_lines-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tt-lines\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[truetwin.calibrators]\nline = tt_lines:LINE\nbroken = tt_nowhere:LINE\nridge = tt_lines:LINE\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._entry_points.cache_clear()
    yield
    methods._taken.clear()
    registry._entry_points.cache_clear()


@pytest.mark.usefixtures("_installed")
def test_methods_lists_those_of_other_packages_and_names_the_faults(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["methods", "--json"])
    rows = {(row["method"], row["kind"]): row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["line", "other"]["summary"] == "a line"
    assert "No module named 'tt_nowhere'" in rows["broken", "cannot be used"]["summary"]
    assert "tt-lines (tt_lines:LINE) must choose another name" in rows["ridge", "cannot be used"]["summary"]
    assert rows["ridge", "fit-and-transfer"]["summary"] == "ridge regression"


@pytest.mark.usefixtures("_installed")
def test_a_method_of_another_package_calibrates() -> None:
    found = tt.calibrate(PANEL, "line")
    assert found.method == "line"
    np.testing.assert_allclose(found.grid, tt.calibrate(PANEL, Ridge()).grid)
    assert isinstance(methods["line"], Method)
