"""Average a model's results over the dimensions of the benchmark (paper B, last columns of table 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetwin.voice.scoring.leaderboard import Standing

#: What stands for the dimension in the row of an average.
AVERAGE = "average"
Group = tuple[str, str]


@dataclass(frozen=True)
class Averages:
    """Rows of averages, and notes on models that have none."""

    standings: tuple[Standing, ...]
    notes: tuple[str, ...] = ()


def average_standings(standings: Sequence[Standing]) -> Averages:
    """Average each model's standings over dimensions, each protocol and judge by itself; every dimension counts alike.

    A model has an average if it has exactly one result in every dimension in which any model has one; the others are
    named in a note. There are none unless results are of two dimensions or more. The interval takes dimensions as
    independent, as they have no personas in common.
    """
    groups: dict[Group, dict[str, list[Standing]]] = {}
    for standing in standings:
        if standing.dimension and standing.dimension != AVERAGE:
            by_model = groups.setdefault((standing.protocol, standing.judge), {})
            by_model.setdefault(standing.model, []).append(standing)
    rows: list[Standing] = []
    notes: list[str] = []
    for (protocol, _), by_model in groups.items():
        wanted = sorted({s.dimension for found in by_model.values() for s in found})
        if len(wanted) < 2:
            continue
        whole = [m for m, found in by_model.items() if sorted(s.dimension for s in found) == wanted]
        rows += [_average(by_model[model]) for model in whole]
        without = [model for model in by_model if model not in whole]
        if without:
            notes.append(
                f"no average over dimensions ({protocol}) for {', '.join(without)}: it needs one result in each of "
                f"{', '.join(wanted)}"
            )
    return Averages(tuple(rows), tuple(notes))


def _average(found: Sequence[Standing]) -> Standing:
    points = _mean([s.accuracy_all if s.accuracy_all is not None else s.mean_score for s in found])
    half = _half_width(found)
    baseline = _mean([s.baseline_accuracy for s in found])
    return replace(
        found[0],
        dimension=AVERAGE,
        n=sum(s.n for s in found),
        n_answered=sum(s.n_answered for s in found),
        accuracy_answered=_mean([s.accuracy_answered for s in found]),
        accuracy_all=_mean([s.accuracy_all for s in found]),
        ci_low=None if points is None or half is None else points - half,
        ci_high=None if points is None or half is None else points + half,
        mean_score=_mean([s.mean_score for s in found]),
        judged_mean_score=_mean([s.judged_mean_score for s in found]),
        n_imputed=sum(s.n_imputed for s in found),
        opinion=_mean([s.opinion for s in found]),
        logic=_mean([s.logic for s in found]),
        style=_mean([s.style for s in found]),
        n_failed=sum(s.n_failed for s in found),
        baseline="" if baseline is None else f"best rule of each of {len(found)} dimensions",
        baseline_accuracy=baseline,
        chance=_mean([s.chance for s in found]),
        file=", ".join(dict.fromkeys(s.file for s in found)),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Average values; None if one is missing."""
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _half_width(found: Sequence[Standing]) -> float | None:
    """Combine half the widths of independent intervals into that of their mean."""
    halves = [(s.ci_high - s.ci_low) / 2 for s in found if s.ci_low is not None and s.ci_high is not None]
    return math.hypot(*halves) / len(halves) if len(halves) == len(found) else None
