"""No method looks at hidden human answers when there are several sources, nominal items and weights."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.base import Calibrator, make_fold
from truetwin.calibration.calibrators import methods
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.item_laws import FoldStudy, fold_laws
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.data import Item, Panel, ResponseMatrix, Scale, Target
from truetwin.datasets import generate_population

CASES = [
    pytest.param(name, axis, id=f"{name}-{axis}")
    for name in methods
    for axis in ("item", "respondent")
    if axis in methods[name].make.axes
]
PARTY = Scale.nominal([1, 2, 3])


def make(name: str) -> Calibrator:
    return methods[name].make(**methods[name].published.get(("twin-2k-500", "item"), {}))


def panel() -> Panel:
    """60 people x 14 items, two of them nominal, and three sources; the last lacks people and items."""
    base = generate_population(60, 14, n_new_items=0, missing=0.1, random_state=3).panel
    rng = np.random.default_rng(3)
    people, ids = base.respondent_ids, base.item_ids
    items = [Item(i, scale=PARTY if k in (1, 5) else Scale.ordinal(1, 7)) for k, i in enumerate(ids)]

    def answers(values: np.ndarray) -> np.ndarray:
        values = np.clip(values, 1, 7)
        values[:, [1, 5]] = np.clip(np.ceil(values[:, [1, 5]] / 2.4), 1, 3)
        return values

    noisy = base.twin_values + rng.integers(-1, 2, base.twin_values.shape)
    other = base.twin_values + rng.integers(-3, 4, base.twin_values.shape)
    sources = {
        "one": ResponseMatrix(answers(base.twin_values.copy()), people, items),
        "two": ResponseMatrix(answers(noisy), people, items),
        "part": ResponseMatrix(answers(other)[:50, :10], people[:50], items[:10]),
    }
    near = answers(base.human_values + rng.integers(-1, 2, base.human_values.shape))
    human = ResponseMatrix(answers(base.human_values.copy()), people, items)
    return Panel(human, sources, ResponseMatrix(near, people, items))


def scrambled(full: Panel, targets: list[Target]) -> Panel:
    """Put other answers, and other gaps, in the place of those to the targets."""
    rng = np.random.default_rng(0)
    human = full.human_values.copy()
    for target in targets:
        if target.axis == "item":
            here = np.s_[:, full.item_ids.index(target.id)]
        else:
            here = np.s_[full.respondent_ids.index(target.id), :]
        human[here] = rng.integers(1, 4, human[here].shape)
        human[here][rng.random(human[here].shape) < 0.2] = np.nan
    return Panel(
        ResponseMatrix(human, full.respondent_ids, full.human.items), dict(full.sources), full.in_context
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize(("name", "axis"), CASES)
def test_points_laws_and_draws_ignore_hidden_answers_with_sources(
    name: str, axis: str, weighted: bool
) -> None:
    full = panel()
    ids = full.item_ids if axis == "item" else full.respondent_ids
    targets = [Target(axis, t) for t in ids[1:4]]  # the first of the items is nominal
    weights = tuple(np.random.default_rng(1).uniform(0.2, 3.0, 60).tolist()) if weighted else None
    prepared = Preprocessing(weights=weights)
    points, laws, draws = [], [], []
    for each in (full, scrambled(full, targets)):
        encoding = Encoding.of(each)
        fold = make_fold(encoding.encoded, encoding.targets(targets))
        parts = make(name).predict_designs(make_designs(encoding.encoded, [fold], prepared))
        points.append(parts[0].values)
        laws.append(next(iter(fold_laws(make(name), encoding, [fold], parts, prepared))))
        study = FoldStudy(make(name), encoding.encoded, fold, parts[0], prepared)
        draws.append(study.joint_law.draw(np.random.default_rng(0)) if axis == "item" else np.zeros(1))
    assert np.isfinite(points[0]).any()
    np.testing.assert_allclose(*points, rtol=0, atol=1e-12)
    np.testing.assert_allclose(*draws, rtol=0, atol=1e-9)
    assert set(laws[0]) == set(laws[1])
    for item, law in laws[0].items():
        np.testing.assert_allclose(laws[1][item].probabilities(), law.probabilities(), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "axis"), CASES)
def test_order_of_people_and_items_does_not_matter_with_sources(name: str, axis: str) -> None:
    full = panel()
    rng = np.random.default_rng(2)
    ids = full.item_ids[2:4] if axis == "item" else full.respondent_ids[2:4]

    def shuffled(table: ResponseMatrix) -> ResponseMatrix:
        rows, columns = (rng.permutation(k) for k in table.values.shape)
        return ResponseMatrix(
            table.values[np.ix_(rows, columns)],
            [table.respondent_ids[r] for r in rows],
            [table.items[c] for c in columns],
        )

    assert full.in_context is not None
    sources = {source: shuffled(table) for source, table in full.sources.items()}
    turned = Panel(shuffled(full.human), sources, shuffled(full.in_context))
    found = []
    for each in (full, turned):
        encoding = Encoding.of(each)
        fold = make_fold(encoding.encoded, encoding.targets(Target(axis, t) for t in ids))
        (part,) = make(name).predict_designs(make_designs(encoding.encoded, [fold], Preprocessing()))
        order = np.argsort(part.sample_ids)
        columns = [part.target_ids.index(t) for t in ids]
        found.append(part.values[np.ix_(order, columns)])
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-9)
