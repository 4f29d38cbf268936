"""Datasets pinned by content, from made-up files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from truetwin.data import ResponseMatrix
from truetwin.datasets import Dataset, Repository
from truetwin.datasets.pinned_dataset import blob_id
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


def test_a_dataset_may_be_pinned_by_git_blob_id_and_is_checked_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made_up(tmp_path, TEN_ROWS)
    content = TEN_ROWS.encode()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", str(tmp_path))
    path = tmp_path / "ten" / "data" / "human.csv"
    assert blob_id(path) == blob
    assert replace(dataset, files={"data/human.csv": blob}).fetch("data/human.csv") == path
    path.write_text(TEN_ROWS + "\n")
    with pytest.raises(DatasetError, match="git blob id differs"):
        replace(dataset, files={"data/human.csv": blob}).fetch("data/human.csv")


def test_a_download_is_checked_and_a_damaged_copy_in_the_cache_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made_up(tmp_path, TEN_ROWS)
    monkeypatch.delenv("TRUETWIN_DATA_MIRROR", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    served = [TEN_ROWS]

    def retrieve(url: str, known_hash: None, fname: str, path: str) -> str:
        target = Path(path) / fname
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(served[0])
        return str(target)

    monkeypatch.setattr("pooch.retrieve", retrieve)
    copy = dataset.fetch("data/human.csv")
    copy.write_text("cut off")
    assert dataset.fetch("data/human.csv").read_text() == TEN_ROWS
    copy.write_text("cut off")
    served[0] = "another content"
    with pytest.raises(DatasetError, match="pinned content"):
        dataset.fetch("data/human.csv")
