"""The recipes of CONTRIBUTING.md, followed."""

from __future__ import annotations

import hashlib
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration.paper.fit_and_transfer import LinearTransfer
from truetwin.data import ResponseMatrix
from truetwin.datasets import Dataset, Repository, generate_population
from truetwin.errors import DatasetError
from truetwin.io import read_responses
from truetwin.llm import Cell, Reply, models
from truetwin.llm.prompts import parse_prompt
from truetwin.voice.items import voice_items
from truetwin.voice.items.dimensions import loading
from truetwin.voice.protocols import item_rendering, voice_task
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.free_replies import ReplyTask

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


def follow(recipe: str, **names: Any) -> dict[str, Any]:
    """What the code under a heading defines."""
    _, _, text = CONTRIBUTING.read_text(encoding="utf-8").partition(f"\n## {recipe}\n")
    (code,) = re.findall(r"```python\n(.*?)```", text.partition("\n## ")[0], flags=re.DOTALL)
    exec(textwrap.dedent(code.replace("\n   ", "\n").removeprefix("   ")), names)
    return names


def test_a_calibrator_written_as_described_works_on_both_axes() -> None:
    space = follow("A calibrator", LinearTransfer=LinearTransfer, np=np)
    nearest = space["NearestDonor"]()
    panel = generate_population(80, 16, n_new_items=2, n_new_respondents=2).panel
    result = tt.calibrate(panel, nearest)
    assert result.frame().num_columns == 17
    scores = tt.evaluate(panel, {"twin": _named("twin"), "nearest-donor": nearest})
    assert [row["method"] for row in scores.summary()] == ["twin", "nearest-donor"]
    assert scores.summary()[1]["n_scored"] == 14


def _named(name: str):  # type: ignore[no-untyped-def]
    from truetwin.calibration import methods

    return methods[name].make()


def made_up(tmp_path: Path, content: str) -> Dataset:
    path = tmp_path / "ten" / "data" / "human.csv"
    path.parent.mkdir(parents=True)
    path.write_text(content)

    def load() -> ResponseMatrix:
        return read_responses(dataset.fetch("data/human.csv"))

    dataset = Dataset(
        name="ten-rows",
        title="Ten made-up people",
        licence="CC0",
        citation="nobody (2026)",
        repository=Repository("ten", "https://example.invalid/ten", "0" * 40),
        files={"data/human.csv": hashlib.sha256(TEN_ROWS.encode()).hexdigest()},
        load=load,
    )
    return dataset


TEN_ROWS = "id,Q1,Q2\n" + "".join(f"{k:03d},{k % 5 + 1},{k % 3 + 1}\n" for k in range(10))


def test_a_dataset_is_one_spec_and_one_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = made_up(tmp_path, TEN_ROWS)
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(tmp_path))
    assert dataset.load().shape == (10, 2)
    assert dataset.is_available("data/human.csv")


def test_a_dataset_with_other_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = made_up(tmp_path, TEN_ROWS.replace("000", "999"))
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(tmp_path))
    with pytest.raises(DatasetError, match="pinned content"):
        dataset.load()


def test_a_dataset_that_is_not_in_the_mirror_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made_up(tmp_path / "elsewhere", TEN_ROWS)
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(tmp_path))
    with pytest.raises(DatasetError, match=r"ten/data/human\.csv"):
        dataset.load()


def test_a_kind_of_model_is_one_class_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_entries", dict(models._entries))
    follow("A kind of model", Reply=Reply, models=models)
    asked = [tt.Item("Q1", "Do you like tea?", tt.Scale.ordinal(1, 5))]
    summary, answers = tt.simulate([tt.Persona("anna", "A cook.")], asked, "constant:4", tmp_path)
    assert summary.complete
    assert answers.values.tolist() == [[4.0]]


def test_a_dimension_is_its_constants_its_records_and_its_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_items, "DIMENSIONS", (*voice_items.DIMENSIONS, "letters"))
    monkeypatch.setitem(item_rendering.KINDS, "letters", "answer")  # type: ignore[arg-type]
    monkeypatch.setitem(item_rendering.TURN_WORDS, "letters", ("Letter", "Answer"))  # type: ignore[arg-type]

    def prompt(package: str, name: str) -> Any:
        like = name.replace("letters", "social")
        text = (Path(tt.__file__).parent / "voice" / "prompts" / f"{like}.txt").read_text(encoding="utf-8")
        return parse_prompt(name, text.replace("post", "letter"))

    monkeypatch.setattr(voice_task, "packaged_prompt", prompt)
    shared = ("indexed_options", "load_records", "text_field")
    module = follow(
        "A dimension of the voice benchmark",
        VoiceItem=voice_items.VoiceItem,
        VoicePersona=voice_items.VoicePersona,
        **{name: getattr(loading, name) for name in shared},
    )
    path = tmp_path / "letters.jsonl"
    path.write_text(
        '{"writer": "anna", "letter": "Dear Anna, any snow?", "choices": ["No.", "Yes.", "Why?", "Ask Ben."], '
        '"answer_idx": 1}\n'
    )
    (item,) = module["load"](path).items
    assert (item.item_id, item.true_option.text) == ("letters-0001", "Yes.")
    for each in (ChoiceTask([item], voice_task.Setup()), ReplyTask([item], voice_task.Setup())):
        (cell,) = each.cells()
        shown = each.request(cell).messages[1].content
        assert "Dear Anna, any snow?" in shown
        assert "a new letter" in shown
    assert cell == Cell("anna", "letters-0001", each.step)
