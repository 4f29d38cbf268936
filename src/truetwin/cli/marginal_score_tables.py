"""Print an evaluation of marginals: mean discrepancies, and paired differences from the best null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.cli.output import Column, print_table

Row = Mapping[str, Any]
#: Metrics with columns of their own, whatever discrepancies are shown.
BESIDE = {
    "variance-ratio": "variance kept",
    "coverage": "band",
    "coverage-simultaneous": "whole band",
    "coverage-discrepancy": "bound",
}


def print_marginal_scores(rows: Sequence[Row], asked: Sequence[str], title: str) -> None:
    """Print one line a method: its means by the metrics asked for, then its differences from the best nulls."""
    shown = [name for name in asked if name not in BESIDE and any(row["metric"] == name for row in rows)]
    several = len({row["trained_on"] for row in rows if row["trained_on"]}) > 1
    means = [
        Column("method", "method"),
        *([Column("trained", "trained on")] if several else []),
        *(
            column
            for k, name in enumerate(shown)
            for column in (Column(name, name, ".4f", optional=k > 0), *_error_of(name, k))
        ),
        *(Column(name, heading, ".3f", optional=True) for name, heading in BESIDE.items()),
        Column("n", "n", "d", optional=True),
        Column("seconds", "seconds", ".1f", optional=True),
    ]
    print_table(list(_means(rows).values()), means, title=title)
    found = {row["metric"]: row["null"] for row in rows if row.get("null")}
    nulls = {name: found[name] for name in shown if name in found}
    if not nulls:
        return
    differences = [
        Column("method", "method"),
        *([Column("trained", "trained on")] if several else []),
        *(Column(name, f"{name} - {nulls[name]}", optional=k > 0) for k, name in enumerate(nulls)),
    ]
    print_table(
        list(_differences(rows).values()),
        differences,
        title="minus the best null, paired (SE); negative is better\n* the 95% interval leaves out 0",
    )


def _error_of(name: str, place: int) -> list[Column]:
    """Return the column of a metric's standard error; the first metric only has one."""
    return [Column(f"{name} error", "SE", ".4f", optional=True)] if place == 0 else []


def _means(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        line = table.setdefault(_key(row), _line(row))
        line[row["metric"]] = float("nan") if row["mean"] is None else row["mean"]
        line[f"{row['metric']} error"] = row["standard_error"]
        line["n"] = min(line["n"], row["n_scored"])
    return table


def _differences(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        difference, error = row.get("null_difference"), row.get("null_difference_standard_error")
        if difference is None or difference != difference:  # nothing was scored by both
            continue
        line = table.setdefault(_key(row), _line(row))
        if error is None:
            line[row["metric"]] = f"{difference:+.3f}"
            continue
        clear = row["null_difference_low"] > 0 or row["null_difference_high"] < 0
        line[row["metric"]] = f"{difference:+.3f} ({error:.3f}){'*' if clear else ''}"
    return table


def _key(row: Row) -> tuple[str, str]:
    return row["method"], row["trained_on"] or ""


def _line(row: Row) -> dict[str, Any]:
    return {
        "method": row["method"],
        "trained": row["trained_on"],
        "n": row["n_scored"],
        "seconds": row["seconds"],
    }
