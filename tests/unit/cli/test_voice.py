from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.cli import main
from truetwin.voice.items.voice_items import read_voice_items, write_voice_items
from truetwin.voice.protocols.outcomes import choice_outcome, write_outcomes
from voice_examples import items, social_answer, write_lines


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def item_file(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, items(40))
    return path


@pytest.fixture
def answer_file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    shown = ("o1", "o2", "o3", "o4")
    write_outcomes(path, [choice_outcome(i.item_id, shown, i.answer, "o1", model="m") for i in items(40)])
    return path


def test_score_prints_one_row_a_file_and_comparisons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        write_lines(
            tmp_path / f"twin_m{k}_merged.jsonl", [social_answer(j, (j + k) % 4) for j in range(1, 21)]
        )
        for k in range(2)
    ]
    code, out, _ = run(capsys, "voice", "score", *paths, "--json")
    found = json.loads(out)
    assert (code, found["command"], found["settings"]["unit"]) == (0, "voice score", "percent")
    assert [(r["model"], r["n"], r["accuracy_all"]) for r in found["rows"]] == [
        ("m0", 20, 100.0),
        ("m1", 20, 0.0),
    ]
    needed = {"file", "dimension", "model", "protocol", "n", "n_answered", "n_failed", "accuracy_answered"}
    assert needed | {"accuracy_all", "ci_low", "ci_high"} <= set(found["rows"][0])
    assert found["comparisons"][0]["difference"] == 100.0


def test_score_takes_the_folder_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ("o1", "o2", "o3", "o4")
    outcomes = [choice_outcome(i.item_id, shown, i.answer, "o1", model="m") for i in items(4)]
    write_outcomes(tmp_path / "choice.jsonl", outcomes)
    code, out, _ = run(capsys, "voice", "score", tmp_path, "--json")
    assert (code, [row["n"] for row in json.loads(out)["rows"]]) == (0, [4])


def test_score_with_items_shows_the_baseline(
    item_file: Path, answer_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "voice", "score", answer_file, "--items", item_file)
    assert code == 0
    assert "best guess without persona" in out
    assert "25.00" in out
    assert "no baseline" not in err
    _, _, err = run(capsys, "voice", "score", answer_file)
    assert "name them with --items" in err


def test_what_was_not_answered_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_lines(
        tmp_path / "twin_m_merged.jsonl", [social_answer(k, -1 if k < 4 else 1) for k in range(1, 9)]
    )
    code, _, err = run(capsys, "voice", "score", path)
    assert code == 0
    assert "m, choice: of 8, 3 malformed" in err


@pytest.mark.parametrize("option", [("--bert-model", "./model"), ("--bert-layer", "5")])
def test_a_model_for_bertscore_needs_bertscore(
    answer_file: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str]
) -> None:
    code, _, err = run(capsys, "voice", "score", answer_file, *option)
    assert (code, f"{option[0]} goes with --bert-score" in err) == (2, True)


def test_one_name_does_not_fit_two_files(answer_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "voice", "score", answer_file, answer_file, "--model", "x")
    assert (code, "--model goes with one file; got 2" in err) == (2, True)


def test_audit_of_a_file_writes_a_repaired_release(
    item_file: Path, answer_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_file = tmp_path / "repaired.jsonl"
    code, out, _ = run(
        capsys, "voice", "audit", item_file, "--answers", answer_file, "--repaired", out_file, "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert {"predictor", "n", "accuracy", "ci_low", "ci_high"} <= set(found["rows"][0])
    assert {f["finding"]: f["n"] for f in found["findings"]}["duplicate"] == 0
    assert [p["n"] for p in found["positions"]] == [10, 10, 10, 10]
    assert found["model_positions"][0]["share"] == 100.0
    assert len(read_voice_items(out_file)) == found["repaired"]["n"] == 40


def test_audit_prints_tables_for_people(item_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "voice", "audit", item_file)
    assert code == 0
    assert "40 items, 3 distinct personas, 4 groups" in out
    assert "length-outlier" in out
    assert "without knowing the persona" in err


def test_audit_prints_which_places_a_model_prefers(
    item_file: Path, answer_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "voice", "audit", item_file, "--answers", answer_file)
    assert code == 0
    assert "Options picked by place" in out


def test_histories_that_are_not_known_are_not_called_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(tmp_path / "answers.jsonl", [social_answer(k, 0) for k in range(1, 9)])
    code, out, err = run(capsys, "voice", "audit", path, "--json")
    findings = {f["finding"] for f in json.loads(out)["findings"]}
    assert (code, findings & {"empty history", "leak in history", "stimulus in history"}) == (0, set())
    assert "not the users' histories" in err


def test_audit_reads_a_simple_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        {
            "question": f"Q{k}?",
            "options": ["a", "bb", "ccc", "dddd"],
            "answer": "ABCD"[k % 4],
            "dimension": "social",
        }
        for k in range(8)
    ]
    path = write_lines(tmp_path / "mcq.jsonl", records)
    code, out, _ = run(capsys, "voice", "audit", path, "--json")
    rows = {row["predictor"]: row for row in json.loads(out)["rows"]}
    assert code == 0
    assert rows["shortest"]["accuracy"] == 25.0
    assert "accuracy" not in rows["like-history"]


def test_an_output_never_overwrites_the_items(item_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "voice", "audit", item_file, "--repaired", item_file)
    assert (code, "must not overwrite an input" in err) == (2, True)


def test_items_without_a_match_have_no_matched_subset(
    item_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_file = tmp_path / "matched.jsonl"
    code, _, err = run(capsys, "voice", "audit", item_file, "--matched", out_file)
    assert (code, out_file.exists()) == (2, False)
    assert "no item has options that are alike" in err


def test_published_items_that_are_not_in_the_mirror_are_said_to_be_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = run(capsys, "voice", "audit", "interpersonal")
    assert (code, "not in this mirror" in err, "It is published at" in " ".join(err.split())) == (
        2,
        True,
        True,
    )


def test_voice_tables_take_no_options_of_other_tables(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "reproduce", "voice-table-3", "--methods", "ridge")
    assert (code, "--methods does not go with voice-table-3" in err) == (2, True)


def test_table_3_compares_any_stored_answers_with_the_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [social_answer(k, k % 4 if k <= 9 else -1) for k in range(1, 21)]
    path = write_lines(tmp_path / "twin_gpt-5-chat-latest_merged.jsonl", rows)
    code, out, _ = run(capsys, "reproduce", "voice-table-3", "--answers", path, "--json")
    (row,) = json.loads(out)["rows"]
    assert code == 0
    assert (row["paper_model"], row["paper"]) == ("GPT-5-Chat", 46.9)
    assert (row["accuracy_answered"], row["accuracy_all"]) == (100.0, 45.0)
    assert row["difference"] == pytest.approx(100.0 - 46.9)


def test_tables_without_a_computation_print_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "reproduce", "table-7")
    assert (code, "1e-08" in out, " no " in out) == (0, True, False)
    code, out, err = run(capsys, "reproduce", "voice-table-6")
    assert (code, "0.660" in out, "published no labels" in err) == (1, True, True)
    code, _, err = run(capsys, "reproduce", "voice-table-9")
    assert (code, "There are table-2, table-4, table-5, table-6" in err, "voice-table-6" in err) == (
        2,
        True,
        True,
    )


def test_a_model_for_bertscore_goes_with_table_5(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "reproduce", "voice-table-3", "--bert-model", "m")
    assert (code, "--bert-model goes with voice-table-5" in err) == (2, True)
    code, _, err = run(capsys, "reproduce", "voice-table-5", "--bert-layer", "6")
    assert (code, "--bert-layer goes with --bert-model" in err) == (2, True)
