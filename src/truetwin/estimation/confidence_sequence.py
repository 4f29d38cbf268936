r"""Confidence sequence: intervals of a mean that hold at every look at once, however often answers are looked at.

An ordinary 90% interval that is looked at after every batch, until it is narrow enough, fails more often than one time
in ten. A confidence sequence is wide enough for all looks together, so that fieldwork may stop when it likes.

*Betting.* For each candidate mean m a gambler bets on each next answer :math:`x_t`, which under m has mean
:math:`\mu_t(m)`. The capital :math:`K_t(m) = \prod_s (1 + b_s (x_s - \mu_s(m)))` can grow only if m is wrong: under the
true mean it exceeds :math:`1/\alpha` at any time with probability at most :math:`\alpha` (Ville's inequality). The
interval holds every m whose capital has stayed below. Bets may use all that is known before the answer:

- *A finite panel.* Drawn without replacement from N people, :math:`\mu_t(m) = (N m - \sum_{s<t} y_s) / (N - t + 1)`.
- *Twins.* The next person's prediction is compared with the mean prediction of those left:
  :math:`x_t = y_t - \lambda_t (f_t - \mathrm E f_t)`, which leaves the mean as it is and lowers the variance.
- *The prior.* A quarter of the capital bets on the posterior mean of the law of shares, which makes early intervals
  narrow. The rest bets on means at fixed distances from m, in units of the precision wanted, which makes the interval
  narrow when it is about to reach that precision.

Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting; without replacement:
Waudby-Smith and Ramdas (2020), Confidence sequences for sampling without replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truetwin.errors import DataError, ParameterError
from truetwin.estimation.sample_posterior import SharePrior

Array = NDArray[np.float64]

PRIOR_CAPITAL = 0.25  # share of the capital that bets on the prior
DISTANCES = (0.6, 1.2, 2.0)  # of the alternatives from m, in units of the precision
MOST_BET = 0.95  # of what would ruin the gambler at the worst answer
START = 4.0  # answers that the assumed variance is worth
SLOPE_START = 10.0  # answers that the assumption "predictions tell nothing" is worth
CANDIDATES = 301  # means between 0 and 1; the same at every look, so that earlier intervals stay as they were
TINY = 1e-12  # keeps divisors above 0
#: Part of the capital that a bet keeps: one that has lost nearly everything stays within the range of numbers.
LEAST_PART = 1e-150


@dataclass(frozen=True, eq=False)
class ConfidenceSequence:
    """Intervals of S means at each look.

    Attributes
    ----------
    looks : tuple of int
        Number of answers at each look.
    low, high : ndarray of shape (looks, S)
        Ends of the intervals. They never widen.
    level : float
        Probability that an interval holds at all looks together.
    """

    looks: tuple[int, ...]
    low: Array
    high: Array
    level: float

    @property
    def half_width(self) -> Array:
        """Half the width of each interval, of shape (looks, S)."""
        return np.asarray((self.high - self.low) / 2)


@dataclass(frozen=True, eq=False)
class Stream:
    """Answers in the order of arrival, on the way to S means, all scaled to 0 .. 1.

    Attributes
    ----------
    answers : ndarray of shape (T, S)
        Functions of the answers, in order.
    population : float
        Number of people whom the means are about, if they are drawn without replacement; else infinite.
    predicted : ndarray of shape (T, S)
        Predictions of the same functions for those who answered; zeros without predictions.
    everybody_mean, everybody_low, everybody_high, everybody_variance : ndarray of shape (S,)
        Mean, ends and variance of the predictions of everybody.
    prior_mean : ndarray of shape (S,)
        What the means are expected to be.
    kappas : ndarray of shape (L,)
        Numbers of people that this expectation may be worth.
    kappa_weights : ndarray of shape (S, L)
        How likely each number is.
    precision : ndarray of shape (S,)
        Half width of the intervals wanted.
    """

    answers: Array
    population: float
    predicted: Array
    everybody_mean: Array
    everybody_low: Array
    everybody_high: Array
    everybody_variance: Array
    prior_mean: Array
    kappas: Array
    kappa_weights: Array
    precision: Array


def confidence_sequence(
    prior: SharePrior,
    answers: ArrayLike,
    *,
    precision: ArrayLike,
    looks: Sequence[int] | None = None,
    predicted: ArrayLike | None = None,
    everybody: ArrayLike | None = None,
    population: float = np.inf,
    level: float = 0.9,
) -> ConfidenceSequence:
    """Compute the intervals of S means at each look.

    Parameters
    ----------
    prior : SharePrior
        What is known of the means beforehand, and the smallest and largest value of each function.
    answers : array-like of shape (T, S)
        Each function of the answers, in the order in which people answered. That order must not depend on the answers.
    precision : float or array-like of shape (S,)
        Half width of the interval at which fieldwork will stop. It holds whatever is given here; it is narrowest near
        this width.
    looks : sequence of int, optional
        Numbers of answers at which somebody looks; by default after each answer.
    predicted : array-like of shape (T, S), optional
        Predictions of the same functions for those who answered.
    everybody : array-like of shape (N, S), optional
        Predictions of everybody, those who answered included. Needed with ``predicted``.
    population : float, optional
        Number of people whom the mean is about, if they are drawn without replacement.
    level : float, default=0.9
        Probability that the interval holds at all looks together.

    Examples
    --------
    >>> from truetwin.reweighting.share_law import ShareLaw
    >>> prior = SharePrior.of(ShareLaw("Q1", np.array([0.0, 1.0]), np.array([0.5, 0.5])), [0, 1])
    >>> answers = np.random.default_rng(0).integers(0, 2, (400, 1))
    >>> found = confidence_sequence(prior, answers, precision=0.1, looks=[50, 400])
    >>> bool(found.low[1, 0] < 0.5 < found.high[1, 0]), bool(found.half_width[1, 0] < found.half_width[0, 0])
    (True, True)
    """
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
    stream = _scaled(prior, answers, predicted, everybody, population, precision)
    count = len(stream.answers)
    at = tuple(range(1, count + 1)) if looks is None else tuple(int(k) for k in looks)
    if any(not 0 <= k <= count for k in at) or list(at) != sorted(at):
        raise ParameterError(
            f"looks must be increasing numbers of answers, at most the {count} there are; got {at}"
        )
    candidates = np.tile(np.linspace(0.0, 1.0, CANDIDATES), (len(prior.means), 1))
    capital, now = log_capital(stream, candidates, at)
    low, high = _ends(candidates, capital, now, -np.log(1 - level))
    low, high = _within_what_is_possible(stream, at, low, high)
    width = prior.high - prior.low
    return ConfidenceSequence(at, prior.low + width * low, prior.low + width * high, level)


def log_capital(stream: Stream, candidates: Array, looks: Sequence[int]) -> tuple[Array, Array]:
    """Logarithm of the capital of each candidate mean: the largest so far, and the present one, at each look.

    Parameters
    ----------
    stream : Stream
        Answers in order.
    candidates : ndarray of shape (S, G)
        Candidate means of each statistic, between 0 and 1.
    looks : sequence of int
        Numbers of answers, increasing.

    Returns
    -------
    (largest, present) : ndarrays of shape (looks, S, G)
    """
    y, (n_statistics, _) = stream.answers, candidates.shape
    bettor = _Bettor(stream, n_statistics)
    start = [PRIOR_CAPITAL] + [(1 - PRIOR_CAPITAL) / (2 * len(DISTANCES))] * 2 * len(DISTANCES)
    parts = np.broadcast_to(np.reshape(start, (-1, 1, 1)), (len(start), *candidates.shape)).copy()
    # log of what the capital was divided by, so that it stays within range
    growth = np.zeros_like(candidates)
    ruled_out = np.zeros(candidates.shape, dtype=bool)
    largest, present = np.zeros_like(candidates), np.zeros_like(candidates)
    kept: list[tuple[Array, Array]] = []
    wanted = list(looks)
    for t in range(len(y) + 1):
        while wanted and wanted[0] == t:
            wanted.pop(0)
            kept.append((largest.copy(), present.copy()))
        if t == len(y) or not wanted:
            break
        ruled_out |= bettor.bet(t, candidates, parts)
        bettor.learn(t)
        total = parts.sum(axis=0)
        parts /= total
        np.maximum(parts, LEAST_PART, out=parts)
        growth += np.log(total)
        present = np.where(ruled_out, np.inf, growth)
        np.maximum(largest, present, out=largest)
    shape = (len(looks), *candidates.shape)
    return (
        np.array([pair[0] for pair in kept]).reshape(shape),
        np.array([pair[1] for pair in kept]).reshape(shape),
    )


class _Bettor:
    """Knowledge before each answer, and the bets that follow from it."""

    def __init__(self, stream: Stream, n_statistics: int) -> None:
        self.stream = stream
        zero = np.zeros(n_statistics)
        self.seen = 0
        self.sum_y, self.sum_f = zero.copy(), zero.copy()
        self.sum_yf, self.sum_ff = zero.copy(), zero.copy()
        self.squares, self.allowed = zero.copy(), zero.copy()
        with np.errstate(divide="ignore"):
            self.log_kappa = np.log(stream.kappa_weights)

    @property
    def left(self) -> float:
        return self.stream.population - self.seen

    def slope(self) -> Array:
        """Weight of the prediction of the next person."""
        n, spread = max(self.seen, 1), self.stream.everybody_variance
        together = self.sum_yf - self.sum_y * self.sum_f / n
        alone = np.maximum(self.sum_ff - self.sum_f**2 / n, 0.0) + SLOPE_START * spread
        return np.clip(np.divide(together, alone, out=np.zeros_like(alone), where=alone > 1e-12), 0.0, 1.0)

    def expected_prediction(self) -> Array:
        if not np.isfinite(self.left):
            return self.stream.everybody_mean
        return (self.stream.population * self.stream.everybody_mean - self.sum_f) / max(self.left, 1.0)

    def expected_answer(self, means: Array) -> Array:
        """Mean of those who have not answered, if the mean of all is as given; ``means`` has shape (S, ...)."""
        if not np.isfinite(self.left):
            return means
        told = self.sum_y.reshape(-1, *([1] * (means.ndim - 1)))
        return np.asarray((self.stream.population * means - told) / max(self.left, 1.0))

    def posterior_mean(self) -> Array:
        kappa, m = self.stream.kappas[None, :], self.stream.prior_mean[:, None]
        weights = np.exp(self.log_kappa - self.log_kappa.max(axis=1, keepdims=True))
        means = (kappa * m + self.sum_y[:, None]) / (kappa + self.seen)
        return np.asarray((weights * means).sum(axis=1) / weights.sum(axis=1))

    def dispersion(self) -> Array:
        """Variance of an answer less its prediction, as a share of the largest that its mean allows."""
        return np.clip((START + self.squares) / (START + self.allowed), 0.02, 1.0)

    def bet(self, t: int, candidates: Array, capital: Array) -> NDArray[np.bool_]:
        """Multiply the capital of each bet, (bets, S, G), by what the next answer makes of it.

        Returns
        -------
        ndarray of bool, of shape (S, G)
            The candidates that the answers so far have made impossible.
        """
        stream, slope, mean_f = self.stream, self.slope(), self.expected_prediction()
        x = (stream.answers[t] - slope * (stream.predicted[t] - mean_f))[:, None]
        expected = self.expected_answer(candidates)
        under = np.clip(expected, 0.0, 1.0)  # no bet can lose more than everything
        worst_low = under + (slope * (stream.everybody_high - mean_f))[:, None]
        worst_high = 1.0 - under + (slope * (mean_f - stream.everybody_low))[:, None]
        most, least = MOST_BET / np.maximum(worst_low, TINY), -MOST_BET / np.maximum(worst_high, TINY)
        posterior, dispersion = self.posterior_mean(), self.dispersion()
        spread = dispersion[:, None] * np.maximum(under * (1.0 - under), TINY)
        variance = dispersion * np.maximum(posterior * (1.0 - posterior), TINY)
        bets = [(self.expected_answer(posterior)[:, None] - under) / spread]
        for distance in DISTANCES:
            step = distance * stream.precision
            bet = (step / (variance + step**2))[:, None]
            bets += [bet, -bet]
        surprise = x - under
        for part, bet in zip(capital, bets, strict=True):
            part *= 1.0 + np.clip(bet, least, most) * surprise
        return np.asarray((expected < -1e-9) | (expected > 1.0 + 1e-9))

    def learn(self, t: int) -> None:
        y, f = self.stream.answers[t], self.stream.predicted[t]
        slope, mean_f = self.slope(), self.expected_prediction()
        centre = self.posterior_mean()
        kappa, m = self.stream.kappas[None, :], self.stream.prior_mean[:, None]
        foreseen = np.clip((kappa * m + self.sum_y[:, None]) / (kappa + self.seen), 1e-6, 1 - 1e-6)
        self.log_kappa = (
            self.log_kappa + y[:, None] * np.log(foreseen) + (1 - y[:, None]) * np.log1p(-foreseen)
        )
        self.squares += (y - slope * (f - mean_f) - centre) ** 2
        self.allowed += centre * (1.0 - centre)
        self.seen += 1
        self.sum_y, self.sum_f = self.sum_y + y, self.sum_f + f
        self.sum_yf, self.sum_ff = self.sum_yf + y * f, self.sum_ff + f * f


def _scaled(
    prior: SharePrior,
    answers: ArrayLike,
    predicted: ArrayLike | None,
    everybody: ArrayLike | None,
    population: float,
    precision: ArrayLike,
) -> Stream:
    n_statistics = len(prior.means)
    y = np.asarray(answers, dtype=np.float64).reshape(-1, n_statistics)
    width = np.where(prior.high > prior.low, prior.high - prior.low, 1.0)
    wanted = np.broadcast_to(np.asarray(precision, dtype=np.float64), (n_statistics,))
    if not (np.isfinite(wanted) & (wanted > 0)).all():
        raise ParameterError(f"the precision must be a number above 0; got {precision!r}")
    if not (np.isfinite(prior.low) & np.isfinite(prior.high)).all():
        raise ParameterError("a confidence sequence needs a scale with a smallest and a largest answer")
    if not ((y >= prior.low - 1e-9) & (y <= prior.high + 1e-9)).all():
        raise DataError("every answer must lie between the smallest and the largest value of its function")
    if (predicted is None) != (everybody is None):
        raise ParameterError("predictions are needed both of those who answered and of everybody")
    if len(y) > population:
        raise DataError(f"there are {len(y)} answers of {population:.0f} people")
    f = np.zeros_like(y) if predicted is None else np.asarray(predicted, dtype=np.float64).reshape(y.shape)
    everyone = (
        np.zeros((1, n_statistics))
        if everybody is None
        else np.asarray(everybody, dtype=np.float64).reshape(-1, n_statistics)
    )
    f, everyone = (np.clip((part - prior.low) / width, 0.0, 1.0) for part in (f, everyone))
    if predicted is None:
        f, everyone = np.zeros_like(f), np.zeros_like(everyone)
    return Stream(
        np.clip((y - prior.low) / width, 0.0, 1.0),
        population,
        f,
        everyone.mean(axis=0),
        everyone.min(axis=0),
        everyone.max(axis=0),
        everyone.var(axis=0),
        np.clip((prior.means - prior.low) / width, 1e-6, 1 - 1e-6),
        prior.kappas,
        prior.weights,
        wanted / width,
    )


def _ends(candidates: Array, largest: Array, present: Array, threshold: float) -> tuple[Array, Array]:
    """Read the ends of the accepted candidates, between neighbours by a straight line through their capital."""
    shape = largest.shape[:2]
    low, high = np.zeros(shape), np.ones(shape)
    for look in range(shape[0]):
        for s in range(shape[1]):
            grid, capital = candidates[s], largest[look, s]
            if not (
                capital < threshold
            ).any():  # the answers contradict each other: fall back on this look alone
                capital = present[look, s]
                capital = capital - min(float(capital.min()), 0.0)
            fine = np.flatnonzero(capital < threshold)
            if not fine.size:
                fine = np.array([int(np.argmin(capital))])
            low[look, s] = _crossing(grid, capital, int(fine[0]), -1, threshold)
            high[look, s] = _crossing(grid, capital, int(fine[-1]), 1, threshold)
    return low, high


def _crossing(grid: Array, capital: Array, inside: int, step: int, threshold: float) -> float:
    outside = inside + step
    if not 0 <= outside < len(grid):
        return float(grid[inside])
    if not np.isfinite(capital[outside]) or capital[outside] <= capital[inside]:
        return float(grid[outside])
    share = (threshold - capital[inside]) / (capital[outside] - capital[inside])
    return float(grid[inside] + np.clip(share, 0.0, 1.0) * (grid[outside] - grid[inside]))


def _within_what_is_possible(
    stream: Stream, looks: Sequence[int], low: Array, high: Array
) -> tuple[Array, Array]:
    """Limit the intervals to what the people who have not answered could still make of the mean."""
    total = np.vstack([np.zeros(low.shape[1]), np.cumsum(stream.answers, axis=0)])[list(looks)]
    if np.isfinite(stream.population):
        left = stream.population - np.asarray(looks, dtype=float)[:, None]
        low = np.maximum(low, total / stream.population)
        high = np.minimum(high, (total + left) / stream.population)
    low, high = np.maximum.accumulate(low, axis=0), np.minimum.accumulate(high, axis=0)
    return np.minimum(low, high), np.maximum(low, high)
