"""Tables whose ids or items do not match: the repair is named, and done on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from real_files import Rows, answers, write
from truetwin.data.reading_choices import ReadingChoices
from truetwin.errors import AlignmentError
from truetwin.io.panel_files import read_panel

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
