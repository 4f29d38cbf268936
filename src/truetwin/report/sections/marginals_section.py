"""Report section on marginals: how a population answers items that only its twins have answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.report.cited_cells import CellsOf, pointer
from truetwin.report.figures.calibration_figures import shares_grid
from truetwin.report.figures.theme import MOST_PANELS
from truetwin.report.page import Field, Picture, Section, Table

#: Files beside the report.
FILE, SCORES_FILE = "shares.csv", "marginal-scores.json"
SHARE_FIELDS = (
    Field("item", "item"),
    Field("population", "population"),
    Field("category", "category"),
    Field("calibrated", "share", ".3f"),
    Field("lower", "from", ".3f"),
    Field("upper", "to", ".3f"),
    Field("twin", "twins as they are", ".3f"),
)

SCORE_FIELDS = (
    Field("method", "method"),
    Field("trained_on", "trained on"),
    Field("metric", "metric"),
    Field("mean", "mean", ".4f"),
    Field("standard_error", "SE", ".4f"),
    Field("n_scored", "n", "d"),
    Field("null", "best null"),
    Field("null_difference", "difference from it", "+.4f"),
    Field("null_difference_standard_error", "SE of difference", ".4f"),
)


def _cell(place: int, row: Mapping[str, Any], field: str) -> str:
    """Point to a number of a predicted share; the twins' own shares are counted for the report."""
    return "" if field == "twin" else pointer(place, "share" if field == "calibrated" else field)


def marginal_scores_section(record: Mapping[str, Any]) -> Section:
    """Show how well shares of known items were predicted; ``record`` is an evaluation of marginals as JSON."""
    text = "Items with known shares were hidden, predicted, and compared with what is known of them."
    unit = record.get("clustered_by", "item")
    table = Table(
        "Discrepancies by method",
        SCORE_FIELDS,
        record["rows"],
        f"Standard errors are clustered by {unit}. The best null is that of the trivial baselines (twins, mean, mix) "
        f"with the lowest mean by the same discrepancy; differences are paired, and negative is better.",
        CellsOf.listed(SCORES_FILE, "rows"),
    )
    return Section("How well populations are predicted", (text, *record["notes"]), (table,))


def marginals_section(sidecar: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Section:
    """Show predicted shares with bands, beside the twins' own shares.

    ``rows`` have item, population, category, ``calibrated``, ``lower``, ``upper`` and ``twin``.
    """
    fits = sidecar["populations"]
    texts = [
        f"Population {fit['population']}: method {fit['method']}, learned from {fit['n_training_items']} items, "
        f"{fit['n_predicted']} items predicted."
        for fit in fits
    ]
    named = (
        [{**row, "item": f"{row['item']}, {row['population']}"} for row in rows] if len(fits) > 1 else rows
    )
    n = len({row["item"] for row in named})
    drawn = f"The first {MOST_PANELS} of {n} are drawn." if n > MOST_PANELS else ""
    picture = Picture(
        "marginals",
        shares_grid(named),
        f"New items: predicted shares and the twins' own; bands are in the table. {drawn}".strip(),
        rows,
    )
    return Section(
        "Populations",
        texts,
        [picture, Table("Predicted shares", SHARE_FIELDS, rows, cells=CellsOf(FILE, _cell))],
    )
