"""Show estimates and predictions of new items beside the truth, which only a generated population has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.cli.output import print_line

if TYPE_CHECKING:
    from truetwin.calibration import Calibration
    from truetwin.data import ResponseMatrix
    from truetwin.estimation.estimates import Estimates

METHOD = "auto"
Row = Mapping[str, Any]


def estimates_against_truth(
    found: Estimates, result: Calibration, truth: ResponseMatrix
) -> list[dict[str, Any]]:
    """List the estimated shares and means with what twins say and what is true, one row a statistic."""
    panel = result.panel
    known = truth.on_grid(panel.respondent_ids, panel.item_ids)
    rows = []
    for row in found.rows:
        j = panel.item_ids.index(row["item"])
        scale = panel.scales[row["item"]]
        codes = {scale.labels.get(code, f"{code:g}"): code for code in scale.categories}
        both = {}
        for source, values in (("twins", panel.twin_values[:, j]), ("truth", known[:, j])):
            answers = values[np.isfinite(values)]
            told = answers if row["statistic"] == "mean" else answers == codes[row["category"]]
            both[source] = float(told.mean())
        kept = ("item", "statistic", "category", "estimate", "lower", "upper", "worth")
        rows.append({**{name: row[name] for name in kept}, **both})
    return rows


def predictions_against_truth(result: Calibration, truth: ResponseMatrix) -> list[dict[str, Any]]:
    """Correlate the new items' predictions, and the twins' answers, with the truth."""
    panel = result.panel
    known = truth.on_grid(panel.respondent_ids, panel.item_ids)
    rows = []
    for item in panel.new_items:
        j = panel.item_ids.index(item)
        row: dict[str, Any] = {"item": item}
        for source, values in (("twin", panel.twin_values[:, j]), ("calibrated", result.grid[:, j])):
            both = np.isfinite(values) & np.isfinite(known[:, j])
            row[source] = float(np.corrcoef(values[both], known[both, j])[0, 1])
            row["n"] = int(both.sum())
        rows.append(row)
    return rows


def shares_in_words(rows: Sequence[Row]) -> str:
    """Say how far twins and estimates are from the true shares, and how many intervals hold.

    The distance is the total variation: half the sum of absolute differences.
    """
    shares = [row for row in rows if row["statistic"] == "share"]
    items = list(dict.fromkeys(row["item"] for row in shares))
    off = {
        source: sum(abs(row[source] - row["truth"]) for row in shares) / 2 / len(items)
        for source in ("twins", "estimate")
    }
    held = sum(row["lower"] <= row["truth"] <= row["upper"] for row in shares)
    return (
        f"Over {len(items)} new items, {off['twins']:.0%} of the twins' answers would have to change for true shares, "
        f"and {off['estimate']:.0%} of the estimates; {held} of {len(shares)} intervals hold the true share"
    )


def print_results(estimates: Sequence[Row], predictions: Sequence[Row], scores: Sequence[Row]) -> None:
    """Print shares first, then means, persons and methods."""
    from truetwin.cli.output import Column, note, print_table
    from truetwin.cli.score_tables import gain_columns, gain_title
    from truetwin.estimation.crosstab import number
    from truetwin.estimation.estimates import interval_in_words

    note(
        "a generated population with known truth: 400 people, 32 answered items, 8 new items, and their twins\n"
    )
    first = estimates[0]["item"]
    worded = [
        {
            "item": row["item"],
            "statistic": row["statistic"],
            "answer": row["category"],
            "interval": interval_in_words(row),
            **{name: number(row["statistic"], row[name]) for name in ("twins", "estimate", "truth")},
        }
        for row in estimates
    ]
    figures = [Column(name, name) for name in ("twins", "estimate")]
    figures += [Column("interval", "90% interval"), Column("truth", "truth")]
    print_table(
        [row for row in worded if row["item"] == first and row["statistic"] == "share"],
        [Column("answer", "answer"), *figures],
        title=f"what share of the people would choose each answer to the new item {first}?",
    )
    print_line(shares_in_words(estimates) + ".\n")
    print_table(
        [row for row in worded if row["statistic"] == "mean"],
        [Column("item", "new item"), *figures],
        title="means of the new items",
    )
    columns = [
        Column("item", "new item"),
        Column("twin", "twin", ".3f"),
        Column("calibrated", "calibrated", ".3f"),
    ]
    print_table(predictions, columns, title=f"single persons: correlation with the truth ({METHOD})")
    before, after = (np.mean([row[k] for row in predictions]) for k in ("twin", "calibrated"))
    print_line(f"mean over {len(predictions)} new items: twin {before:.3f}, calibrated {after:.3f}\n")
    title = gain_title(
        scores, "methods: answered items, each hidden in turn, correlation with people's answers"
    )
    print_table(
        scores, [*gain_columns(scores), Column("seconds", "seconds", ".1f", optional=True)], title=title
    )
