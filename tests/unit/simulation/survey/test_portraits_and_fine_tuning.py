from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.persona import Persona
from truetwin.errors import DataError, ParameterError
from truetwin.llm import Cell, Reply, State
from truetwin.simulation.personas.persona_builders import PersonaSource
from truetwin.simulation.survey.fine_tuning import split_people, write_fine_tuning
from truetwin.simulation.survey.portraits import PortraitTask
from truetwin.simulation.survey.survey_task import SurveyTask

SCALE = Scale.ordinal(1, 2, labels={1: "no", 2: "yes"})
ITEMS = {
    i: Item(i, f"Do you like {i}?", SCALE, block)
    for i, block in (("tea", None), ("rain", None), ("snow", "weather"))
}
PEOPLE = [str(k) for k in range(20)]
ANSWERS = ResponseMatrix(
    np.where(np.arange(60).reshape(20, 3) % 7 == 0, np.nan, 1 + np.arange(60).reshape(20, 3) % 2),
    PEOPLE,
    ITEMS.values(),
)


def test_a_portrait_is_drawn_from_what_may_be_shown() -> None:
    task = PortraitTask(PersonaSource(ANSWERS, ITEMS, ["snow"]), words=80)
    prompt = task.request(Cell("1", "portrait", "portrait")).messages[1].content
    assert "Do you like tea?" in prompt
    assert "snow" not in prompt
    assert "at most 80 words" in prompt
    assert [c.step for c in task.cells()] == ["portrait"] * 20


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply("This person likes tea and stays in when it rains."), State.VALID),
        (Reply("A person."), State.UNPARSEABLE),
        (Reply("I'm sorry, but I cannot describe private people."), State.REFUSED),
        (Reply("This person likes tea and stays in when it", finish_reason="length"), State.TRUNCATED),
        (Reply("", refusal="No."), State.REFUSED),
    ],
)
def test_how_a_portrait_ends(reply: Reply, state: State) -> None:
    task = PortraitTask(PersonaSource(ANSWERS, ITEMS))
    assert task.parse(Cell("1", "portrait", "portrait"), reply).state is state


def test_people_are_divided_whole() -> None:
    split = split_people(PEOPLE, n_people=10, validation=0.2, seed=3)
    assert (len(split.train), len(split.validation), len(split.left)) == (8, 2, 10)
    assert sorted([*split.train, *split.validation, *split.left]) == sorted(PEOPLE)
    assert split == split_people(PEOPLE, n_people=10, validation=0.2, seed=3)
    assert split != split_people(PEOPLE, n_people=10, validation=0.2, seed=4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_people": 21, "validation": 0.1},
        {"n_people": 1, "validation": 0.5},
        {"n_people": 5, "validation": 1.0},
    ],
)
def test_splits_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        split_people(PEOPLE, **wrong)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_files_hold_own_answers_and_never_a_target(tmp_path: Path) -> None:
    personas = [Persona(p, f"Person number {p}.") for p in PEOPLE]
    task = SurveyTask(personas, [ITEMS["tea"], ITEMS["rain"]], catalogue=ITEMS)
    split = split_people(PEOPLE, n_people=10, validation=0.2)
    counts = write_fine_tuning(task, ANSWERS, tmp_path, split, targets=["snow"], catalogue=ITEMS)
    files = {name: lines(tmp_path / name) for name in ("train.jsonl", "validation.jsonl")}
    assert counts == {name: len(found) for name, found in files.items()}
    for name, people in (("train.jsonl", split.train), ("validation.jsonl", split.validation)):
        for example in files[name]:
            roles = [m["role"] for m in example["messages"]]
            assert roles == ["system", "user", "assistant"]
            who = example["messages"][1]["content"].split("Person number ")[1].split(".")[0]
            assert who in people
            item = "tea" if "like tea" in example["messages"][1]["content"] else "rain"
            answer = ANSWERS.values[PEOPLE.index(who), ANSWERS.item_ids.index(item)]
            assert float(example["messages"][2]["content"]) == answer
    text = "".join((tmp_path / name).read_text(encoding="utf-8") for name in files)
    assert "snow" not in text
    record = json.loads((tmp_path / "fine-tuning.json").read_text(encoding="utf-8"))
    assert set(record["people"]["left_for_measuring"]) == set(split.left)
    observed = np.isfinite(
        ANSWERS.values[[PEOPLE.index(w) for w in (*split.train, *split.validation)]][:, :2]
    ).sum()
    assert sum(counts.values()) == observed


def test_a_target_is_not_learned(tmp_path: Path) -> None:
    task = SurveyTask([Persona(p, "x") for p in PEOPLE], [ITEMS["tea"], ITEMS["snow"]])
    split = split_people(PEOPLE, n_people=10, validation=0.2)
    with pytest.raises(DataError, match="'snow'"):
        write_fine_tuning(task, ANSWERS, tmp_path, split, targets=["snow"], catalogue=ITEMS)
    assert list(tmp_path.iterdir()) == []
