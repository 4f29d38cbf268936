"""Samples for people: drawn fairly, blinded, written, filled in and read back."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona
from truetwin.voice.people.annotation_forms import form_page, write_sample
from truetwin.voice.people.annotator_files import FORMAT, read_annotators
from truetwin.voice.people.blinded_samples import Sample, draw_sample, model_label, read_key
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome

RANKINGS = (Protocol.REPLY_VS_DISTRACTORS, Protocol.MAP_TO_OPTIONS)


def items(n: int = 40, groups: int = 4) -> list[VoiceItem]:
    return [
        VoiceItem(
            f"item-{k}",
            "narrative",
            "en",
            VoicePersona(f"p{k}", f"Name {k}"),
            f"stimulus {k}",
            tuple(
                Option(f"{k}{letter}", f"text {k} {letter}", "true" if letter == "b" else "gpt")
                for letter in "abcd"
            ),
            f"{k}b",
            (Turn(f"=1+{k}", "before"),),
            group=f"novel {k % groups}",
        )
        for k in range(n)
    ]


def replies(n: int = 40) -> list[Outcome]:
    return [
        Outcome(f"item-{k}", Protocol.REPLY, Status.DONE, "secret-model", reply=f"written {k}")
        for k in range(n)
    ]


def sample(protocol: Protocol = Protocol.CHOICE, n: int = 12, seed: int = 0) -> Sample:
    return draw_sample(items(), protocol, n, outcomes=replies(), seed=seed)


def test_a_sample_mirrors_its_strata() -> None:
    groups = Counter(int(e.item_id.split("-")[1]) % 4 for e in sample(n=12).key.tasks.values())
    assert set(groups.values()) == {3}


def test_every_item_has_the_same_chance() -> None:
    pool = items(10, groups=3)
    drawn = Counter(
        entry.item_id
        for seed in range(600)
        for entry in draw_sample(pool, Protocol.CHOICE, 3, seed=seed).key.tasks.values()
    )
    assert min(drawn.values()) > 130
    assert max(drawn.values()) < 230


def test_the_same_seed_draws_the_same_sample() -> None:
    assert sample(seed=3) == sample(seed=3)
    assert sample(seed=3).key.sample != sample(seed=4).key.sample


@pytest.mark.parametrize("protocol", [Protocol.CHOICE, *RANKINGS, Protocol.SCORING])
def test_nothing_that_annotators_see_tells_what_is_right(protocol: Protocol) -> None:
    found = sample(protocol)
    data = form_page(found).partition('id="data">')[2].partition("</script>")[0]
    seen = json.dumps([asdict(t) for t in found.tasks]) + data
    for word in ("item-", "secret-model", "gpt", '"true"', 'answer"', "novel "):
        assert word not in seen


@pytest.mark.parametrize("protocol", [Protocol.CHOICE, *RANKINGS])
def test_the_key_finds_the_right_text_under_its_letter(protocol: Protocol) -> None:
    found = sample(protocol)
    letters = set()
    for task in found.tasks:
        entry = found.key.tasks[task.task_id]
        number = entry.item_id.split("-")[1]
        texts = {c.letter: c.text for c in task.candidates}
        right = f"written {number}" if protocol is Protocol.REPLY_VS_DISTRACTORS else f"text {number} b"
        assert texts[entry.answer or ""] == right
        letters.add(entry.answer)
    assert len(letters) > 1


def test_other_protocols_draw_other_items() -> None:
    drawn = [{e.item_id for e in sample(p).key.tasks.values()} for p in (Protocol.CHOICE, *RANKINGS)]
    assert drawn[0] != drawn[1] != drawn[2]


def test_a_model_s_pick_becomes_the_letter_that_people_saw() -> None:
    found = sample(Protocol.MAP_TO_OPTIONS)
    task, entry = next(iter(found.key.tasks.items()))
    shown = tuple(sorted(entry.letters.values()))
    picked = entry.letters["C"]
    outcome = choice_outcome(
        entry.item_id, shown, entry.letters[entry.answer or ""], picked, protocol=Protocol.MAP_TO_OPTIONS
    )
    assert model_label(found.key, task, outcome) == "C"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"n": 41}, DataError, "between 1 and 40"),
        ({"protocol": Protocol.REPLY}, ParameterError, "nothing to annotate"),
        ({"strata": ("colour",)}, ParameterError, "'colour'"),
        ({"protocol": Protocol.SCORING, "outcomes": ()}, DataError, "between 1 and 0"),
        ({"protocol": Protocol.SCORING, "outcomes": replies(41)}, DataError, "'item-40' is not"),
    ],
)
def test_samples_that_cannot_be_drawn(change: dict[str, Any], error: type[Exception], words: str) -> None:
    settings: dict[str, Any] = {"protocol": Protocol.CHOICE, "n": 5, **change}
    with pytest.raises(error, match=words):
        draw_sample(items(), **settings)


def test_a_filled_table_comes_back_as_labels(tmp_path: Path) -> None:
    found = sample()
    paths = write_sample(tmp_path, found)
    rows = list(csv.DictReader(paths["table"].read_text(encoding="utf-8-sig").splitlines()))
    for k, row in enumerate(rows):
        row["label"] = "" if k == 0 else " b "
    filled = tmp_path / "anna.csv"
    with filled.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    key = read_key(paths["key"])
    assert key == found.key
    (anna,) = read_annotators([filled], key)
    assert anna.name == "anna"
    assert anna.labels == {row["task_id"]: "B" for row in rows[1:]}


def test_no_cell_of_the_table_is_a_formula(tmp_path: Path) -> None:
    found = draw_sample(
        [*items(3), VoiceItem("h", "social", "zh", VoicePersona("h"), "=cmd()", items(1)[0].options, "0b")],
        Protocol.CHOICE,
        4,
    )
    table = write_sample(tmp_path, found)["table"]
    cells = [c for row in csv.reader(table.read_text(encoding="utf-8-sig").splitlines()) for c in row]
    assert "'=cmd()" in cells
    assert [c for c in cells if c.startswith(("=", "+", "-", "@"))] == []


def test_hostile_text_stays_text_in_the_form() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}"
    hostile = VoiceItem("h", "social", "en", VoicePersona("h", evil), evil, items(1)[0].options, "0b")
    page = form_page(draw_sample([hostile], Protocol.CHOICE, 1))
    assert "alert(1)</script>" not in page
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert "{{ 7*7 }}" in page


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def good(found: Sample, **change: Any) -> dict[str, Any]:
    labels = [{"task_id": task, "label": "A"} for task in found.key.tasks]
    return {"format": FORMAT, "sample": found.key.sample, "annotator": "ben", "labels": labels, **change}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"format": "other"}, FileFormatError, "annotations that the form saved"),
        ({"sample": "abc"}, DataError, "must belong to sample"),
        ({"annotator": " "}, FileFormatError, "a text 'annotator'"),
        ({"labels": {}}, FileFormatError, "a list 'labels'"),
        ({"labels": [{"task_id": "t99", "label": "A"}]}, DataError, "label 1: the task must be one of"),
        (
            {"labels": [{"task_id": "t01", "label": "E"}]},
            DataError,
            "must be one of A, B, C, D, or empty; got 'E'",
        ),
        (
            {"labels": [{"task_id": "t01", "label": "A"}] * 2},
            DataError,
            "label 2: every task must be there once",
        ),
        ({"labels": [{"task_id": "t01", "label": None}]}, DataError, "at least one label"),
        ({"labels": [{"task_id": "t01", "label": True}]}, FileFormatError, "a text or a whole number"),
        ({"labels": ["A"]}, FileFormatError, "label 1: a label must be an object"),
    ],
)
def test_bad_annotations_are_refused(
    tmp_path: Path, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    found = sample()
    with pytest.raises(error, match=words):
        read_annotators([write(tmp_path, "ben.json", good(found, **change))], found.key)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"format": "voice-ann', "must be JSON"),
        ("a.json", "[" * 100_000, "must be JSON"),
        ("a.csv", "task_id,answer\nt01,A\n", "'label' is missing"),
        ("a.csv", "task_id,label\nt01\n", "every row must have 2 cells; row 2"),
        ("a.csv", 'task_id,label\n"t01,A\n', "must be a CSV file"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        read_annotators([write(tmp_path, name, text)], sample().key)


def test_two_files_of_one_annotator_are_refused(tmp_path: Path) -> None:
    found = sample()
    paths = [write(tmp_path, name, good(found)) for name in ("1.json", "2.json")]
    with pytest.raises(DataError, match="both of 'ben'"):
        read_annotators(paths, found.key)


def test_marks_may_be_numbers(tmp_path: Path) -> None:
    found = sample(Protocol.SCORING)
    labels = [{"task_id": "t01", "label": 4}, {"task_id": "t02", "label": "5"}]
    (ben,) = read_annotators([write(tmp_path, "b.json", good(found, labels=labels))], found.key)
    assert ben.labels == {"t01": "4", "t02": "5"}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "voice-sample-key/1"}', '{"format": "x", "tasks": {}}']
)
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileFormatError, match="must be the key of a sample"):
        read_key(write(tmp_path, "key.json", text))


def test_who_marks_a_reply_sees_what_the_judge_sees() -> None:
    task = sample(Protocol.SCORING).tasks[0]
    assert all((task.history, task.stimulus, task.reference, task.written))
