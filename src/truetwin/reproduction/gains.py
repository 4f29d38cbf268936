"""Percentage gains over baselines, and the best method, as tables 2, 4 and 5 of paper A print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.calibration.calibrators import methods

Row = Mapping[str, Any]

#: Baselines that the paper gives gains over: the twin as it is (zero-shot), and the twin shown other answers.
OVER = {"gain_over_twin": "twin", "gain_over_in_context": "in-context"}


def with_gains(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Add gains in percent to the cells of one part, ours and those of the printed means, and mark the best methods.

    A gain is None where the part lacks the baseline. ``best`` marks the highest mean among our methods, and
    ``paper_best`` the highest printed one; baselines do not compete.

    Examples
    --------
    >>> rows = [{"method": "twin", "mean": 0.2, "paper": 0.2}, {"method": "ridge", "mean": 0.25, "paper": 0.24}]
    >>> [(r["gain_over_twin"], r["best"]) for r in with_gains(rows)]
    [(None, False), (25.0, True)]
    """
    by_method = {row["method"]: row for row in rows}
    competing = [row for row in rows if methods[row["method"]].kind != "baseline"]
    best = {name: _best(competing, name) for name in ("mean", "paper")}
    found = []
    for row in rows:
        gains: dict[str, Any] = {}
        for column, baseline in OVER.items():
            of_it = row["method"] not in ("twin", baseline)
            base = by_method.get(baseline, {}) if of_it else {}
            gains[column] = _gain(row["mean"], base.get("mean"))
            gains[f"paper_{column}"] = _gain(row["paper"], base.get("paper"))
        marks = {"best": row["method"] == best["mean"], "paper_best": row["method"] == best["paper"]}
        found.append({**row, **gains, **marks})
    return found


def _gain(value: float | None, base: float | None) -> float | None:
    """Return by how many percent ``value`` exceeds ``base``; rounding noise is cut off."""
    if value is None or base is None or not base > 0:
        return None
    return round(100 * (value / base - 1), 9)


def _best(rows: Sequence[Row], column: str) -> str | None:
    """Return the method with the highest figure; the exact synthetic control is not the run that was printed."""
    ours_alone = (
        {"synthetic-control"} if any(r["method"] == "synthetic-control-paper" for r in rows) else set()
    )
    known = [r for r in rows if r[column] is not None and (column == "mean" or r["method"] not in ours_alone)]
    return max(known, key=lambda r: r[column])["method"] if known else None
