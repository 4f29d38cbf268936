"""Tables 2, 4 and 6 of paper B, and averages over dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from truetwin.errors import DatasetError, ParameterError
from truetwin.reproduction import voice_statistics
from truetwin.reproduction.voice_averages import averages, models_without_average
from truetwin.reproduction.voice_people import reproduce_people
from truetwin.reproduction.voice_statistics import item_statistics, reproduce_statistics
from truetwin.voice.people.blinded_samples import KeyEntry, SampleKey, write_key
from truetwin.voice.protocols.outcomes import Protocol, choice_outcome, write_outcomes
from voice_examples import item, items

Row = dict[str, Any]
LETTERS = {"A": "o1", "B": "o2", "C": "o3", "D": "o4"}


def test_statistics_count_turns_and_the_tokens_of_both_prompts() -> None:
    some = items(6)
    found = item_statistics(some, turns=1)
    assert (found["instances"], found["personas"]) == (6, len({i.persona.id for i in some}))
    assert found["history_turns"] == sum(len(i.history) for i in some) / 6
    assert found["history_turns_shown"] <= 1
    assert found["prompt_tokens_choose"] > found["prompt_tokens_write"] > 50
    assert item_statistics(some, turns=0)["prompt_tokens_write"] < found["prompt_tokens_write"]


def test_dimensions_without_items_or_histories_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*, remove_leaks: bool) -> None:
        raise DatasetError("not in this mirror")

    sources: Mapping[str, Any] = {
        "social": lambda *, remove_leaks: SimpleNamespace(items=[item(history=())]),
        "interpersonal": unreachable,
        "narrative": None,
    }
    of = {name: SimpleNamespace(published=load) for name, load in sources.items()}
    monkeypatch.setattr(voice_statistics, "voice_dimensions", of)
    rows = {(row["dimension"], row["statistic"]): row for row in reproduce_statistics()}
    assert rows["social", "instances"]["value"] == 1
    assert rows["social", "history_turns"]["value"] is None
    assert "histories are not in this mirror" in rows["social", "history_turns"]["unavailable"]
    assert rows["interpersonal", "instances"]["unavailable"] == "not in this mirror"
    assert rows["narrative", "prompt_tokens_choose"]["paper"] == 934.3


def cell(dimension: str, value: float, metric: str = "accuracy", protocol: str = "choice") -> Row:
    about = {"model": "qwen", "paper_model": "Qwen2.5-14B", "dimension": dimension, "metric": metric, "n": 10}
    return {**about, "protocol": protocol, "accuracy_answered": value, "mean_score": None}


def test_an_average_needs_all_three_dimensions() -> None:
    rows = [cell("social", 30.0), cell("interpersonal", 50.0), cell("narrative", 70.0)]
    (row,) = averages("voice-table-3", rows)
    assert (row["dimension"], row["accuracy_answered"], row["n"]) == ("average", 50.0, 30)
    assert (row["paper"], row["difference"]) == (48.8, pytest.approx(1.2))
    assert models_without_average("voice-table-3", rows) == []
    assert averages("voice-table-3", rows[:2]) == []
    assert averages("voice-table-3", [*rows, rows[0]]) == []  # two results in one dimension
    assert models_without_average("voice-table-3", rows[:2]) == ["qwen, accuracy"]


def test_of_two_rankings_the_papers_counts() -> None:
    kinds = [("social", 20.0), ("interpersonal", 40.0), ("narrative", 60.0)]
    rows = [cell(d, v, "accuracy_gen", "map-to-options") for d, v in kinds]
    rows.append(cell("social", 30.0, "accuracy_gen", "reply-vs-distractors"))
    (row,) = averages("voice-table-3", rows)
    assert row["accuracy_answered"] == pytest.approx(130 / 3)


def sample_of(folder: Path, protocol: Protocol) -> tuple[Path, list[Path]]:
    """A sample of four tasks, labelled by two people who agree on three."""
    scoring = protocol is Protocol.SCORING
    entry = (
        (lambda k: KeyEntry(f"i{k}", "m", f"p{k}", "social", {}, None))
        if scoring
        else (lambda k: KeyEntry(f"i{k}", "", f"p{k}", "social", LETTERS, "A"))
    )
    key = SampleKey("s", protocol, {f"t{k}": entry(k) for k in range(4)}, 4, 0)
    write_key(folder / "key.json", key)
    paths = []
    for name, labels in (("x", "1123" if scoring else "AABC"), ("y", "1133" if scoring else "AABB")):
        path = folder / f"{name}.csv"
        path.write_text("task_id,label\n" + "".join(f"t{k},{v}\n" for k, v in enumerate(labels)))
        paths.append(path)
    return folder / "key.json", paths


@pytest.mark.extra("voice")
def test_people_and_a_model_stand_beside_the_printed_figures(tmp_path: Path) -> None:
    key, people = sample_of(tmp_path, Protocol.CHOICE)
    answers = tmp_path / "answers.jsonl"
    write_outcomes(
        answers, [choice_outcome(f"i{k}", tuple(LETTERS.values()), "o1", "o1", model="m") for k in range(4)]
    )
    rows = {r["what"]: r for r in reproduce_people("voice-table-6", key, people, [answers], resamples=100)}
    assert (rows["accuracy, model"]["value"], rows["accuracy, model"]["paper"]) == (1.0, 0.6)
    assert rows["accuracy, people on average"]["value"] == 0.5
    assert rows["kappa, among people"]["paper"] == 0.69
    assert rows["kappa, model and people"]["rater"] == "m"


@pytest.mark.extra("voice")
def test_marks_are_compared_by_rank_in_table_4_and_choices_refused(tmp_path: Path) -> None:
    key, people = sample_of(tmp_path, Protocol.SCORING)
    (row,) = reproduce_people("voice-table-4", key, people, resamples=100)
    assert (row["protocol"], row["what"], row["paper"]) == ("scoring", "spearman, among people", 0.605)
    with pytest.raises(
        ParameterError, match="voice-table-6 is about choice; the sample 's' is one of scoring"
    ):
        reproduce_people("voice-table-6", key, people)


def test_without_labels_the_printed_figures_stand_alone() -> None:
    rows = reproduce_people("voice-table-6")
    assert [row["paper"] for row in rows] == [0.6, 0.64, 0.66, 0.634, 0.69]
    assert all("published no labels" in row["unavailable"] for row in rows)
    with pytest.raises(ParameterError, match="needs both --key and --annotators"):
        reproduce_people("voice-table-4", Path("key.json"))
