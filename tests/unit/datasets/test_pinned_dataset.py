"""Datasets pinned by content, from made-up files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from truetwin.data import ResponseMatrix
from truetwin.datasets import Dataset, Repository
from truetwin.errors import DatasetError
from truetwin.io import read_responses


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
