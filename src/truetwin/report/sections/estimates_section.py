"""Report section on estimates: shares and means with intervals, by group, and whether to publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.estimation.estimates import (
    interval_in_words,
    statistic_in_words,
    value_in_words,
    worth_in_words,
)
from truetwin.report.cited_cells import CellsOf
from truetwin.report.figures.estimate_figures import draw_estimates
from truetwin.report.figures.theme import new_figure
from truetwin.report.page import Field, Picture, Section, Table

N_FIGURES = 12
#: Files beside the report.
FILE, SCORES_FILE = "estimates.json", "estimate-scores.json"
ITEM_FIELDS = (
    Field("item", "item"),
    Field("what", "estimate of"),
    Field("value", "estimate"),
    Field("interval", "interval"),
    Field("people", "worth about"),
    Field("n_answered", "answers", "d"),
    Field("publish", "publish?"),
    Field("reason", "why"),
)
ROW_FIELDS = (
    Field("item", "item"),
    Field("by", "by"),
    Field("group", "group"),
    Field("statistic", "statistic"),
    Field("category", "category"),
    Field("estimate", "estimate", ".3f"),
    Field("lower", "from", ".3f"),
    Field("upper", "to", ".3f"),
    Field("worth", "worth (people)", ".0f"),
    Field("n", "n", "d"),
    Field("note", "note"),
)


def estimates_section(record: Mapping[str, Any]) -> Section:
    """Show estimates from the sidecar that `estimate` writes."""
    level = record["level"]
    texts = [
        f"Every figure is an estimate; its interval holds with probability {level:.0%}. What an estimate is worth is "
        "the number of people, drawn simply at random, whose answers would err as little.",
        *record["notes"],
    ]
    items = [
        {
            **row,
            "what": statistic_in_words(row),
            "value": value_in_words(row),
            "interval": interval_in_words(row),
            "people": worth_in_words(row),
        }
        for row in record["items"]
    ]
    blocks: list[Table | Picture] = [Table("Items", ITEM_FIELDS, items, cells=CellsOf.listed(FILE, "items"))]
    blocks += _pictures(record)
    for table in record["crosstabs"]:
        fields = [Field("item", "item"), Field("row", "statistic"), *(Field(c, c) for c in table["columns"])]
        blocks.append(Table(f"By {table['by']}", fields, table["rows"], table["footer"]))
    blocks.append(Table("All estimates", ROW_FIELDS, record["rows"], cells=CellsOf.listed(FILE, "rows")))
    return Section("Estimates", texts, blocks)


SCORE_FIELDS = (
    Field("protocol", "hidden in turn"),
    Field("what", "known"),
    Field("source", "source"),
    Field("n_items", "items", "d"),
    Field("tv", "TV of shares", ".3f"),
    Field("rmse", "RMSE of means (sd)", ".3f"),
    Field("coverage", "interval holds", ".2f"),
    Field("coverage_by_battery", "by battery", ".2f"),
    Field("width", "width (sd)", ".2f"),
)


def estimate_scores_section(rows: Sequence[Mapping[str, Any]]) -> Section:
    """Show how far estimates of hidden items were off, and how often their intervals held."""
    text = (
        "Answered items were hidden, their shares and means estimated, and compared with what people answered: over "
        "everybody, by group, and with the answers of some people."
    )
    return Section(
        "How good estimates are",
        (text,),
        (Table("Estimates of hidden items", SCORE_FIELDS, rows, cells=CellsOf.listed(SCORES_FILE, "rows")),),
    )


def _pictures(record: Mapping[str, Any]) -> list[Picture]:
    by = record["crosstabs"][0]["by"] if record["crosstabs"] else None
    shown = [row for row in record["rows"] if row.get("by") == by and _drawn(row)]
    found = []
    for k, item in enumerate(list(dict.fromkeys(row["item"] for row in shown))[:N_FIGURES], 1):
        here = [row for row in shown if row["item"] == item]
        found.append(_picture(k, here, by, record["level"]))
    return found


def _picture(k: int, rows: Sequence[Mapping[str, Any]], by: str | None, level: float) -> Picture:
    n_rows = len({row.get("category") for row in rows}) * len({row["group"] for row in rows})
    figure, axes = new_figure(5.2, min(max(2.0, 0.17 * n_rows + 1.0), 8.0))
    draw_estimates(axes, [{"category": None, **row} for row in rows])
    divided = f" by {by}" if by else ""
    caption = f"Shares of {rows[0]['item']}{divided}, with {level:.0%} intervals ({rows[0]['n']} people)."
    if by:
        caption = f"Shares of {rows[0]['item']} by {by}, with {level:.0%} intervals."
    return Picture(f"estimates-{k}", figure, caption, rows)


def _drawn(row: Mapping[str, Any]) -> bool:
    return str(row["statistic"]) == "share"
