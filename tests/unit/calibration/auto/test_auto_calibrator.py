"""The automatic calibrator, its intervals, and what it says of its situation."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration import calibrate
from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.auto.item_links import sparse_links
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.auto.stacking import fit_stack
from truetwin.calibration.base import make_fold
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.laws.people_errors import PeopleErrors
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_population
from truetwin.errors import DataError, ParameterError
from truetwin.evaluation import evaluate, interval_coverage


def batteries(seed: int = 2) -> tuple[Panel, dict[str, str]]:
    panel = generate_population(150, 16, n_new_items=0, missing=0.1, random_state=seed).panel
    return panel, {item: f"battery {k // 4}" for k, item in enumerate(panel.item_ids)}


def noisy(panel: Panel, hidden: list[str], seed: int = 0) -> Panel:
    human = panel.human_values.copy()
    for item in hidden:
        human[:, panel.item_ids.index(item)] = np.random.default_rng(seed).integers(1, 8, len(human))
    return Panel(ResponseMatrix(human, panel.respondent_ids, panel.item_ids), panel.twin)


def test_situation_is_recognised_from_blocks() -> None:
    panel, blocks = batteries()
    ids = panel.item_ids
    known = Auto(blocks=blocks).fit(panel, Target("item", ids[0]))
    assert known.situations_ == {ids[0]: "known battery"}
    new = Auto(blocks=blocks).fit(panel, [Target("item", i) for i in ids[:4]])
    assert set(new.situations_.values()) == {"new battery"}
    assert set(Auto().fit(panel, Target("item", ids[0])).situations_.values()) == {"pool"}


def test_notes_say_which_situation_was_found() -> None:
    panel = generate_population(60, 10, n_new_items=2, random_state=1).panel
    first, last = panel.new_items
    blocks = {first: "b", panel.item_ids[7]: "b", panel.item_ids[0]: "a", panel.item_ids[1]: "a"}
    notes = {r["target"]: r for r in calibrate(panel, "auto", parameters={"blocks": blocks}).notes()}
    assert notes[first]["situation"].startswith("new item of a known battery")
    assert notes[last]["situation"].startswith("new battery")


@pytest.mark.parametrize("blinded", ["all", "block-blind"])
def test_intervals_and_levels_never_see_hidden_answers(blinded: str) -> None:
    panel, blocks = batteries()
    model = Auto(blocks=blocks, weights=blinded)
    for hidden in (list(panel.item_ids[:1]), list(panel.item_ids[:4])):
        fold = make_fold(panel, [Target("item", i) for i in hidden])
        other = make_fold(panel, [Target("item", i) for i in panel.item_ids[4 : 4 + len(hidden)]])
        (expected, _) = model.fold_errors(panel, [fold, other])
        (actual, _) = model.fold_errors(noisy(panel, hidden), [fold, other])
        for a, b in zip(actual, expected, strict=True):
            assert a.quantiles(0.9) == b.quantiles(0.9)
            np.testing.assert_allclose(a.total, b.total, rtol=0, atol=1e-12)
            for name in ("mean", "low", "high", "standard_error"):
                assert getattr(a.correlation, name) == pytest.approx(getattr(b.correlation, name), abs=1e-12)
            assert (a.level.mean, a.level.sd) == (b.level.mean, b.level.sd)


def test_block_blind_weights_do_not_depend_on_siblings_answers_as_pseudo_targets() -> None:
    panel, blocks = batteries()
    problem = Problem(
        panel.human_values, panel.twin_values, tuple(blocks[i] for i in panel.item_ids), panel.respondent_ids
    )
    from truetwin.calibration.auto.new_items import pseudo_target_weights

    weights = pseudo_target_weights(problem, 0, [0], "known battery", block_blind=True)
    assert not weights[:4].any()
    assert (weights[4:] > 0).all()
    assert pseudo_target_weights(problem, 0, [0], "known battery", block_blind=False)[0] == 0


def test_auto_beats_the_twin_where_answers_follow_the_model() -> None:
    panel = generate_population(300, 25, n_new_items=0, random_state=4).panel
    rows = {r["method"]: r for r in evaluate(panel, ["twin", "auto"]).summary("twin")}
    assert rows["auto"]["difference"] > 2 * rows["auto"]["difference_standard_error"]


def test_intervals_cover_as_many_answers_as_they_say() -> None:
    panel = generate_population(300, 40, n_new_items=0, random_state=5).panel
    assert interval_coverage(panel, level=0.9).mean == pytest.approx(0.9, abs=0.04)


def test_intervals_lie_on_the_scale_and_enclose_the_prediction() -> None:
    result = calibrate(generate_population(120, 20, n_new_items=2, random_state=1).panel)
    for item, (lower, upper) in result.intervals(0.9).items():
        values = result.grid[:, result.panel.item_ids.index(item)]
        assert (lower <= values).all()
        assert (values <= upper).all()
        assert lower.min() >= 1
        assert upper.max() <= 7
        shares = result.probabilities(item)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose(shares @ np.arange(1, 8), values, rtol=0, atol=1e-9)


def test_level_outside_zero_and_one_is_refused() -> None:
    result = calibrate(generate_population(60, 8, n_new_items=1).panel)
    with pytest.raises(ParameterError, match="between 0 and 1"):
        result.intervals(1.5)


def test_blocks_that_name_no_item_are_refused() -> None:
    panel = generate_population(60, 8, n_new_items=1).panel
    with pytest.raises(DataError, match="none of the 1 named items"):
        calibrate(panel, "auto", parameters={"blocks": {"elsewhere": "b"}})


def test_a_single_block_is_one_known_battery() -> None:
    panel = generate_population(60, 8, n_new_items=1).panel
    model = Auto(blocks=dict.fromkeys(panel.item_ids, "all")).fit(panel)
    assert set(model.situations_.values()) == {"known battery"}
    assert np.isfinite(model.predict().values).all()


@pytest.mark.parametrize("n_items", [2, 3])
def test_very_few_donors_are_survived(n_items: int) -> None:
    panel = generate_population(30, n_items, n_new_items=1, missing=0.0).panel
    result = calibrate(panel)
    assert np.isfinite(result.grid[:, -1]).all()
    (interval,) = result.intervals().values()
    assert np.isfinite(interval[0]).all()


def test_unknown_kind_of_weights_is_refused() -> None:
    panel = generate_population(30, 5, n_new_items=1).panel
    with pytest.raises(ParameterError, match="'all' or 'block-blind'"):
        Auto(weights="blind").fit(panel)  # type: ignore[arg-type]


def test_folds_with_different_items_in_play_are_predicted_one_by_one() -> None:
    panel, _ = batteries()
    folds = [make_fold(panel, Target("item", i)) for i in panel.item_ids[:2]]
    odd = type(folds[1])("item", folds[1].targets, folds[1].donors[:-1])
    first, second = Auto().predict_folds(panel, [folds[0], odd], Preprocessing())
    assert np.isfinite(first.values).any()
    assert second.target_ids == (panel.item_ids[1],)


def test_sparse_links_satisfy_the_optimality_conditions() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 12))
    gram = x.T @ x / 50
    together = np.eye(12, dtype=bool)
    weights = sparse_links(gram, together, 0.1, 0.5)
    gradient = gram - weights @ gram - 0.5 * weights
    active = weights != 0
    np.testing.assert_allclose(gradient[active], 0.1 * np.sign(weights[active]), atol=1e-9)
    assert (np.abs(gradient[~active & ~together]) <= 0.1 + 1e-8).all()


def test_stack_with_nothing_to_learn_from_is_all_zero() -> None:
    assert not fit_stack(np.zeros((3, 4, 4)), np.ones(3), 0.1).weights.any()


def test_contradictory_correlations_are_survived_without_a_leak() -> None:
    rng = np.random.default_rng(0)
    p, per_pair = 7, 120
    human = []
    for a in range(p):
        for b in range(a):
            rows = np.full((per_pair, p), np.nan)
            rows[:, a] = rng.integers(1, 8, per_pair)
            rows[:, b] = 8 - rows[:, a]
            human.append(rows)
    values = np.concatenate(human)
    ids, items = [str(k) for k in range(len(values))], [f"item{c}" for c in "ABCDEFG"]
    twin = ResponseMatrix(rng.integers(1, 8, values.shape).astype(float), ids, items)
    panel = Panel(ResponseMatrix(values, ids, items), twin)
    scrambled = values.copy()
    scrambled[np.isfinite(values[:, 0]), 0] = rng.integers(1, 8, int(np.isfinite(values[:, 0]).sum()))
    other = Panel(ResponseMatrix(scrambled, ids, items), twin)
    assert Problem(values, twin.values, tuple(items), tuple(ids)).inconsistent
    folds = [make_fold(panel, Target("item", i)) for i in items]
    expected, actual = (Auto().predict_folds(q, folds, Preprocessing())[0].values for q in (panel, other))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_large_tables_are_learned_on_a_sample_and_predicted_in_a_second_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = generate_population(90, 12, n_new_items=2, random_state=1).panel
    everybody = Auto().fit(panel).predict().values
    monkeypatch.setattr("truetwin.calibration.auto.pseudo_targets.MAX_LEARNERS", 60)
    monkeypatch.setattr("truetwin.calibration.auto.new_items.MAX_LEARNERS", 60)
    sampled = Auto().fit(panel).predict().values
    fine = np.isfinite(everybody[:, 0])
    assert np.corrcoef(everybody[fine, 0], sampled[fine, 0])[0, 1] > 0.9
    monkeypatch.setattr("truetwin.calibration.auto.pseudo_targets.MAX_LEARNERS", 90)
    np.testing.assert_allclose(Auto().fit(panel).predict().values, everybody, rtol=0, atol=1e-11)


def test_spread_of_predictions_is_learned_on_pseudo_targets() -> None:
    narrow, wide = (np.array([[s * s, r * s], [r * s, 1.0]]) for s, r in ((0.1, 0.5), (1.0, 0.5)))
    alike = fit_stack(np.stack([narrow, wide]), np.ones(2), 1e-6)
    assert alike.power == 0.0
    np.testing.assert_allclose(alike.spreads * alike.widening(alike.spreads), 0.5, atol=1e-6)
    telling = fit_stack(np.stack([narrow * [[1, 0.2], [0.2, 1]], wide]), np.ones(2), 1e-6)
    assert telling.power > 0.5
    assert telling.widening(np.zeros(1)) == 1.0


def test_blocks_are_not_confused_by_the_order_of_the_items() -> None:
    panel, blocks = batteries()
    order = np.random.default_rng(3).permutation(len(panel.item_ids))
    ids = [panel.item_ids[k] for k in order]
    human, twin = (
        ResponseMatrix(v[:, order], panel.respondent_ids, ids)
        for v in (panel.human_values, panel.twin_values)
    )
    targets = [Target("item", i) for i in panel.item_ids[:4]]
    expected, actual = (
        Auto(blocks=blocks).fit(q, targets).predict().values for q in (panel, Panel(human, twin))
    )
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9)


def test_error_of_the_expected_correlation_falls_with_the_number_of_people() -> None:
    few, many = (
        calibrate(generate_population(n, 20, n_new_items=1, random_state=3).panel) for n in (60, 400)
    )
    errors = [result.studies["item"].errors[0].correlation.standard_error for result in (few, many)]
    assert 0 < errors[1] < errors[0] < 0.2


def test_intervals_of_new_respondents_cover_as_many_answers_as_they_say() -> None:
    panel = generate_population(200, 20, n_new_items=0, missing=0.2, random_state=5).panel
    found = interval_coverage(panel, "leave-one-respondent-out", 0.8)
    assert found.mean == pytest.approx(0.8, abs=0.05)  # whole categories are inside or outside
    assert len(found.target_ids) == 200


def test_intervals_of_new_respondents_lie_along_the_items() -> None:
    result = calibrate(generate_population(80, 12, n_new_items=1, n_new_respondents=2, random_state=1).panel)
    assert set(result.panel.new_respondents) == set(result.intervals(0.9, "respondent"))
    for person, (lower, upper) in result.intervals(0.9, "respondent").items():
        predicted = result.grid[result.panel.respondent_ids.index(person)]
        there = np.isfinite(lower)
        assert there.all()
        assert (lower[there] <= predicted[there]).all()
        assert (predicted[there] <= upper[there]).all()
    assert set(result.panel.new_items) == set(result.intervals())


def test_intervals_of_new_respondents_ignore_hidden_answers() -> None:
    panel, _ = batteries()
    hidden = [Target("respondent", r) for r in panel.respondent_ids[:5]]
    human = panel.human_values.copy()
    human[:5] = np.random.default_rng(0).integers(1, 8, human[:5].shape)
    other = Panel(ResponseMatrix(human, panel.respondent_ids, panel.item_ids), panel.twin)
    laws = []
    for each in (panel, other):
        (design,) = make_designs(each, [make_fold(each, hidden)], Preprocessing())
        laws.append(Auto().errors(design)[0].people)
    np.testing.assert_allclose(laws[0].errors, laws[1].errors, rtol=0, atol=1e-12)


def test_too_few_people_leave_an_interval_open() -> None:
    errors = np.random.default_rng(0).normal(size=(3, 5))
    people = PeopleRecord(("a", "b", "c"), tuple("vwxyz"), np.zeros((3, 5)), errors)
    low, high = PeopleErrors(people).quantiles(0.9)
    assert np.isinf(low).all()
    assert np.isinf(high).all()
