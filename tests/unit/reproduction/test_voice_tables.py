"""Tables 3 and 5 of paper B beside stored answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import DatasetError
from truetwin.reproduction import voice_tables
from truetwin.reproduction.voice_tables import (
    NO_MODEL,
    NOT_GIVEN,
    NOT_IN_COMMIT,
    NOT_IN_MIRROR,
    cells_without_answers,
    paper_model,
    published_voice,
    reproduce_voice,
    stored_answers,
    why_without_answers,
)
from voice_examples import social_answer, write_lines


def social_file(folder: Path, model: str) -> Path:
    """Four right answers, three wrong ones and one that is lost, of a model."""
    rows = [social_answer(k, k % 4 if k < 4 else (k + 1) % 4) for k in range(7)]
    rows.append(social_answer(7, -1, reasoning="LLM error: Connection error."))
    return write_lines(folder / f"pchatbot_twin_{model}_merged.jsonl", rows)


def test_accuracies_stand_beside_the_printed_ones_of_the_same_model(tmp_path: Path) -> None:
    (row,) = reproduce_voice("voice-table-3", [social_file(tmp_path, "gpt-4o-mini-2024")])
    assert (row["n"], row["n_answered"]) == (8, 7)
    assert row["accuracy_answered"] == pytest.approx(100 * 4 / 7)
    assert row["accuracy_all"] == pytest.approx(100 * 4 / 8)
    assert (row["paper_model"], row["dimension"], row["metric"]) == ("GPT-4o-mini", "social", "accuracy")
    printed = published_voice()["voice-table-3"]["GPT-4o-mini"]["social"]["accuracy"]
    assert row["paper"] == printed
    assert row["difference"] == pytest.approx(100 * 4 / 7 - printed)


def test_a_model_that_the_paper_has_not_tested_has_no_figure_beside_it(tmp_path: Path) -> None:
    (row,) = reproduce_voice("voice-table-3", [social_file(tmp_path, "our-own-model")])
    assert (row["paper_model"], row["paper"], row["difference"]) == (None, None, None)
    assert row["accuracy_all"] == pytest.approx(50.0)


def test_cells_that_no_answers_exist_for_are_listed(tmp_path: Path) -> None:
    rows = reproduce_voice("voice-table-3", [social_file(tmp_path, "gpt-4o-mini")])
    missing = cells_without_answers("voice-table-3", rows)
    printed = [
        (model, dimension, metric)
        for model, dimensions in published_voice()["voice-table-3"].items()
        for dimension, metrics in dimensions.items()
        if dimension != "average"
        for metric in metrics
    ]
    assert len(missing) == len(printed) - 1
    assert "GPT-4o-mini, social, accuracy" not in missing
    assert "GPT-4o-mini, narrative, accuracy" in missing
    assert len(cells_without_answers("voice-table-3", [])) == len(printed)


def test_what_the_published_commit_holds_is_said_not_to_be_in_this_mirror(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(tmp_path))
    cells = [
        "Qwen2.5-14B, social, accuracy_gen",
        "Qwen2.5-14B, social, score_gen",
        "Qwen2.5-14B, social, meteor",
        "DeepSeek-V3, social, accuracy",
        "GPT-4o-mini, narrative, accuracy",
    ]
    assert why_without_answers(cells) == {NOT_IN_MIRROR: cells[:-1], NOT_IN_COMMIT: cells[-1:]}
    assert why_without_answers(cells, given=True) == {NOT_GIVEN: cells}


def test_replies_that_are_here_lack_a_model_for_bertscore_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(voice_tables.twinvoice), "is_available", lambda self, path: True)
    cell = "Qwen2.5-14B, narrative, bertscore"
    assert why_without_answers([cell]) == {NO_MODEL: [cell]}


def test_without_stored_answers_it_is_said_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_tables, "available_answers", lambda: [])
    with pytest.raises(DatasetError, match="truetwin datasets fetch twinvoice"):
        stored_answers()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-5-chat-latest", "GPT-5-Chat"),
        ("openai/GPT_4o_mini", "GPT-4o-mini"),
        ("gpt-4o", None),  # a shorter name is another model
        ("Qwen/Qwen2.5-14B-Instruct", "Qwen2.5-14B"),
        ("", None),
    ],
)
def test_a_model_is_known_whatever_its_suffix_or_provider(name: str, expected: str | None) -> None:
    assert paper_model(name) == expected
