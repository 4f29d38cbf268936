"""Raking to population margins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import minimize

import truetwin as tt
from truetwin.data import Panel, People
from truetwin.data.margins import Margins
from truetwin.errors import DataError, FileFormatError, UnknownNameError
from truetwin.estimation.raking import rake
from truetwin.io.margin_files import read_margins

MARGINS = {"sex": {"f": 0.5, "m": 0.5}, "age": {"young": 0.3, "middle": 0.4, "old": 0.3}}


@pytest.fixture
def people() -> People:
    rng = np.random.default_rng(3)
    sex = rng.choice(["f", "m"], 120, p=[0.7, 0.3])
    age = rng.choice(["young", "middle", "old"], 120, p=[0.5, 0.3, 0.2])
    columns = {"sex": sex, "age": age, "w": rng.uniform(0.5, 2, 120)}
    return People([f"r{k}" for k in range(120)], columns)


def shares_of(people: People, column: str, weights: np.ndarray) -> dict[Any, float]:
    groups = people.groups(column)
    return {g: float(weights[groups == g].sum() / weights.sum()) for g in set(groups.tolist())}


@pytest.mark.parametrize("base", [None, "w"])
def test_raked_shares_are_those_of_the_population(people: People, base: str | None) -> None:
    found = rake(people, MARGINS, base)
    for column, part in MARGINS.items():
        assert shares_of(people, column, found.weights) == pytest.approx(part, abs=1e-8)
    assert found.weights.mean() == pytest.approx(1)
    assert found.design_effect == pytest.approx(np.mean(found.weights**2))
    assert found.effective_n < 120
    assert "none trimmed" in found.summary()
    assert found.to_frame().num_rows == 5


def test_weights_are_the_nearest_to_the_base_weights(people: People) -> None:
    """The least relative entropy is found by another way: its dual, minimised by a general solver."""
    base = people.numbers("w")
    groups = {(c, k): people.groups(c) == k for c, part in MARGINS.items() for k in part}
    X = np.column_stack([g.astype(float) for g in groups.values()])
    goal = len(base) * np.array([MARGINS[c][k] for c, k in groups])
    start = base / base.mean()
    dual = minimize(
        lambda b: (start @ np.exp(X @ b) - goal @ b, X.T @ (start * np.exp(X @ b)) - goal),
        np.zeros(X.shape[1]),
        jac=True,
        options={"gtol": 1e-8},
    )
    np.testing.assert_allclose(rake(people, MARGINS, "w").weights, start * np.exp(X @ dual.x), rtol=1e-5)


def test_weights_are_those_of_svy(people: People) -> None:
    svy = pytest.importorskip("svy", reason="svy is the oracle of the developers' tools")
    import polars

    frame = polars.DataFrame(
        {"sex": people.groups("sex").tolist(), "age": people.groups("age").tolist(), "w": people.numbers("w")}
    )
    sample = svy.Sample(frame, svy.Design(wgt="w"))
    totals = {c: {k: 120 * v for k, v in part.items()} for c, part in MARGINS.items()}
    raked = sample.weighting.rake(controls=totals, wgt_name="raked", tol=1e-10, max_iter=1000)
    np.testing.assert_allclose(raked.data["raked"].to_numpy(), rake(people, MARGINS, "w").weights, rtol=1e-6)


def test_counts_and_shares_say_the_same(people: People) -> None:
    counts = {c: {k: round(1000 * v) for k, v in part.items()} for c, part in MARGINS.items()}
    np.testing.assert_allclose(rake(people, counts).weights, rake(people, MARGINS).weights)


def test_a_sample_like_the_population_keeps_its_weights() -> None:
    people = People(list("abcd"), {"sex": ["f", "f", "m", "m"]})
    found = rake(people, {"sex": {"f": 1, "m": 1}})
    np.testing.assert_allclose(found.weights, 1)
    assert found.design_effect == pytest.approx(1)


def test_of_a_panel_those_who_have_answered_are_raked() -> None:
    human = pa.table(
        {"id": list("abcd"), "Q1": [1, 2, 1, None], "g": ["x", "x", "y", "z"], "w": [1.0, 1, 0, 1]}
    )
    twin = pa.table({"id": list("abcd"), "Q1": [1, 2, 1, 1]})
    panel = Panel.from_frames(human, twin, people_columns=["g", "w"])
    assert tt.rake(panel, {"g": {"x": 0.5, "y": 0.5}}).weights.tolist() == pytest.approx([0.75, 0.75, 1.5, 0])
    with pytest.raises(DataError, match="nobody has 'y'"):
        tt.rake(panel, {"g": {"x": 0.5, "y": 0.5}}, "w")


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({"sex": {"f": 0.5, "m": 0.4}}, r"sum to 1 \(within 0\.011\); those of 'sex' sum to 0\.9"),
        ({"sex": {"f": 52.5, "m": 47.5}}, "Divide percentages by 100"),
        ({"sex": {"f": 50, "m": 50}, "age": {"young": 500, "middle": 300, "old": 200}}, "same population"),
        ({"sex": {"f": 0.5, "m": -0.5}}, "not negative; category 'm'"),
        ({"sex": {"f": float("nan"), "m": 1}}, "finite"),
        ({"sex": {"f": 0.4, "m": 0.4, "x": 0.2}}, "nobody has 'x'"),
        ({"sex": {"f": 1.0}}, "lacks 'm'"),
        ({"sex": {}}, "at least one"),
        ({}, "at least one"),
    ],
)
def test_bad_margins_are_refused(people: People, margins: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rake(people, margins)


def test_columns_and_cells_that_are_missing_are_named(people: People) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'age'"):
        rake(people, {"aeg": {"young": 1}})
    gaps = People(list("abc"), {"sex": ["f", None, "m"]})
    with pytest.raises(DataError, match="1 of 3 have none, such as respondent 'b'"):
        rake(gaps, {"sex": {"f": 0.5, "m": 0.5}})
    assert rake(gaps, {"sex": {"f": 0.5, "m": 0.5}}, [1, 0, 1]).weights.tolist() == [1, 0, 1]


def test_margins_that_exclude_each_other_are_refused() -> None:
    people = People(list("abcd"), {"sex": ["f", "f", "m", "m"], "job": ["x", "x", "y", "y"]})
    with pytest.raises(DataError, match="no weights meet all margins"):
        rake(people, {"sex": {"f": 0.5, "m": 0.5}, "job": {"x": 0.7, "y": 0.3}})


def test_a_category_of_share_zero_gets_no_weight() -> None:
    people = People(list("abc"), {"g": ["x", "y", "z"]})
    assert rake(people, {"g": {"x": 0.5, "y": 0.5, "z": 0.0}}).weights.tolist() == [1.5, 1.5, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("column,category\nsex,f\n", "lacks share"),
        ("a,b\n1,2\n", "lacks column and category and share"),
        ("column,category,share\nsex,f,x\n", "row 1 has 'x'"),
        ("column,category,share\nsex,f,\n", "row 1 has ''"),
        ("column,category,share\nsex,,1\n", "row 1 has none"),
        ("column,category,share\nsex,f,.5\nsex,f,.5\n", "occurs twice"),
        ("column,category,share\n", "at least one column"),
        ("column,category,share\nsex,f,60\nsex,m,40\n", "Divide percentages"),
    ],
)
def test_bad_files_of_margins_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "margins.csv"
    path.write_text(content)
    with pytest.raises((DataError, FileFormatError), match=message):
        read_margins(path)


def test_margins_are_read_from_shares_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "margins.csv"
    path.write_text("\ufeffcolumn,category,count\nsex,f,510\nsex,m,490\n", encoding="utf-8")
    assert read_margins(path).shares == Margins.of({"sex": {"f": 0.51, "m": 0.49}}).shares
