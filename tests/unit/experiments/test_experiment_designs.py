"""Designs beyond two arms with known truth: factorial, conjoint, moderators, samples, every arm for every twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truetwin.errors import DataError
from truetwin.experiments.effects import SideEffects
from truetwin.experiments.experiment import Experiment

pd = pytest.importorskip("pandas", reason="needs the extra 'pandas'")
N = 600


def frame(rng: np.random.Generator) -> Any:
    table = pd.DataFrame({"id": [f"p{k}" for k in range(N)]})
    table["message"] = rng.choice(["plain", "warm"], N)
    table["price"] = rng.choice(["low", "high"], N)
    table["party"] = rng.choice(["left", "right"], N)
    table["weight"] = rng.uniform(0.5, 2.0, N)
    table["village"] = [f"v{k // 10}" for k in range(N)]
    return table


def contrast(name: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "contrast_id": name,
        "kind": "between",
        "condition": "message",
        "treatment": "warm",
        "control": "plain",
        "outcomes": "y",
    }
    return usual | changes


def holds(found: SideEffects, truth: list[float]) -> bool:
    return bool((np.abs(found.effect - truth) < 3.5 * found.se).all() and (found.se > 0).all())


def test_a_factorial_design_has_main_effects_and_interactions() -> None:
    rng = np.random.default_rng(0)
    arms = frame(rng)
    warm, high = arms["message"] == "warm", arms["price"] == "high"
    human = pd.DataFrame(
        {"id": arms["id"], "y": 1.0 * warm - 2.0 * high + 3.0 * (warm & high) + rng.normal(size=N)}
    )
    rows = [
        contrast("message"),
        contrast("price", condition="price", treatment="high", control="low"),
        contrast(
            "both", kind="interaction", condition="message;price", treatment="warm;high", control="plain;low"
        ),
    ]
    found = Experiment(human, None, arms, pd.DataFrame(rows)).effects().arrays("human")
    # a main effect is the mean over the levels of the other condition, as often as they occur
    assert holds(found, [1 + 3 * high.mean(), -2 + 3 * warm.mean(), 3.0])


def profiles(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A conjoint experiment: people rate two profiles in each of five tasks, and differ in how much they like all."""
    people = np.repeat(np.arange(120), 10)
    rows = pd.DataFrame({"id": people, "task": np.tile(np.repeat(np.arange(5), 2), 120)})
    rows["profile"] = np.tile([1, 2], 600)
    rows["age"] = rng.choice(["young", "middle", "old"], len(rows))
    rows["job"] = rng.choice(["none", "teacher"], len(rows))
    liking = rng.normal(size=120)[people]
    rows["rating"] = (
        5.0
        + 2 * liking
        + 0.8 * (rows["age"] == "old")
        - 0.5 * (rows["job"] == "none")
        + rng.normal(size=len(rows))
    )
    answers = rows[["id", "task", "profile", "rating"]]
    return answers, rows.drop(columns="rating")


def test_conjoint_effects_are_those_of_attributes_with_errors_clustered_by_person() -> None:
    answers, attributes = profiles(np.random.default_rng(1))
    rows = [
        contrast("old", condition="age", treatment="old", control="young", outcomes="rating"),
        contrast("middle", condition="age", treatment="middle", control="young", outcomes="rating"),
        contrast("none", condition="job", treatment="none", control="teacher", outcomes="rating"),
    ]
    experiment = Experiment(answers, None, attributes, pd.DataFrame(rows), tasks=["task", "profile"])
    found = experiment.effects().arrays("human")
    assert holds(found, [0.8, 0.0, -0.5])
    assert (found.df < 120).all()


def test_the_errors_of_conjoint_effects_hold() -> None:
    """People like all profiles more or less, so errors that took rows for people would be wrong."""
    rows = pd.DataFrame(
        [contrast("old", condition="age", treatment="old", control="young", outcomes="rating")]
    )
    found = []
    for seed in range(150):
        answers, attributes = profiles(np.random.default_rng(100 + seed))
        effects = (
            Experiment(answers, None, attributes, rows, tasks=["task", "profile"]).effects().arrays("human")
        )
        found.append([effects.effect[0], effects.se[0]])
    effect, se = np.array(found).T
    assert se.mean() == pytest.approx(effect.std(), rel=0.15)


def test_people_tables_hold_in_all_tasks_of_a_person() -> None:
    answers, attributes = profiles(np.random.default_rng(1))
    people = pd.DataFrame({"id": np.arange(120), "party": ["left", "right"] * 60})
    rows = pd.DataFrame(
        [contrast("old", condition="age", treatment="old", control="young", outcomes="rating")]
    )
    experiment = Experiment(answers, None, attributes, rows, people=people, tasks=["task", "profile"])
    groups = [entry.group for entry in experiment.effects(["party"]).entries]
    assert groups == ["", "left", "right", "left"]


def test_moderators_give_effects_in_groups_and_their_difference() -> None:
    rng = np.random.default_rng(2)
    arms = frame(rng)
    warm, right = arms["message"] == "warm", arms["party"] == "right"
    human = pd.DataFrame({"id": arms["id"], "y": 1.0 * warm + 2.0 * (warm & right) + rng.normal(size=N)})
    effects = Experiment(human, None, arms, pd.DataFrame([contrast("message")])).effects(["party"])
    told = [entry.group_in_words for entry in effects.entries]
    assert told == ["", "left", "right", "left minus right"]
    found = effects.arrays("human")
    assert holds(found, [1 + 2 * right.mean(), 1.0, 3.0, -2.0])
    assert found.se[3] == pytest.approx(np.hypot(found.se[1], found.se[2]))
    assert (found.sd == found.sd[0]).all()


def test_a_moderator_that_says_nothing_is_refused() -> None:
    arms = frame(np.random.default_rng(2))
    human = pd.DataFrame({"id": arms["id"], "y": np.arange(N, dtype=float)})
    experiment = Experiment(human, None, arms.assign(empty=None), pd.DataFrame([contrast("message")]))
    with pytest.raises(DataError, match="says nothing of the people"):
        experiment.effects(["empty"])


def test_weights_count_people_as_often_as_they_stand_for() -> None:
    arms = frame(np.random.default_rng(3))
    arms["w"] = np.where(arms["party"] == "right", 3.0, 1.0)
    warm, right = arms["message"] == "warm", arms["party"] == "right"
    human = pd.DataFrame({"id": arms["id"], "y": 1.0 * warm * right})
    found = (
        Experiment(human, None, arms, pd.DataFrame([contrast("m")]), weights="w").effects().arrays("human")
    )
    w = arms["w"]
    assert found.effect[0] == pytest.approx((w * warm * right).sum() / (w * warm).sum())


@pytest.mark.parametrize(
    ("weights", "words"),
    [([None, *[1.0] * (N - 1)], "'p0' has none"), ([-1.0] * N, "not be negative"), ([0.0] * N, "all are 0")],
)
def test_weights_that_cannot_be_used_are_refused(weights: list[float | None], words: str) -> None:
    arms = frame(np.random.default_rng(3)).assign(w=weights)
    human = pd.DataFrame({"id": arms["id"], "y": np.arange(N, dtype=float)})
    with pytest.raises(DataError, match=words):
        Experiment(human, None, arms, pd.DataFrame([contrast("m")]), weights="w")


def test_clusters_widen_the_error_where_people_of_one_are_alike() -> None:
    rng = np.random.default_rng(4)
    arms = frame(rng)
    arms["message"] = np.repeat(rng.permutation(["plain", "warm"] * 30), 10)
    human = pd.DataFrame(
        {"id": arms["id"], "y": np.repeat(rng.normal(size=60), 10) + 0.3 * rng.normal(size=N)}
    )
    rows = pd.DataFrame([contrast("m")])
    plain = Experiment(human, None, arms, rows).effects().arrays("human")
    clustered = Experiment(human, None, arms, rows, clusters="village").effects().arrays("human")
    assert clustered.effect == pytest.approx(plain.effect)
    assert clustered.se[0] > 2.5 * plain.se[0]
    assert clustered.df[0] == pytest.approx(58, abs=3)


def test_strata_use_the_linearised_variance() -> None:
    arms = frame(np.random.default_rng(5))
    human = pd.DataFrame({"id": arms["id"], "y": np.random.default_rng(6).normal(size=N)})
    rows = pd.DataFrame([contrast("m")])
    plain = Experiment(human, None, arms, rows).effects().arrays("human")
    found = Experiment(human, None, arms, rows, strata="party").effects().arrays("human")
    assert found.se[0] == pytest.approx(plain.se[0], rel=0.05)
    assert found.df[0] == N - 2


def under_every_arm(rng: np.random.Generator) -> Any:
    person = 5 * rng.normal(size=N)
    table = pd.DataFrame({"id": [f"p{k}" for k in range(N)]})
    for message, m in (("plain", 0.0), ("warm", 1.0)):
        for price, p in (("low", 0.0), ("high", -2.0)):
            noise = 0.2 * rng.normal(size=N)
            table[f"y@message={message}&price={price}"] = person + m + p + 0.5 * m * (p != 0) + noise
    return table


def test_twins_that_answered_under_every_arm_are_compared_with_themselves() -> None:
    rng = np.random.default_rng(7)
    twin = under_every_arm(rng)
    rows = [
        contrast("message"),
        contrast("price", condition="price", treatment="high", control="low"),
        contrast(
            "both", kind="interaction", condition="message;price", treatment="warm;high", control="plain;low"
        ),
    ]
    effects = Experiment(None, twin, None, pd.DataFrame(rows)).effects()
    found = effects.arrays("twin")
    assert holds(found, [1.25, -1.75, 0.5])
    assert (found.se < 0.03).all()  # the variance between twins is gone,
    assert (found.sd > 4).all()  # but not from the standard deviation
    assert "between studies" in effects.notes[0]


def test_people_in_one_arm_and_twins_under_every_arm_go_together() -> None:
    rng = np.random.default_rng(8)
    arms = frame(rng)
    human = pd.DataFrame({"id": arms["id"], "y": 1.0 * (arms["message"] == "warm") + rng.normal(size=N)})
    effects = Experiment(human, under_every_arm(rng), arms, pd.DataFrame([contrast("m")])).effects()
    assert holds(effects.arrays("human"), [1.0])
    assert holds(effects.arrays("twin"), [1.25])
    assert effects.standardised("twin").name == ("human within-arm sd",)


def test_stacked_outcomes_under_every_arm_are_averaged_over_outcomes() -> None:
    rng = np.random.default_rng(9)
    person = rng.normal(size=N)
    twin = pd.DataFrame({"id": range(N)})
    for k, effect in ((1, 1.0), (2, 3.0)):
        for level, moved in (("no", 0.0), ("yes", effect)):
            twin[f"y{k}@c{k}={level}"] = person + k + moved + 0.1 * rng.normal(size=N)
    row = contrast("s", kind="stacked", condition="c1;c2", treatment="yes", control="no", outcomes="y1;y2")
    assert holds(Experiment(None, twin, None, pd.DataFrame([row])).effects().arrays("twin"), [2.0])


def test_twins_may_have_been_in_other_arms_than_their_people() -> None:
    rng = np.random.default_rng(10)
    arms, theirs = frame(rng), frame(rng)
    human = pd.DataFrame({"id": arms["id"], "y": 1.0 * (arms["message"] == "warm")})
    twin = pd.DataFrame({"id": arms["id"], "y": 2.0 * (theirs["message"] == "warm")})
    rows = pd.DataFrame([contrast("m")])
    effects = Experiment(human, twin, arms, rows, twin_conditions=theirs).effects()
    assert effects.arrays("human").effect[0] == pytest.approx(1.0)
    assert effects.arrays("twin").effect[0] == pytest.approx(2.0)


def test_contrasts_between_arms_need_conditions() -> None:
    human = pd.DataFrame({"id": ["a", "b"], "y": [1.0, 2.0]})
    with pytest.raises(DataError, match="needs a table of conditions"):
        Experiment(human, None, None, pd.DataFrame([contrast("m")]))


def test_several_sources_of_twins_have_effects_of_their_own() -> None:
    rng = np.random.default_rng(11)
    arms = frame(rng)
    warm = 1.0 * (arms["message"] == "warm")
    twins = {name: pd.DataFrame({"id": arms["id"], "y": k * warm}) for k, name in ((1, "gpt"), (2, "gemini"))}
    effects = Experiment(None, twins, arms, pd.DataFrame([contrast("m")])).effects()
    assert [effects.arrays(name).effect[0] for name in ("gpt", "gemini")] == pytest.approx([1.0, 2.0])
