"""Protocols, metrics and the comparison table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError, UnknownNameError
from truetwin.evaluation import infer_blocks, metrics, protocols
from truetwin.evaluation.mean_scores import mean_and_error
from truetwin.evaluation.target_metrics import Pairs

PANEL = generate_population(60, 12, n_new_items=0, random_state=7).panel
VALUES = st.lists(st.integers(1, 7), min_size=4, max_size=30)


def pairs(truth: list[float], prediction: list[float]) -> Pairs:
    n = len(truth)
    return Pairs(np.array(truth, float), np.array(prediction, float), np.zeros(n), np.ones(n))


@given(VALUES, st.integers(0, 10_000))
def test_metrics_agree_with_scipy(truth: list[float], seed: int) -> None:
    prediction = np.random.default_rng(seed).normal(size=len(truth))
    both = pairs(truth, list(prediction))
    if len(set(truth)) == 1:
        assert np.isnan(metrics["pearson"].score(both))
        assert np.isnan(metrics["spearman"].score(both))
        return
    assert metrics["pearson"].score(both) == pytest.approx(stats.pearsonr(truth, prediction)[0], abs=1e-9)
    assert metrics["spearman"].score(both) == pytest.approx(stats.spearmanr(truth, prediction)[0], abs=1e-9)
    assert metrics["centred-pearson"].score(both) == pytest.approx(metrics["pearson"].score(both))
    assert metrics["rmse"].score(both) >= metrics["mae"].score(both) - 1e-12


def test_an_undefined_correlation_is_missing_and_zero_only_by_the_papers_rule() -> None:
    constant = pairs([1, 2, 3, 4], [2, 2, 2, 2])
    assert np.isnan(metrics["pearson"].score(constant))
    assert metrics["pearson-paper"].score(constant) == 0.0
    assert np.isnan(metrics["pearson"].score(pairs([1, 2], [1, 2])))


def test_means_carry_their_counts_and_errors() -> None:
    row = mean_and_error(np.array([1.0, 3.0, np.nan]))
    assert row == {"mean": 2.0, "standard_error": 1.0, "n_scored": 2, "n_unscored": 1}
    empty = mean_and_error(np.array([np.nan]))
    assert np.isnan(empty["mean"])
    assert empty["n_unscored"] == 1


def test_nothing_leaves_the_denominator_unseen() -> None:
    twin = PANEL.twin_values.copy()
    twin[:, 2], twin[:, 5] = 4.0, np.nan
    human = PANEL.human_values.copy()
    human[:, 7] = 3.0
    odd = Panel(
        ResponseMatrix(human, PANEL.respondent_ids, PANEL.item_ids),
        ResponseMatrix(twin, PANEL.respondent_ids, PANEL.item_ids),
    )
    result = tt.evaluate(odd, ["twin", "ridge"], preset="twin-2k-500")
    for row in result.summary():
        assert row["n_scored"] + row["n_unscored"] == 12
    ridge = result.summary()[1]
    assert ridge["n_unscored"] == 3
    reasons = {
        r["target"]: r["reason"] for r in result.per_target() if r["method"] == "ridge" and r["reason"]
    }
    assert "same answer" in reasons["Q03"]
    assert "no twin" in reasons["Q06"]
    assert reasons["Q08"] == "score undefined"


def test_differences_are_paired() -> None:
    result = tt.evaluate(PANEL, ["ridge", "twin"], preset="twin-2k-500", baseline="twin")
    ridge = next(r for r in result.summary() if r["method"] == "ridge")
    difference = result.scores["ridge", "pearson"] - result.scores["twin", "pearson"]
    assert ridge["difference"] == pytest.approx(difference.mean())
    assert ridge["difference_standard_error"] == pytest.approx(difference.std(ddof=1) / 12**0.5)
    assert "difference" not in next(r for r in result.summary() if r["method"] == "twin")


@pytest.mark.parametrize("protocol", [name for name in protocols if name != "leave-domain-out"])
def test_the_number_of_workers_changes_no_score(protocol: str) -> None:
    blocks = {f"Q{k:02d}": "AB"[k % 2] for k in range(1, 13)}
    one, two = (
        tt.evaluate(
            PANEL,
            ["ridge", "soft-svd"],
            protocol,
            metric=["pearson", "mae", "centred-pearson"],
            preset="twin-2k-500",
            blocks=blocks,
            n_jobs=n,
        )
        for n in (1, 2)
    )
    assert one.target_ids == two.target_ids
    for key, scores in one.scores.items():
        np.testing.assert_array_equal(scores, two.scores[key])


def test_a_block_left_out_is_left_out_whole() -> None:
    blocks = {f"Q{k:02d}": "A" if k <= 4 else f"Q{k:02d}" for k in range(1, 13)}
    folds = protocols["leave-block-out"].folds(PANEL, blocks)
    assert len(folds) == 9
    first = folds[0]
    assert [PANEL.item_ids[t] for t in first.targets] == ["Q01", "Q02", "Q03", "Q04"]
    assert not set(first.targets) & set(first.donors)
    assert len(first.donors) == 8


def test_blocks_are_guessed_from_ids_as_survey_platforms_write_them() -> None:
    ids = [
        "Q203_1",
        "Q203_2",
        "1_Q295",
        "40_Q295",
        "False Cons. self _1",
        "False Cons. self _10",
        "Q7",
        "2019",
    ]
    assert list(infer_blocks(ids).values()) == [
        "Q203",
        "Q203",
        "Q295",
        "Q295",
        "False Cons. self",
        "False Cons. self",
        "Q7",
        "2019",
    ]


@pytest.mark.usefixtures("needs_data")
def test_the_blocks_of_twin_2k_500() -> None:
    from truetwin.datasets import datasets

    blocks = infer_blocks(datasets["twin-2k-500"].load().item_ids)
    members = [list(blocks.values()).count(b) for b in set(blocks.values())]
    assert len(members) == 42
    assert sum(m > 1 for m in members) == 9


def test_a_sample_of_folds_does_not_depend_on_the_order_of_columns() -> None:
    backwards = Panel(
        ResponseMatrix(PANEL.human_values[:, ::-1], PANEL.respondent_ids, PANEL.item_ids[::-1]), PANEL.twin
    )
    first, second = (tt.evaluate(p, ["twin"], max_folds=5).target_ids for p in (PANEL, backwards))
    assert set(first) == set(second)
    assert len(first) == 5


def test_the_centred_correlation_measures_the_person_and_not_the_item() -> None:
    result = tt.evaluate(
        PANEL, ["human-item-mean"], "leave-one-respondent-out", metric=["pearson", "centred-pearson"]
    )
    rows = {(r["method"], r["metric"]): r for r in result.summary()}
    assert rows["human-item-mean", "pearson"]["mean"] > 0.3
    assert rows["human-item-mean", "centred-pearson"]["n_unscored"] == 60


def test_a_score_that_does_not_apply_says_so() -> None:
    result = tt.evaluate(PANEL, ["twin"], metric="centred-pearson")
    assert result.summary()[0]["n_scored"] == 0
    assert "new item" in result.per_target()[0]["reason"]


def test_a_solver_that_stopped_early_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from truetwin.calibration.paper import completion
    from truetwin.solvers.low_rank import LowRankResult, hard_impute

    def stopped(*args: object, **settings: object) -> LowRankResult:
        found = hard_impute(*args, **settings)  # type: ignore[arg-type]
        return LowRankResult(found.completed, found.n_iter, False)

    settled = tt.evaluate(PANEL, ["lasso"], preset="movielens", max_folds=3)
    assert settled.unconverged == {"twin": (), "lasso": ()}
    monkeypatch.setattr(completion, "hard_impute", stopped)
    table = tt.evaluate(PANEL, ["hard-svd"], preset="movielens", max_folds=3)
    assert set(table.unconverged["hard-svd"]) == set(table.target_ids)
    from truetwin.datasets import generate_population

    result = tt.calibrate(generate_population(60, 8, n_new_items=1).panel, "hard-svd", preset="movielens")
    assert "stopped before it met its tolerance" in result.notes()[0]["reason"]
    assert result.notes()[0]["converged"] is False


def test_an_unknown_metric_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Known: pearson, centred-pearson"):
        tt.evaluate(PANEL, ["twin"], metric="foo")


def test_a_negative_penalty_is_named_as_such() -> None:
    with pytest.raises(ParameterError, match="'penalty' of ALS"):
        tt.evaluate(PANEL, ["als"], parameters={"als": {"penalty": -1.0}}, max_folds=1)
