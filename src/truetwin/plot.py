"""Plots of results, as matplotlib figures: ``tt.plot.verdicts(diagnosis)``, or ``diagnosis.plot.verdicts()``.

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
    from truetwin.data import Panel
    from truetwin.diagnosis import Diagnosis
    from truetwin.estimation.estimates import Estimates
    from truetwin.evaluation import Evaluation
    from truetwin.experiments.calibrated_effects import CalibratedEffects
    from truetwin.experiments.effects import Effects
    from truetwin.experiments.experiment import Experiment
    from truetwin.reweighting.reweighting import Reweighting
    from truetwin.voice.scoring.leaderboard import Results

__all__ = [
    "alignment",
    "answers",
    "effects",
    "expectations",
    "faults",
    "methods",
    "models",
    "predictions",
    "shares",
    "spectra",
    "verdicts",
]


def answers(found: Panel, items: Iterable[str] | None = None) -> Figure:
    """Draw the shares of each answer among people and among twins, one panel an item.

    Parameters
    ----------
    found : Panel
    items : iterable of str, optional
        By default the first twelve that people have answered and whose scale has categories.

    Raises
    ------
    ParameterError
        If there is no such item.
    """
    from truetwin.data.human_marginals import human_marginals, twin_category_shares
    from truetwin.report.figures.calibration_figures import shares_grid

    new = set(found.new_items)
    there = [i for i in found.item_ids if found.scales[i].categories and i not in new]
    if not there:
        raise ParameterError("this panel has no item with categories that people have answered")
    people = human_marginals(found, there)
    rows = []
    for item, counted in people.by_population["all"].items():
        twin, labels = twin_category_shares(found, item), found.scales[item].labels
        for code, share in zip(found.scales[item].categories, counted.shares, strict=True):
            rows.append(
                {
                    "item": item,
                    "category": labels.get(code, f"{code:g}"),
                    "human": float(share),
                    "twin": twin.get(code),
                }
            )
    return shares_grid(rows, items)


def shares(
    found: Estimates | Reweighting,
    items: Iterable[str] | None = None,
    *,
    by: str | None = None,
    statistic: str = "share",
) -> Figure:
    """Draw estimated shares with their intervals, one panel an item; by group where there are groups.

    Of a population whose toplines are known, the predicted shares with their bands; by population if there are several.

    Parameters
    ----------
    found : Estimates or Reweighting
    items : iterable of str, optional
        By default the first twelve that have the statistic.
    by : str, optional
        Column of groups; by default the first one, if there is any.
    statistic : str, default="share"

    Raises
    ------
    ParameterError
        If there is nothing of that kind to draw.

    Examples
    --------
    >>> import truetwin as tt
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(120, 14, n_new_items=2).panel
    >>> len(tt.plot.shares(tt.estimate(panel)).axes)
    2
    """
    from truetwin.estimation.estimates import Estimates
    from truetwin.report.figures.estimate_figures import estimates_figure

    if isinstance(found, Estimates):
        return estimates_figure(found.rows, found.level, items, by=by, statistic=statistic)
    several = len({row["population"] for row in found.predictions}) > 1
    rows = [
        {
            "item": row["item_id"],
            "by": "population" if several else "",
            "group": row["population"],
            "statistic": "share",
            "category": row["category"],
            "estimate": row["share"],
            "lower": row["lower"],
            "upper": row["upper"],
        }
        for row in found.predictions
    ]
    return estimates_figure(rows, found.level, items, by=by, statistic=statistic)


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


def predictions(found: Calibration, items: Iterable[str] | None = None) -> Figure:
    """Draw the predicted shares of each answer to new items beside the twins' own, one panel an item.

    Parameters
    ----------
    found : Calibration
    items : iterable of str, optional
        By default the first twelve new items whose scale has categories.

    Raises
    ------
    ParameterError
        If there is no such item.
    """
    from truetwin.report.figures.calibration_figures import shares_grid
    from truetwin.report.sections.calibration_section import new_item_shares

    laws = {item: found.describe(item) for item in found.laws}
    rows = new_item_shares({"laws": laws}, found.panel, found.weights)
    if not rows:
        raise ParameterError("this calibration predicts no new item with categories")
    return shares_grid(rows, items)


def expectations(found: Calibration) -> Figure:
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
        for row in found.summary()
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


def effects(found: CalibratedEffects | Effects | Experiment) -> Figure:
    """Draw the effects of each contrast in sd, with intervals: people or a pilot of them, twins, and calibrated."""
    from truetwin.experiments.effects import Effects
    from truetwin.experiments.experiment import Experiment
    from truetwin.report.figures.effect_figures import forest_figure, forest_rows, measured_rows

    found = found.effects() if isinstance(found, Experiment) else found
    rows = measured_rows(found.rows) if isinstance(found, Effects) else forest_rows(found.rows)
    return forest_figure(rows, found.level)


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
