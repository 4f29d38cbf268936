from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truetwin.data import Item, Scale
from truetwin.errors import DataError, ScaleError
from truetwin.io.marginal_files import read_marginals


def write(folder: Path, *lines: str) -> Path:
    path = folder / "marginals.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_long_and_wide_files_mean_the_same(tmp_path: Path) -> None:
    long = read_marginals(write(tmp_path, "item_id,category,count", "A,1,30", "A,2,10", "B,1,5", "B,2,15"))
    wide = read_marginals(write(tmp_path, "item_id,1,2", "A,30,10", "B,5,15"))
    np.testing.assert_array_equal(long.shares(["A", "B"]), [[0.75, 0.25], [0.25, 0.75]])
    np.testing.assert_array_equal(wide.shares(["A", "B"]), long.shares(["A", "B"]))
    assert long.by_population["all"]["A"].base_size == 40


def test_parquet_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"item_id": ["A", "A"], "category": [1, 2], "share": [0.4, 0.6]}), path)
    assert read_marginals(path).shares(["A"]).tolist() == [[0.4, 0.6]]


def test_items_may_have_different_numbers_of_categories(tmp_path: Path) -> None:
    found = read_marginals(write(tmp_path, "item_id,1,2,3", "A,0.2,0.3,0.5", "B,0.4,0.6,"))
    assert found.shares(["A", "B"]).tolist() == [[0.2, 0.3, 0.5], [0.4, 0.6, 0.0]]
    assert [i.scale.n_categories for i in found.items.values() if i.scale] == [3, 2]


def test_words_are_nominal_and_refusals_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "item_id,category,share_or_count", "A,red,0.3", "A,blue,0.6", "A,Refused,0.1")
    found = read_marginals(path)
    scale = found.items["A"].scale
    assert scale is not None
    assert scale.kind == "nominal"
    np.testing.assert_allclose(found.shares(["A"]), [[1 / 3, 2 / 3]])
    assert found.off_scale_share == pytest.approx(0.1)
    assert "Refused" in found.notes[0]
    kept = read_marginals(path, keep_off_scale=True)
    np.testing.assert_allclose(kept.shares(["A"]), [[0.3, 0.6, 0.1]])


def test_a_declared_scale_wins_and_fills_categories_nobody_chose(tmp_path: Path) -> None:
    path = write(tmp_path, "item_id,category,count", "A,agree,3", "A,disagree,1", "A,9,1")
    labels = {1.0: "agree", 2.0: "neither", 3.0: "disagree"}
    declared = {"A": Item("A", scale=Scale.ordinal(1, 3, labels=labels, off_scale={9: "refused"}))}
    found = read_marginals(path, items=declared)
    assert found.shares(["A"]).tolist() == [[0.75, 0.0, 0.25]]
    assert found.off_scale_share == pytest.approx(0.2)


def test_populations_are_kept_apart(tmp_path: Path) -> None:
    lines = ["population,item_id,1,2", "men,A,0.2,0.8", "women,A,0.6,0.4", "women,B,0.5,0.5"]
    found = read_marginals(write(tmp_path, *lines))
    assert found.populations == ("men", "women")
    assert found.shares(["A"], population="women").tolist() == [[0.6, 0.4]]
    assert found.population("men").item_ids == ("A",)


def test_percentages_are_not_shares(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Divide percentages by 100"):
        read_marginals(write(tmp_path, "item_id,category,share", "A,1,40.5", "A,2,59.5"))


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("item_id,1,2,3,4,5", "A,1.4,.3,.1,.1,.05", "'A'.*sum to 1 "),
        ("item_id,1,2", "A,33.4,66.6", "'A'.*Divide percentages by 100"),
        ("item_id,1,2,3", "A,33.3,33.3,33", "'A'.*Divide percentages by 100"),
        ("item_id,yes (%),no (%)", "A,40,60", "'A'.*Divide percentages by 100"),
        ("item_id,category,percent", "A,1,100", "'percent'.*by 100"),
        ("item_id,1,2", "A,inf,60", "'A'.*finite"),
        ("item_id,1,2", "A,1e308,1e308", "'A'.*too large"),
    ],
)
def test_amounts_that_are_neither_shares_nor_counts(
    tmp_path: Path, header: str, row: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_marginals(write(tmp_path, header, row))


def test_whole_numbers_are_counts(tmp_path: Path) -> None:
    found = read_marginals(write(tmp_path, "item_id,under 10%,more", "A,40,61", "B,1,0"))
    assert found.by_population["all"]["A"].base_size == 101
    assert found.by_population["all"]["B"].base_size is None


def test_a_category_off_a_declared_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScaleError, match="category '4' must be on the scale of item 'A'"):
        read_marginals(
            write(tmp_path, "item_id,category,count", "A,4,1"),
            items={"A": Item("A", scale=Scale.ordinal(1, 3))},
        )


def test_nobody_on_the_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'A'"):
        read_marginals(write(tmp_path, "item_id,category,count", "A,1,0", "A,2,0"))
