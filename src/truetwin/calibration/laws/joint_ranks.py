r"""Draw the ranks of answers to new items in their laws jointly: with the levels and relations that items may have.

One draw takes, for each target j, a pseudo-target k by its weight, as what may happen to j: the error of the level
:math:`\delta_k`, the slope :math:`b_k` of the answers on the predictions, the sd :math:`\sigma_k` of what is left, and
its quantiles :math:`Q_k`. In the units of the errors, the latent answers of person i are

.. math::

    x_{ij} = \mu_{ij} + \sigma_k Q_k(\Phi(g_{ij})),\qquad \mu_{ij} = \bar f_j + \delta_k + b_k (f_{ij} - \bar f_j),

with predictions f. The normal scores g correlate so that answers to two new items have the correlation drawn for them,
given what the predictions contribute. A part of each g follows the donors, at random, as strongly as the errors of
pseudo-targets do. The correlation of the errors of two donors would be of no use here: each is predicted from the
other. The rank of :math:`x_{ij}` among all that might be drawn for the person is uniform between 0 and 1; the drawn
answer is that quantile of the person's law. So draws have the shares of the laws, whatever these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from truetwin.calibration.laws.copulas import positive_definite
from truetwin.calibration.laws.error_record import ErrorRecord
from truetwin.calibration.laws.prediction_errors import JointLaw
from truetwin.calibration.orientation import Array

N_QUANTILES = 201
SHARES = np.linspace(0.0, 1.0, N_QUANTILES)
LEAST_ANSWERS = 10
LEAST_VARIANCE = 1e-4
LARGEST_COPULA = 0.9
MOST_SCORES = 1000
LARGEST_DONOR_PART = 0.5
LARGEST_PART = 0.9
LARGEST = 0.95
SLOPE_NOISE = 0.05
N_CENTRES, N_VALUES = 17, 161


@dataclass(frozen=True, eq=False)
class PossibleErrors:
    """Errors that the predictions of one new item may have: one row a pseudo-target, in units of predicted sds.

    Attributes
    ----------
    weight : ndarray of shape (m,)
        Probability of each row.
    level, slope, spread : ndarray of shape (m,)
        Mean error, slope of the answers on the predictions, and sd of what is left.
    shape : ndarray of shape (m, N_QUANTILES)
        Quantiles of what is left, with mean 0 and sd 1.
    """

    weight: Array
    level: Array
    slope: Array
    spread: Array
    shape: Array

    @classmethod
    def of(cls, pseudo: ErrorRecord) -> PossibleErrors:
        """Describe the errors on the pseudo-targets of one target."""
        enough = np.isfinite(pseudo.errors).sum(axis=1) >= LEAST_ANSWERS
        errors, weight = pseudo.errors[enough], pseudo.weight[enough]
        if not enough.any() or weight.sum() <= 0:
            one = np.ones(1)
            return cls(one, 0 * one, one, one, np.linspace(-1.7, 1.7, N_QUANTILES)[None])
        f = np.where(np.isfinite(errors), pseudo.predicted[enough], np.nan)
        weight = weight / weight.sum()
        slope = _slopes(f, errors, weight)
        rest = errors - (slope.own - 1)[:, None] * (f - np.nanmean(f, axis=1, keepdims=True))
        level = np.nanmean(rest, axis=1)
        rest -= level[:, None]
        spread = np.maximum(np.nanstd(rest, axis=1), 1e-3)
        shape = np.nanquantile(rest / spread[:, None], SHARES, axis=1).T
        shape -= shape.mean(axis=1, keepdims=True)
        shape /= np.maximum(shape.std(axis=1, keepdims=True), 1e-3)
        return cls(weight, level, slope.shrunk, spread, shape)

    def drawn(self, rng: np.random.Generator) -> tuple[float, float, float, Array]:
        """Draw level, slope, spread and shape."""
        k = int(rng.choice(len(self.weight), p=self.weight))
        return float(self.level[k]), float(self.slope[k]), float(self.spread[k]), self.shape[k]


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Slopes as estimated, and as they vary beyond sampling error."""

    own: Array
    shrunk: Array


def _slopes(f: Array, errors: Array, weight: Array) -> _Slopes:
    """Regress the answers (prediction plus error) to each pseudo-target on its predictions."""
    n = np.isfinite(f).sum(axis=1)
    centred = f - np.nanmean(f, axis=1, keepdims=True)
    around = errors - np.nanmean(errors, axis=1, keepdims=True)
    variance = np.nanmean(centred**2, axis=1)
    varies = variance > LEAST_VARIANCE
    if not varies.any():
        return _Slopes(np.ones(len(f)), np.ones(len(f)))
    safe = np.where(varies, variance, 1.0)
    own = 1 + np.where(varies, np.nanmean(centred * around, axis=1) / safe, 0.0)
    left = np.nanmean((around - (own - 1)[:, None] * centred) ** 2, axis=1)
    sampling = left / (n * safe)
    trust = np.where(varies, weight / (sampling + SLOPE_NOISE), 0.0)
    mean = float(trust @ own / trust.sum())
    between = max(float(trust @ ((own - mean) ** 2 - sampling) / trust.sum()), 0.0)
    kept = np.sqrt(between / (between + sampling)) if between > 0 else np.zeros(len(f))
    own = np.where(varies, own, mean)
    return _Slopes(own, mean + kept * (own - mean))


@dataclass(frozen=True, eq=False)
class DonorPart:
    """The part of the errors that follows people's answers to the donors.

    Its correlations with donors are drawn at random; with donors that people answer alike, they are alike.

    Attributes
    ----------
    directions : ndarray of shape (n, d)
        People's answers to the donors, turned so that they are uncorrelated.
    strength : ndarray of shape (q,)
        Sd of the correlation of a target's errors with a donor.
    """

    directions: Array
    strength: Array

    @cached_property
    def _scale(self) -> Array:
        """Sd of the part for each person and target, (n, q): on average at most one half of the variance."""
        variance = (self.directions**2).sum(axis=1)[:, None] * self.strength**2
        limited = variance / np.maximum(variance.mean(axis=0) / LARGEST_DONOR_PART, 1.0)
        return np.asarray(np.sqrt(np.minimum(limited, LARGEST_PART)))

    def drawn(self, rng: np.random.Generator, root: Array) -> tuple[Array, Array]:
        """Draw the part for every person and target, (n, q), and return it with its variance.

        Errors of two targets that go together follow the same donors: ``root`` times its transpose holds their
        correlations.
        """
        along = rng.normal(0.0, 1.0, (self.directions.shape[1], len(self.strength))) @ root.T
        length = np.sqrt((self.directions**2).sum(axis=1, keepdims=True))
        part = self._scale * (self.directions @ along) / np.maximum(length, 1e-12)
        return part, np.where(length > 0, self._scale**2, 0.0)


@dataclass(frozen=True)
class PairErrors:
    """How far off predicted correlations of pairs of new items are.

    The true correlation lies around a prediction of 0 with some variance. Around a prediction of m, the standard
    deviation is 1 - m^2 times as large, as that of correlations in samples of people.

    Attributes
    ----------
    squared : float
        Mean squared error of predictions of known pairs, as if around 0.
    sampling : float
        Part of it that is sampling error of the known correlations.
    df : float
        Degrees of freedom of ``squared``: how surely it is known.
    """

    squared: float
    sampling: float
    df: float

    def drawn(self, rng: np.random.Generator) -> float:
        """Draw the variance around a prediction of 0."""
        squared = self.squared * self.df / rng.chisquare(self.df)
        return float(max(squared - self.sampling, 0.0))


#: Where nothing is known, one correlation is as likely as another: the variance between -1 and 1.
NOTHING_KNOWN = PairErrors(1 / 3, 0.0, 1e9)


@dataclass(frozen=True, eq=False)
class TotalCorrelations:
    """Correlations to expect between people's answers to the new items.

    Attributes
    ----------
    mean : ndarray of shape (q, q)
        Predicted correlations; 1 on the diagonal.
    errors : PairErrors
        Of the predicted correlations.
    """

    mean: Array
    errors: PairErrors

    def drawn_copula(self, rng: np.random.Generator, own: Array, spread: Array) -> Array:
        """Draw correlations of what predictions leave open, given the covariances of predictions.

        Centre is what gives the answers the predicted correlations. Around it, the draw is a correlation matrix of a
        few normal scores (Wishart): the fewer, the less sure. It can always be drawn from, so that nothing is cut.
        Their number is such that the correlations of the answers vary as much as predictions are off.

        Parameters
        ----------
        rng : numpy.random.Generator
        own : ndarray of shape (q, q)
            Covariances of the predictions.
        spread : ndarray of shape (q,)
            Sd of what predictions leave open.
        """
        total = np.sqrt(np.diag(own) + spread**2)
        left = np.outer(spread, spread)
        centre = np.clip((self.mean * np.outer(total, total) - own) / left, -LARGEST_COPULA, LARGEST_COPULA)
        np.fill_diagonal(centre, 1.0)
        centre = positive_definite(centre)
        pairs = np.triu_indices(len(centre), 1)
        variance = self.errors.drawn(rng)
        wanted = variance * np.mean((1 - self.mean[pairs] ** 2) ** 2) if len(centre) > 1 else 0.0
        if wanted <= 0:
            return centre
        reach = float(np.mean(((1 - centre**2) * left / np.outer(total, total))[pairs] ** 2))
        number = int(np.clip(reach / wanted + rng.random(), 1, MOST_SCORES))
        scores = rng.standard_normal((number, len(centre))) @ np.linalg.cholesky(centre).T
        scores /= np.maximum(np.sqrt((scores**2).sum(axis=0)), 1e-12)
        return positive_definite(scores.T @ scores)


@dataclass(frozen=True, eq=False)
class JointItemLaw(JointLaw):
    """Joint law of the answers to all new items.

    Attributes
    ----------
    predicted : ndarray of shape (n, q)
        Predictions in the units of the errors.
    known : ndarray of bool of shape (n,)
        People who have answered a donor.
    errors : tuple of PossibleErrors
        One a target.
    correlations : TotalCorrelations
        Of the answers to the new items.
    donors : DonorPart
        Of the errors.
    """

    predicted: Array
    known: NDArray[np.bool_]
    errors: tuple[PossibleErrors, ...]
    correlations: TotalCorrelations
    donors: DonorPart

    def draw(self, rng: np.random.Generator) -> Array:
        """See the base class."""
        chosen = [each.drawn(rng) for each in self.errors]
        level, slope, spread = np.array([each[:3] for each in chosen]).T
        mu = self._centre + level + slope * (self.predicted - self._centre)
        own = (
            np.atleast_2d(np.cov(mu[self.known], rowvar=False, ddof=0))
            if self.known.sum() > 1
            else 0 * self.correlations.mean
        )
        root = np.asarray(np.linalg.cholesky(self.correlations.drawn_copula(rng, own, spread)))
        g = rng.standard_normal(mu.shape) @ root.T
        part, variance = self.donors.drawn(rng, root)
        at = ndtr(g * np.sqrt(1 - variance) + part)
        left = np.stack([np.interp(u, SHARES, each[3]) for u, each in zip(at.T, chosen, strict=True)], axis=1)
        latent = mu + spread * left
        return np.stack(
            [ranks.of(f, x) for ranks, f, x in zip(self._ranks, self.predicted.T, latent.T, strict=True)],
            axis=1,
        )

    @cached_property
    def _centre(self) -> Array:
        everybody = self.known if self.known.any() else np.ones(len(self.known), dtype=bool)
        return np.asarray(self.predicted[everybody].mean(axis=0))

    @cached_property
    def _ranks(self) -> list[_Ranks]:
        return [
            _Ranks.of_errors(each, f, float(centre))
            for each, f, centre in zip(self.errors, self.predicted.T, self._centre, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Ranks of latent answers to one item, on a grid of predictions and answers."""

    predictions: Array
    low: float
    step: float
    table: Array

    @classmethod
    def of_errors(cls, errors: PossibleErrors, predicted: Array, centre: float) -> _Ranks:
        f = np.linspace(float(predicted.min()) - 1e-6, float(predicted.max()) + 1e-6, N_CENTRES)
        middle = centre + errors.level[:, None] + errors.slope[:, None] * (f - centre)
        reach = errors.spread * np.abs(errors.shape).max(axis=1)
        low, high = float((middle - reach[:, None]).min()), float((middle + reach[:, None]).max())
        x = np.linspace(low, high, N_VALUES)
        table = np.zeros((N_CENTRES, N_VALUES))
        for weight, m, spread, shape in zip(errors.weight, middle, errors.spread, errors.shape, strict=True):
            scores = (x - m[:, None]) / spread
            table += weight * np.interp(scores.ravel(), shape, SHARES, left=0.0, right=1.0).reshape(
                table.shape
            )
        return cls(f, low, float(x[1] - x[0]), table)

    def of(self, predicted: Array, latent: Array) -> Array:
        """Find the rank of each latent answer given its prediction, (n,)."""
        width = float(self.predictions[1] - self.predictions[0])
        row, column = (predicted - self.predictions[0]) / width, (latent - self.low) / self.step
        i = np.clip(row.astype(np.intp), 0, N_CENTRES - 2)
        k = np.clip(column.astype(np.intp), 0, N_VALUES - 2)
        a, b = np.clip(row - i, 0, 1), np.clip(column - k, 0, 1)
        t = self.table
        lower = (1 - b) * t[i, k] + b * t[i, k + 1]
        upper = (1 - b) * t[i + 1, k] + b * t[i + 1, k + 1]
        return np.asarray((1 - a) * lower + a * upper)
