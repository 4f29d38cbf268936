"""Methods for marginals against the best null, with errors clustered by what belongs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginal_examples import made_up
from truetwin.errors import UnknownNameError
from truetwin.evaluation.marginal_evaluation import MarginalEvaluation, evaluate_marginals
from truetwin.evaluation.marginal_metrics import resolve_metric, table_variance_ratio
from truetwin.evaluation.mean_scores import clustered_mean
from truetwin.reweighting.twin_table import TwinTable

SCORES = {
    ("twins", "", "kl"): [("a1", 0.5), ("a2", 0.3), ("b", 0.4), ("a1", 0.5)],
    ("mean", "", "kl"): [("a1", 0.2), ("a2", 0.2), ("b", 0.5), ("a1", 0.1)],
    ("new", "kl", "kl"): [("a1", 0.1), ("a2", 0.1), ("b", 0.1), ("a1", 0.0)],
    ("twins", "", "tv"): [("a1", 0.1), ("a2", 0.1), ("b", 0.1), ("a1", 0.1)],
    ("mean", "", "tv"): [("a1", 0.2), ("a2", 0.2), ("b", 0.2), ("a1", 0.2)],
    ("new", "kl", "coverage"): [("a1", 1.0), ("a2", 0.5), ("b", 1.0), ("a1", 1.0)],
}


def rows() -> dict[tuple[str, str], dict[str, object]]:
    seconds = {(method, trained): 0.0 for method, trained, _ in SCORES}
    found = MarginalEvaluation(SCORES, seconds, clusters={"a1": "a", "a2": "a", "b": "b"})
    return {(row["method"], row["metric"]): row for row in found.summary()}


def test_every_method_is_compared_with_the_best_null_of_its_metric() -> None:
    table = rows()
    new = table["new", "kl"]
    assert new["null"] == "mean"
    assert new["null_difference"] == pytest.approx(-0.175)
    # Differences -.1, -.1, -.4 and -.1, by battery {a: three, b: one}: sums of residuals .225 and -.225.
    assert new["null_difference_standard_error"] == pytest.approx(2 * 0.225 / 4)
    assert new["n_clusters"] == 2
    assert table["twins", "kl"]["null_difference"] == pytest.approx(0.175)
    assert "null" not in table["mean", "kl"]
    assert table["mean", "tv"]["null"] == "twins"
    assert "null" not in table["new", "coverage"]


def test_an_item_that_is_hidden_twice_is_one_item() -> None:
    seconds = {(method, trained): 0.0 for method, trained, _ in SCORES}
    row = MarginalEvaluation(SCORES, seconds).summary()[0]
    direct = clustered_mean(np.array([0.5, 0.3, 0.4, 0.5]), ["a1", "a2", "b", "a1"])
    assert row["standard_error"] == pytest.approx(direct.standard_error)
    assert row["n_clusters"] == 3


def test_groups_that_are_hidden_whole_are_the_clusters(tmp_path: Path) -> None:
    data = made_up(tmp_path)
    twins, marginals = data.twins, data.marginals
    groups = {name: f"wave {k % 4}" for k, name in enumerate(marginals.item_ids)}
    found = evaluate_marginals(twins, marginals, ["transition"], n_splits=2, groups=groups, metrics=["tv"])
    assert found.settings["clustered_by"] == "group"
    assert {groups[i] for i in found.clusters} == set(found.clusters.values())
    alone = evaluate_marginals(twins, marginals, ["transition"], n_splits=1, metrics=["tv"])
    assert alone.settings["clustered_by"] == "item"


def test_the_variance_that_predictions_keep_is_a_metric(tmp_path: Path) -> None:
    data = made_up(tmp_path)
    found = evaluate_marginals(
        data.twins, data.marginals, ["mean"], n_splits=1, metrics=["tv", "variance-ratio"]
    )
    rows = {(row["method"], row["metric"]): row for row in found.summary()}
    assert {metric for _, metric in rows if not metric.startswith("coverage")} == {"tv", "variance-ratio"}
    assert rows["mean", "variance-ratio"]["mean"] > 0
    assert "null" not in rows["mean", "variance-ratio"]  # nearer 1 is better, not smaller
    alone = evaluate_marginals(data.twins, data.marginals, ["mean"], n_splits=1, metrics=["tv"])
    assert "variance-ratio" not in {metric for _, _, metric in alone.scores}


def test_items_whose_people_all_agree_or_whose_categories_have_no_order_have_no_variance_ratio() -> None:
    codes = np.array([[0, 0], [1, 1], [1, 1]])
    table = TwinTable.build(codes, [2, 2], ordered=np.array([True, False]))
    human, predicted = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0.1, 0.9], [0.1, 0.9]])
    found = table_variance_ratio(table, human, predicted)
    assert found[0] == pytest.approx(0.36)
    assert np.isnan(found[1])
    assert np.isnan(table_variance_ratio(table, np.array([[1.0, 0.0]] * 2), predicted)).all()


def test_an_unknown_metric_of_marginals_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'variance-ratio'"):
        resolve_metric("variance-ration")
