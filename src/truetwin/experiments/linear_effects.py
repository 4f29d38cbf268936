r"""Effects as differences of weighted means, with each person's part in them: arrays in, arrays out.

*Arms.* With :math:`\bar y_a` the weighted mean score of arm a and signs :math:`s_a` (+1 treatment, -1 control), the
effect is :math:`\sum_a s_a \bar y_a`. Person i of arm a moves it by :math:`z_i = s_a w_i (y_i - \bar y_a) / W_a`, and
has the share :math:`h_i = w_i / W_a` of the arm.

*Stacked answers.* Person p answers several items, some under treatment (:math:`D = 1`) and some under control. The
effect is the coefficient of D in the regression of the answers on D, one constant for each person and one for each
item. With :math:`\tilde D` the part of D that the constants do not explain and e the residuals, person p moves it by
:math:`z_p = w_p \sum_i \tilde D_{pi} e_{pi} / \sum w \tilde D^2`, and has the share
:math:`h_p = w_p \sum_i \tilde D_{pi}^2 / \sum w \tilde D^2`. Without constants of items it would be the mean of each
person's difference with the weights :math:`n_t n_c / (n_t + n_c)`.

*Standard error.* :math:`\mathrm{var} = \sum_g (\sum_{i \in g} z_i / \sqrt{1 - H_{ga}})^2` over clusters g (each person
is one without clusters), where :math:`H_{ga}` is the share of arm a that is in cluster g. For two arms without weights
it is Welch's :math:`s_1^2 / n_1 + s_0^2 / n_0` exactly; for clusters of one size within arms it has the factor
:math:`G_a / (G_a - 1)`. With strata it is the linearised variance of :mod:`truetwin.estimation.survey_variance`.

Source: Welch (1947), The generalization of Student's problem; MacKinnon and White (1985), Some
heteroskedasticity-consistent covariance matrix estimators (HC2); Frisch and Waugh (1933) for the constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.estimation.survey_variance import SurveyDesign, score_variance

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
#: A share of an arm from which one person, or one cluster, is the whole arm.
WHOLE = 1.0 - 1e-9


@dataclass(frozen=True, eq=False)
class LinearEffect:
    """Effect of one contrast, with each person's part in it.

    Attributes
    ----------
    effect : float
        NaN where it is not defined; ``reason`` says why.
    scores : ndarray of shape (n,)
        How much each person's answers moved the effect; 0 for people who are in no arm.
    shares : ndarray of shape (n,)
        Share of each person in their arm.
    arms : ndarray of shape (n,)
        Number of each person's arm; -1 for none.
    sd : float
        Standard deviation that makes effects comparable.
    sd_df : float
        Degrees of freedom of ``sd``.
    n_treatment, n_control, n_people : int
        Number of people (stacked: of answers) in the arms, and of people altogether.
    reason : str
        Why the effect is missing; empty if it is not.
    """

    effect: float
    scores: Array
    shares: Array
    arms: Positions
    sd: float
    sd_df: float
    n_treatment: int
    n_control: int
    n_people: int
    reason: str = ""

    @classmethod
    def missing(cls, n: int, reason: str) -> LinearEffect:
        """Make an effect that is not defined, for a reason."""
        zero = np.zeros(n)
        return cls(np.nan, zero, zero, np.full(n, -1), np.nan, 0.0, 0, 0, 0, reason)

    def error(self, design: SurveyDesign) -> tuple[float, float]:
        """Return the standard error and its degrees of freedom; NaN if an arm holds one person or one cluster."""
        here = self.arms >= 0
        if not here.any():
            return np.nan, np.nan
        if design.strata.any():
            variance = float(score_variance(self.scores, design)[0])
            clusters = len(np.unique(design.clusters[here]))
            return float(np.sqrt(variance)), max(clusters - len(np.unique(design.strata[here])), 1.0)
        n_arms = int(self.arms.max()) + 1
        cells = self.arms[here] * design.n_clusters + design.clusters[here]
        size = n_arms * design.n_clusters
        held: Array = np.bincount(cells, self.shares[here], size).astype(np.float64)
        if held.max() >= WHOLE:
            return np.nan, np.nan
        parts = np.bincount(cells, self.scores[here], size) / np.sqrt(1.0 - held)
        by_arm: Array = parts.reshape(n_arms, -1)
        variance = float((by_arm.sum(axis=0) ** 2).sum())
        return float(np.sqrt(variance)), _degrees_of_freedom(by_arm, held.reshape(n_arms, -1))


def _degrees_of_freedom(parts: Array, held: Array) -> float:
    """Welch's degrees of freedom; the number of clusters minus 1 where clusters are in several arms.

    ``parts`` and ``held`` are the scores and shares by arm and cluster. Unequal weights count as fewer people.
    """
    if ((held > 0).sum(axis=0) > 1).any():
        return float((held > 0).any(axis=0).sum() - 1)
    by_arm = (parts**2).sum(axis=1)
    sizes = 1.0 / (held**2).sum(axis=1)
    below = float((by_arm**2 / (sizes - 1.0)).sum())
    return float(by_arm.sum() ** 2 / below) if below > 0 else float(sizes.sum() - len(sizes))


def difference_of_arms(y: Array, arms: Positions, signs: Sequence[int], weights: Array) -> LinearEffect:
    """Estimate the signed sum of the mean scores of arms.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Scores, NaN where missing.
    arms : ndarray of shape (n,)
        Number of each person's arm, 0 .. A - 1; -1 for none.
    signs : sequence of int
        Sign of each arm.
    weights : ndarray of shape (n,)
        Weights, at least 0.

    Examples
    --------
    >>> y, arms = np.array([1.0, 3.0, 5.0, 9.0]), np.array([1, 1, 0, 0])
    >>> difference_of_arms(y, arms, [1, -1], np.ones(4)).effect
    5.0
    """
    signs_ = np.asarray(signs, dtype=np.float64)
    here = (arms >= 0) & np.isfinite(y) & (weights > 0)
    codes, w, answers = arms[here], weights[here], y[here]
    counts = np.bincount(codes, minlength=len(signs_))
    if (counts == 0).any():
        return LinearEffect.missing(len(y), "nobody has answered in an arm")
    totals = np.bincount(codes, w, len(signs_))
    means = np.bincount(codes, w * answers, len(signs_)) / totals
    moved = answers - means[codes]
    shares, scores, kept = np.zeros(len(y)), np.zeros(len(y)), np.full(len(y), -1)
    shares[here] = w / totals[codes]
    scores[here] = signs_[codes] * shares[here] * moved
    kept[here] = codes
    sd = _within_sd(np.bincount(codes, w * moved**2, len(signs_)) / totals, counts)
    treated = int(counts[signs_ > 0].sum())
    n = int(counts.sum())
    return LinearEffect(
        float(signs_ @ means), scores, shares, kept, sd, float(n - len(signs_)), treated, n - treated, n
    )


def _within_sd(variances: Array, counts: NDArray[np.int64]) -> float:
    """Pool variances (over n) within arms, by degrees of freedom."""
    freedom = counts.sum() - len(counts)
    return float(np.sqrt((variances * counts).sum() / freedom)) if freedom > 0 else np.nan


def mean_difference(plus: Array, minus: Array, weights: Array) -> LinearEffect:
    """Estimate the mean difference of two composites of the same people; their sd is that of the composites."""
    found = paired_difference([(1.0, plus), (-1.0, minus)], weights)
    return replace(found, reason="nobody has answered all outcomes") if found.reason else found


def paired_difference(cells: Sequence[tuple[float, Array]], weights: Array) -> LinearEffect:
    """Estimate an effect among those who answered under every arm: the mean of each person's own difference.

    The standard deviation is that of the scores within arms, as it is between arms, not of the differences.

    Parameters
    ----------
    cells : sequence of (float, ndarray of shape (n,))
        Factor and scores of each arm; a person's difference is the sum of factor times score.
    weights : ndarray of shape (n,)
        Weights, at least 0.

    Examples
    --------
    >>> paired_difference([(1.0, np.array([3.0, 5.0])), (-1.0, np.array([2.0, 2.0]))], np.ones(2)).effect
    2.0
    """
    y = np.sum([factor * score for factor, score in cells], axis=0)
    here = np.isfinite(y) & (weights > 0)
    found = difference_of_arms(y, np.where(here, 0, -1), [1], weights)
    if found.reason:
        return LinearEffect.missing(len(y), "nobody has answered under all arms")
    w, n = weights[here] / weights[here].sum(), int(here.sum())
    spread = [float(w @ (score[here] - w @ score[here]) ** 2) for _, score in cells]
    sd = float(np.sqrt(np.mean(spread) * n / (n - 1))) if n > 1 else np.nan
    return replace(found, sd=sd, sd_df=float(len(cells) * (n - 1)), n_treatment=n, n_control=n)


def stacked_difference(answers: Array, treated: NDArray[np.int8], weights: Array) -> LinearEffect:
    """Estimate the effect of treatment on stacked answers, within persons and within items.

    Parameters
    ----------
    answers : ndarray of shape (n, k)
        Answers of each person to each item, NaN where missing.
    treated : ndarray of shape (n, k)
        1 where the item was asked under treatment, 0 under control, -1 under neither.
    weights : ndarray of shape (n,)
        Weights of people, at least 0.

    Examples
    --------
    >>> answers = np.array([[5.0, 2.0], [3.0, 6.0], [4.0, 1.0], [2.0, 4.0]])
    >>> treated = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=np.int8)
    >>> round(stacked_difference(answers, treated, np.ones(4)).effect, 6)
    2.75
    """
    n = len(answers)
    used = (treated >= 0) & np.isfinite(answers) & (weights[:, None] > 0)
    persons, items = np.nonzero(used)
    y, d = answers[persons, items], treated[persons, items].astype(np.float64)
    n_treated, n_control = int(d.sum()), int((1 - d).sum())
    if not n_treated or not n_control:
        return LinearEffect.missing(n, "nobody has answered in an arm")
    w = weights[persons]
    columns = _free_of_constants(np.column_stack([d, y]), persons, items, w, n)
    d_rest, y_rest = columns[:, 0], columns[:, 1]
    information = np.bincount(persons, w * d_rest**2, n)
    total = information.sum()
    if total <= 1e-9 * w.sum():
        return LinearEffect.missing(
            n, "nobody has answered under both levels, beyond what items and persons explain"
        )
    effect = float((w * d_rest * y_rest).sum() / total)
    scores = np.bincount(persons, w * d_rest * (y_rest - effect * d_rest), n) / total
    shares = information / total
    arms = np.where(shares > 0, 0, -1)
    codes = (1 - d).astype(np.intp)
    sums = np.bincount(codes, w, 2)
    moved = y - (np.bincount(codes, w * y, 2) / sums)[codes]
    sd = _within_sd(np.bincount(codes, w * moved**2, 2) / sums, np.array([n_treated, n_control]))
    return LinearEffect(
        effect, scores, shares, arms, sd, float(len(y) - 2), n_treated, n_control, int((arms == 0).sum())
    )


def _free_of_constants(columns: Array, persons: Positions, items: Positions, w: Array, n: int) -> Array:
    """Take out of columns what a constant for each person and one for each item explain (least squares)."""
    k = int(items.max()) + 1
    dummies = np.eye(k)[items][:, 1:]
    both = np.column_stack([columns, dummies])
    totals = np.bincount(persons, w, n)
    centred = np.empty_like(both)
    for j in range(both.shape[1]):
        centred[:, j] = (
            both[:, j] - (np.bincount(persons, w * both[:, j], n) / np.maximum(totals, 1e-300))[persons]
        )
    ours, theirs = centred[:, : columns.shape[1]], centred[:, columns.shape[1] :]
    weighted = theirs * w[:, None]
    coefficients = np.linalg.lstsq(weighted.T @ theirs, weighted.T @ ours, rcond=1e-10)[0]
    return np.asarray(ours - theirs @ coefficients)
