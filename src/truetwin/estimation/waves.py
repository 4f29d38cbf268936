"""Change of an item between two waves: what people answered in the old one, and the estimate of the new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel, Scale
from truetwin.errors import ParameterError
from truetwin.estimation.statistics import CategoryFunction
from truetwin.estimation.topline import CATEGORY, CUMULATED, Topline, bounded_ends, function_values
from truetwin.registry import closest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """Change of the mean of one function of the category."""

    function: CategoryFunction
    estimate: float
    lower: float
    upper: float


def check_changes(panel: Panel, changes: Mapping[str, str], wanted: tuple[str, ...]) -> None:
    """Check that each new item of a change is estimated, that people have answered the old one, and that scales agree.

    Raises
    ------
    ParameterError
        If not.
    """
    for old, new in changes.items():
        if new not in wanted:
            raise ParameterError(
                f"a change OLD=NEW is to an item that is estimated; {new!r} is not.{closest(new, list(wanted))}"
            )
        j = panel.item_ids.index(old) if old in panel.item_ids else None
        if j is None or not np.isfinite(panel.human_values[:, j]).any():
            raise ParameterError(
                f"a change OLD=NEW is from an item that people have answered; nobody has answered {old!r}."
                f"{closest(old, list(panel.human.item_ids))}"
            )
        before, after = panel.scales[old], panel.scales[new]
        if _width(before) != _width(after) and not (before.inferred or after.inferred):
            raise ParameterError(
                f"both items of a change must have one scale; {old!r} is {before.describe()} and {new!r} is "
                f"{after.describe()}"
            )


def _width(scale: Scale) -> tuple[object, ...]:
    return (scale.kind, scale.categories, scale.low, scale.high)


def changes_of(
    new: Topline, answers: Floats, weights: Floats, level: float, *, sampling: float = 0.0
) -> list[Change]:
    """Estimate the change of every function of the category since an older wave.

    Parameters
    ----------
    new : Topline
        Estimates of the new item.
    answers : ndarray of shape (n_people,)
        What people answered to the old one, NaN where they did not.
    weights : ndarray of shape (n_people,)
    level : float
    sampling : float, default=0
        Variance of a mean over the people who stand for a wider population, in units of the variance over people. The
        error of the old wave is then added as if other people had been asked; with the same people it is smaller. That
        not all of them answered the old wave adds to it.
    """
    here = np.isfinite(answers) & (weights > 0)
    values = function_values(answers[here], new.law, new.functions)
    w = weights[here] / weights[here].sum()
    old = w @ values
    spread = w @ (values - old) ** 2
    asked, everybody = 1 / (w**2).sum(), weights.sum() ** 2 / (weights**2).sum()
    error = spread * (max(1 / asked - 1 / everybody, 0.0) + sampling)
    width = np.maximum(new.high, values.max(axis=0)) - np.minimum(new.low, values.min(axis=0))
    lower, upper = bounded_ends(
        new.estimate - old, new.variances + error[:, None], new.weights, -width, width, level
    )
    hidden = (CATEGORY, CUMULATED)
    return [
        Change(each, float(new.estimate[s] - old[s]), float(lower[s]), float(upper[s]))
        for s, each in enumerate(new.functions)
        if each.statistic not in hidden
    ]
