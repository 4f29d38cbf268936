"""Samples that answer nothing that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.data import Panel, ResponseMatrix
from truetwin.errors import AlignmentError
from truetwin.io.sample_files import read_sample

PEOPLE = ResponseMatrix([[1, 2], [3, 4], [5, 5]], list("abc"), ["Q1", "Q2"])
TWINS = ResponseMatrix([[1, 2, 1, 2], [3, 4, 2, 2], [5, 5, 3, 1]], list("abc"), ["Q1", "Q2", "N1", "N2"])
PANEL = Panel(PEOPLE, TWINS)


def written(folder: Path, text: str) -> Path:
    (folder / "sample.csv").write_text(text, encoding="utf-8")
    return folder / "sample.csv"


@pytest.mark.parametrize(
    "text",
    [
        "id,region,weight\na,Nord,1\nb,South,2\n",
        "id,weight\na,1\nb,2\n",
        "id,N1,region\na,,Nord\nb,,South\n",
    ],
)
def test_a_sample_without_answers_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        AlignmentError, match=r"sample must have answers .*'N2'.* it has none. Its columns are '"
    ):
        read_sample(written(tmp_path, text), PANEL)


def test_a_misspelt_column_of_texts_is_taken_for_the_item_that_is_meant(tmp_path: Path) -> None:
    alone = written(tmp_path, "id,n1\na,yes\nb,no\n")
    with pytest.raises(AlignmentError, match=r"Its columns are 'n1'\. Did you mean 'N1'\?"):
        read_sample(alone, PANEL)
    both = written(tmp_path, "id,n1,N2\na,yes,1\nb,no,2\n")
    assert "left out texts: n1. Did you mean 'N1'?" in read_sample(both, PANEL).notes[-1]
    with pytest.raises(AlignmentError, match="Did you mean 'N1'"):
        read_sample(both, PANEL, items=["N1"])


def test_a_sample_may_tell_of_items_that_are_not_named(tmp_path: Path) -> None:
    sample = read_sample(written(tmp_path, "id,N2,mode\na,1,phone\nb,2,mail\n"), PANEL, items=["N1"])
    assert sample.item_ids == ("N2",)
