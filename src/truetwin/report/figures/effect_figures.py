"""Draw effects of experiments: people, twins and calibrated effects, side by side and against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.report.figures.theme import (
    CALIBRATED,
    CHANCE,
    GRID,
    HUMAN,
    TWIN,
    new_figure,
    one_row_each,
    overall,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CONTRASTS = 60
#: Distances of the three marks of a contrast from its row.
OFFSETS = {"human": 0.22, "twin": 0.0, "calibrated": -0.22}
SOURCES = (
    ("human", "people", HUMAN, "o"),
    ("twin", "twins", TWIN, "D"),
    ("calibrated", "calibrated", CALIBRATED, "s"),
)


def forest_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn rows of calibrated effects into those of a forest plot; people are the pilot."""
    return [
        {
            "contrast": row["contrast"],
            "human": row["pilot"],
            "human_se": row["pilot_se"],
            "twin": row["twin"] if row["twin"] is not None else row["twin_own"],
            "calibrated": row["effect"] if row["calibrated"] else None,
            "low": row["low"],
            "high": row["high"],
        }
        for row in rows
    ]


def measured_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn rows of measured effects of everybody, one a source, into those of a forest plot, one a contrast.

    Of several sources of twins, the first is drawn.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["by"]:
            continue
        drawn = found.setdefault(row["contrast_id"], {"contrast": row["contrast_id"]})
        if row["side"] == "human":
            drawn |= {"human": row["d"], "human_se": row["d_se"]}
        else:
            drawn.setdefault("twin", row["d"])
    return list(found.values())


def forest_figure(rows: Sequence[Mapping[str, Any]], level: float = 0.9) -> Figure:
    """Draw the effects of each contrast: people, twins as they are, calibrated, each with its interval if it has one.

    ``rows`` have ``contrast`` and any of ``human``, ``human_se``, ``twin``, ``calibrated``, ``low`` and ``high``,
    in sd. Of more than sixty, those with the largest calibrated or twin effects are drawn.
    """
    from scipy.stats import norm

    shown = _largest(rows)
    figure, axes = new_figure(6.4, max(2.0, 0.3 * len(shown) + 1.1))
    reach = float(norm.ppf(0.5 + level / 2))
    for field, label, colour, marker in SOURCES:
        marks = [
            (len(shown) - 1 - k + OFFSETS[field], row[field], *_ends(row, field, reach))
            for k, row in enumerate(shown)
            if row.get(field) is not None
        ]
        if marks:
            heights, values, lows, highs = np.array(marks, dtype=np.float64).T
            axes.hlines(heights, lows, highs, color=colour, linewidth=1.4)
            axes.plot(values, heights, marker, color=colour, markersize=4, label=label)
    axes.axvline(0, color=CHANCE, linewidth=1)
    one_row_each(axes, [shorten(str(row["contrast"]), 36) for row in reversed(shown)], fontsize=8)
    axes.set_xlabel(f"effect in sd, {level:.0%} intervals")
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    pairs = [
        (r["human"], r["twin"]) for r in shown if r.get("human") is not None and r.get("twin") is not None
    ]
    if pairs:
        same = sum(human * twin > 0 for human, twin in pairs)
        overall(figure, f"Twins have people's sign in {same} of {len(pairs)} effects", x=0.02, ha="left")
    return figure


def _largest(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if len(rows) <= MOST_CONTRASTS:
        return list(rows)
    sizes = [abs(row.get("calibrated") or row.get("twin") or 0.0) for row in rows]
    kept = sorted(np.argsort(sizes)[-MOST_CONTRASTS:])
    return [rows[k] for k in kept]


def _ends(row: Mapping[str, Any], field: str, reach: float) -> tuple[float, float]:
    """Return the ends of an interval; NaN if there is none."""
    if field == "human" and row.get("human_se") is not None:
        return row["human"] - reach * row["human_se"], row["human"] + reach * row["human_se"]
    if field == "calibrated" and row.get("low") is not None:
        return row["low"], row["high"]
    return np.nan, np.nan


def effect_scatter_figure(
    rows: Sequence[Mapping[str, Any]],
    *,
    ceiling: float | None = None,
    cosines: Mapping[str, float] | None = None,
) -> Figure:
    """Draw predicted against human effects: twins as they are and calibrated, with the line of equality.

    ``rows`` have ``human``, ``twin`` and ``calibrated``. ``ceiling`` is the cosine that a perfect prediction
    would have, ``cosines`` those of ``twin`` and ``calibrated``.
    """
    figure, axes = new_figure(4.6, 4.4)
    values = [
        abs(row[name])
        for row in rows
        for name in ("human", "twin", "calibrated")
        if row.get(name) is not None
    ]
    most = 1.08 * max(values, default=1.0)
    axes.plot([-most, most], [-most, most], color=CHANCE, linewidth=1, linestyle="--")
    axes.axhline(0, color=GRID, linewidth=1)
    axes.axvline(0, color=GRID, linewidth=1)
    for field, label, colour, marker in (
        ("twin", "twins", TWIN, "D"),
        ("calibrated", "calibrated", CALIBRATED, "s"),
    ):
        here = [(row["human"], row[field]) for row in rows if row.get(field) is not None]
        known = None if cosines is None else cosines.get(field)
        text = label if known is None or not np.isfinite(known) else f"{label} (r {known:.2f})"
        axes.plot(*np.array(here).T, marker, color=colour, markersize=4, alpha=0.75, label=text)
    axes.set(
        xlim=(-most, most), ylim=(-most, most), xlabel="effect in people, sd", ylabel="predicted effect, sd"
    )
    if ceiling is not None and np.isfinite(ceiling):
        axes.set_title(f"ceiling of people: r {ceiling:.2f}", loc="left", fontsize=9)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
