"""The plots of results are figures that can be saved."""

from __future__ import annotations

import io

import pytest

import truetwin as tt
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError
from truetwin.voice.scoring.leaderboard import Results, Standing


def test_every_result_has_its_plots() -> None:
    panel = generate_population(120, 14, n_new_items=2).panel
    diagnosis, evaluation = (
        tt.diagnose(panel),
        tt.evaluate(panel, ["twin", "ridge"], metric=["pearson", "rmse"]),
    )
    standing = Standing("social", "choice", "m", 10, 10, 50.0, 50.0, 30.0, 70.0)
    figures = [
        tt.plot.shares(tt.estimate(panel)),
        tt.plot.methods(evaluation),
        tt.plot.methods(evaluation, "rmse"),
        tt.plot.expectations(tt.calibrate(panel)),
        tt.plot.verdicts(diagnosis),
        tt.plot.spectra(diagnosis),
        tt.plot.alignment(diagnosis, "column"),
        tt.plot.faults(diagnosis),
        tt.plot.models(Results((standing,)), "social", "choice"),
    ]
    for figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        assert buffer.getvalue().startswith(b"\x89PNG")
    with pytest.raises(ParameterError, match="must be one of pearson, rmse; got 'accuracy'"):
        tt.plot.methods(evaluation, "accuracy")
    with pytest.raises(ParameterError, match="there are social, choice"):
        tt.plot.models(Results((standing,)), "social", "generation")
    assert "plot" in dir(tt)
