"""What to ask next: exact updates, and better than chance on generated answers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.diagnosis.asking_plan import NOISE, factors, plan
from truetwin.diagnosis.representatives import representatives
from truetwin.errors import NotPredictableError, ParameterError


@pytest.fixture(scope="module")
def panel() -> Panel:
    return generate_population(150, 24, n_new_items=16, n_new_respondents=30, random_state=8).panel


def unknown(K: np.ndarray, known: list[int], targets: list[int]) -> float:
    """Sum of conditional variances, without any updating."""
    inverse = np.linalg.inv(K[np.ix_(known, known)] + NOISE * np.eye(len(known)))
    P = K - K[:, known] @ inverse @ K[known]
    return float(np.diagonal(P)[targets].sum())


@pytest.mark.parametrize("axis", ["item"])
def test_reductions_are_those_of_the_conditional_variance(panel: Panel, axis: str) -> None:
    F = factors(panel, axis)  # type: ignore[arg-type]
    K = F @ F.T
    known, targets = (range(8), range(8, 16)) if axis == "item" else (range(120), range(120, 135))
    ids = panel.item_ids if axis == "item" else panel.respondent_ids
    found = plan(panel, 4, axis=axis, targets=[ids[t] for t in targets])  # type: ignore[arg-type]
    asked, start = list(known), unknown(K, list(known), list(targets))
    assert found.unknown == pytest.approx(start / len(targets))
    for chosen, reduction in zip(found.chosen, found.reduction, strict=True):
        before = unknown(K, asked, list(targets))
        gains = {
            c: before - unknown(K, [*asked, c], list(targets))
            for c in range(targets.stop, len(ids))
            if c not in asked
        }
        assert reduction == pytest.approx(gains[ids.index(chosen)] / start)
        assert max(gains.values()) == pytest.approx(gains[ids.index(chosen)])
        asked.append(ids.index(chosen))


def test_a_weight_counts_a_person_as_often_as_it_says(panel: Panel) -> None:
    weights = np.random.default_rng(2).integers(1, 4, 150)
    often = np.repeat(np.arange(150), weights)
    names = [f"{panel.respondent_ids[k]}x{n}" for n, k in enumerate(often)]
    human = ResponseMatrix(panel.human_values[often], names, [panel.items[i] for i in panel.item_ids])
    twin = ResponseMatrix(panel.twin_values[often], names, human.items)
    weighted = plan(panel, 3, weights=weights.astype(float))
    repeated = plan(Panel(human, twin), 3)
    assert weighted.chosen == repeated.chosen
    np.testing.assert_allclose(weighted.reduction, repeated.reduction)
    assert weighted.chosen != plan(panel, 3).chosen or weighted.reduction != plan(panel, 3).reduction


def test_weighted_targets_count_as_often_as_their_weights_say() -> None:
    place = np.random.default_rng(1).normal(size=(60, 3))
    known, pool, targets = np.arange(10), np.arange(10, 35), np.arange(35, 60)
    weights = np.random.default_rng(2).integers(1, 4, 25)
    weighted = representatives(place, known, pool, targets, 4, weights.astype(float))
    repeated = representatives(place, known, pool, np.repeat(targets, weights), 4)
    assert weighted.chosen.tolist() == repeated.chosen.tolist()
    np.testing.assert_allclose(weighted.reduction, repeated.reduction)


def test_people_who_count_for_nothing_are_not_stood_for(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("truetwin.diagnosis.representatives.MAX_TARGETS", 10)
    weights = np.zeros(150)
    weights[0], weights[-7:] = 1.0, 1.0
    found = plan(panel, 3, axis="respondent", weights=weights)
    alone = plan(panel, 3, axis="respondent", targets=panel.respondent_ids[-7:], candidates=found.chosen)
    assert found.chosen == alone.chosen
    assert found.reduction == pytest.approx(alone.reduction)


def test_greedy_is_close_to_the_best_pair(panel: Panel) -> None:
    K = factors(panel, "item") @ factors(panel, "item").T
    targets = list(range(8, 16))
    found = plan(panel, 2, targets=[panel.item_ids[t] for t in targets])
    start = unknown(K, list(range(8)), targets)
    best = max(start - unknown(K, [*range(8), *pair], targets) for pair in combinations(range(16, 24), 2))
    assert sum(found.reduction) * start >= 0.95 * best


def test_plans_beat_chance_where_the_truth_is_known() -> None:
    """Six of 28 new items asked: correlation of calibrated predictions of twelve others with what people think."""
    rng = np.random.default_rng(0)
    gains = []
    for seed in range(4):
        population = generate_population(300, 42, n_new_items=40, misalignment=0.1, random_state=seed)
        panel, truth = population.panel, population.truth.values
        targets, pool = panel.item_ids[2:14], panel.item_ids[14:]
        planned = plan(panel, 6, targets=targets, candidates=pool).chosen

        def score(
            chosen: tuple[str, ...],
            panel: Panel = panel,
            truth: np.ndarray = truth,
            targets: tuple[str, ...] = targets,
        ) -> float:
            known = [0, 1, *(panel.item_ids.index(i) for i in chosen)]
            human = ResponseMatrix(
                truth[:, known], panel.respondent_ids, [panel.twin.items[k] for k in known]
            )
            made = (
                tt.calibrate(Panel(human, panel.twin), "ridge", items=targets, preset="movielens")
                .parts[0]
                .values
            )
            return float(np.mean([np.corrcoef(made[:, k], truth[:, 2 + k])[0, 1] for k in range(12)]))

        chance = [score(tuple(rng.choice(pool, 6, replace=False))) for _ in range(6)]
        gains.append(score(planned) - np.mean(chance))
    assert np.mean(gains) > 0


def test_a_plan_does_not_depend_on_the_order_of_columns_or_on_human_answers(panel: Panel) -> None:
    rng = np.random.default_rng(0)
    order = rng.permutation(24)
    twin = ResponseMatrix(
        panel.twin.values[:, order], panel.twin.respondent_ids, [panel.twin.items[k] for k in order]
    )
    noise = np.where(np.isfinite(panel.human.values), rng.integers(1, 8, panel.human.shape), np.nan)
    human = ResponseMatrix(noise, panel.human.respondent_ids, panel.human.items)
    assert plan(Panel(human, twin), 5).chosen == plan(panel, 5).chosen


def test_a_target_that_is_asked_tells_only_about_the_others(panel: Panel) -> None:
    found = plan(panel, 16)
    assert sorted(found.chosen) == sorted(panel.new_items)
    assert found.reduction[-1] == pytest.approx(0.0, abs=1e-12)
    for k, helped in enumerate(found.helps):
        assert not set(helped) & set(found.chosen[: k + 1])


@pytest.mark.parametrize("budget", [0, -1, 1.5, True, "2"])
def test_a_budget_is_a_positive_whole_number(panel: Panel, budget: object) -> None:
    with pytest.raises(ParameterError, match="whole number >= 1"):
        plan(panel, budget)  # type: ignore[arg-type]


def test_what_cannot_be_planned_is_refused(panel: Panel) -> None:
    with pytest.raises(ParameterError, match="at most the 16 items"):
        plan(panel, 17)
    with pytest.raises(ParameterError, match="at most the 14 items"):
        plan(panel, 15, targets=panel.new_items[:2])
    with pytest.raises(ParameterError, match="'Q01' is not"):
        plan(panel, 1, targets=["Q01"])
    with pytest.raises(ParameterError, match=r"no item 'Q99'"):
        plan(panel, 1, candidates=["Q99"])
    with pytest.raises(ParameterError, match="at least one target"):
        plan(panel, 1, targets=[])
    with pytest.raises(ParameterError, match="axis"):
        plan(panel, 1, axis="row")  # type: ignore[arg-type]
    complete = generate_population(30, 6, n_new_items=0).panel
    with pytest.raises(NotPredictableError, match="has human answers already"):
        plan(complete, 1)


def test_constant_targets_cannot_be_planned_for(panel: Panel) -> None:
    values = panel.twin.values.copy()
    values[:, 8:10] = 3
    constant = Panel(panel.human, ResponseMatrix(values, panel.twin.respondent_ids, panel.twin.items))
    with pytest.raises(NotPredictableError, match="do not vary"):
        plan(constant, 1, targets=panel.item_ids[8:10])


def test_people_are_chosen_where_the_targets_are() -> None:
    rng = np.random.default_rng(0)
    place = np.concatenate([rng.normal(0, 0.2, (40, 2)), rng.normal(3, 0.2, (40, 2))])
    near, far = np.arange(40), np.arange(40, 80)
    chosen = representatives(place, near[:20], np.arange(20, 60), np.concatenate([near[20:], far]), 6).chosen
    assert set(chosen[:3]) <= set(far.tolist())
    assert set(representatives(place, near[:0], np.arange(80), far[20:], 5).chosen) <= set(far.tolist())


def test_what_people_close_of_the_gap_is_the_discrepancy_itself() -> None:
    place = np.random.default_rng(1).normal(size=(60, 3))
    known, pool, targets = np.arange(10), np.arange(10, 35), np.arange(35, 60)
    found = representatives(place, known, pool, targets, 5)
    kernel = np.exp(-((place[:, None] - place) ** 2).sum(axis=2) / 2)

    def gap(asked: np.ndarray) -> float:
        inner = kernel[np.ix_(asked, asked)].mean() + kernel[np.ix_(targets, targets)].mean()
        return float(inner - 2 * kernel[np.ix_(asked, targets)].mean())

    gaps = [gap(np.concatenate([known, found.chosen[:k]])) for k in range(6)]
    assert found.start == pytest.approx(gaps[0])
    np.testing.assert_allclose(found.reduction, -np.diff(gaps) / gaps[0], atol=1e-12)
    assert found.reduction.sum() > 0.2


def test_people_planned_for_have_better_item_means_than_people_at_random() -> None:
    better = []
    for seed in range(8):
        truth = generate_population(160, 24, n_new_items=0, concentration=0.2, random_state=seed)
        human, ids = truth.panel.human_values, list(truth.panel.respondent_ids)
        shown = Panel(
            ResponseMatrix(human[:8], ids[:8], truth.panel.item_ids),
            ResponseMatrix(truth.panel.twin_values, ids, truth.panel.item_ids),
        )
        targets, pool = ids[80:], ids[8:80]
        chosen = plan(shown, 8, axis="respondent", targets=targets, candidates=pool).chosen

        def error(who: list[str], human: np.ndarray = human, ids: list[str] = ids) -> float:
            rows = [ids.index(w) for w in who]
            gaps = np.nanmean(human[rows], axis=0) - np.nanmean(human[80:], axis=0)
            return float(np.sqrt(np.nanmean(gaps**2)))

        rng = np.random.default_rng(seed)
        chance = [error(ids[:8] + list(rng.choice(pool, 8, replace=False))) for _ in range(20)]
        better.append(np.mean(chance) - error(ids[:8] + list(chosen)))
    assert np.mean(better) > 0
