"""Files that are cut, spoilt or nonsense: one error that names the file, never another exception."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from real_files import answers, export, question, write, write_qsf
from truetwin.errors import TruetwinError
from truetwin.io import read_attributes, read_items, read_people, read_personas, read_responses
from truetwin.io.excel_files import Sheet, write_workbook
from truetwin.io.marginal_files import read_marginals

TOKENS = [
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"nan",
    b"1e400",
    b"[",
    b"{",
    b"null",
    b"\xff",
    b'""',
    b";",
    b"=1",
    b"'",
]
MOST = 12


def spoilt(content: bytes, random_state: int) -> bytes:
    """Cut, change, double, turn or reverse a file's content."""
    rng = random.Random(random_state)
    place = rng.randrange(len(content))
    if random_state % 6 == 0:
        return content[:place]
    if random_state % 6 == 1:
        return content[:place] + bytes(rng.randrange(256) for _ in range(20)) + content[place:]
    if random_state % 6 == 2:
        return content[::-1]
    if random_state % 6 == 3:
        return content[place:] + content[:place]
    if random_state % 6 == 4:
        return content + content
    changed = bytearray(content)
    for _ in range(4):
        at = rng.randrange(len(changed))
        changed[at : at + rng.randrange(3)] = rng.choice(TOKENS)
    return bytes(changed)


def make(path: Path) -> Path:
    """Write a right file of each kind."""
    human, _ = answers()
    if path.name == "export.csv":
        return write(path, export(human))
    if path.name == "items.csv":
        return write(path, [["item_id", "kind", "low", "high", "labels"], ["Q1", "ordinal", 1, 5, "1=a|5=b"]])
    if path.name == "marginals.csv":
        return write(path, [["item_id", "category", "share"], ["Q1", "a", 0.5], ["Q1", "b", 0.5]])
    if path.suffix == ".qsf":
        return write_qsf(path, [question("Q1", 1, ["a", "b", "c"])])
    if path.suffix == ".json":
        path.write_text(json.dumps([{"item_id": "Q1", "kind": "ordinal", "low": 1, "high": 5}]))
    elif path.suffix == ".jsonl":
        path.write_text('{"id": "a", "text": "x", "answers": {"Q1": 1}}\n')
    elif path.suffix == ".xlsx":
        write_workbook([Sheet("a", human[0], human[1:])], path)
    elif path.suffix in (".sav", ".dta"):
        import pandas
        import pyreadstat

        frame = pandas.DataFrame(human[1:], columns=human[0])
        writer = pyreadstat.write_sav if path.suffix == ".sav" else pyreadstat.write_dta
        writer(frame, str(path), variable_value_labels={"Q1": {1: "a", 9: "DK"}})
    else:
        write(path, human, delimiter="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.extra("survey", "excel")
@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("human.csv", read_responses),
        ("human.tsv", read_people),
        ("export.csv", read_responses),
        ("human.xlsx", read_responses),
        ("human.sav", read_responses),
        ("human.dta", read_items),
        ("survey.qsf", read_items),
        ("items.json", read_items),
        ("items.csv", read_items),
        ("marginals.csv", read_marginals),
        ("personas.jsonl", read_personas),
        ("attributes.csv", read_attributes),
    ],
)
def test_a_spoilt_file_is_read_or_refused_by_name(
    tmp_path: Path, name: str, reader: Callable[[Path], Any]
) -> None:
    path = make(tmp_path / name)
    content = path.read_bytes()
    refused = []
    for k in range(MOST):
        path.write_bytes(spoilt(content, k))
        try:
            reader(path)
        except TruetwinError as error:
            refused.append(str(error))
    assert refused
    assert all(name in message for message in refused), refused


ODD: list[Any] = [
    None,
    3,
    -1,
    "",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    True,
    "1e400",
    "nan",
    [[]],
    {"1": {"Display": 3}},
]


@pytest.mark.parametrize("odd", ODD, ids=map(str, ODD))
def test_a_question_with_an_odd_value_is_read_or_refused(tmp_path: Path, odd: Any) -> None:
    right = question("Q9", 9, ["a", "b"], RecodeValues={"1": "1"}, Answers={"1": {"Display": "x"}})
    for kind, sub in (("MC", None), ("Matrix", "SingleAnswer"), ("Slider", None)):
        for key in right["Payload"]:
            spoilt_one = {
                "Element": "SQ",
                "Payload": {**right["Payload"], "QuestionType": kind, "SubSelector": sub},
            }
            spoilt_one["Payload"][key] = odd
            path = write_qsf(tmp_path / "s.qsf", [question("Q1", 1, ["a", "b"]), spoilt_one])
            try:
                named = list(read_items(path))
            except TruetwinError as error:
                named = ["Q1"] if "s.qsf" in str(error) else []
            assert "Q1" in named
