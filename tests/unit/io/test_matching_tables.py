"""Tables whose ids or items do not match: the repair is named, and done on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from real_files import Rows, answers, write
from truetwin.data.reading_choices import ReadingChoices
from truetwin.errors import AlignmentError
from truetwin.io.panel_files import read_panel
from truetwin.io.sample_files import read_sample

MATCH = ReadingChoices(match=True)


def renamed(rows: Rows, change: Any) -> Rows:
    return [rows[0], *([change(row[0]), *row[1:]] for row in rows[1:])]


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (lambda i: i, lambda i: f"{i} ", "removing blanks"),
        (lambda i: i, lambda i: i.lower(), "upper and lower case"),
        (lambda i: i[1:].lstrip("0") or "0", lambda i: f"{int(i[1:])}.0", "'.0'"),
        (lambda i: i[1:], lambda i: str(int(i[1:])), "zeros at the front"),
        (lambda i: f"R_{i}", lambda i: i, "removing 'R_P' at the front and removing 'P' at the front"),
    ],
)
def test_ids_that_nearly_match_are_repaired_on_request(
    tmp_path: Path, ours: Any, theirs: Any, words: str
) -> None:
    human, twin = answers()
    files = (
        write(tmp_path / "human.csv", renamed(human, ours)),
        write(tmp_path / "twin.csv", renamed(twin, theirs)),
    )
    with pytest.raises(AlignmentError, match="respondent id") as caught:
        read_panel(*files)
    assert words in str(caught.value)
    assert "would match 40 of 40" in str(caught.value)
    said: list[str] = []
    panel = read_panel(*files, choices=MATCH, say=said.append)
    assert len(panel.respondent_ids) == 40
    assert panel.twin.values.tolist() == [row[1:] for row in twin[1:]]
    assert any("matched 40 respondent ids" in text for text in said)


@pytest.mark.parametrize("written_alike", [0, 3, 20, 39])
def test_ids_that_lost_their_zeros_are_refused_however_many_others_match(
    tmp_path: Path, written_alike: int
) -> None:
    human, twin = answers()
    numbers = {row[0]: f"{k:03d}" for k, row in enumerate(human[1:], 1)}
    short = {row[0]: numbers[row[0]] if k < written_alike else str(k + 1) for k, row in enumerate(human[1:])}
    files = (
        write(tmp_path / "human.csv", renamed(human, numbers.get)),
        write(tmp_path / "twin.csv", renamed(twin, short.get)),
    )
    with pytest.raises(AlignmentError) as caught:
        read_panel(*files)
    told = str(caught.value)
    first = written_alike + 1
    assert f"{40 - written_alike} are written in another way, such as '{first}' for '{first:03d}'" in told
    assert f"{written_alike} of 40 match" in told
    assert "removing zeros at the front would match 40 of 40 respondent ids; --match does it" in told
    panel = read_panel(*files, choices=MATCH)
    assert panel.respondent_ids == tuple(numbers.values())
    assert not panel.new_respondents


def test_people_and_samples_are_matched_like_twins(tmp_path: Path) -> None:
    human, twin = answers()
    rows = [["id", "age"], *([str(int(row[0][1:])), 30 + k] for k, row in enumerate(human[1:]))]
    files = (
        write(tmp_path / "human.csv", renamed(human, lambda i: i[1:])),
        write(tmp_path / "twin.csv", renamed(twin, lambda i: i[1:])),
    )
    people = write(tmp_path / "people.csv", rows)
    with pytest.raises(AlignmentError, match=r"people\.csv must write respondent ids as .*human\.csv does"):
        read_panel(*files, people=people)
    said: list[str] = []
    panel = read_panel(*files, people=people, choices=MATCH, say=said.append)
    assert panel.people is not None
    assert panel.people.ids == panel.respondent_ids
    assert any("people.csv: matched 40 respondent ids" in text for text in said)
    new = panel.new_items[0]
    sample = write(tmp_path / "sample.csv", [["id", new], *([row[0], 1] for row in rows[1:6])])
    with pytest.raises(AlignmentError, match="--match does it"):
        read_sample(sample, panel)
    assert read_sample(sample, panel, choices=MATCH).respondent_ids == panel.respondent_ids[:5]


def test_items_that_nearly_match_are_repaired_on_request(tmp_path: Path) -> None:
    human, twin = answers()
    twin[0] = ["person", *(f"answer_{name.lower()}" for name in twin[0][1:])]
    files = (write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin))
    with pytest.raises(AlignmentError, match=r"would match 8 of 10 items; --match"):
        read_panel(*files)
    panel = read_panel(*files, choices=MATCH)
    assert panel.item_ids[:8] == tuple(human[0][1:])
    assert len(panel.new_items) == 2


def test_a_transposed_table_is_recognised(tmp_path: Path) -> None:
    human, twin = answers()
    turned = [list(column) for column in zip(*twin, strict=True)]
    with pytest.raises(AlignmentError, match="transpose it"):
        read_panel(write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", turned))


def test_swapped_files_are_suspected(tmp_path: Path) -> None:
    human, twin = answers()
    said: list[str] = []
    read_panel(write(tmp_path / "human.csv", twin), write(tmp_path / "twin.csv", human), say=said.append)
    assert any("swapped" in text for text in said)


def test_ids_that_would_become_equal_are_left_alone(tmp_path: Path) -> None:
    human = [["id", "Q1"], ["007", 1], ["7", 2]]
    twin = [["id", "Q1"], ["0007", 1], ["x", 2]]
    with pytest.raises(AlignmentError) as caught:
        read_panel(write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", twin))
    assert "--match" not in str(caught.value)
    twin.append(["7", 3])  # the other number is a person of its own in both tables
    panel = read_panel(tmp_path / "human.csv", write(tmp_path / "twin.csv", twin))
    assert panel.new_respondents == ("0007", "x")


def timed(rows: Rows) -> Rows:
    """Add the time that each interview took."""
    return [[*rows[0], "seconds"], *([*row, 100 + 7 * k] for k, row in enumerate(rows[1:]))]


def test_swapped_files_are_suspected_although_the_human_table_has_interview_times(tmp_path: Path) -> None:
    human, twin = answers()
    files = write(tmp_path / "human.csv", twin), write(tmp_path / "twin.csv", timed(human))
    said: list[str] = []
    assert read_panel(*files, say=said.append).new_items == ()
    assert any("looks like no item: seconds" in text for text in said)
    assert any("swapped" in text for text in said)
    assert read_panel(*files, named=["seconds"]).new_items == ("seconds",)


def test_what_an_item_file_leaves_undeclared_is_no_item_beside_declared_ones_of_people(
    tmp_path: Path,
) -> None:
    human, twin = answers()
    coded = [[*human[0], "device"], *([*row, k % 2] for k, row in enumerate(human[1:]))]
    files = write(tmp_path / "human.csv", twin), write(tmp_path / "twin.csv", coded)
    declared = write(tmp_path / "items.csv", [["item_id", "low", "high"], *([q, 1, 5] for q in twin[0][1:])])
    assert read_panel(*files, item_file=declared).new_items == ()
    assert read_panel(*files).new_items == ("device",)


@pytest.mark.parametrize("declare", [False, True])
def test_new_items_of_many_values_are_items_where_people_have_not_answered_more(
    tmp_path: Path, declare: bool
) -> None:
    human, twin = answers()
    files = write(tmp_path / "human.csv", timed(human)), write(tmp_path / "twin.csv", twin)
    assert read_panel(*files).new_items == ("N1", "N2")
    old = write(tmp_path / "items.csv", [["item_id", "low", "high"], *([q, 1, 5] for q in human[0][1:])])
    files = write(tmp_path / "human.csv", human), write(tmp_path / "twin.csv", timed(twin))
    assert read_panel(*files, item_file=old if declare else None).new_items == ("N1", "N2", "seconds")
