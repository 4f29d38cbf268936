"""Verdicts, and the record that they rest on."""

from __future__ import annotations

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration.laws.item_expectation import expect
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets import generate_population, generate_world, movielens, twin_2k_500
from truetwin.diagnosis import diagnose
from truetwin.diagnosis.faults import item_faults
from truetwin.diagnosis.method_expectations import method_expectations
from truetwin.diagnosis.span import ALPHA, span
from truetwin.diagnosis.standardised_panel import Prepared, prepare
from truetwin.diagnosis.track_record import NOISE, left_out, left_out_twice, twin_scores
from truetwin.diagnosis.verdicts import _by_chance, hidden_verdicts, item_verdicts, record_summary
from truetwin.errors import UnknownNameError
from truetwin.evaluation import evaluate


@pytest.fixture(scope="module")
def panel() -> Panel:
    return generate_population(200, 18, n_new_items=3, misalignment=0.1, random_state=7).panel


def naive_prediction(prepared: Prepared, row: int, item: int, hidden: set[int]) -> float:
    human, K = prepared.human[row], prepared.twin_correlations
    o = [j for j in prepared.donors if np.isfinite(human[j]) and j not in hidden]
    return float(K[item, o] @ np.linalg.solve(K[np.ix_(o, o)] + NOISE * np.eye(len(o)), human[o]))


def naive_score(prepared: Prepared, item: int, hidden: set[int]) -> float:
    rows = np.flatnonzero(np.isfinite(prepared.human[:, item]))
    predicted = [naive_prediction(prepared, int(i), item, hidden) for i in rows]
    return float(np.corrcoef(predicted, prepared.human[rows, item])[0, 1])


def test_left_out_scores_are_those_of_predictions_without_the_group(panel: Panel) -> None:
    prepared = prepare(panel)
    groups = np.arange(18) // 3
    found = left_out(prepared, groups)
    for item in (0, 4, 14):
        members = set(np.flatnonzero(groups == groups[item]).tolist())
        assert found.calibrated[item] == pytest.approx(naive_score(prepared, item, members))


def test_survey_weights_count_in_both_columns_of_the_record(panel: Panel) -> None:
    weights = np.random.default_rng(2).integers(0, 4, len(panel.respondent_ids)).astype(float)
    prepared = prepare(panel, weights=weights)
    both = np.isfinite(prepared.human[:, 4]) & np.isfinite(prepared.twin[:, 4]) & (weights > 0)
    human, twin = prepared.human[both, 4], prepared.twin[both, 4]
    expected = np.cov(human, twin, aweights=weights[both])
    assert twin_scores(prepared)[4] == pytest.approx(
        expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
    )
    predicted = [naive_prediction(prepared, int(i), 4, {4}) for i in np.flatnonzero(both)]
    expected = np.cov(human, predicted, aweights=weights[both])
    found = left_out(prepared, np.arange(18)).calibrated[4]
    assert found == pytest.approx(expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1]))
    evaluated = tt.evaluate(panel, methods=["twin"], weights=weights).summary()[0]
    assert np.nanmean(twin_scores(prepared)) == pytest.approx(evaluated["mean"])


def test_leaving_out_twice_is_leaving_out_both(panel: Panel) -> None:
    prepared = prepare(panel)
    found, once = left_out_twice(prepared), left_out(prepared, np.arange(18))
    assert np.allclose(np.diagonal(found.calibrated)[:15], once.calibrated[:15])
    assert found.calibrated[3, 8] == pytest.approx(naive_score(prepared, 3, {3, 8}))


def test_verdicts_ignore_the_human_answers_to_their_item(panel: Panel) -> None:
    values = panel.human.values.copy()
    values[:, 5] = np.random.default_rng(0).integers(1, 8, len(values))
    changed = Panel(ResponseMatrix(values, panel.human.respondent_ids, panel.human.items), panel.twin)
    before, after = (hidden_verdicts(prepare(p))[5] for p in (panel, changed))
    # who answered decides who is scored, so that gaps must stay where they are for equality
    values[np.isnan(panel.human.values[:, 5]), 5] = np.nan
    changed = Panel(ResponseMatrix(values, panel.human.respondent_ids, panel.human.items), panel.twin)
    after = hidden_verdicts(prepare(changed))[5]
    assert before["verdict"] == after["verdict"]
    for name in ("expected_calibrated", "expected_twin", "twin_r2", "agreement"):
        assert before[name] == pytest.approx(after[name], abs=1e-12)
    assert before["calibrated"] != after["calibrated"]


def test_twin_r2_leaves_each_twin_out(panel: Panel) -> None:
    prepared = prepare(panel)
    found = span(prepared, np.arange(18))
    Z = prepared.twin
    for item in (2, 16):
        others = [int(j) for j in prepared.donors if j != item]
        apart = []
        for i in range(len(Z)):
            rest = np.arange(len(Z)) != i
            X = Z[np.ix_(rest, others)]
            w = np.linalg.solve(X.T @ X + ALPHA * np.eye(len(others)), X.T @ Z[rest, item])
            apart.append(Z[i, item] - Z[i, others] @ w)
        assert found.r2[item] == pytest.approx(1 - np.mean(np.square(apart)) / np.mean(Z[:, item] ** 2))
        assert (
            found.nearest[item][0][0]
            == others[int(np.argmax(np.abs(prepared.twin_correlations[item, others])))]
        )


def test_good_twins_are_calibrated_and_constant_twins_are_not_trusted(panel: Panel) -> None:
    values = panel.twin.values.copy()
    values[:, 16] = 4
    changed = Panel(panel.human, ResponseMatrix(values, panel.twin.respondent_ids, panel.twin.items))
    rows = {r["item"]: r for r in item_verdicts(prepare(changed))}
    assert list(rows) == ["Q16", "Q17", "Q18"]
    assert rows["Q16"]["verdict"] == "calibrate"
    assert rows["Q17"]["verdict"] == "do not trust"
    assert "same answer" in rows["Q17"]["reasons"][0]
    assert rows["Q17"]["twin_r2"] is None


def test_noise_is_not_trusted() -> None:
    rng = np.random.default_rng(0)
    ids = [f"R{i}" for i in range(300)]
    items = [Item(f"Q{j}") for j in range(16)]
    human = ResponseMatrix(rng.integers(1, 6, (300, 14)), ids, items[:14])
    twin = ResponseMatrix(rng.integers(1, 6, (300, 16)), ids, items)
    assert [r["verdict"] for r in item_verdicts(prepare(Panel(human, twin)))] == ["do not trust"] * 2


def test_true_twins_of_unrelated_items_are_used_as_they_are() -> None:
    rng = np.random.default_rng(1)
    ids, items = [f"R{i}" for i in range(400)], [Item(f"Q{j:02d}") for j in range(20)]
    truth = rng.standard_normal((400, 20))
    twins = truth + 0.7 * rng.standard_normal((400, 20))
    panel = Panel(ResponseMatrix(truth[:, :17], ids, items[:17]), ResponseMatrix(twins, ids, items))
    rows = item_verdicts(prepare(panel))
    assert [r["verdict"] for r in rows] == ["use the twin"] * 3
    assert rows[0]["expected_twin"] == pytest.approx(0.82, abs=0.06)


@pytest.mark.parametrize(("twins", "verdict"), [("nostruct", "use the twin"), ("misaligned", "calibrate")])
def test_twins_are_used_as_they_are_where_the_default_adds_nothing(twins: str, verdict: str) -> None:
    """People's answers to items that have nothing in common cannot improve the twin in a new battery."""
    panel = generate_world(twins, 300, 35, n_new_items=5, random_state=70).panel
    blocks = {item: f"battery{k // 5}" for k, item in enumerate(panel.item_ids)}
    table = evaluate(panel, ["auto"], "leave-block-out", metric="pearson", blocks=blocks)
    reached = dict(zip(table.target_ids, table.scores["auto", "pearson"].tolist(), strict=True))
    rows = diagnose(panel, blocks=blocks, scores=reached, battery_scores=reached).verdicts
    assert {row["verdict"] for row in rows} == {verdict}


def test_few_answered_items_are_said_to_be_few() -> None:
    panel = generate_population(100, 6, n_new_items=1).panel
    (row,) = item_verdicts(prepare(panel))
    assert "too few answered items" in row["reasons"][0]
    assert row["expected_twin"] is None


def test_twins_of_people_who_answer_everything_alike_are_not_trusted() -> None:
    panel = generate_population(100, 12, n_new_items=2, random_state=1).panel
    alike = panel.human.with_values(np.full(panel.human.shape, 4.0))
    prepared = prepare(Panel(alike, panel.twin))
    rows = item_verdicts(prepared)
    assert [row["verdict"] for row in rows] == ["do not trust"] * 2
    assert "people answered every other item alike" in rows[0]["reasons"][0]
    assert {"do not trust"} == {row["verdict"] for row in hidden_verdicts(prepared)}


def test_an_expectation_never_looks_at_its_target() -> None:
    rng = np.random.default_rng(0)
    features, outcomes = rng.standard_normal((30, 3)), rng.standard_normal((30, 2))
    record, groups = np.arange(29), np.arange(30)
    before = expect(features, outcomes, record, 29, groups)
    outcomes[29] = 100.0
    assert expect(features, outcomes, record, 29, groups) == before


def test_features_that_say_nothing_leave_the_mean() -> None:
    rng = np.random.default_rng(0)
    features, outcomes = rng.standard_normal((40, 3)), np.tile(rng.standard_normal(40)[:, None], (1, 2))
    found = expect(features, outcomes, np.arange(39), 39, np.arange(40))
    assert found is not None
    assert found.calibrated == pytest.approx(outcomes[:39, 0].mean(), abs=0.2)
    assert found.gain == pytest.approx(0.0, abs=1e-9)


def test_faults_are_found() -> None:
    scale = Scale.ordinal(1, 5)
    ids = [f"R{i}" for i in range(100)]
    rng = np.random.default_rng(0)
    human = np.column_stack([rng.integers(1, 6, 100) for _ in range(5)]).astype(float)
    twin = human.copy()
    twin[:, 0] = 3
    twin[:, 1] = np.clip(human[:, 1], 3, 4)
    twin[:50, 2] = np.nan
    twin[:, 3] = np.minimum(human[:, 3] + 2, 7)
    items = [Item(f"Q{j}", scale=None if j == 3 else scale) for j in range(5)]
    rows = item_faults(Panel(ResponseMatrix(human, ids, items), ResponseMatrix(twin, ids, items)))
    words = ["; ".join(r["faults"]) for r in rows]
    assert "all twins gave the same answer" in words[0]
    assert rows[1]["sd_ratio"] < 0.5
    assert rows[1]["unused"] == [1, 2, 5]
    assert "50% of the twins gave no answer" in words[2]
    assert rows[3]["off_range"] == int((human[:, 3] >= 4).sum())
    assert "too high" in words[3]
    assert words[4] == ""


def test_the_whole_diagnosis(panel: Panel) -> None:
    found = tt.diagnose(panel)
    assert [r["item"] for r in found.rows()] == list(panel.item_ids)
    for name in ("items", "verdicts", "record", "faults", "bounds", "shares", "alignment", "spectrum"):
        assert found.frame(name).num_rows > 0
    with pytest.raises(KeyError, match="Did you mean 'verdicts'"):
        found.frame("verdict")
    again = tt.diagnose(panel)
    assert again.rows() == found.rows()
    assert sum(r["n_items"] for r in found.record_summary()) == 15


def test_verdicts_speak_of_the_method_whose_scores_are_given(panel: Panel) -> None:
    poor = tt.diagnose(panel, scores=dict.fromkeys(panel.item_ids, -0.5))
    good = tt.diagnose(panel, scores=dict.fromkeys(panel.item_ids, 0.9))
    assert {r["verdict"] for r in poor.verdicts} == {"use the twin"}
    assert {r["verdict"] for r in good.verdicts} == {"calibrate"}
    assert good.verdicts[0]["expected_calibrated"] == pytest.approx(0.9)


def test_the_twin_as_it_is_is_used_where_it_is_the_method() -> None:
    panel = generate_population(100, 14, n_new_items=2, random_state=4).panel
    assert method_expectations(panel, "twin") == {}
    scores = dict(zip(panel.item_ids, twin_scores(prepare(panel)).tolist(), strict=True))
    found = tt.diagnose(panel, scores=scores, expected=method_expectations(panel, "twin"))
    assert {row["verdict"] for row in found.verdicts} == {"use the twin"}
    with pytest.raises(UnknownNameError):
        tt.diagnose(panel, method="twins")


def test_nothing_new_is_said_and_still_diagnosed() -> None:
    found = tt.diagnose(generate_population(80, 10, n_new_items=0).panel)
    assert found.verdicts == []
    assert "no new item" in found.warnings()[0]
    assert found.alignments["row"].n_ranks >= 2


@pytest.mark.parametrize("name", ["twin-2k-500", "movielens"])
def test_verdicts_hold_on_published_data(needs_data: None, name: str) -> None:
    panel = movielens.load() if name == "movielens" else twin_2k_500.load()
    rows = hidden_verdicts(prepare(panel))
    summary = {r["verdict"]: r for r in record_summary(rows)}
    if name == "movielens":
        assert summary["calibrate"]["n_items"] == 250
        return
    used = summary["use the twin"]
    assert used["n_items"] > 20
    assert used["twin"] > used["calibrated"]
    assert summary["calibrate"]["calibrated"] > 0.3
    constant = {r["item"] for r in item_faults(panel) if r["constant"]}
    assert {r["item"] for r in rows if r["verdict"] == "do not trust"} >= constant


def test_answered_siblings_tell_what_features_do_not() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 3))
    outcomes = np.column_stack([rng.normal(0.3, 0.02, 24), rng.normal(0.1, 0.02, 24)])
    groups = np.repeat(np.arange(6), 4)
    outcomes[groups == 5] = [0.1, 0.5]  # a battery whose twins do better than calibration
    record = np.delete(np.arange(24), 23)
    with_siblings = expect(features, outcomes, record, 23, groups)
    alone = expect(features, outcomes, record[groups[record] != 5], 23, groups)
    assert with_siblings is not None
    assert alone is not None
    assert with_siblings.twin > 0.4
    assert with_siblings.gain < -0.3
    assert alone.gain > 0


def test_means_over_batteries_count_a_battery_once() -> None:
    rows = [
        {"item": f"q{k}", "verdict": "calibrate", "calibrated": c, "twin": 0.1, "block": b}
        for k, (c, b) in enumerate([(0.2, "x"), (0.2, "x"), (0.2, "x"), (0.6, "y")])
    ]
    summary = record_summary(rows)[0]
    assert summary["n_items"] == 4
    assert summary["n_blocks"] == 2
    assert summary["calibrated"] == pytest.approx(0.3)
    assert summary["calibrated_by_block"] == pytest.approx(0.4)
    assert summary["calibrated_standard_error"] == pytest.approx(0.2)


def test_verdicts_on_new_batteries_take_scores_with_batteries_hidden() -> None:
    panel = generate_population(120, 16, n_new_items=2, random_state=3).panel
    blocks = {i: f"b{k // 2}" for k, i in enumerate(panel.item_ids)}
    alone = dict.fromkeys(panel.item_ids, 0.9)
    whole = dict.fromkeys(panel.item_ids, 0.2)
    found = tt.diagnose(panel, blocks=blocks, scores=alone, battery_scores=whole)
    assert all(row["new_battery"] for row in found.verdicts)
    assert [row["expected_calibrated"] for row in found.verdicts] == pytest.approx([0.2, 0.2])


def test_a_diagnosis_with_undefined_scores_comes_back_from_json_as_it_was() -> None:
    import json

    from truetwin.diagnosis.diagnosis_record import from_record, to_record
    from truetwin.io import dump_json

    panel = generate_population(120, 16, n_new_items=2).panel
    scores = dict.fromkeys(panel.item_ids, 0.4) | {panel.item_ids[3]: float("nan")}
    found = tt.diagnose(panel, scores=scores)
    again = from_record(json.loads(dump_json(to_record(found))), panel)
    assert any(row["calibrated"] != row["calibrated"] for row in found.record)
    assert repr(again.record) == repr([dict(row) for row in found.record])
    assert repr(again.record_summary()) == repr(found.record_summary())


def test_twins_that_are_noise_are_seldom_trusted() -> None:
    found = [
        row["verdict"]
        for seed in range(4)
        for row in diagnose(
            generate_world("noise", 60, 14, n_new_items=3, random_state=seed).panel, method=None
        ).verdicts
    ]
    assert found.count("do not trust") >= 9


def test_what_no_record_bears_out_is_not_trusted() -> None:
    groups, record = np.arange(10), np.arange(9)
    noise = np.array([0.3, -0.25, 0.2, -0.3, 0.25, -0.1, 0.15, -0.2, 0.1, np.nan])
    assert "neither did better than chance" in _by_chance(np.stack([noise, noise], axis=1), record, groups)
    assert not _by_chance(np.stack([noise, noise + 0.3], axis=1), record, groups)
    assert not _by_chance(
        np.stack([noise - 0.5, noise], axis=1), record, groups
    )  # turned round, which is no chance
