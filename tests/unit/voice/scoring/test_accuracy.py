from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from truetwin.errors import DataError
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome
from truetwin.voice.scoring.accuracy import compare, score_outcomes
from truetwin.voice.stats.rates import paired_test, rate, wilson

SHOWN = ("a", "b", "c", "d")


def chosen(item: int, picked: str | None, answer: str = "a", run: int = 0, **fields: object) -> Outcome:
    shown = SHOWN[run:] + SHOWN[:run]
    return choice_outcome(f"i{item}", shown, answer, picked, run=run, persona_id=f"p{item % 3}", **fields)


def test_both_denominators_and_all_counts() -> None:
    outcomes = [
        chosen(0, "a"),
        chosen(1, "b"),
        chosen(2, None),
        Outcome("i3", Protocol.CHOICE, Status.FAILED, persona_id="p0"),
    ]
    (score,) = score_outcomes(outcomes)
    assert (score.n, score.n_answered, score.n_malformed, score.n_failed) == (4, 2, 1, 1)
    assert score.answered is not None
    assert score.all is not None
    assert (score.answered.value, score.all.value) == (0.5, 0.25)


def test_accuracy_of_nothing_answered_is_undefined_and_not_zero() -> None:
    (score,) = score_outcomes([Outcome("i", Protocol.CHOICE, Status.FAILED)])
    assert score.answered is not None
    assert math.isnan(score.answered.value)
    assert score.all is not None
    assert score.all.value == 0.0


def test_an_unscored_ranking_is_counted_apart() -> None:
    outcomes = [
        choice_outcome("i1", SHOWN, "a", "a", protocol=Protocol.MAP_TO_OPTIONS),
        Outcome("i2", Protocol.MAP_TO_OPTIONS, Status.UNSCORED),
    ]
    (score,) = score_outcomes(outcomes)
    assert (score.n, score.n_unscored, score.n_answered) == (2, 1, 1)


def test_the_two_rankings_are_never_mixed() -> None:
    outcomes = [
        choice_outcome("i1", SHOWN, "a", "a", protocol=protocol)
        for protocol in (Protocol.MAP_TO_OPTIONS, Protocol.REPLY_VS_DISTRACTORS)
    ]
    assert [s.n for s in score_outcomes(outcomes)] == [1, 1]


def test_recall_and_picks_go_by_the_place_on_display() -> None:
    outcomes = [chosen(0, "a", "a"), chosen(1, "a", "b"), chosen(2, "a", "c"), chosen(3, "b", "b")]
    (score,) = score_outcomes(outcomes)
    assert score.positions is not None
    assert score.positions.picked == (0.75, 0.25, 0.0, 0.0)
    assert score.positions.recall[:3] == (1.0, 0.5, 0.0)
    assert math.isnan(score.positions.recall[3])


def test_rotations_give_flips_and_votes() -> None:
    steady = [chosen(0, "a", run=run) for run in range(4)]
    wavering = [chosen(1, picked, run=run) for run, picked in enumerate(["a", "a", "a", "b"])]
    torn = [chosen(2, picked, run=run) for run, picked in enumerate(["a", "a", "b", "b"])]
    (score,) = score_outcomes([*steady, *wavering, *torn])
    assert score.rotations is not None
    assert score.rotations.flip_rate == pytest.approx(2 / 3)
    assert score.rotations.vote_accuracy == pytest.approx((1 + 1 + 0.5) / 3)
    assert (score.n, score.n_items) == (12, 3)


def test_marks_are_averaged_over_scored_replies_only() -> None:
    outcomes = [
        Outcome("i1", Protocol.SCORING, Status.DONE, score=2.0),
        Outcome("i2", Protocol.SCORING, Status.DONE, score=5.0),
        Outcome("i3", Protocol.SCORING, Status.UNSCORED),
    ]
    (score,) = score_outcomes(outcomes)
    assert score.mean_mark == pytest.approx(3.5)
    assert score.n_unscored == 1
    assert score.all is None


def test_an_item_may_be_answered_once_a_run() -> None:
    with pytest.raises(DataError, match="one outcome a run"):
        score_outcomes([chosen(1, "a"), chosen(1, "b")])


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 7), (722, 1187), (10, 10)])
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k / n, n) == pytest.approx((expected.low, expected.high))


def test_items_of_one_persona_count_as_one_piece_of_evidence() -> None:
    values = np.repeat([1.0, 0.0] * 10, 20)
    alone = rate(values, np.arange(400).tolist())
    clustered = rate(values, np.repeat(np.arange(20), 20).tolist())
    assert alone.cluster_high - alone.cluster_low < 0.11
    assert clustered.cluster_high - clustered.cluster_low > 0.35
    assert clustered.standard_error > 3 * alone.standard_error
    assert (clustered.low, clustered.high) == (alone.low, alone.high)


def test_one_persona_leaves_the_clustered_interval_undefined() -> None:
    found = rate([1.0, 0.0], ["p", "p"])
    assert math.isnan(found.cluster_low)
    assert not math.isnan(found.low)


def test_mcnemar_is_exact_and_the_clustered_test_is_wider() -> None:
    first, second = np.ones(40), np.repeat([0.0, 1.0], 20)
    test = paired_test(first, second, np.repeat(np.arange(4), 10).tolist())
    assert test.mcnemar_p == pytest.approx(binomtest(20, 20).pvalue)
    assert test.cluster_p > 0.1  # two people who differ are no evidence
    assert (test.only_first, test.only_second, test.difference) == (20, 0, 0.5)


def test_the_same_seed_gives_the_same_interval_and_many_clusters_fit_in_memory() -> None:
    values = (np.arange(30_000) % 3 == 0).astype(float)
    people = np.arange(30_000).tolist()
    assert rate(values[:300], people[:300]) == rate(values[:300], people[:300])
    many = rate(values, people)
    assert many.cluster_high - many.cluster_low == pytest.approx(many.high - many.low, rel=0.1)


def test_models_are_compared_on_the_items_both_were_given() -> None:
    first = [chosen(k, "a", model="x") for k in range(6)]
    second = [chosen(k, "a" if k % 2 else "b", model="y") for k in range(2, 8)]
    found = compare(first, second)
    assert found is not None
    assert (found.test.n, found.test.difference, found.same_pick) == (4, 0.5, 0.5)


def test_models_without_a_shared_item_are_not_compared() -> None:
    assert compare([chosen(1, "a")], [chosen(2, "a")]) is None


def test_marks_of_two_models_are_compared_on_what_both_have() -> None:
    def marked(k: int, score: float | None) -> Outcome:
        status = Status.UNSCORED if score is None else Status.DONE
        return Outcome(f"i{k}", Protocol.SCORING, status, "m", "social", f"p{k}", score=score)

    first = [marked(0, 5), marked(1, 3), marked(2, None)]
    second = [marked(0, 1), marked(1, 3), marked(2, 5)]
    found = compare(first, second)
    assert found is not None
    assert (found.test.n, found.test.difference) == (2, 0.5)
