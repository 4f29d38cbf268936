"""Plots of results, as matplotlib figures: ``tt.plot.verdicts(diagnosis)``.

Each function takes a result and returns a new figure, which notebooks show and ``figure.savefig`` writes. They are the
figures of reports.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from truetwin.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from truetwin.calibration import Calibration
    from truetwin.diagnosis import Diagnosis
    from truetwin.estimation.estimates import Estimates
    from truetwin.evaluation import Evaluation
    from truetwin.experiments.calibrated_effects import CalibratedEffects
    from truetwin.voice.scoring.leaderboard import Results

__all__ = [
    "alignment",
    "effects",
    "expectations",
    "faults",
    "methods",
    "models",
    "shares",
    "spectra",
    "verdicts",
]


def shares(found: Estimates, items: Iterable[str] | None = None, *, by: str | None = None) -> Figure:
    """Draw estimated shares with their intervals, one panel an item; by group where there are groups.

    Parameters
    ----------
    found : Estimates
    items : iterable of str, optional
        By default the first twelve.
    by : str, optional
        Column of groups; by default the first one, if there is any.

    Examples
    --------
    >>> import truetwin as tt
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(120, 14, n_new_items=2).panel
    >>> len(tt.plot.shares(tt.estimate(panel)).axes)
    2
    """
    return found.plot.shares(items, by=by)


def methods(found: Evaluation, metric: str | None = None, *, baseline: str = "twin") -> Figure:
    """Draw the gain of every method over a baseline on hidden answers, with 95% intervals.

    Parameters
    ----------
    found : Evaluation
    metric : str, optional
        By default the first one that was scored.
    baseline : str, default="twin"

    Raises
    ------
    ParameterError
        If the metric was not scored.
    """
    from truetwin.report.figures.evaluation_figures import method_figure

    rows = found.summary(baseline)
    scored = list(dict.fromkeys(row["metric"] for row in rows))
    wanted = metric or scored[0]
    if wanted not in scored:
        raise ParameterError(f"the metric must be one of {', '.join(scored)}; got {wanted!r}")
    return method_figure([row for row in rows if row["metric"] == wanted])


def expectations(result: Calibration) -> Figure:
    """Draw the correlation with people's answers that is expected of each new item's predictions, with intervals.

    Raises
    ------
    ParameterError
        If no new item has an expectation.
    """
    from truetwin.report.figures.calibration_figures import expectation_figure

    rows = [
        {
            "item": row["target"],
            "expected": row["expected_correlation"],
            "low": row["correlation_low"],
            "high": row["correlation_high"],
        }
        for row in result.summary()
        if row["expected_correlation"] is not None
    ]
    if not rows:
        raise ParameterError("no new item of this calibration has an expected correlation")
    return expectation_figure(rows)


def verdicts(found: Diagnosis) -> Figure:
    """Draw the expected correlations of new items with people, before and after calibration, by verdict."""
    from truetwin.report.figures.diagnosis_figures import verdict_figure

    return verdict_figure(found)


def spectra(found: Diagnosis) -> Figure:
    """Draw in how few directions people and twins vary."""
    from truetwin.report.figures.diagnosis_figures import spectrum_figure

    return spectrum_figure(found.spectra)


def alignment(found: Diagnosis, space: Literal["row", "column"] = "row") -> Figure:
    """Draw whether twins vary in the same directions as people: among items ("row") or respondents ("column")."""
    from truetwin.report.figures.diagnosis_figures import alignment_figure

    if space not in found.alignments:
        raise ParameterError(f"space must be 'row' or 'column'; got {space!r}")
    return alignment_figure(found.alignments[space])


def faults(found: Diagnosis) -> Figure:
    """Draw spread and level of the twins' answers beside people's."""
    from truetwin.report.figures.diagnosis_figures import fault_figure

    return fault_figure(found)


def effects(found: CalibratedEffects) -> Figure:
    """Draw the effects of each contrast: a pilot of people, twins as they are, calibrated with intervals."""
    from truetwin.report.figures.effect_figures import forest_figure, forest_rows

    return forest_figure(forest_rows(found.rows), found.level)


def models(found: Results, dimension: str, protocol: str) -> Figure:
    """Draw the accuracies of models on one dimension under one protocol, with intervals and the best rule beside them.

    Raises
    ------
    ParameterError
        If there are none.
    """
    from truetwin.report.figures.leaderboard_figure import leaderboard_figure
    from truetwin.voice.scoring.leaderboard import ranked

    standings = [s for s in found.standings if (s.dimension, s.protocol) == (dimension, protocol)]
    if not standings:
        there = sorted({f"{s.dimension}, {s.protocol}" for s in found.standings})
        raise ParameterError(f"there are no results of {dimension}, {protocol}; there are {'; '.join(there)}")
    return leaderboard_figure(ranked(standings))
