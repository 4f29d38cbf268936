"""What every registered calibrator must do, for new items and for new respondents."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from truetwin.calibration.base import Calibrator, make_fold
from truetwin.calibration.calibrators import methods
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.item_laws import FoldStudy, fold_laws
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_population

CASES = [
    pytest.param(name, axis, id=f"{name}-{axis}")
    for name in methods
    for axis in ("item", "respondent")
    if axis in methods[name].make.axes
]
SOURCES = ("human_values", "twin_values")


def make(name: str, axis: str) -> Calibrator:
    return methods[name].make(**methods[name].published.get(("twin-2k-500", "item"), {}))


def population(seed: int = 3) -> Panel:
    """60 respondents x 14 items with 20% of human and some twin answers missing; every target has been answered."""
    panel = generate_population(60, 14, n_new_items=0, missing=0.2, random_state=seed).panel
    rng = np.random.default_rng(seed)
    twin = panel.twin.values.copy()
    twin[rng.random(twin.shape) < 0.1] = np.nan
    in_context = np.clip(panel.human.values + rng.integers(-1, 2, panel.human.values.shape), 1, 7)
    return with_values(panel, twin=twin, in_context=in_context)


def with_values(
    panel: Panel,
    human: np.ndarray | None = None,
    twin: np.ndarray | None = None,
    in_context: np.ndarray | None = None,
) -> Panel:
    rows, columns = panel.respondent_ids, panel.item_ids
    third = panel.in_context_values if in_context is None else in_context
    return Panel(
        ResponseMatrix(panel.human_values if human is None else human, rows, columns),
        ResponseMatrix(panel.twin_values if twin is None else twin, rows, columns),
        None if third is None else ResponseMatrix(third, rows, columns),
    )


def targets_of(panel: Panel, axis: str, count: int = 3) -> list[Target]:
    ids = panel.item_ids if axis == "item" else panel.respondent_ids
    return [Target(axis, t) for t in ids[1 : 1 + count]]


def predict(name: str, axis: str, panel: Panel, targets: list[Target]) -> np.ndarray:
    return make(name, axis).fit(panel, targets).predict().values


def scrambled(panel: Panel, targets: list[Target]) -> Panel:
    human = panel.human_values.copy()
    rng = np.random.default_rng(0)
    for target in targets:
        if target.axis == "item":
            human[:, panel.item_ids.index(target.id)] = rng.integers(1, 8, human.shape[0])
        else:
            human[panel.respondent_ids.index(target.id), :] = rng.integers(1, 8, human.shape[1])
    return with_values(panel, human=human)


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_prediction_ignores_hidden_human_answers(name: str, axis: str) -> None:
    panel = population()
    targets = targets_of(panel, axis)
    expected = predict(name, axis, panel, targets)
    actual = predict(name, axis, scrambled(panel, targets), targets)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
    assert np.isfinite(expected).any()


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_laws_and_draws_ignore_hidden_human_answers(name: str, axis: str) -> None:
    panel = population()
    targets = targets_of(panel, axis)
    laws, draws = [], []
    for each in (panel, scrambled(panel, targets)):
        fold = make_fold(each, targets)
        parts = make(name, axis).predict_designs(make_designs(each, [fold], Preprocessing()))
        (found,) = fold_laws(make(name, axis), Encoding.of(each), [fold], parts)
        laws.append(found)
        study = FoldStudy(make(name, axis), each, fold, parts[0], Preprocessing())
        draws.append(study.joint_law.draw(np.random.default_rng(0)) if axis == "item" else np.zeros(1))
    assert set(laws[0]) == set(laws[1])
    for item, law in laws[0].items():
        other = laws[1][item]
        np.testing.assert_allclose(law.mean(), other.mean(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(law.probabilities(), other.probabilities(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(*draws, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_same_seed_same_result_and_inputs_unchanged(name: str, axis: str) -> None:
    panel = population()
    before = [getattr(panel, s).copy() for s in SOURCES]
    targets = targets_of(panel, axis)
    first, second = (predict(name, axis, panel, targets) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    for source, values in zip(SOURCES, before, strict=True):
        np.testing.assert_array_equal(getattr(panel, source), values)


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_order_of_rows_and_columns_does_not_matter(name: str, axis: str) -> None:
    panel = population()
    targets = targets_of(panel, axis)
    rng = np.random.default_rng(1)
    rows, columns = (rng.permutation(k) for k in panel.human_values.shape)

    def shuffle(values: np.ndarray) -> ResponseMatrix:
        return ResponseMatrix(
            values[np.ix_(rows, columns)],
            [panel.respondent_ids[r] for r in rows],
            [panel.item_ids[c] for c in columns],
        )

    shuffled = Panel(*(shuffle(getattr(panel, s)) for s in (*SOURCES, "in_context_values")))
    samples = rows if axis == "item" else columns
    expected = predict(name, axis, panel, targets)[samples]
    actual = predict(name, axis, shuffled, targets)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_a_target_does_not_depend_on_which_others_are_asked_for(name: str, axis: str) -> None:
    panel = generate_population(60, 14, n_new_items=3, n_new_respondents=3, random_state=5).panel
    panel = with_values(panel, in_context=panel.twin_values)
    new = panel.new_items if axis == "item" else panel.new_respondents
    fold = make_fold(panel, [Target(axis, t) for t in new])
    (together,) = make(name, axis).predict_designs(make_designs(panel, [fold], Preprocessing()))
    alone = predict(name, axis, panel, [Target(axis, new[1])])[:, 0]
    if methods[name].make.targets_inform_each_other:
        both = np.isfinite(alone)
        assert np.corrcoef(alone[both], together.values[both, 1])[0, 1] > 0.7
    else:
        np.testing.assert_allclose(alone, together.values[:, 1], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "axis"), [c for c in CASES if methods[c.values[0]].make.shares_folds])
@pytest.mark.parametrize("n_targets", [1, 4])
def test_folds_predicted_in_one_pass_never_see_their_own_hidden_answers(
    name: str, axis: str, n_targets: int
) -> None:
    panel = population()
    ids = panel.item_ids if axis == "item" else panel.respondent_ids
    targets = [ids[k : k + n_targets] for k in range(0, 12, n_targets)]
    folds = [make_fold(panel, [Target(axis, t) for t in each]) for each in targets]
    expected = make(name, axis).predict_folds(panel, folds, Preprocessing())
    for k in (0, len(folds) - 1):
        noise = scrambled(panel, [Target(axis, t) for t in targets[k]])
        (alone,) = make(name, axis).predict_designs(make_designs(panel, [folds[k]], Preprocessing()))
        np.testing.assert_allclose(expected[k].values, alone.values, rtol=0, atol=1e-11)
        swept = make(name, axis).predict_folds(noise, folds, Preprocessing())[k]
        np.testing.assert_allclose(expected[k].values, swept.values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", methods)
def test_clone_and_parameters_follow_scikit_learn(name: str) -> None:
    model = make(name, "item")
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert type(model)(**model.get_params()).get_params() == model.get_params()
    fitted = model.fit(population(), targets_of(population(), model.axes[0]))
    assert fitted is model
    assert clone(model).get_params() == copy.get_params()


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_constant_and_empty_columns_are_survived(name: str, axis: str) -> None:
    panel = population()
    human, twin = panel.human_values.copy(), panel.twin_values.copy()
    human[:, 5], twin[:, 6] = 3.0, 4.0  # constant
    human[:, 7], twin[:, 8] = np.nan, np.nan  # answered by nobody
    human[9, :], twin[10, :] = np.nan, np.nan
    odd = with_values(panel, human=human, twin=twin)
    values = predict(name, axis, odd, targets_of(odd, axis))
    assert np.isfinite(values).any()
    assert not np.isinf(values).any()


@pytest.mark.parametrize(
    "name", [n for n in methods if methods[n].kind in ("fit-and-transfer", "matrix completion")]
)
def test_a_respondent_without_donor_answers_gets_no_prediction(name: str) -> None:
    panel = population()
    human = panel.human_values.copy()
    human[4, :] = np.nan
    lonely = with_values(panel, human=human)
    values = predict(name, "item", lonely, targets_of(lonely, "item"))
    assert np.isnan(values[4]).all()
    assert np.isfinite(np.delete(values, 4, axis=0)).all()


@pytest.mark.parametrize("name", [n for n in methods if methods[n].make.needs_varying_twins])
def test_constant_twins_are_reported_and_not_predicted(name: str) -> None:
    panel = population()
    twin = panel.twin_values.copy()
    twin[:, 1] = 4.0
    constant = with_values(panel, twin=twin)
    prediction = make(name, "item").fit(constant, targets_of(constant, "item")).predict()
    first = constant.item_ids[1]
    assert "same answer" in prediction.unpredicted[first]
    assert np.isnan(prediction.values[:, 0]).all()
    assert np.isfinite(prediction.values[:, 1:]).any()
