"""Experiments: effects with known truth, and refusals that name the row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from truetwin.data.contrast import Contrast
from truetwin.data.reading_choices import ReadingChoices
from truetwin.errors import AlignmentError, DataError
from truetwin.experiments.experiment import Experiment

pd = pytest.importorskip("pandas", reason="needs the extra 'pandas'")
N = 400


def conditions() -> Any:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"p{k}" for k in range(N)], "study": "s"})
    frame["arm"] = rng.choice(["control", "nudge", "tax"], N)
    frame["other"] = rng.choice(["no", "yes"], N)
    for k in range(3):
        frame[f"who_{k}"] = rng.choice(["friend", "stranger", "nobody"], N)
    return frame


def answers(effect: float, noise: float, seed: int) -> Any:
    rng, arms = np.random.default_rng(seed), conditions()
    person = rng.normal(size=N)
    frame = pd.DataFrame({"id": arms["id"]})
    frame["buy"] = person + effect * (arms["arm"] == "nudge") + noise * rng.normal(size=N)
    frame["keep"] = person + noise * rng.normal(size=N)
    bonus = effect * ((arms["arm"] == "nudge") & (arms["other"] == "yes"))
    frame["both"] = person + bonus + noise * rng.normal(size=N)
    for k in range(3):
        frame[f"trust_{k}"] = (
            person + k + effect * (arms[f"who_{k}"] == "friend") + noise * rng.normal(size=N)
        )
    return frame


def contrast(**changes: Any) -> dict[str, Any]:
    usual = {
        "contrast_id": "c",
        "study": "s",
        "kind": "between",
        "condition": "arm",
        "treatment": "nudge",
        "control": "control",
        "outcomes": "buy",
        "minus_outcomes": "",
        "headline": 1,
    }
    return usual | changes


ALL = [
    contrast(),
    contrast(contrast_id="difference", minus_outcomes="keep"),
    contrast(contrast_id="levels", control="tax"),
    contrast(
        contrast_id="within", kind="within", condition="", treatment="", control="", minus_outcomes="keep"
    ),
    contrast(
        contrast_id="stacked",
        kind="stacked",
        condition="who_0;who_1;who_2",
        treatment="friend",
        control="stranger",
        outcomes="trust_0;trust_1;trust_2",
    ),
    contrast(
        contrast_id="interaction",
        kind="interaction",
        condition="arm;other",
        treatment="nudge;yes",
        control="control;no",
        outcomes="both",
    ),
]


def experiment(rows: list[dict[str, Any]] = ALL, **changes: Any) -> Experiment:
    tables = {
        "human": answers(2.0, 0.5, 1),
        "twin": answers(3.0, 0.2, 2),
        "conditions": conditions(),
        "contrasts": pd.DataFrame(rows),
    }
    return Experiment(**(tables | changes))


def test_every_kind_finds_the_true_effect() -> None:
    arms = conditions()
    treated = (arms["arm"] == "nudge").mean()
    for side, effect in (("human", 2.0), ("twin", 3.0)):
        found = experiment().effects().arrays(side)
        truth = np.array([effect, effect, effect, effect * treated, effect, effect])
        assert (np.abs(found.effect - truth) < 3.5 * found.se).all()
        assert (found.se > 0).all()


def test_people_in_no_arm_and_missing_answers_do_not_count() -> None:
    human = answers(2.0, 0.5, 1)
    human.loc[0:49, "buy"] = np.nan
    found = experiment([contrast()], human=human).effects().arrays("human")
    arms = conditions().loc[50:, "arm"]
    assert found.n_treatment[0] == (arms == "nudge").sum()
    assert found.n_control[0] == (arms == "control").sum()


def test_twin_effects_are_in_the_human_sd_and_in_their_own() -> None:
    effects = experiment().effects()
    human, twin = effects.arrays("human"), effects.arrays("twin")
    by_human, own = effects.standardised("twin"), effects.standardised("twin", "own")
    np.testing.assert_allclose(by_human.d, twin.effect / human.sd)
    np.testing.assert_allclose(own.d, twin.effect / twin.sd)
    assert by_human.name[0] == "human within-arm sd"
    assert own.name[3] == "own sd of the two composites"


def test_twins_that_all_agree_have_no_standardised_effect() -> None:
    twin = answers(3.0, 0.2, 2)
    twin["buy"] = 4.0
    effects = experiment([contrast()], twin=twin, human=None).effects()
    row = effects.rows[0]
    assert row["effect"] == 0.0
    assert row["d"] is None
    assert "all answers are alike" in row["note"]


def test_without_people_twins_have_their_own_sd_only() -> None:
    effects = experiment(human=None).effects()
    assert list(effects.sides) == ["twin"]
    assert effects.rows[0]["standardiser"] == "own within-arm sd"
    np.testing.assert_array_equal(effects.standardised("twin").d, effects.standardised("twin", "own").d)


def test_a_pilot_needs_no_twins() -> None:
    effects = experiment(twin=None).effects()
    assert list(effects.sides) == ["human"]
    assert np.isfinite(effects.standardised("human").d).all()


def test_an_effect_turned_around_changes_its_sign_only() -> None:
    there = experiment([contrast()]).effects()
    back = experiment([contrast(treatment="control", control="nudge")]).effects()
    np.testing.assert_allclose(there.arrays("human").effect, -back.arrays("human").effect)
    np.testing.assert_allclose(there.arrays("human").se, back.arrays("human").se)


WRONG = [
    ([contrast(treatment="nugde")], "Did you mean 'nudge'"),
    ([contrast(condition="arms")], "no condition column 'arms'"),
    ([contrast(treatment="control")], "its own reverse"),
    ([contrast(minus_outcomes="buy")], "its own reverse"),
    ([contrast(), contrast(contrast_id="d")], "a contrast must occur once"),
    (
        [contrast(), contrast(contrast_id="d", treatment="control", control="nudge")],
        "the same, turned around",
    ),
    ([contrast(), contrast(outcomes="keep")], "a contrast_id must occur once"),
    ([contrast(outcomes="bye")], "no item 'bye'"),
    ([contrast(study="t")], "'t' is not"),
    ([contrast(kind="betwen")], "Did you mean 'between'"),
    ([contrast(kind="stacked", condition="who_0;who_1")], "one condition column for each of its 1 outcomes"),
    ([contrast(kind="within")], "must name no condition column"),
]


@pytest.mark.parametrize(("rows", "told"), WRONG)
def test_a_contrast_that_makes_no_sense_is_refused_by_row(rows: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(DataError, match="row") as error:
        experiment(rows)
    assert told in str(error.value)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(DataError) as error:
        experiment([contrast(treatment="x"), contrast(contrast_id="d", outcomes="nothing")])
    assert "row 1" in str(error.value)
    assert "row 2" in str(error.value)


def test_a_person_in_two_arms_is_refused() -> None:
    arms = conditions()
    twice = pd.concat(
        [arms, arms.iloc[[0]].assign(arm="tax" if arms["arm"][0] != "tax" else "nudge")], ignore_index=True
    )
    with pytest.raises(
        DataError, match="a person must be in one arm of study 's'; 'p0' is in row 1 and in row 401"
    ):
        experiment(conditions=twice)


def test_an_arm_without_people_is_refused() -> None:
    human = answers(2.0, 0.5, 1)
    human.loc[conditions()["arm"] == "tax", "buy"] = np.nan
    with pytest.raises(DataError, match="the human table has no answers to its outcomes in arm 'tax'"):
        experiment([contrast(treatment="tax")], human=human)


def test_outcomes_that_nobody_of_the_study_has_answered_are_refused() -> None:
    arms = conditions()
    arms.loc[200:, "study"] = "t"
    tables = {}
    for side, table in (("human", answers(2.0, 0.5, 1)), ("twin", answers(3.0, 0.2, 2))):
        table.loc[:199, "keep"] = np.nan
        tables[side] = table
    with pytest.raises(DataError, match="nobody has"):
        experiment([contrast(outcomes="keep")], conditions=arms, **tables)


def test_nominal_outcomes_are_refused() -> None:
    from truetwin.data import Item, Scale

    human = answers(2.0, 0.5, 1).assign(brand=1.0)
    items = {"brand": Item("brand", scale=Scale.nominal([1, 2, 3]))}
    with pytest.raises(DataError, match="'brand' is nominal"):
        experiment([contrast(outcomes="brand")], human=human, twin=None, items=items)


def test_outcomes_declared_for_another_study_are_refused() -> None:
    from truetwin.data import Item

    rows = [contrast(), contrast(contrast_id="d", study="t", outcomes="keep")]
    arms = pd.concat([conditions(), conditions().assign(study="t")], ignore_index=True)
    with pytest.raises(DataError, match="'keep' belongs to study 's', not 't'"):
        experiment(rows, conditions=arms, items={"keep": Item("keep", block="s")})


def test_the_table_has_one_row_an_effect_and_side() -> None:
    frame = experiment().effects().to_frame()
    assert len(frame) == 12
    assert set(frame["side"]) == {"human", "twin"}
    assert (frame["p_adjusted"] >= frame["p"]).all()


def test_tables_of_other_people_are_refused() -> None:
    strangers = answers(3.0, 0.2, 2).assign(id=[f"q{k}" for k in range(N)])
    with pytest.raises(AlignmentError, match="nobody in common"):
        experiment(twin=strangers)


def test_a_study_may_have_people_or_twins_only() -> None:
    arms = conditions()
    arms.loc[200:, "study"] = "t"
    rows = [contrast(), contrast(contrast_id="d", study="t")]
    tables = {"human": answers(2.0, 0.5, 1).iloc[:200], "twin": answers(3.0, 0.2, 2).iloc[200:]}
    effects = experiment(
        rows, conditions=arms, **{k: v.reset_index(drop=True) for k, v in tables.items()}
    ).effects()
    np.testing.assert_array_equal(np.isfinite(effects.arrays("human").effect), [True, False])
    np.testing.assert_array_equal(np.isfinite(effects.arrays("twin").effect), [False, True])


def test_columns_that_are_no_outcomes_are_not_looked_at() -> None:
    found = experiment([contrast()], human=answers(2.0, 0.5, 1).assign(remark="none")).effects()
    assert np.isfinite(found.arrays("human").effect).all()


def test_a_panel_with_several_sources_has_effects_of_each() -> None:
    from truetwin.data import Panel

    sources = {"gpt": answers(3.0, 0.2, 2), "gemini": answers(1.0, 0.2, 3)}
    panel = Panel.from_frames(answers(2.0, 0.5, 1), sources)
    effects = Experiment.of_panel(panel, conditions(), pd.DataFrame([contrast()])).effects()
    assert list(effects.sides) == ["human", "gpt", "gemini"]
    assert effects.arrays("gemini").effect[0] < effects.arrays("gpt").effect[0]


def test_a_table_with_a_column_of_sources_has_effects_of_each() -> None:
    both = pd.concat(
        [answers(3.0, 0.2, 2).assign(source="gpt"), answers(1.0, 0.2, 3).assign(source="gemini")]
    )
    effects = experiment([contrast()], twin=both.reset_index(drop=True)).effects()
    assert list(effects.sides) == ["human", "gpt", "gemini"]


def test_outcomes_that_another_study_has_asked_are_refused() -> None:
    """Half of the people of study t were in study s too, and have answered its outcome there."""
    arms = pd.concat([conditions().iloc[:200], conditions().iloc[150:].assign(study="t")], ignore_index=True)
    human = answers(2.0, 0.5, 1)
    human.loc[200:, "keep"] = np.nan
    rows = [contrast(), contrast(contrast_id="d", study="t", outcomes="keep")]
    with pytest.raises(DataError, match=r"row 2 .* most people of study 't' have not answered 'keep'"):
        experiment(rows, human=human, twin=None, conditions=arms)


def test_outcomes_of_a_study_are_not_those_of_one_without_conditions() -> None:
    within = contrast(contrast_id="d", study="t", kind="within", condition="", treatment="", control="")
    with pytest.raises(DataError, match=r"row 2 .* only people of study 's' have answered 'buy'"):
        experiment([contrast(), within | {"minus_outcomes": "keep"}], twin=None)


def test_a_column_of_contrasts_that_occurs_twice_is_refused() -> None:
    table = pa.Table.from_pylist([contrast()])
    twice = table.append_column("kind", table["kind"])
    with pytest.raises(DataError, match="'kind' occurs several times"):
        experiment(contrasts=twice)


def lost(frame: Any, some: int = 0) -> Any:
    """Write ids as a spreadsheet does that takes them for numbers; the first ones keep their zeros."""
    ids = [f"{k:04d}" if k < some else str(k) for k in range(len(frame))]
    return frame.assign(id=ids)


def numbered(frame: Any) -> Any:
    return lost(frame, len(frame))


@pytest.mark.parametrize("some", [0, 250])
@pytest.mark.parametrize("table", ["human", "twin", "conditions", "twin_conditions", "people"])
def test_ids_that_lost_their_zeros_are_refused_or_matched(table: str, some: int) -> None:
    tables = {
        "human": numbered(answers(0.4, 0.5, seed=1)),
        "twin": numbered(answers(0.6, 0.2, seed=2)),
        "conditions": numbered(conditions()),
        "twin_conditions": numbered(conditions()),
        "people": numbered(pd.DataFrame({"id": conditions()["id"], "sex": ["f", "m"] * (N // 2)})),
    }
    wanted = experiment(**tables, contrasts=pd.DataFrame([contrast()])).effects(["sex"])
    tables[table] = lost(tables[table], some)
    with pytest.raises(AlignmentError, match=r"must write respondent ids as .* does.*tt\.ReadingChoices"):
        experiment(**tables, contrasts=pd.DataFrame([contrast()]))
    matched = experiment(**tables, contrasts=pd.DataFrame([contrast()]), choices=ReadingChoices(match=True))
    found = matched.effects(["sex"])
    assert found.rows == wanted.rows
    assert any("by removing zeros at the front" in note for note in matched.notes)


def test_tasks_are_matched_by_their_people() -> None:
    human = pa.table({"id": ["01", "01", "02", "02"], "task": [1, 2, 1, 2], "y": [1.0, 2.0, 3.0, 5.0]})
    arms = pa.table({"id": ["1", "1", "2", "2"], "task": [1, 2, 1, 2], "arm": ["a", "b", "b", "a"]})
    one = Contrast("c", "", "between", ("arm",), "a", "b", ("y",))
    with pytest.raises(AlignmentError, match="'1' for '01'"):
        Experiment(human, None, arms, [one], tasks=["task"])
    found = Experiment(human, None, arms, [one], tasks=["task"], choices=ReadingChoices(match=True))
    assert found.effects().arrays("human").effect.tolist() == [0.5]


def test_ids_with_a_prefix_are_told_apart_by_a_repair() -> None:
    arms = conditions()
    arms["id"] = "R_" + arms["id"]
    with pytest.raises(AlignmentError, match="To repair: removing 'p' at the front and removing 'R_p'"):
        experiment(conditions=arms, contrasts=pd.DataFrame([contrast()]))


def test_people_in_no_arm_are_counted() -> None:
    rows = pd.DataFrame([contrast()])
    assert experiment(contrasts=rows).notes == ()
    notes = experiment(contrasts=rows, conditions=conditions()[5:]).notes
    assert [note.split(", such")[0] for note in notes] == [
        f"the {side} table: 5 of 400 people with answers are in no row of the conditions"
        for side in ("human", "twin")
    ]


def test_usual_codes_for_missing_answers_are_no_answers() -> None:
    human = pd.DataFrame({"id": conditions()["id"], "buy": np.arange(N) % 5 + 1})
    human.loc[::20, "buy"] = 99
    gone = human.replace(99, float("nan"))
    rows = pd.DataFrame([contrast()])
    found = experiment(human=human, twin=None, contrasts=rows)
    assert found.effects().rows == experiment(human=gone, twin=None, contrasts=rows).effects().rows
    assert "20 answers to 1 items are read as missing" in found.notes[0]
    kept = experiment(human=human, twin=None, contrasts=rows, choices=ReadingChoices(missing_codes=()))
    assert kept.sides["human"].values.max() == 99
