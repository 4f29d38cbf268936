"""Summaries that make methods comparable: common targets, undefined as zero, clusters, batteries, groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError, UnknownNameError
from truetwin.evaluation import Evaluation
from truetwin.evaluation.evaluation_record import from_record, to_record
from truetwin.evaluation.group_scores import group_rows, spread_rows
from truetwin.evaluation.score_summary import batteries_tell_another_story, fisher_mean, is_clear
from truetwin.io import dump_json

NAN = float("nan")
PANEL = generate_population(60, 12, n_new_items=0, random_state=7).panel


def evaluation(scores: dict[tuple[str, str], list[float]], clusters: str = "", **parts: Any) -> Evaluation:
    methods = list(dict.fromkeys(method for method, _ in scores))
    n = len(next(iter(scores.values())))
    return Evaluation(
        tuple(f"t{k}" for k in range(n)),
        {key: np.array(values) for key, values in scores.items()},
        {name: np.full(n, 100) for name in methods},
        {name: {} for name in methods},
        dict.fromkeys(methods, 0.0),
        0.0,
        {"baseline": "twin"},
        clusters=tuple(clusters),
        **parts,
    )


def rows_of(table: Evaluation) -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in table.summary()}


PICKY = {
    ("twin", "pearson"): [0.2, 0.4, 0.1, 0.3],
    ("picky", "pearson"): [0.5, NAN, NAN, 0.5],
    ("steady", "pearson"): [0.4, 0.4, 0.4, 0.4],
}


def test_methods_stand_side_by_side_on_the_targets_that_all_score() -> None:
    rows = rows_of(evaluation(PICKY))
    assert rows["picky"]["mean"] == 0.5
    assert [rows[m]["common_mean"] for m in rows] == pytest.approx([0.25, 0.5, 0.4])
    assert {rows[m]["n_common"] for m in rows} == {2}
    assert [rows[m]["zero_mean"] for m in rows] == pytest.approx([0.25, 0.25, 0.4])
    assert (rows["picky"]["n_scored"], rows["picky"]["n_unscored"], rows["picky"]["n_zero"]) == (2, 2, 4)
    assert rows["picky"]["common_difference"] == pytest.approx(0.25)
    assert rows["picky"]["zero_difference"] == pytest.approx(0.0)
    assert rows["steady"]["difference"] == pytest.approx(0.15)
    assert rows["steady"]["common_difference"] == pytest.approx(0.15)


def test_a_method_without_any_score_does_not_empty_the_common_set() -> None:
    rows = rows_of(evaluation(PICKY | {("constant", "pearson"): [NAN] * 4}))
    assert rows["twin"]["n_common"] == 2
    assert "common_mean" not in rows["constant"]
    assert rows["constant"]["zero_mean"] == 0.0
    assert np.isnan(rows["constant"]["mean"])


def test_an_undefined_error_is_not_an_error_of_zero() -> None:
    rows = rows_of(evaluation({("twin", "mae"): [0.5, 0.7], ("picky", "mae"): [0.1, NAN]}))
    assert "zero_mean" not in rows["picky"]
    assert rows["picky"]["common_mean"] == 0.1


def test_a_target_of_another_kind_of_scale_is_not_counted_as_zero() -> None:
    scores = {("twin", "accuracy"): [0.5, 0.7, NAN], ("picky", "accuracy"): [0.3, NAN, NAN]}
    applicable = {"accuracy": np.array([True, True, False])}
    rows = rows_of(evaluation(scores, applicable=applicable))
    assert rows["picky"]["zero_mean"] == pytest.approx(0.15)
    assert rows["picky"]["n_zero"] == 2
    assert rows["picky"]["n_unscored"] == 2


def test_errors_are_clustered_and_intervals_have_the_degrees_of_freedom_of_clusters() -> None:
    gains = [0.1, 0.1, 0.1, 0.4]
    scores = {("twin", "pearson"): [0.0] * 4, ("new", "pearson"): gains}
    row = rows_of(evaluation(scores, "aaab"))["new"]
    # Residuals -.075 three times and .225: sums by cluster -.225 and .225; sqrt(2 * 2 * .225^2) / 4.
    assert row["difference_standard_error"] == pytest.approx(2 * 0.225 / 4)
    assert (row["n_clusters"], row["n_paired_clusters"]) == (2, 2)
    half = 12.7062 * 0.1125  # t with one degree of freedom
    assert row["difference_high"] == pytest.approx(0.175 + half, rel=1e-4)
    assert (row["battery_mean"], row["battery_difference"]) == pytest.approx((0.25, 0.25))
    assert not is_clear(row)


def test_batteries_tell_another_story_where_one_large_battery_decides() -> None:
    one_battery = [0.3] * 12
    others = [0.001, -0.002, 0.001, -0.001, 0.0, 0.002]
    scores = {("twin", "pearson"): [0.1] * 18, ("new", "pearson"): list(0.1 + np.array(one_battery + others))}
    rows = rows_of(evaluation(scores, "a" * 12 + "bcdefg"))
    assert rows["new"]["common_difference"] == pytest.approx(0.2, abs=0.01)
    assert rows["new"]["battery_difference"] == pytest.approx(0.043, abs=0.001)
    steady = rows_of(evaluation({("twin", "pearson"): [0.1] * 6, ("new", "pearson"): [0.2, 0.21, 0.2, 0.19, 0.2, 0.2]},
                                "aabbcc"))  # fmt: skip
    assert is_clear(steady["new"], "battery")
    assert not batteries_tell_another_story(steady["new"])
    clear_over_items = {**rows["new"], "common_difference_low": 0.1, "common_difference_high": 0.3}
    assert batteries_tell_another_story(clear_over_items)


def test_a_method_without_any_score_tells_no_other_story() -> None:
    """The mean of an item is the same for everybody, so that it has no correlation at all."""
    scores = {("twin", "pearson"): [0.1, 0.2, 0.3, 0.2], ("mean", "pearson"): [np.nan] * 4}
    row = rows_of(evaluation(scores, "aabb"))["mean"]
    assert row["n_scored"] == 0
    assert not batteries_tell_another_story(row)


def test_weighted_people_are_no_batteries_with_another_story() -> None:
    gains = np.array([-0.3, 0.1, 0.12, 0.11, 0.09, 0.1, 0.1, 0.11, 0.1, 0.12])
    scores = {("twin", "pearson"): [0.1] * 10, ("new", "pearson"): list(0.1 + gains)}
    row = rows_of(evaluation(scores, weights=np.array([9.0] + [1.0] * 9)))["new"]
    assert row["common_difference"] * row["battery_difference"] < 0
    assert not batteries_tell_another_story(row | {"common_difference_high": -0.01})
    shared = row | {"n_common_clusters": 5, "common_difference_high": -0.01}
    assert batteries_tell_another_story(shared)


def test_the_mean_of_correlations_by_fisher_is_shown_beside_the_plain_one() -> None:
    row = rows_of(evaluation({("twin", "pearson"): [0.0, 0.8, NAN], ("twin", "mae"): [1.0, 2.0, 3.0]}))
    assert "fisher_mean" not in row["twin"]
    found = evaluation({("twin", "pearson"): [0.0, 0.8, NAN]}).summary()[0]
    assert found["fisher_mean"] == pytest.approx(0.5)
    assert found["mean"] == pytest.approx(0.4)
    assert fisher_mean(np.array([1.0, 1.0])) == pytest.approx(0.999999)


def test_fisher_z_is_a_metric_whose_means_are_given_as_correlations_too() -> None:
    both = tt.evaluate(PANEL, ["twin", "ridge"], metric=["pearson", "fisher-z"])
    plain, z = both.scores["ridge", "pearson"], both.scores["ridge", "fisher-z"]
    np.testing.assert_allclose(np.tanh(z), plain)
    rows = {(row["method"], row["metric"]): row for row in both.summary()}
    assert rows["ridge", "fisher-z"]["mean"] == pytest.approx(np.arctanh(plain).mean())
    for name in ("fisher_mean", "common_fisher_mean"):
        assert rows["ridge", "fisher-z"][name] == pytest.approx(rows["ridge", "pearson"][name])


def test_weights_of_hidden_people_enter_the_means_over_people() -> None:
    table = evaluation({("twin", "pearson"): [0.2, 0.6]}, weights=np.array([3.0, 1.0]))
    assert table.summary()[0]["mean"] == pytest.approx(0.3)


def test_items_of_a_battery_are_one_cluster_under_every_protocol_that_hides_items() -> None:
    blocks = {f"Q{k:02d}": "ABC"[k % 3] for k in range(1, 13)}
    for protocol in ("leave-one-item-out", "leave-block-out"):
        table = tt.evaluate(PANEL, ["twin"], protocol, blocks=blocks)
        assert [blocks[t] for t in table.target_ids] == list(table.clusters)
        assert table.summary()[0]["clustered_by"] == "battery"
        assert table.summary()[0]["n_clusters"] == 3
    alone = tt.evaluate(PANEL, ["twin"])
    assert alone.clusters == alone.target_ids
    one_battery = tt.evaluate(PANEL, ["twin"], blocks=dict.fromkeys(blocks, "A"))
    assert one_battery.summary()[0]["clustered_by"] == "item"
    people = tt.evaluate(PANEL, ["twin"], "leave-one-respondent-out")
    assert people.summary()[0]["clustered_by"] == "respondent"


def answered(n: int) -> tuple[np.ndarray, np.ndarray]:
    """First item's answers of the first ``n`` people who have both."""
    both = np.isfinite(PANEL.human_values[:n, 0] + PANEL.twin_values[:n, 0])
    return PANEL.human_values[:n, 0][both], PANEL.twin_values[:n, 0][both]


def test_accuracy_is_counted_on_the_items_that_have_categories() -> None:
    scales = {name: Scale.ordinal(1, 7) for name in PANEL.item_ids}
    scales["Q03"] = Scale.numeric(1, 7)
    matrices = [
        ResponseMatrix(
            values, PANEL.respondent_ids, [Item(name, "", scale) for name, scale in scales.items()]
        )
        for values in (PANEL.human_values, PANEL.twin_values)
    ]
    table = tt.evaluate(Panel(*matrices), ["twin"], metric=["accuracy", "pearson"])
    accuracy = table.summary()[0]
    assert (accuracy["n_scored"], accuracy["n_unscored"], accuracy["n_zero"]) == (11, 1, 11)
    human, twin = answered(60)
    assert table.scores["twin", "accuracy"][0] == pytest.approx(np.mean(human == twin))


def test_people_who_were_asked_again_normalise_the_accuracy() -> None:
    again = ResponseMatrix(PANEL.human_values[:30], PANEL.respondent_ids[:30], PANEL.item_ids)
    table = tt.evaluate(PANEL, ["twin"], metric=["normalised-accuracy", "normalised-pearson"], retest=again)
    human, twin = answered(30)
    assert table.scores["twin", "normalised-accuracy"][0] == pytest.approx(np.mean(human == twin))
    assert table.scores["twin", "normalised-pearson"][0] == pytest.approx(np.corrcoef(human, twin)[0, 1])
    with pytest.raises(ParameterError, match="--retest"):
        tt.evaluate(PANEL, ["twin"], metric="normalised-accuracy")


def test_a_table_is_scored_as_a_whole_with_the_common_set_and_undefined_as_zero() -> None:
    table = tt.evaluate(
        PANEL, ["twin", "human-respondent-mean"], metric=["item-correlation-error", "pearson"]
    )
    rows = {(r["method"], r["metric"]): r for r in table.summary()}
    row = rows["twin", "item-correlation-error"]
    assert row["mean"] == pytest.approx(
        tt.evaluation.inter_item_correlation_error(PANEL.human_values, PANEL.twin_values)
    )
    assert row["n_scored"] == 12
    assert rows["human-respondent-mean", "item-correlation-error"]["difference"] == pytest.approx(
        rows["human-respondent-mean", "item-correlation-error"]["mean"] - row["mean"]
    )
    assert table.methods == ("twin", "human-respondent-mean")


def test_the_error_of_a_mean_over_pairs_of_items_is_that_of_repeated_samples() -> None:
    """The spread over 40 random halves of many items, against the mean of their standard errors."""
    many = generate_population(80, 60, n_new_items=0, random_state=1).panel
    found = []
    for seed in range(40):
        items = np.random.default_rng(seed).permutation(60)[:12]
        part = Panel(*(
            ResponseMatrix(v[:, items], many.respondent_ids, [many.item_ids[k] for k in items])
            for v in (many.human_values, many.twin_values)
        ))  # fmt: skip
        row = tt.evaluate(part, ["twin"], metric="item-correlation-error").summary()[0]
        found.append((row["mean"], row["standard_error"]))
    means, errors = np.array(found).T
    # Samples of 12 of 60 items: the spread is sqrt(1 - 12/60) times that of independent samples.
    assert errors.mean() * 0.8**0.5 == pytest.approx(means.std(ddof=1), rel=0.4)


def test_a_metric_of_gaps_asks_for_groups_and_a_misspelt_one_for_its_name() -> None:
    with pytest.raises(ParameterError, match="--by"):
        tt.evaluate(PANEL, ["twin"], metric="gap-error")
    with pytest.raises(UnknownNameError, match="Did you mean 'gap-error'"):
        tt.evaluate(PANEL, ["twin"], metric="gap-eror")


def grouped() -> Evaluation:
    scores = {
        ("age", "old", "twin", "pearson"): np.array([0.1, 0.2, 0.3, NAN]),
        ("age", "young", "twin", "pearson"): np.array([0.3, 0.5, 0.4, 0.9]),
    }
    sizes = {("age", "old"): 40, ("age", "young"): 50, ("age", "older still"): 3}
    return evaluation({("twin", "pearson"): [0.2, 0.4, 0.3, 0.9]}, group_scores=scores, group_sizes=sizes)


def test_groups_are_compared_on_the_targets_that_all_of_them_have() -> None:
    rows = {row["group"]: row for row in group_rows(grouped())}
    assert rows["old"]["mean"] == pytest.approx(0.2)
    assert rows["young"]["mean"] == pytest.approx(0.4)
    assert rows["young"]["n_common"] == 3
    assert rows["young"]["difference"] == pytest.approx(0.1)
    # Half differences .1, .15, .05.
    assert rows["young"]["difference_standard_error"] == pytest.approx(0.05 / 3**0.5)


def test_a_small_group_is_named_and_not_shown() -> None:
    small = next(row for row in group_rows(grouped()) if row["group"] == "older still")
    assert small == {
        "by": "age", "metric": "pearson", "method": "twin", "group": "older still", "suppressed": True
    }  # fmt: skip


def test_a_spread_stands_beside_the_spread_of_chance() -> None:
    (row,) = spread_rows(grouped())
    assert (row["highest"], row["lowest"]) == ("young", "old")
    assert row["spread"] == pytest.approx(0.2)
    # The difference of two groups has the standard error .1 / sqrt(3); chance exceeds 1.96 of it once in twenty.
    assert row["chance_spread"] == pytest.approx(1.96 * 0.1 / 3**0.5, rel=0.05)


def test_a_record_keeps_everything_that_a_summary_needs() -> None:
    from json import loads

    table = tt.evaluate(PANEL, ["twin", "ridge"], metric=["pearson", "accuracy", "item-correlation-error"],
                        preset="twin-2k-500")  # fmt: skip
    again = from_record(loads(dump_json(to_record(table))))
    assert again.summary() == table.summary()
    with_groups = from_record(loads(dump_json(to_record(grouped()))))
    assert group_rows(with_groups) == group_rows(grouped())
