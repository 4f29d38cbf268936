from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import AlignmentError
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome, write_outcomes
from truetwin.voice.scoring.score_table import score_answers
from truetwin.voice.scoring.stored_answers import read_answers
from truetwin.voice.scoring.stored_reply_metrics import has_unscored_replies, text_rows
from voice_examples import item, items, novel_record, social_answer, write_lines


def outcomes_of(some: list[VoiceItem], model: str, right: int) -> list[Outcome]:
    """Outcomes whose first ``right`` items are right."""
    shown = ("o1", "o2", "o3", "o4")
    return [
        choice_outcome(
            i.item_id,
            shown,
            i.answer,
            i.answer if k < right else next(o for o in shown if o != i.answer),
            model=model,
            dimension=i.dimension,
        )
        for k, i in enumerate(some)
    ]


def test_social_answers_are_read_with_their_failures_told_apart(tmp_path: Path) -> None:
    rows = [
        social_answer(1, 1),
        social_answer(2, 0),
        social_answer(3, -1, reasoning="LLM error: Connection error."),
        social_answer(4, -1, reasoning="LLM error: Unterminated string"),
        social_answer(
            5, -1, reasoning="LLM did not return a valid JSON object. Response: connection with 429 fans"
        ),
    ]
    answers = read_answers(write_lines(tmp_path / "pchatbot_twin_gpt-x_merged.jsonl", rows))
    statuses = [o.status for o in answers.outcomes]
    assert statuses == [Status.CORRECT, Status.INCORRECT, Status.FAILED, Status.INCORRECT, Status.INCORRECT]
    assert [o.is_malformed for o in answers.outcomes] == [False, False, False, True, True]
    assert {o.model for o in answers.outcomes} == {"gpt-x"}
    assert answers.items is not None
    assert answers.items[0].true_option.text == "回复1之1"


def test_narrative_answers_and_replies_are_read(tmp_path: Path) -> None:
    choice = {"chunk_id": "00001", "speaker": "Ada", "choice": "B", "answer": "B", "correct": True}
    chosen = read_answers(
        write_lines(tmp_path / "c.jsonl", [choice, {**choice, "choice": "E"}]), model="some-model"
    )
    assert [o.status for o in chosen.outcomes] == [Status.CORRECT, Status.INCORRECT]
    assert chosen.outcomes[1].is_malformed
    assert chosen.outcomes[0].model == "some-model"
    record = novel_record("Hill", "00001", "Ada Mill", "Why?")
    written = [
        {**record, "line_idx": 1, "lmut_reply": "Because.", "step1_status": "Success"},
        {**record, "line_idx": 2, "lmut_reply": "", "step1_status": "Error: timeout"},
    ]
    replies = read_answers(write_lines(tmp_path / "step1_generations_lmut-m-1_choices.jsonl", written))
    assert [(o.status, o.reply, o.model) for o in replies.outcomes] == [
        (Status.DONE, "Because.", "m-1"),
        (Status.FAILED, "", "m-1"),
    ]


@pytest.mark.extra("voice")
def test_replies_are_put_beside_the_true_ones(tmp_path: Path) -> None:
    some = items(6)
    written = [
        Outcome(i.item_id, Protocol.REPLY, Status.DONE, "m", i.dimension, reply=i.true_option.text)
        for i in some[:5]
    ]
    lost = Outcome(some[5].item_id, Protocol.REPLY, Status.FAILED, "m", some[5].dimension)
    path = tmp_path / "replies.jsonl"
    write_outcomes(path, [*written, lost])
    answers = [read_answers(path)]
    rows = {row["metric"]: row for row in text_rows(answers, items=some)}
    assert (rows["bleu-1"]["mean"], rows["bleu-1"]["n"], rows["bleu-1"]["n_failed"]) == (
        pytest.approx(100.0),
        5,
        1,
    )
    assert text_rows(answers) == []
    assert has_unscored_replies(answers, None)
    assert not has_unscored_replies(answers, some)


def test_our_own_outcomes_are_scored_with_the_baseline_of_their_items(tmp_path: Path) -> None:
    some = items(40)
    path = tmp_path / "own.jsonl"
    write_outcomes(path, outcomes_of(some, "m", right=30))
    (row,) = score_answers([read_answers(path)], items=some).rows()
    assert (row["n"], row["accuracy_all"], row["accuracy_answered"]) == (40, 75.0, 75.0)
    assert row["baseline_accuracy"] == 100.0  # the true reply is always the shortest
    assert row["over_baseline"] == -25.0
    assert row["n_personas"] == 3
    assert row["ci_low"] < 75.0 < row["ci_high"]


def test_only_the_items_asked_for_count(tmp_path: Path) -> None:
    some = items(12)
    path = tmp_path / "own.jsonl"
    write_outcomes(path, outcomes_of(some, "m", right=6))
    board = score_answers([read_answers(path)], items=[*some[:6], item(99)], with_baseline=False)
    (row,) = board.rows()
    assert (row["n"], row["accuracy_all"], row["n_missing"]) == (6, 100.0, 1)
    assert "6 answers to other items are left out" in board.notes[0]


def test_items_of_another_benchmark_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    write_outcomes(path, outcomes_of(items(3), "m", right=1))
    with pytest.raises(AlignmentError, match="'i0' in the answers and 'i77'"):
        score_answers([read_answers(path)], items=[item(77)])


def test_every_pair_of_models_is_tested_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for name, right in (("one", 40), ("two", 8), ("three", 8)):
        paths.append(tmp_path / f"{name}.jsonl")
        write_outcomes(paths[-1], outcomes_of(items(40), "m" if name != "three" else "n", right))
    board = score_answers([read_answers(p) for p in paths], with_baseline=False)
    pairs = [(c["first"], c["second"], c["difference"]) for c in board.comparisons]
    assert pairs == [
        (f"m ({paths[0]})", f"m ({paths[1]})", 80.0),
        (f"m ({paths[0]})", "n", 80.0),
        (f"m ({paths[1]})", "n", 0.0),
    ]
    assert all(c["cluster_p_holm"] >= c["cluster_p"] for c in board.comparisons)
