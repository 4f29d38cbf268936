"""Summaries print as tables, show as tables in notebooks, and turn into frames."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

import truetwin as tt
from truetwin.data.summary_table import MOST_SHOWN, Shown, SummaryTable
from truetwin.datasets import generate_population

ROWS: list[dict[str, Any]] = [
    {"name": "a<b>", "n": 1, "r": 0.5, "empty": None, "list": ["x", "y"]},
    {"name": "c", "n": 20, "r": float("nan"), "empty": None, "list": []},
]
COLUMNS = (
    Shown("name", "name"),
    Shown("n", "n", "d"),
    Shown("r", "r", ".2f"),
    Shown("empty", "nothing"),
    Shown("list", "why"),
)


def test_it_prints_what_is_there() -> None:
    table = SummaryTable(ROWS, COLUMNS, title="two rows")
    assert str(table).splitlines() == [
        "two rows",
        "name   n          r  why",
        "a<b>   1       0.50  x; y",
        "c     20  undefined",
    ]


def test_a_notebook_gets_a_table_in_which_texts_stay_text() -> None:
    html = SummaryTable(ROWS, COLUMNS, title="<i>")._repr_html_()
    assert html.count("<tr>") == 3
    assert "a&lt;b&gt;" in html
    assert "<i>" not in html
    assert "nothing" not in html


def test_long_tables_say_what_is_left_out() -> None:
    table = SummaryTable([{"n": k} for k in range(MOST_SHOWN + 3)], [Shown("n", "n", "d")])
    assert str(table).endswith("... and 3 more rows; to_frame() has all")
    assert "... and 3 more rows" in table._repr_html_()
    assert table.to_frame().num_rows == MOST_SHOWN + 3


@pytest.mark.extra("pandas")
def test_it_is_a_list_of_rows_and_a_frame() -> None:
    table = SummaryTable(ROWS, COLUMNS, frame_kind="pandas")
    assert table == ROWS
    assert json.loads(json.dumps(table[:1])) == ROWS[:1]
    assert table.to_frame()["list"].tolist() == ["x; y", ""]
    assert pickle.loads(pickle.dumps(table)).to_frame().equals(table.to_frame())


def test_results_show_themselves_and_can_be_pickled() -> None:
    panel = generate_population(120, 14, n_new_items=2).panel
    for result in (
        panel,
        tt.calibrate(panel, "ridge"),
        tt.diagnose(panel),
        tt.evaluate(panel, ["twin", "ridge"]),
        tt.estimate(panel),
        tt.plan_sample(panel, 0.05),
    ):
        html = result._repr_html_()
        assert html.startswith("<table>")
        assert html == pickle.loads(pickle.dumps(result))._repr_html_()
        assert len(result.summary()) >= 2
        assert result.summary().to_frame().num_rows == len(result.summary())


def test_texts_neither_break_a_printed_table_nor_control_the_terminal() -> None:
    table = SummaryTable(
        [{"item": "Q1\nQ2\x1b[31m", "r": -0.0001}], [Shown("item", "item"), Shown("r", "r", ".2f")]
    )
    assert str(table).splitlines() == ["item" + " " * 12 + "   r", r"Q1\nQ2\x1b[31m  0.00"]
