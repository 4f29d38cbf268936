"""Topline of an item: every function of its category over everybody, with or without answers of some people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Scale
from truetwin.estimation.sample_posterior import SharePrior, heavy_tail_note, sample_posterior
from truetwin.estimation.statistics import (
    CategoryFunction,
    Statistic,
    category_functions,
    category_labels,
    median_of,
)
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.reweighting.share_law import ShareLaw, in_whole_people, people_worth
from truetwin.solvers.beta_mixture import mixture_quantile

Floats = NDArray[np.float64]
#: Name of the functions whose means are cumulated shares, from which a median is read.
CUMULATED = "cumulated share"
#: Name of the functions whose means are the shares of the categories.
CATEGORY = "category"
#: Mean absolute error of a normal variable of variance 1.
HALF_NORMAL = float(np.sqrt(2 / np.pi))


@dataclass(frozen=True, eq=False)
class AskedPeople:
    """People who have answered an item, and predictions for everybody.

    Attributes
    ----------
    answers : ndarray of shape (n_people,)
        NaN for those who have not answered.
    design : SurveyDesign
        How those who answered were drawn.
    predicted : ndarray of shape (n_people, K) or None
        Predicted probabilities of each category.
    points : ndarray of shape (n_people,) or None
        Predicted answers.
    weights : ndarray of shape (n_people,)
        Weights of everybody whom the estimate is about; 0 for others.
    to_population : bool
        Whether the estimate is about the wider population.
    by_chance : bool, default=False
        Whether those who answered were drawn simply at random among everybody, so that their weights are only those
        that everybody has.
    """

    answers: Floats
    design: SurveyDesign
    predicted: Floats | None
    points: Floats | None
    weights: Floats
    to_population: bool
    by_chance: bool = False


@dataclass(frozen=True, eq=False)
class Topline:
    """Means of S functions of the category of one item over everybody.

    Attributes
    ----------
    law : ShareLaw
        What is known without answers to the item.
    scale : Scale
    labels : tuple of str
        Names of the categories.
    functions : tuple of CategoryFunction
    estimate, lower, upper : ndarray of shape (S,)
    spread : ndarray of shape (S,)
        Variance of each function over people.
    low, high : ndarray of shape (S,)
        Ends of each function.
    variances, weights : ndarray of shape (S, L)
        The error is a mixture of L parts with these variances.
    worth : ndarray of shape (S,)
        Number of people drawn simply at random whose answers would tell as much.
    people : float
        Number of people whom the estimates are about; infinite for a wider population.
    n_answered : int
        Number of people who have answered.
    slope : ndarray of shape (S,)
        How far predictions were used for those who were not asked.
    notes : tuple of str
    """

    law: ShareLaw
    scale: Scale
    labels: tuple[str, ...]
    functions: tuple[CategoryFunction, ...]
    estimate: Floats
    lower: Floats
    upper: Floats
    spread: Floats
    low: Floats
    high: Floats
    variances: Floats
    weights: Floats
    worth: Floats
    people: float
    n_answered: int = 0
    slope: Floats | None = None
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> Floats:
        """Functions as a table, (S, K)."""
        return np.array([each.values for each in self.functions])

    @property
    def shares(self) -> Floats:
        """Shares of the categories, (K,)."""
        rows = [s for s, each in enumerate(self.functions) if each.statistic == CATEGORY]
        found = np.maximum(self.estimate[rows], 0.0)
        return np.asarray(found / found.sum())

    def median(self) -> tuple[float, float, float]:
        """Return the median and the ends of its interval: the medians at the ends of the cumulated shares."""
        rows = [s for s, each in enumerate(self.functions) if each.statistic == CUMULATED]
        order = np.argsort(self.law.codes, kind="stable")
        codes, edges = self.law.codes[order], self.law.edges
        found = [
            median_of(np.append(ends[rows], 1.0), codes, edges)
            for ends in (self.estimate, self.upper, self.lower)
        ]
        return found[0], found[1], found[2]


def item_functions(
    statistics: Sequence[Statistic], law: ShareLaw, labels: Sequence[str], *, is_option: bool
) -> tuple[CategoryFunction, ...]:
    """List the functions of the category that an item's statistics need; its categories' shares come first.

    The functions named :data:`CATEGORY` and :data:`CUMULATED` serve further computation, and are not printed.
    """
    size = law.n_categories
    found = [CategoryFunction(CATEGORY, labels[k], np.eye(size)[k]) for k in range(size)]
    if any(each.kind == "median" for each in statistics):
        order = np.argsort(law.codes, kind="stable")
        for k in range(1, size):
            values = np.zeros(size)
            values[order[:k]] = 1.0
            found.append(CategoryFunction(CUMULATED, None, values))
    for each in statistics:
        found += category_functions(each, law.codes, labels, is_option=is_option)
    if any(each.kind == "gap" for each in statistics):
        kind = "mean" if law.ordered else "share"
        if not any(each.statistic == kind for each in found):
            found += category_functions(Statistic(kind, kind), law.codes, labels)  # type: ignore[arg-type]
    return tuple(found)


def topline(
    law: ShareLaw,
    scale: Scale,
    statistics: Sequence[Statistic],
    *,
    level: float,
    sampling: float = 0.0,
    asked: AskedPeople | None = None,
    is_option: bool = False,
    n_people: float | None = None,
) -> Topline:
    """Estimate every function of an item's category over everybody.

    Parameters
    ----------
    law : ShareLaw
        Law of its shares, learned without any answer to it.
    scale : Scale
    statistics : sequence of Statistic
    level : float
        Probability that each interval holds.
    sampling : float, default=0
        Variance of a mean over the people who stand for the wider population, in units of the variance over people;
        0 if the estimate is about these people themselves.
    asked : AskedPeople, optional
        People who have answered the item.
    is_option : bool, default=False
        Whether the item is an option of a question with several answers.
    n_people : float, optional
        Number of people whom the estimate is about, unless it is about a wider population; by default the base of the
        law.
    """
    labels = tuple(category_labels(law.codes, scale, law.edges))
    functions = item_functions(statistics, law, labels, is_option=is_option)
    table = np.array([each.values for each in functions])
    prior = SharePrior.of(law, table)
    if asked is None:
        relative = 1.0 / (law.kappas + 1.0) + sampling
        variances = prior.variances[:, None] * relative
        weights = prior.weights
        base = np.inf if sampling else law.base
        people = np.inf if sampling else law.base if n_people is None else n_people
        ends = bounded_ends(prior.means, variances, weights, prior.low, prior.high, level, base)
        return Topline(
            law,
            scale,
            labels,
            functions,
            prior.means,
            *ends,
            prior.variances,
            prior.low,
            prior.high,
            variances,
            weights,
            people_worth(prior.variances, variances, weights, people),
            people,
            notes=law.notes,
        )
    here = np.isfinite(asked.answers) & (asked.weights > 0)
    answers = function_values(asked.answers[here], law, functions)
    prior = replace(  # numbers may lie outside the bins' means
        prior,
        low=np.minimum(prior.low, answers.min(axis=0)),
        high=np.maximum(prior.high, answers.max(axis=0)),
    )
    predicted = predicted_values(asked, law, functions)
    people = np.inf if asked.to_population else float((asked.weights > 0).sum())
    found = sample_posterior(
        prior,
        answers,
        asked.design,
        predicted=None if predicted is None else predicted[here],
        everybody=None if predicted is None else predicted[asked.weights > 0],
        everybody_weights=None if predicted is None else asked.weights[asked.weights > 0],
        population=people,
        random_draw=True if asked.by_chance else None,
        level=level,
    )
    estimate = _coherent(functions, found.estimate)
    own = np.average((answers - found.classical) ** 2, axis=0, weights=asked.design.weights)
    n = found.n
    spread = (5 * prior.variances + n * own) / (5 + n)
    variances = found.standard_error[:, None] ** 2
    notes = list(law.notes) + list(found.notes)
    tail = heavy_tail_note(asked.answers[here], asked.design.weights) if law.edges is not None else None
    return Topline(
        law,
        scale,
        labels,
        functions,
        estimate,
        np.minimum(found.low, estimate),
        np.maximum(found.high, estimate),
        spread,
        prior.low,
        prior.high,
        variances,
        np.ones_like(variances),
        people_worth(spread, variances, np.ones_like(variances), people),
        people,
        n,
        found.weight,
        tuple(notes + ([tail] if tail else [])),
    )


def _coherent(functions: Sequence[CategoryFunction], estimate: Floats) -> Floats:
    """Make shares of categories sum to 1, and other shares sums of them, after each was estimated by itself."""
    rows = [s for s, each in enumerate(functions) if each.statistic == CATEGORY]
    shares = np.maximum(estimate[rows], 0.0)
    sums = np.array([each.values for each in functions]) @ (shares / shares.sum())
    return np.where([each.is_share for each in functions], sums, estimate)


def function_values(answers: Floats, law: ShareLaw, functions: Sequence[CategoryFunction]) -> Floats:
    """Compute functions of the category of given answers, (n, S); the mean of a binned item is that of the answers."""
    if law.edges is None:
        place = np.abs(answers[:, None] - law.codes).argmin(axis=1)
    else:
        place = np.searchsorted(law.edges, answers, side="left")
    found = np.array([each.values for each in functions])[:, place].T
    if law.edges is not None:
        means = [s for s, each in enumerate(functions) if each.statistic == "mean"]
        found[:, means] = answers[:, None]
    return np.asarray(found)


def predicted_values(
    asked: AskedPeople, law: ShareLaw, functions: Sequence[CategoryFunction]
) -> Floats | None:
    """Predict functions of the category for everybody, (n_people, S); None without predictions for all of them."""
    counted = asked.weights > 0
    if asked.predicted is not None and np.isfinite(asked.predicted[counted]).all():
        return np.asarray(asked.predicted @ np.array([each.values for each in functions]).T)
    if asked.points is None or not np.isfinite(asked.points[counted]).all():
        return None
    means = np.array([each.statistic == "mean" for each in functions])
    return np.where(means, np.nan_to_num(asked.points)[:, None], 0.0)


def bounded_ends(
    means: Floats,
    variances: Floats,
    weights: Floats,
    low: Floats,
    high: Floats,
    level: float,
    people: Floats | float = np.inf,
) -> tuple[Floats, Floats]:
    """Return the ends of intervals of means that lie between ``low`` and ``high``; they hold the mean itself.

    Parameters
    ----------
    means, low, high : ndarray of shape (S,)
    variances, weights : ndarray of shape (S, L)
        Mixture of errors.
    level : float
    people : ndarray of shape (S,) or float
        Number of people whom the means are about; see :func:`~truetwin.reweighting.share_law.in_whole_people`.

    Returns
    -------
    lower, upper : ndarray of shape (S,)
    """
    width = np.where(high > low, high - low, 1.0)
    centre = np.clip((means - low) / width, 0.0, 1.0)[:, None]
    parts = fewer_parts(variances / width[:, None] ** 2, weights)
    lower, upper = (
        in_whole_people(mixture_quantile(centre, *parts, p), people)
        for p in ((1 - level) / 2, (1 + level) / 2)
    )
    real, inside = np.where(high > low, width, 0.0), np.clip(means, low, high)
    return np.minimum(low + real * lower, inside), np.maximum(low + real * upper, inside)


def fewer_parts(variances: Floats, weights: Floats, most: int = 8) -> tuple[Floats, Floats]:
    """Join parts of mixtures with neighbouring variances until at most ``most`` equally likely ones are left."""
    if variances.shape[1] <= most:
        return variances, weights
    order = np.argsort(variances, axis=1)
    v, w = (
        np.take_along_axis(np.broadcast_to(x, variances.shape), order, axis=1) for x in (variances, weights)
    )
    middle = np.cumsum(w, axis=1) - w / 2
    cell = np.minimum((middle * most).astype(np.intp), most - 1)
    joined, total = (np.zeros((len(v), most)) for _ in range(2))
    rows = np.broadcast_to(np.arange(len(v))[:, None], v.shape)
    np.add.at(total, (rows, cell), w)
    np.add.at(joined, (rows, cell), w * v)
    return np.divide(joined, total, out=np.zeros_like(joined), where=total > 0), total
