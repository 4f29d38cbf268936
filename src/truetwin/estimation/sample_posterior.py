r"""Estimate a new item's shares and means from the answers of some people, the twins, and what earlier items taught.

Three sources meet. *The prior*: the law of the item's shares before anybody has answered
(:class:`truetwin.reweighting.share_law.ShareLaw`), a mixture over the number of people :math:`\kappa` that it is worth.
*The sample*: y of those who answered, with weights and clusters. *The predictions*: f of everybody, which tell how
those who answered differ from the rest. The prior is worth a constant number of people and the predictions a
percentage of those asked, so that both are used.

The sample's own estimate is the prediction-powered mean
:math:`\theta = \lambda \bar f + \overline{(y - \lambda f)}`, the second mean by Hajek's weights and
:math:`\lambda = \mathrm{cov}(y, f) / \mathrm{var}(f)`, limited to 0 .. 1
(:mod:`truetwin.solvers.prediction_powered`). It is worth

.. math:: n^* = n_e \left(\frac{z}{t_{df}}\right)^2 \Big/ \frac{\mathrm{var}(y - \lambda f)}{\mathrm{var}(y)}

people, where :math:`n_e` counts the answers as if drawn simply at random and :math:`z / t` pays for variances
estimated from few (with clusters, df is their number less strata, plus the three that the usual likeness within
clusters counts). Given :math:`\kappa`, with prior mean :math:`m` and variance over people :math:`v`,

.. math:: \mu = \frac{\kappa m + n^* \theta}{\kappa + n^*}, \qquad
    \sigma^2 = \frac{\kappa v + n^* v_d + \frac{\kappa n^*}{\kappa + n^*} (\theta - m)^2}
    {(\kappa + n^*)(\kappa + n^* + 1)}, \qquad v_d = \frac{5 v + (n^* - 1) s^2}{n^* + 4},

and :math:`\kappa` is as likely as before times the density of :math:`\theta - m` under
:math:`N(0, v_d / n^* + v / (\kappa + 1))`. The interval is read off the mixture of Beta distributions with these means
and variances.

No method can repair a sample in which answering depends on the answer itself. The result says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from truetwin.errors import DataError, ParameterError
from truetwin.estimation.survey_variance import (
    USUAL_RHO_CLUSTERS,
    SurveyDesign,
    effective_n,
    hajek_mean,
    kish_n,
    linearised_variance,
)
from truetwin.reweighting.share_law import ShareLaw
from truetwin.solvers.beta_mixture import mixture_quantile

Array = NDArray[np.float64]

LEAST_RATIO = 0.2  # predictions are never trusted to save more than four answers in five
PRIOR_SPREAD = 5.0  # answers that the predicted spread over people is worth
MOST_PEOPLE = 1e7  # with more of them an interval is a point, for all that anybody prints
COCHRAN = 25.0  # Cochran (1977, p. 42): the mean of n answers is near normal if n > 25 skewness^2


@dataclass(frozen=True, eq=False)
class SharePrior:
    """Prior of S statistics of an item: what is known before anybody has answered it.

    Attributes
    ----------
    means, variances : ndarray of shape (S,)
        Expected mean of each function of the answer, and its variance over people.
    low, high : ndarray of shape (S,)
        Smallest and largest value of each function.
    kappas : ndarray of shape (L,)
        Numbers of people that the prior may be worth.
    weights : ndarray of shape (S, L)
        How likely each number is, for each statistic.
    """

    means: Array
    variances: Array
    low: Array
    high: Array
    kappas: Array
    weights: Array

    @classmethod
    def of(cls, law: ShareLaw, values: ArrayLike) -> SharePrior:
        """Read the prior off the law of the item's shares, for functions of the category of shape (S, K) or (K,)."""
        table = np.atleast_2d(np.asarray(values, dtype=np.float64))
        variances, weights = law.spread_of(table), law.weights_of(table)
        return cls(table @ law.shares, variances, table.min(axis=1), table.max(axis=1), law.kappas, weights)


@dataclass(frozen=True, eq=False)
class SamplePosterior:
    """Estimates of S statistics from prior, sample and predictions.

    Attributes
    ----------
    estimate, low, high : ndarray of shape (S,)
        Posterior mean, and the ends of its interval.
    standard_error : ndarray of shape (S,)
        Posterior standard deviation.
    level : float
        Probability that an interval holds.
    powered : ndarray of shape (S,)
        Prediction-powered mean, without the prior.
    classical, classical_low, classical_high : ndarray of shape (S,)
        What the sample says by itself, without twins: Hajek's mean with Student's interval, or Jeffreys' for a share.
    weight : ndarray of shape (S,)
        How far the predictions were used: 0 not at all, 1 fully.
    variance_ratio : ndarray of shape (S,)
        Variance that the predictions leave, as a share: 0.9 says that a tenth of the answers is saved.
    n : int
        Number of people who answered.
    effective_n : ndarray of shape (S,)
        Number of people drawn simply at random who would tell as much, without twins.
    worth : ndarray of shape (S,)
        The same for prior, sample and predictions together.
    notes : tuple of str
        What the figures take for granted.
    """

    estimate: Array
    low: Array
    high: Array
    standard_error: Array
    level: float
    powered: Array
    classical: Array
    classical_low: Array
    classical_high: Array
    weight: Array
    variance_ratio: Array
    n: int
    effective_n: Array
    worth: Array
    notes: tuple[str, ...] = ()


def sample_posterior(
    prior: SharePrior,
    answers: ArrayLike,
    design: SurveyDesign | None = None,
    *,
    predicted: ArrayLike | None = None,
    everybody: ArrayLike | None = None,
    everybody_weights: ArrayLike | None = None,
    population: float | None = None,
    random_draw: bool | None = None,
    level: float = 0.9,
) -> SamplePosterior:
    """Combine prior, sample and predictions.

    Parameters
    ----------
    prior : SharePrior
        What is known of the S statistics beforehand.
    answers : array-like of shape (n, S)
        Each statistic's function of the answers of those who answered, for example an indicator of a category; n may
        be 0.
    design : SurveyDesign, optional
        How they were drawn; by default simply at random.
    predicted : array-like of shape (n, S), optional
        Predictions of the same functions for those who answered.
    everybody : array-like of shape (N, S), optional
        Predictions for everybody whom the estimate is about, those who answered included. Needed with ``predicted``.
    everybody_weights : array-like of shape (N,), optional
        Population weights of everybody.
    population : float, optional
        Number of people whom the estimate is about; by default ``N``, or without predictions unlimited. A simple
        random sample of them has no error once it holds all.
    random_draw : bool, optional
        Whether the sample was drawn simply at random from the population although its weights differ (they are then the
        population weights of those drawn). By default, if nothing is weighted or clustered.
    level : float, default=0.9
        Probability that each interval holds.

    Examples
    --------
    >>> law = ShareLaw("Q1", np.array([0.0, 1.0]), np.array([0.7, 0.3]))
    >>> found = sample_posterior(SharePrior.of(law, [0, 1]), [[1], [0], [1], [0], [1], [0], [1], [0], [1], [0]])
    >>> bool(0.3 < found.estimate[0] < 0.5)
    True
    """
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
    y = _table(answers, prior)
    n = len(y)
    design = SurveyDesign.of(n) if design is None and n else design
    f, everyone, w_everyone = _predictions(y, predicted, everybody, everybody_weights)
    size = population if population is not None else (len(everyone) if everyone is not None else np.inf)
    if n == 0 or design is None:
        return _prior_only(prior, level)
    simple = not (design.weighted or design.clustered) if random_draw is None else random_draw
    fraction = min(n / size, 1.0) if simple else 0.0
    powered, weight, ratio = _powered_mean(y, f, everyone, w_everyone, design.weights)
    if everyone is not None and w_everyone is not None and size > len(everyone):
        part = min(design.kish_n / kish_n(w_everyone), 1.0)
        ratio = ratio + part * (1.0 - ratio)  # predictions tell of these people, who are a sample themselves
    theta = np.clip(powered, prior.low, prior.high)
    alone = hajek_mean(y, design.weights)
    spread = _variance_over_people(y, design)
    size_e = effective_n(y, design, population=size, random=simple)
    z, t = _normal(level), _student(level, _freedom_of_worth(design))
    n_star = size_e * (z / t) ** 2 / ratio if n > 1 else np.zeros(len(theta))
    mixture = posterior_mixture(prior, theta, n_star, spread)
    low, high = mixture_ends(prior, *mixture, level)
    estimate, variance = _moments(*mixture)
    classical = _classical(prior, y, alone, design, fraction, size_e, level)
    reach = np.where(prior.high > prior.low, prior.variances, 1.0)
    return SamplePosterior(
        estimate,
        low,
        high,
        np.sqrt(variance),
        level,
        powered,
        alone,
        *classical,
        weight,
        ratio,
        n,
        size_e,
        np.divide(reach, variance, out=np.full(len(theta), np.inf), where=variance > 0),
        _assumptions(design, n, size, f is not None),
    )


def jeffreys_interval(share: ArrayLike, n: ArrayLike, level: float = 0.9) -> tuple[Array, Array]:
    """Interval of Jeffreys for a share seen among (effectively) ``n`` people. It holds for rare answers too.

    Examples
    --------
    >>> low, high = jeffreys_interval(0.0, 20.0)
    >>> round(float(low), 3), round(float(high), 3)
    (0.0, 0.09)
    """
    from scipy.stats import beta

    p, size = np.broadcast_arrays(np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64))
    size = np.minimum(size, MOST_PEOPLE)
    a, b = p * size + 0.5, (1 - p) * size + 0.5
    low = np.where(p > 0, beta.ppf((1 - level) / 2, a, b), 0.0)
    high = np.where(p < 1, beta.ppf((1 + level) / 2, a, b), 1.0)
    return np.asarray(low), np.asarray(high)


def heavy_tail_note(answers: ArrayLike, weights: ArrayLike | None = None) -> str | None:
    """Say whether so few answers with so heavy a tail have a trustworthy mean; None if they have.

    Rule of Cochran: n must be above 25 times the squared skewness of the answers.

    Examples
    --------
    >>> heavy_tail_note([1, 2, 3, 4, 5, 6, 7, 8]) is None
    True
    >>> heavy_tail_note([1, 2, 1, 3, 2, 1, 2, 90]) is None
    False
    """
    y = np.asarray(answers, dtype=np.float64)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(y) < 3:
        return None
    deviations = y - float(hajek_mean(y, w)[0])
    sd = float(np.sqrt(hajek_mean(deviations**2, w)[0]))
    if sd <= 0:
        return None
    skewness = float(hajek_mean((deviations / sd) ** 3, w)[0])
    needed, size = COCHRAN * skewness**2, float(w.sum() ** 2 / (w**2).sum())
    if size > needed:
        return None
    return (
        f"the answers have a heavy tail (skewness {skewness:.1f}): with {size:.0f} of them the interval of the mean "
        f"holds less often than it says, and about {np.ceil(needed):.0f} are needed. Publish the median, or shares of "
        f"ranges"
    )


def _table(values: ArrayLike, prior: SharePrior) -> Array:
    found = np.asarray(values, dtype=np.float64)
    found = found.reshape(-1, len(prior.means)) if found.ndim < 2 else found
    if found.shape[1] != len(prior.means) or not np.isfinite(found).all():
        raise DataError(
            f"answers must be finite numbers with one column for each of the {len(prior.means)} statistics; got shape "
            f"{found.shape}"
        )
    return found


def _predictions(
    y: Array, predicted: ArrayLike | None, everybody: ArrayLike | None, weights: ArrayLike | None
) -> tuple[Array | None, Array | None, Array | None]:
    if (predicted is None) != (everybody is None):
        raise ParameterError("predictions are needed both of those who answered and of everybody")
    if predicted is None or everybody is None:
        return None, None, None
    f = np.asarray(predicted, dtype=np.float64).reshape(y.shape)
    everyone = np.asarray(everybody, dtype=np.float64).reshape(-1, y.shape[1])
    if len(everyone) < len(y) or not (np.isfinite(f).all() and np.isfinite(everyone).all()):
        raise DataError(
            "predictions must be finite numbers, and everybody must include those who answered; leave out people "
            "without them"
        )
    w = np.ones(len(everyone)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (len(everyone),):
        raise DataError(f"there must be one weight a person; got {w.size} for {len(everyone)} people")
    return f, everyone, w


def _powered_mean(
    y: Array, f: Array | None, everyone: Array | None, w_everyone: Array | None, w: Array
) -> tuple[Array, Array, Array]:
    """Return prediction-powered means, how far predictions were used, and the share of variance that they leave."""
    alone, ones = hajek_mean(y, w), np.ones(y.shape[1])
    if f is None or everyone is None or w_everyone is None or len(y) < 3:
        return alone, 0 * ones, ones
    centre_f, centre_all = hajek_mean(f, w), hajek_mean(everyone, w_everyone)
    with_f = hajek_mean((y - alone) * (f - centre_f), w) * len(y) / (len(y) - 1)
    spread = hajek_mean((everyone - centre_all) ** 2, w_everyone)
    slope = np.divide(with_f, spread, out=0 * ones, where=spread > 1e-12)
    slope = np.clip(slope, 0.0, 1.0)
    before = hajek_mean((y - alone) ** 2, w)
    after = hajek_mean((y - alone - slope * (f - centre_f)) ** 2, w)
    ratio = np.divide(after, before, out=ones.copy(), where=before > 0)
    size = float(w.sum() ** 2 / (w**2).sum())
    if size > 2:  # the slope is fitted to the answers, which costs one of them
        ratio = np.where(slope > 0, ratio * (size - 1) / (size - 2), ratio)
    return alone + slope * (centre_all - centre_f), slope, np.clip(ratio, LEAST_RATIO, 1.0)


def _variance_over_people(y: Array, design: SurveyDesign) -> Array:
    size = design.kish_n
    spread = hajek_mean((y - hajek_mean(y, design.weights)) ** 2, design.weights)
    return spread * (size / (size - 1.0) if size > 1.0 + 1e-9 else 1.0)


def posterior_mixture(
    prior: SharePrior, theta: Array, n_star: Array, spread: Array
) -> tuple[Array, Array, Array]:
    """Components of the posterior of S statistics, from estimates that are worth ``n_star`` people each.

    Parameters
    ----------
    prior : SharePrior
        What is known beforehand.
    theta, n_star, spread : ndarray of shape (S,)
        The sample's estimates, what they are worth in people, and the variance of the answers over people.

    Returns
    -------
    (means, variances, weights) : ndarrays of shape (S, L)
    """
    m, v, kappa = prior.means[:, None], prior.variances[:, None], prior.kappas[None, :]
    n, away = n_star[:, None], theta[:, None] - m
    among = (PRIOR_SPREAD * v + np.maximum(n - 1.0, 0.0) * spread[:, None]) / (
        PRIOR_SPREAD + np.maximum(n - 1.0, 0.0)
    )
    total = kappa + n
    means = (kappa * m + n * theta[:, None]) / total
    variances = (kappa * v + n * among + kappa * n / total * away**2) / total / (total + 1.0)
    if not (n_star > 0).any():
        return means, variances, prior.weights
    noise = np.maximum(among / np.maximum(n, 1e-9) + v / (kappa + 1.0), 1e-300)
    with np.errstate(divide="ignore"):
        log = np.log(prior.weights) - 0.5 * (np.log(noise) + away**2 / noise)
    return means, variances, softmax(log, axis=1)


def _freedom_of_worth(design: SurveyDesign) -> float:
    """Degrees of freedom of what the sample is worth; the usual likeness within clusters counts as some clusters."""
    return design.degrees_of_freedom + (USUAL_RHO_CLUSTERS if design.clustered else 0.0)


def _moments(means: Array, variances: Array, weights: Array) -> tuple[Array, Array]:
    centre = (weights * means).sum(axis=1)
    return centre, (weights * (variances + (means - centre[:, None]) ** 2)).sum(axis=1)


def mixture_ends(
    prior: SharePrior, means: Array, variances: Array, weights: Array, level: float
) -> tuple[Array, Array]:
    """Ends of the intervals of S statistics whose components have these means, variances and weights."""
    width = prior.high - prior.low
    unit = np.where(width > 0, width, 1.0)[:, None]
    scaled = (means - prior.low[:, None]) / unit, variances / unit**2, weights
    ends = [mixture_quantile(*scaled, p) for p in ((1 - level) / 2, (1 + level) / 2)]
    return prior.low + width * ends[0], prior.low + width * ends[1]


def _prior_only(prior: SharePrior, level: float) -> SamplePosterior:
    variances = prior.variances[:, None] / (prior.kappas + 1.0)
    mixture = (
        np.broadcast_to(prior.means[:, None], variances.shape),
        variances,
        prior.weights,
    )
    low, high = mixture_ends(prior, *mixture, level)
    estimate, variance = _moments(*mixture)
    nothing = np.full(len(prior.means), np.nan)
    zero = np.zeros(len(prior.means))
    return SamplePosterior(
        estimate,
        low,
        high,
        np.sqrt(variance),
        level,
        nothing,
        nothing,
        nothing,
        nothing,
        zero,
        zero + 1.0,
        0,
        zero,
        np.divide(prior.variances, variance, out=zero.copy(), where=variance > 0),
        ("nobody has answered; the estimate rests on twins and on earlier items",),
    )


def _classical(
    prior: SharePrior,
    y: Array,
    alone: Array,
    design: SurveyDesign,
    fraction: float,
    size: Array,
    level: float,
) -> tuple[Array, Array]:
    """Intervals of the sample alone: Jeffreys for functions that take two values, Student for the rest.

    For Jeffreys, answers are as many as they are worth, and fewer if their variance is estimated from few clusters
    (Korn and Graubard, 1998).
    """
    error = np.sqrt(linearised_variance(y, design, fraction=fraction))
    t = _student(level, design.degrees_of_freedom)
    half = t * error
    size = size * (_student(level, max(len(y) - 1, 1)) / t) ** 2
    width = prior.high - prior.low
    unit = np.where(width > 0, width, 1.0)
    two_valued = np.all((y == prior.low) | (y == prior.high), axis=0) & (width > 0)
    low, high = jeffreys_interval(np.clip((alone - prior.low) / unit, 0, 1), size, level)
    return (
        np.where(two_valued, prior.low + unit * low, alone - half),
        np.where(two_valued, prior.low + unit * high, alone + half),
    )


def _assumptions(design: SurveyDesign, n: int, size: float, powered: bool) -> tuple[str, ...]:
    of_whom = f"the {size:.0f} people" if np.isfinite(size) else "the people"
    by_design = " given their weights" if design.weighted else ""
    notes = [
        f"the {n} who answered are taken as drawn by chance from {of_whom}{by_design}. If answering depends on the "
        f"answer itself, nothing here can repair that"
    ]
    if design.clustered:
        notes.append(f"they come from {design.n_clusters} clusters, which lowers what their number is worth")
    if not powered:
        notes.append("without predictions of single people, twins help only through the expected shares")
    return tuple(notes)


def _normal(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + level) / 2))


def _student(level: float, freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, freedom))
