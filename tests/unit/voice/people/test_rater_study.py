from __future__ import annotations

import math

import numpy as np
import pytest

from truetwin.errors import AlignmentError, DataError
from truetwin.voice.people.annotator_files import Annotator
from truetwin.voice.people.blinded_samples import KeyEntry, SampleKey
from truetwin.voice.people.rater_study import accuracy_rows, agreement_rows, corrected_rows, make_study
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome

LETTERS = {"A": "o1", "B": "o2", "C": "o3", "D": "o4"}


def key_of(protocol: Protocol, n: int, model: str = "") -> SampleKey:
    letters = {} if protocol is Protocol.SCORING else LETTERS
    answer = None if protocol is Protocol.SCORING else "A"
    tasks = {f"t{k}": KeyEntry(f"i{k}", model, f"p{k}", "social", letters, answer) for k in range(n)}
    return SampleKey("s", protocol, tasks, n, 0)


def annotator(name: str, labels: str) -> Annotator:
    return Annotator(name, {f"t{k}": label for k, label in enumerate(labels) if label != "-"})


def picked(k: int, option: str, model: str = "m", **fields: str) -> Outcome:
    return choice_outcome(f"i{k}", tuple(LETTERS.values()), "o1", option, model=model, **fields)


PEOPLE = [annotator("x", "AABAC-"), annotator("y", "AABDD-"), annotator("z", "ACBAA-")]


def test_accuracy_comes_over_answered_and_over_all_tasks() -> None:
    study = make_study(key_of(Protocol.CHOICE, 6), PEOPLE, [picked(k, "o1") for k in range(4)])
    rows = {
        row["rater"] if row["what"] in ("annotator", "model") else row["what"]: row
        for row in accuracy_rows(study)
    }
    assert (rows["x"]["value"], rows["x"]["value_all"], rows["x"]["n_unanswered"]) == (3 / 5, 3 / 6, 1)
    assert (rows["m"]["value"], rows["m"]["value_all"], rows["m"]["n"]) == (1.0, 4 / 6, 4)
    assert rows["human mean"]["value"] == pytest.approx(np.mean([1, 2 / 3, 0, 2 / 3, 1 / 3]))
    vote = rows["human vote"]  # A, A, B, A win; the fifth task is tied, the sixth unrated
    assert (vote["value"], vote["n"], vote["n_tied"], vote["value_all"]) == (3 / 4, 4, 1, 3 / 6)


@pytest.mark.extra("voice")
def test_agreement_has_people_models_and_the_vote() -> None:
    study = make_study(key_of(Protocol.CHOICE, 6), PEOPLE, [picked(k, f"o{k % 4 + 1}") for k in range(6)])
    found = {(row["what"], row["measure"]): row for row in agreement_rows(study, resamples=100)}
    assert set(found) == {
        ("human-human", "kappa"),
        ("human-human", "alpha-nominal"),
        ("model-human", "kappa"),
        ("model-human", "alpha-nominal"),
        ("model-vote", "kappa"),
    }
    assert found["human-human", "kappa"]["n"] == 5


def test_one_annotator_alone_agrees_with_nobody() -> None:
    assert agreement_rows(make_study(key_of(Protocol.CHOICE, 6), PEOPLE[:1])) == []


def test_a_judge_s_generosity_is_corrected_by_people() -> None:
    random = np.random.default_rng(0)
    truth = np.clip(np.round(random.normal(3, 0.9, 400)), 1, 5)
    judged = np.clip(truth + (random.random(400) < 0.6), 1, 5)
    outcomes = [
        Outcome(f"i{k}", Protocol.SCORING, Status.DONE, "m", score=float(v), judge="j")
        for k, v in enumerate(judged)
    ]
    outcomes.append(Outcome("i400", Protocol.SCORING, Status.UNSCORED, "m", judge="j"))
    key = key_of(Protocol.SCORING, 60, model="m")
    people = [annotator(name, "".join(str(int(v)) for v in truth[:60])) for name in "xy"]
    (row,) = corrected_rows(make_study(key, people, outcomes), outcomes)
    assert row["judge_mean"] - truth.mean() > 0.4
    assert row["ci_low"] < truth.mean() < row["ci_high"]
    assert abs(row["value"] - truth.mean()) < 0.15
    assert (row["n"], row["n_population"], row["n_unscored"]) == (60, 400, 1)


def test_a_correction_without_people_is_undefined_not_zero() -> None:
    outcomes = [picked(k, "o1", "other", judge="j") for k in range(3)]
    outcomes = [Outcome(**{**o.__dict__, "protocol": Protocol.MAP_TO_OPTIONS}) for o in outcomes]
    (row,) = corrected_rows(make_study(key_of(Protocol.MAP_TO_OPTIONS, 6, "m"), PEOPLE[:1]), outcomes)
    assert (row["n"], math.isnan(row["value"])) == (0, True)


def test_a_judge_who_always_agrees_with_people_gets_no_interval_of_no_width() -> None:
    outcomes = [Outcome(f"i{k}", Protocol.SCORING, Status.DONE, "m", score=3.0, judge="j") for k in range(40)]
    people = [annotator(name, "3" * 10) for name in "xy"]
    (row,) = corrected_rows(make_study(key_of(Protocol.SCORING, 10, "m"), people, outcomes), outcomes)
    assert row["value"] == pytest.approx(3.0)
    assert math.isnan(row["ci_low"])


def test_a_choice_has_no_judge_to_correct() -> None:
    with pytest.raises(DataError, match="no judge"):
        corrected_rows(make_study(key_of(Protocol.CHOICE, 6), PEOPLE), [])


def test_answers_to_other_items_are_refused() -> None:
    with pytest.raises(AlignmentError, match="none of 1 is"):
        make_study(key_of(Protocol.CHOICE, 6), PEOPLE, [picked(99, "o1")])
