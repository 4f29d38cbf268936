"""The plots of results are figures that can be saved."""

from __future__ import annotations

import inspect
import io

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration import Calibration
from truetwin.data import Panel
from truetwin.data.human_marginals import human_marginals
from truetwin.datasets import generate_population
from truetwin.diagnosis import Diagnosis
from truetwin.errors import ParameterError
from truetwin.estimation.estimates import Estimates
from truetwin.evaluation import Evaluation
from truetwin.experiments.calibrated_effects import CalibratedEffects
from truetwin.experiments.effects import Effects
from truetwin.experiments.experiment import Experiment
from truetwin.reweighting.reweighting import Reweighting
from truetwin.voice.scoring.leaderboard import Results, Standing

RESULTS = (
    Panel,
    Calibration,
    Estimates,
    Diagnosis,
    Evaluation,
    Effects,
    CalibratedEffects,
    Experiment,
    Results,
    Reweighting,
)


def test_every_result_has_its_plots() -> None:
    panel = generate_population(120, 14, n_new_items=2).panel
    diagnosis, evaluation = (
        tt.diagnose(panel),
        tt.evaluate(panel, ["twin", "ridge"], metric=["pearson", "rmse"]),
    )
    standing = Standing("social", "choice", "m", 10, 10, 50.0, 50.0, 30.0, 70.0)
    calibration, estimates = tt.calibrate(panel), tt.estimate(panel)
    figures = [
        panel.plot.answers(["Q01", "Q03", "Q02"]),
        calibration.plot.predictions(),
        estimates.plot.shares(),
        tt.plot.methods(evaluation),
        evaluation.plot.methods("rmse"),
        calibration.plot.expectations(),
        tt.plot.verdicts(diagnosis),
        tt.plot.spectra(diagnosis),
        diagnosis.plot.alignment("column"),
        tt.plot.faults(diagnosis),
        tt.plot.models(Results((standing,)), "social", "choice"),
    ]
    for figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        assert buffer.getvalue().startswith(b"\x89PNG")
    assert all(hasattr(figure, "_repr_png_") for figure in figures)
    assert figures[0]._repr_png_().startswith(b"\x89PNG")  # as a notebook shows it
    with pytest.raises(ParameterError, match="must be one of pearson, rmse; got 'accuracy'"):
        tt.plot.methods(evaluation, "accuracy")
    with pytest.raises(ParameterError, match="there are social, choice"):
        tt.plot.models(Results((standing,)), "social", "generation")
    with pytest.raises(ParameterError, match=r"'Q99'.*"):
        panel.plot.answers(["Q99"])
    assert "plot" in dir(tt)


def test_people_and_twins_are_drawn_with_their_shares() -> None:
    panel = generate_population(60, 12, n_new_items=2).panel
    (axes,) = tt.plot.answers(panel, ["Q01"]).axes
    answers = panel.human_values[np.isfinite(panel.human_values[:, 0]), 0]
    shares = [float(np.mean(answers == code)) for code in panel.scales["Q01"].categories]
    assert [bar.get_height() for bar in axes.containers[0]] == pytest.approx(shares)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["people", "twins as they are"]


def test_predicted_populations_are_drawn_with_their_bands_if_there_are_any() -> None:
    panel = generate_population(60, 12, n_new_items=2).panel
    toplines = human_marginals(panel)
    for level, lines in ((0.9, 2), (None, 0)):
        found = tt.reweight(panel.twin, toplines, level=level)
        (axes,) = found.plot.shares(["Q11"]).axes
        points = [x for line in axes.lines for x in line.get_xdata()]
        assert points == pytest.approx([row["share"] for row in found.predictions if row["item_id"] == "Q11"])
        bands = [segment for found in axes.collections for segment in found.get_segments()]
        assert (len(bands) > lines) == (level is not None)
    summary = found.summary()
    assert "Reweighting(2 items predicted of all, method auto)" in str(summary)
    assert summary.to_frame().num_rows == len(found.predictions)


@pytest.mark.parametrize(
    "result",
    RESULTS,
)
def test_what_a_result_offers_to_plot_takes_that_result(result: type) -> None:
    names = result.plot.names  # type: ignore[attr-defined]
    assert names
    for name in names:
        first = next(iter(inspect.signature(getattr(tt.plot, name)).parameters.values()))
        assert result.__name__ in str(first.annotation).split(" | ")


def test_every_plot_is_offered_by_a_result_and_no_other_is() -> None:
    assert {name for result in RESULTS for name in result.plot.names} == set(tt.plot.__all__)
    panel = generate_population(60, 12).panel
    assert dir(panel.plot) == ["answers"]
    assert all(hasattr(result, "summary") and hasattr(result, "_repr_html_") for result in RESULTS)
    assert repr(panel.plot) == "plots of a Panel: answers"
    with pytest.raises(AttributeError, match="a Panel has no plot 'verdicts'; it has answers"):
        panel.plot.verdicts()
