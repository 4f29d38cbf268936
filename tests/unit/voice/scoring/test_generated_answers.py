"""Generations and judgements in the published layouts, from made-up files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from truetwin.datasets.pinned_dataset import blob_id
from truetwin.datasets.twinvoice import INTERPERSONAL, SOCIAL, twinvoice
from truetwin.errors import DataError
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.protocols.outcomes import Protocol, Status
from truetwin.voice.scoring.score_table import score_answers
from truetwin.voice.scoring.stored_answers import read_answers
from truetwin.voice.scoring.stored_reply_metrics import text_rows
from voice_examples import interpersonal_record, novel_record, social_record, write_lines

NAME = "lmut-qwen-x_judge-gpt-y_range-1-9"


@pytest.fixture(autouse=True)
def empty_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mirror = tmp_path / "mirror"
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(mirror))
    return mirror


def generated(
    record: dict[str, Any], reply: str = "写的", status: str = "Success", **more: Any
) -> dict[str, Any]:
    return {**record, "lmut_reply": reply, "step1_status": status, **more}


def ranking(letter: str | None, identity: str | None, **more: Any) -> dict[str, Any]:
    candidates = {k: {"text": k, "identity": "LMUT" if k == "C" else "DISTRACTOR"} for k in "ABCD"}
    chosen = None if identity is None else identity == "LMUT"
    return {
        "shuffled_candidates": candidates, "judge_choice_letter": letter, "judge_choice_identity": identity,
        "is_lmut_chosen": chosen, "step2_status": "Success", "judge_reasoning": "closest", **more,
    }  # fmt: skip


def marks(
    score: int | None, *, status: str = "Success", level: str = "Medium", **more: Any
) -> dict[str, Any]:
    analysis = {
        "opinion_consistency": {"is_consistent": True, "justification": "yes"},
        "logical_factual_fidelity": {"is_faithful": False},
        "stylistic_similarity": {"similarity_level": level},
    }
    result = (
        None if score is None else {"analysis": analysis, "final_score": score, "final_justification": "so"}
    )
    return {"judge_status": status, "judge_result": result, **more}


def test_generations_bring_their_items_and_histories(tmp_path: Path) -> None:
    lines = [generated(social_record(k, line_idx=k)) for k in (1, 2)]
    lines += [generated(social_record(3), "", "API_ERROR: timed out", line_idx=3)]
    lines += [generated(social_record(4), "?", "PARSE_ERROR: no JSON", line_idx=4)]
    found = read_answers(write_lines(tmp_path / f"step1_generations_{NAME}.jsonl", lines))
    assert [(o.item_id, o.status, o.reply) for o in found.outcomes] == [
        ("social-0001", Status.DONE, "写的"),
        ("social-0002", Status.DONE, "写的"),
        ("social-0003", Status.FAILED, ""),
        ("social-0004", Status.DONE, ""),
    ]
    assert {o.model for o in found.outcomes} == {"qwen-x"}
    assert found.items is not None
    assert (found.items[0].persona.id, len(found.items[0].history)) == ("101", 3)
    assert text_rows([found])[0]["n_failed"] == 2


def test_the_judges_choice_among_distractors_is_read(tmp_path: Path) -> None:
    lines = [
        generated(social_record(1), **ranking("C", "LMUT")),
        generated(social_record(2), **ranking("A", "DISTRACTOR")),
        generated(social_record(3), **ranking(None, None, step2_status="PARSE_ERROR: no letter")),
        generated(social_record(4), "", "API_ERROR: 500", **ranking(None, None, step2_status="Skipped")),
        generated(social_record(5), "", "PARSE_ERROR: cut", **ranking(None, None, step2_status="Skipped")),
        generated(social_record(6), is_lmut_chosen=True),
    ]
    found = read_answers(write_lines(tmp_path / f"step2_judgements_{NAME}.jsonl", lines))
    S = Status
    assert [o.status for o in found.outcomes] == [
        S.CORRECT, S.INCORRECT, S.UNSCORED, S.FAILED, S.INCORRECT, S.CORRECT,
    ]  # fmt: skip
    first = found.outcomes[0]
    assert (first.protocol, first.model, first.judge) == (Protocol.REPLY_VS_DISTRACTORS, "qwen-x", "gpt-y")
    assert (first.answer_position, first.picked_position) == (2, 2)
    assert found.outcomes[1].picked_position == 0
    score = score_answers([found]).entries[0].score
    assert (score.n, score.n_answered, score.n_failed, score.n_unscored) == (6, 3, 1, 1)


def test_a_judgement_that_contradicts_itself_is_named_by_line(tmp_path: Path) -> None:
    lines = [generated(social_record(1), **ranking("A", "LMUT"))]
    with pytest.raises(DataError, match=r"line 1: .* must agree"):
        read_answers(write_lines(tmp_path / "step2_judgements.jsonl", lines))


def test_replies_mapped_to_options_are_read(tmp_path: Path) -> None:
    record = novel_record("Hill", "00001", "Ada Mill", "Why?")
    lines = [
        generated(record, line_idx=1, mapped_choice="B", gold_letter="B", acc_gen=1, judge_map_raw="B"),
        generated(record, line_idx=2, mapped_choice="A", gold_letter="B", acc_gen=0, judge_map_raw="A"),
        generated(record, line_idx=3, mapped_choice=None, gold_letter="B", acc_gen=0, judge_map_raw="either"),
    ]
    found = read_answers(write_lines(tmp_path / "step2_map.jsonl", lines))
    assert [(o.protocol, o.status) for o in found.outcomes] == [
        (Protocol.MAP_TO_OPTIONS, Status.CORRECT),
        (Protocol.MAP_TO_OPTIONS, Status.INCORRECT),
        (Protocol.MAP_TO_OPTIONS, Status.UNSCORED),
    ]
    assert found.items is not None
    assert found.items[0].true_option.text == "Why?"


def test_a_file_may_hold_both_estimands_and_marks(tmp_path: Path) -> None:
    record = {"chunk_id": "1", "context": "Scene.", "choices": list("wxyz"), "answer_idx": 1}
    line = generated(
        record, mapped_choice="B", gold_letter="B", acc_gen=True, **ranking("A", "DISTRACTOR"), **marks(4)
    )
    found = read_answers(write_lines(tmp_path / "all.jsonl", [line]))
    assert {o.protocol.value: o.status.value for o in found.outcomes} == {
        "reply-vs-distractors": "incorrect",
        "map-to-options": "correct",
        "scoring": "done",
    }


def test_marks_are_read_with_their_pillars(tmp_path: Path) -> None:
    lines = [
        generated(
            interpersonal_record(1, line_idx=7),
            **marks(5, level="High", score_gen_1to5=5, score_gen_norm=1.0),
        ),
        generated(
            interpersonal_record(2, line_idx=9),
            **marks(2, level="Low", score_gen_1to5=2, score_gen_norm=0.25),
        ),
        generated(interpersonal_record(3, line_idx=11), **marks(None, status="Failed")),
    ]
    found = read_answers(write_lines(tmp_path / "Score_and_Analysis_by_gpt-y.jsonl", lines))
    row = score_answers([found]).rows()[0]
    assert (row["judge"], row["n_unscored"], row["mean_score"], row["score_0_to_1"]) == (
        "gpt-y",
        1,
        3.5,
        0.625,
    )
    assert (row["opinion"], row["logic"], row["style"]) == (100.0, 0.0, 50.0)
    assert found.outcomes[0].item_id == "interpersonal-0007"


def test_the_writer_of_marked_replies_is_found_in_the_file_of_generations_beside(tmp_path: Path) -> None:
    lines = [generated(interpersonal_record(k, line_idx=k), f"ответ {k}") for k in (1, 2)]
    write_lines(tmp_path / "step1_generations_Small-7B.jsonl", lines)
    path = write_lines(tmp_path / "Score_and_Analysis_by_j.jsonl", [{**line, **marks(3)} for line in lines])
    assert {o.model for o in read_answers(path).outcomes} == {"Small-7B"}


@pytest.mark.parametrize("score", [0, 6, "high"])
def test_a_mark_outside_the_scale_leaves_the_reply_unscored(tmp_path: Path, score: Any) -> None:
    lines = [generated(interpersonal_record(1), **marks(score))]
    assert read_answers(write_lines(tmp_path / "s.jsonl", lines)).outcomes[0].status is Status.UNSCORED


def test_choices_of_dimension_2_are_read_in_any_order(
    tmp_path: Path, empty_mirror: Path, monkeypatch: Any
) -> None:
    published = [interpersonal_record(k) for k in range(1, 5)]

    def answer(k: int, letter: str | None) -> dict[str, Any]:
        record = interpersonal_record(k)
        right = record.pop("answer_idx")
        record.pop("history")
        place = None if letter is None else "ABCD".index(letter)
        return {**record, "history_count": 3, "predicted_choice": letter, "predicted_index": place,
                "answer_index": right, "correct": place == right}  # fmt: skip

    path = write_lines(tmp_path / "results_test.jsonl", [answer(3, "A"), answer(1, "A"), answer(2, None)])
    alone = read_answers(path)
    assert [o.status.value for o in alone.outcomes] == ["correct", "incorrect", "incorrect"]
    assert len({o.item_id for o in alone.outcomes} | {f"interpersonal-000{k}" for k in range(1, 4)}) == 6
    file = empty_mirror / "TwinBench" / INTERPERSONAL
    file.parent.mkdir(parents=True)
    write_lines(file, published)
    monkeypatch.setitem(twinvoice.files, INTERPERSONAL, blob_id(file))
    found = read_answers(path)
    assert [o.item_id for o in found.outcomes] == [f"interpersonal-000{k}" for k in (3, 1, 2)]
    assert found.items is not None
    assert len(found.items[0].history) == 3


def test_items_given_are_found_by_content_and_others_get_no_id_of_theirs(tmp_path: Path) -> None:
    known = load_source(
        str(write_lines(tmp_path / "items.jsonl", [social_record(5), social_record(6)]))
    ).items
    lines = [generated(social_record(6)), generated(social_record(8))]
    found = read_answers(write_lines(tmp_path / "step1_generations_m.jsonl", lines), items=known)
    assert [o.item_id for o in found.outcomes] == ["social-0002", "social-0002 of the file"]


def test_stored_social_answers_get_the_published_histories(
    tmp_path: Path, empty_mirror: Path, monkeypatch: Any
) -> None:
    from voice_examples import social_answer

    file = empty_mirror / "TwinBench" / SOCIAL
    file.parent.mkdir(parents=True)
    write_lines(file, [social_record(k) for k in (1, 2)])
    monkeypatch.setitem(twinvoice.files, SOCIAL, blob_id(file))
    found = read_answers(write_lines(tmp_path / "twin_m_merged.jsonl", [social_answer(k, 0) for k in (1, 2)]))
    assert found.items is not None
    assert [len(item.history) for item in found.items] == [3, 3]
