"""Predictions of new people behind scikit-learn's interface."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.errors import AlignmentError, DataError, ParameterError

PANEL = generate_population(90, 12, n_new_items=0, random_state=1).panel
X, Y = PANEL.twin_values, PANEL.human_values
#: Names of columns that have none. Penalties are tuned on people and items in an order that names decide.
UNNAMED = tuple(f"x{k}" for k in range(12))


def test_new_people_are_predicted_as_calibrate_predicts_them() -> None:
    found = tt.TwinRegressor("ridge").fit(X[:60], Y[:60]).predict(X[60:])
    known, new = [f"p{k}" for k in range(60)], [f"new{k}" for k in range(30)]
    panel = Panel(
        ResponseMatrix(Y[:60], known, UNNAMED),
        ResponseMatrix(X, [*known, *new], UNNAMED, expectations=True),
    )
    assert found == pytest.approx(tt.calibrate(panel, "ridge", respondents=new).grid[60:], nan_ok=True)
    seen = np.isfinite(found[:, 0]) & np.isfinite(Y[60:, 0])
    assert np.corrcoef(found[seen, 0], Y[60:, 0][seen])[0, 1] > 0.2


def test_one_item_is_named_by_the_frame_or_by_position() -> None:
    by_position = tt.TwinRegressor("ridge", item=3).fit(X[:60], Y[:60, 3]).predict(X[60:])
    assert by_position.shape == (30,)
    pandas = pytest.importorskip("pandas")
    names = list(UNNAMED)
    frame, answers = pandas.DataFrame(X, columns=names), pandas.DataFrame(Y, columns=names)
    model = tt.TwinRegressor("ridge").fit(frame[:60], answers[names[3]][:60])
    assert model.items_ == (names[3],)
    assert model.predict(frame[60:]) == pytest.approx(by_position)
    shown = (
        clone(model.set_output(transform="pandas"))
        .fit(frame[:60], answers[names[3]][:60])
        .predict(frame[60:])
    )
    assert (list(shown.columns), list(shown.index)) == ([names[3]], list(range(60, 90)))
    with pytest.raises(DataError, match="with other names"):
        model.predict(frame[names[::-1]][60:])


def test_scikit_learn_chooses_methods_by_cross_validation() -> None:
    here = np.isfinite(Y[:, 2])
    search = GridSearchCV(tt.TwinRegressor(item=2), {"method": ["twin", "ridge"]}, cv=3)
    search.fit(X[here], Y[here, 2])
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] != scores[1]
    assert search.predict(X[:4]).shape == (4,)
    piped = make_pipeline(tt.TwinRegressor("ridge", item=2))
    predicted = cross_val_predict(piped, X[here], Y[here, 2], cv=3)
    assert np.corrcoef(predicted, Y[here, 2])[0, 1] > 0.2


def test_a_fitted_model_is_pickled_and_a_clone_is_not_fitted() -> None:
    model = tt.TwinRegressor("ridge").fit(X[:60], Y[:60])
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(X[60:]) == pytest.approx(model.predict(X[60:]), nan_ok=True)
    assert clone(model).get_params() == {"item": None, "method": "ridge", "parameters": None, "preset": "cv"}
    with pytest.raises(NotFittedError):
        clone(model).predict(X[60:])


def test_arrow_tables_are_read() -> None:
    table = pa.table({i: X[:, k] for k, i in enumerate(UNNAMED)})
    found = tt.TwinRegressor("ridge").fit(table.slice(0, 60), Y[:60]).predict(table.slice(60))
    assert found == pytest.approx(tt.TwinRegressor("ridge").fit(X[:60], Y[:60]).predict(X[60:]), nan_ok=True)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="it has 1 columns without names, X has 12"):
        tt.TwinRegressor().fit(X, Y[:, 0])
    with pytest.raises(ParameterError, match="X has no column 'Q99'"):
        tt.TwinRegressor(item="Q99").fit(X, Y[:, 0])
    with pytest.raises(AlignmentError, match="X has 90 rows, y has 89"):
        tt.TwinRegressor().fit(X, Y[1:])
    with pytest.raises(DataError, match="y must hold numbers"):
        tt.TwinRegressor(item=0).fit(X, ["often"] * 90)
    with pytest.raises(DataError, match="the 12 columns that it had"):
        tt.TwinRegressor().fit(X, Y).predict(X[:, :5])
    with pytest.raises(ParameterError, match="one of default, pandas, polars; got 'numpy'"):
        tt.TwinRegressor().set_output(transform="numpy")  # type: ignore[arg-type]
