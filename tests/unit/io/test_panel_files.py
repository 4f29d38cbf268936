"""Tables beside those of a panel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.people_columns import PeopleColumns
from truetwin.data.reading_choices import ReadingChoices
from truetwin.io.panel_files import read_panel, read_retest
from truetwin.io.sample_files import read_sample

ANSWERS = ResponseMatrix([[1, 2], [3, 4], [5, 5]], list("abc"), ["Q1", "Q2"])


def test_samples_and_retests_are_read_like_the_tables_of_the_panel(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text("id,Q1,weight\na,1,2\nb,4,1\nc,5,1\n", encoding="utf-8")
    panel, choices = Panel(ANSWERS, ANSWERS), ReadingChoices(missing_codes=(4.0,))
    sample = read_sample(file, panel, choices=choices)
    np.testing.assert_array_equal(sample.values[:, 0], [1, np.nan, 5])
    np.testing.assert_array_equal(sample.weights, [2, 1, 1])
    file.write_text("id,Q1,mode,weight\na,1,by phone,2\nb,4,by mail,1\nc,5,by phone,1\n", encoding="utf-8")
    with_more = read_sample(file, panel, choices=choices)
    assert with_more.item_ids == ("Q1",)
    np.testing.assert_array_equal(with_more.weights, [2, 1, 1])
    assert any("mode" in text for text in with_more.notes)
    file.write_text("id,Q1,weight\na,1,2\nb,4,1\nc,5,1\n", encoding="utf-8")
    retest = read_retest(file, panel, choices=choices)
    np.testing.assert_array_equal(retest.values[:, 0], [1, np.nan, 5])


def test_tables_may_be_named_by_texts(tmp_path: Path) -> None:
    (tmp_path / "human.csv").write_text("id,Q1,Q2,w\na,1,2,1\nb,2,3,2\nc,3,1,1\n")
    (tmp_path / "twin.csv").write_text("id,Q1,Q2,Q3\na,1,2,1\nb,2,3,2\nc,3,3,1\n")
    texts = {name: str(tmp_path / f"{name}.csv") for name in ("human", "twin")}
    columns = PeopleColumns(weights="w")
    expected = read_panel(tmp_path / "human.csv", tmp_path / "twin.csv", people_columns=columns)
    found = read_panel(texts["human"], texts["twin"], people_columns=columns)
    assert expected.item_ids == found.item_ids
    assert read_panel(texts["human"], {"gpt": texts["twin"]}, people_columns=columns).source_names == ("gpt",)
