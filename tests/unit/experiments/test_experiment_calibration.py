"""Calibrating, judging, ranking and planning experiments of generated people."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from effect_examples import experiment, experiment_tables, generated
from truetwin.data.contrast import Contrast
from truetwin.errors import DataError, ParameterError
from truetwin.experiments.contrast_arrays import contrast_arrays, person_parts, shared_errors
from truetwin.experiments.experiment import Experiment
from truetwin.experiments.experiment_calibration import calibrate_experiment
from truetwin.experiments.experiment_judging import split_half
from truetwin.experiments.experiment_plan import plan_experiment
from truetwin.experiments.experiment_ranking import rank_experiment
from truetwin.experiments.past_tables import past_effects


def test_effects_are_standardised_by_the_human_sd_and_by_the_twins_own() -> None:
    made = experiment()
    effects = made.effects()
    found = contrast_arrays(effects)
    human, twin = effects.arrays("human"), effects.arrays("twin")
    assert found.effects.human == pytest.approx(human.effect / human.sd)
    assert found.effects.twin == pytest.approx(twin.effect / human.sd)
    assert found.effects.own == pytest.approx(twin.effect / twin.sd)
    assert found.effects.twin_variance == pytest.approx(
        (twin.se / human.sd) ** 2 + found.effects.twin**2 / (2 * human.sd_df)
    )


def test_studies_without_people_are_new_and_the_others_are_past() -> None:
    found = experiment(n_studies=6, new=2).calibrate()
    assert found.effects.study_names == ("study4", "study5")
    assert found.learned is not None
    assert found.learned.studies == ("study0", "study1", "study2", "study3")
    assert all(row["twin"] is None and row["twin_own"] is not None for row in found.rows)
    assert all("as in past studies" in row["human_sd_from"] for row in found.rows)


def test_a_declared_sd_puts_twin_effects_into_it() -> None:
    made = experiment(n_studies=6, new=1)
    found = calibrate_experiment(made, human_sd=20.0)
    twin = made.effects().arrays("twin").effect[-4:]
    assert [row["twin"] for row in found.rows] == pytest.approx(twin / 20)
    assert [row["raw"] for row in found.rows] == pytest.approx([20 * row["effect"] for row in found.rows])


def test_human_answers_to_a_named_study_are_a_pilot() -> None:
    made = experiment(n_studies=6, new=1, pilot=45)
    found = calibrate_experiment(made, ["study5"])
    assert found.learned is not None
    assert "study5" not in found.learned.studies
    for row in found.rows:
        assert row["pilot"] is not None
        assert row["human_sd_from"] == "people's answers"
    widths = [row["high"] - row["low"] for row in found.rows]
    assert max(widths) < 2 * 1.645 * max(row["pilot_se"] for row in found.rows)


def test_a_pilot_errs_together_where_contrasts_share_people() -> None:
    made = experiment(n_studies=5, new=1, pilot=60)
    here = contrast_arrays(made.effects()).of_studies(["study4"])
    parts = person_parts(made, "study4", here.contrasts, here.human_sd)
    root = shared_errors(parts, here.effects.human_variance)
    covariance = root @ root.T
    assert np.diag(covariance) == pytest.approx(0.98 * here.effects.human_variance)
    first, second = here.effects.human_variance[:2] ** 0.5
    assert 0.3 < covariance[0, 1] / (first * second) < 0.7  # two treatments with one control


def test_effects_without_a_pilot_share_nothing_with_it() -> None:
    root = shared_errors(np.eye(3), np.array([0.1, np.nan, 0.2]))
    assert (root @ root.T)[1] == pytest.approx(np.zeros(3))


def test_no_new_study_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DataError, match="Name the studies to calibrate"):
        calibrate_experiment(experiment())


def test_an_unknown_study_is_named_with_a_suggestion() -> None:
    with pytest.raises(ParameterError, match="'study7'"):
        calibrate_experiment(experiment(), ["study7"])


@pytest.mark.parametrize("sd", [0.0, -1.0, float("nan")])
def test_an_impossible_sd_is_refused(sd: float) -> None:
    with pytest.raises(ParameterError, match="human_sd must be"):
        calibrate_experiment(experiment(n_studies=4, new=1), human_sd=sd)


def test_further_past_effects_join_those_of_the_experiment() -> None:
    further, _ = generated(4)
    found = calibrate_experiment(experiment(n_studies=3, new=1), past=further)
    assert found.learned is not None
    assert found.learned.studies == ("study0", "study1", "s0", "s1", "s2", "s3")


def test_past_effects_are_read_from_a_table_of_effects() -> None:
    made = experiment(n_studies=4)
    expected = contrast_arrays(made.effects()).effects
    found = past_effects(made.effects().to_frame("pyarrow").to_pylist(), "past.csv")
    assert found.contrasts == expected.contrasts
    for name in ("human", "human_variance", "twin", "own"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=0.02)


def test_a_table_of_past_effects_without_columns_is_refused() -> None:
    row = {"contrast_id": "a", "study": "s", "kind": "between", "human_d": 0.1}
    with pytest.raises(DataError, match="lacks human_se"):
        past_effects([row], "past.csv")
    with pytest.raises(DataError, match="lacks twin_d, twin_se"):
        past_effects([{**row, "human_se": 0.1}], "past.csv")
    with pytest.raises(DataError, match=r"'much' in row 1 \(contrast 'a'\)"):
        past_effects([{**row, "human_se": 0.1, "twin_d": "much", "twin_se": 0.1}], "past.csv")
    with pytest.raises(DataError, match="no rows"):
        past_effects([], "past.csv")


def test_judging_scores_all_contrasts_and_parts() -> None:
    found = experiment(n_studies=8).evaluate()
    assert found.scores.n_contrasts == 32
    assert {row["part"] for row in found.rows()} == {"all contrasts"}  # one kind, and no headline
    rows = {row["method"]: row for row in found.scores.rows}
    assert rows["calibrated"]["rmse"] < rows["twin"]["rmse"]
    assert 0 < found.ceiling.half < found.ceiling.full < 1


def test_split_halves_from_parts_agree_with_halves_of_people() -> None:
    made = experiment(n_studies=4, n_people=240, seed=3)
    arrays = contrast_arrays(made.effects())
    found = split_half(made, arrays)
    halves = []
    random = np.random.default_rng(1)
    for _ in range(60):
        both = []
        mask = random.permutation(np.arange(240) % 2) == 0
        for only in (mask, ~mask):
            both.append(
                np.array(
                    [
                        made.studies["human"][one.study].effect(one, only).effect / sd
                        for one, sd in zip(arrays.contrasts, arrays.human_sd, strict=True)
                    ]
                )
            )
        halves.append(both[0] @ both[1] / np.sqrt((both[0] ** 2).sum() * (both[1] ** 2).sum()))
    assert found.half == pytest.approx(np.mean(halves), abs=0.06)


def test_options_of_each_outcome_are_ranked_with_the_control() -> None:
    choices = experiment(n_studies=5, new=1).rank()
    assert [choice.outcome for choice in choices] == ["study4_likes (arm)", "study4_shares (arm)"]
    for choice in choices:
        assert sorted(option.option for option in choice.ranking.options) == ["A", "B", "C"]
        assert choice.records()[0]["rank"] == 1
        assert choice.ranking.by_both <= choice.ranking.by_twin + 0.01


def test_a_pilot_that_was_made_stands_in_for_the_one_to_come() -> None:
    made = experiment(n_studies=6, new=1, pilot=60)
    for choice in made.rank(["study5"]):
        assert choice.ranking.people is None
        best = choice.ranking.options[0]
        assert choice.ranking.by_both == pytest.approx(best.loss)
        assert choice.ranking.by_both <= min(choice.ranking.by_twin, choice.ranking.by_pilot)


def test_uncalibrated_effects_are_not_ranked_and_not_planned_with() -> None:
    made = experiment(n_studies=2, new=1)
    found = calibrate_experiment(made, published=False)
    with pytest.raises(DataError, match="not calibrated: 1 past study"):
        rank_experiment(found, made.contrasts)
    with pytest.raises(DataError, match="calibrated effects only"):
        plan_experiment(found)


def test_a_plan_saves_what_twins_are_worth() -> None:
    rows = plan_experiment(calibrate_experiment(experiment(n_studies=6, new=1)), 0.3)
    assert len(rows) == 4
    for row in rows:
        assert row["people"] == pytest.approx(max(row["people_without_twins"] - row["worth"], 0), abs=1)
        assert row["people_without_twins"] == 175
        assert 0 <= row["conclusive"] <= 1


def test_twins_alone_are_calibrated_by_published_effects() -> None:
    tables = experiment_tables(n_studies=2)
    made = Experiment(None, tables["twin"], tables["conditions"], tables["contrasts"], id_column="id")
    found = made.calibrate()
    assert found.effects.study_names == ("study0", "study1")
    assert "published contrasts" in found.notes[0]
    assert all(abs(row["effect"]) < abs(row["twin_own"]) for row in found.rows)


def test_several_sources_are_averaged_or_one_is_named() -> None:
    tables = experiment_tables(n_studies=4)
    other = experiment_tables(n_studies=4, seed=5)["twin"]
    made = Experiment(
        tables["human"],
        {"gpt": tables["twin"], "gemini": other},
        tables["conditions"],
        tables["contrasts"],
        id_column="id",
    )
    effects = made.effects()
    both = contrast_arrays(effects).effects
    one, two = (contrast_arrays(effects, sources=[name]).effects for name in ("gpt", "gemini"))
    assert both.twin == pytest.approx((one.twin + two.twin) / 2)
    with pytest.raises(ParameterError, match="sources of twins are gpt, gemini"):
        contrast_arrays(effects, sources=["claude"])


def test_past_effects_may_be_a_data_frame() -> None:
    past = experiment(n_studies=4, seed=9).effects().to_frame("pyarrow")
    made = experiment(n_studies=1, new=1)
    with pytest.raises(DataError, match="lacks"):
        made.calibrate(past=past.select(["study", "contrast_id"]))
    renamed = past.set_column(1, "study", pa.array([f"old {name}" for name in past["study"].to_pylist()]))
    found = made.calibrate(past=renamed)
    assert found.learned is not None
    assert found.learned.studies == ("old study0", "old study1", "old study2", "old study3")


def test_effects_in_groups_of_people_are_scored() -> None:
    tables = experiment_tables(n_studies=6)
    people = pa.table({"id": tables["human"]["id"], "age": ["young", "old"] * 60})
    made = Experiment(
        tables["human"],
        tables["twin"],
        tables["conditions"],
        tables["contrasts"],
        people=people,
        id_column="id",
    )
    found = made.evaluate(by=["age"])
    assert set(found.parts) == {"age: old", "age: young"}
    assert all(scores.n_contrasts == 24 and scores.n_studies == 6 for scores in found.parts.values())
    everybody, young = found.scores.rows, found.parts["age: young"].rows
    assert young[0]["rmse"] > everybody[0]["rmse"]  # fewer people, more sampling error


def test_answers_to_the_left_out_study_do_not_change_its_predictions() -> None:
    tables = experiment_tables(n_studies=5)
    arms = {r["id"]: r["arm"] for r in tables["conditions"].to_pylist() if r["study"] == "study2"}
    human = tables["human"].to_pydict()
    # other effects, the same sd within arms: predictions in sd may use nothing but that
    moved = {"A": 0.0, "B": 30.0, "C": -50.0}
    for item in ("study2_likes", "study2_shares"):
        human[item] = [v + moved[arms[i]] for i, v in zip(human["id"], human[item], strict=True)]
    found = []
    for answers in (tables["human"], pa.table(human)):
        made = Experiment(
            answers, tables["twin"], tables["conditions"], tables["contrasts"], id_column="id"
        ).evaluate()
        found.append(made.predictions)
    here = np.array(found[0].effects.studies) == "study2"
    assert not np.allclose(found[0].effects.human[here], found[1].effects.human[here], atol=0.5)
    for method, before in found[0].predictions.items():
        after = found[1].predictions[method]
        np.testing.assert_allclose(after[here], before[here], atol=1e-9, err_msg=method)
    np.testing.assert_allclose(found[1].law_bounds[:, here], found[0].law_bounds[:, here], atol=1e-9)


def test_an_interaction_is_not_told_as_one_arm_beating_another() -> None:
    random = np.random.default_rng(0)
    n = 80
    twin = pa.table({"id": [f"p{k}" for k in range(n)], "buy": random.standard_normal(n)})
    arms = twin.select(["id"]).append_column("tone", pa.array(["warm", "plain"] * (n // 2)))
    arms = arms.append_column("price", pa.array(["high", "high", "low", "low"] * (n // 4)))
    both = Contrast("both", "", "interaction", ("tone", "price"), "warm;high", "plain;low", ("buy",))
    (sentence,) = Experiment(None, twin, arms, [both]).calibrate().sentences()
    assert sentence.startswith("both: ")
    assert "beats" not in sentence


def test_a_past_effect_without_an_error_is_left_out() -> None:
    made = experiment(n_studies=5)
    rows = made.effects().to_frame("pyarrow").to_pylist()
    first = rows[0]["contrast_id"]
    rows[0]["d_se"] = None  # as of an arm of one person
    assert rows[0]["side"] == "human"
    found = past_effects(rows, "past.csv")
    assert np.isnan(found.human[found.contrasts.index(first)])
    assert np.isfinite(found.human).sum() == len(found) - 1


def test_a_column_of_past_effects_that_occurs_twice_is_refused() -> None:
    past = experiment(n_studies=4).effects().to_frame("pyarrow")
    with pytest.raises(DataError, match="'d' occurs several times"):
        experiment(n_studies=1, new=1).calibrate(past=past.append_column("d", past["d_own"]))


def test_an_experiment_whose_contrasts_name_no_study_is_told_to_name_one() -> None:
    tables = experiment_tables(n_studies=1)
    nameless = Experiment(
        tables["human"],
        tables["twin"],
        tables["conditions"].drop_columns("study"),
        tables["contrasts"].drop_columns("study"),
        id_column="id",
    )
    with pytest.raises(DataError, match="give their table a column 'study'"):
        calibrate_experiment(nameless)
    with pytest.raises(ParameterError, match=r"no study 'warm'.*give their table a column 'study'"):
        calibrate_experiment(nameless, ["warm"])
    with pytest.raises(ParameterError, match="The studies are 'study0'"):
        calibrate_experiment(experiment(n_studies=1), ["warm"])
