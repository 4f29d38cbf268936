"""Law of the shares of one item: what they are expected to be, and how far off that may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truetwin.errors import ParameterError
from truetwin.solvers.beta_mixture import mixture_quantile

Floats = NDArray[np.float64]

KAPPAS = (2.0, 5.0, 12.0, 30.0, 80.0, 250.0)
FLOOR = (
    0.005  # added to the variance of answers between 0 and 1: predicted shares pile up more than people do
)


@dataclass(frozen=True, eq=False)
class ShareLaw:
    r"""Law of the shares of one item in one population.

    The shares are known about as well as if :math:`\kappa` randomly drawn people had been asked. How many is itself
    uncertain, so the law is a mixture over several :math:`\kappa`. Given :math:`\kappa`, the mean of any function of
    the category has a Beta distribution between the function's ends, with variance
    :math:`v / (\kappa + 1)`, where ``v`` is the variance of the function over people.

    Parameters
    ----------
    item : str
        Id of the item.
    codes : ndarray of shape (K,)
        Code of each category; for a wide numeric item the mean answer of each bin.
    shares : ndarray of shape (K,)
        Expected share of each category; they sum to 1.
    kappas, weights : ndarray of shape (L,)
        The mixture over numbers of people, for the mean of the codes.
    share_weights : ndarray of shape (L,), optional
        The mixture for a single share; by default ``weights``. Shares are often known better than the mean, because the
        shares of neighbouring categories err together.
    base : float, default=inf
        Effective number of people of the panel (Kish); an interval for the wider population adds their sampling
        error.
    ordered : bool, default=True
        Whether the codes have an order, so that they have a mean.
    edges : ndarray of shape (K - 1,), optional
        For a wide numeric item, the ends between its bins.
    notes : tuple of str
        What a user should know about these shares.

    Examples
    --------
    >>> import numpy as np
    >>> law = ShareLaw("Q1", np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.3, 0.5]), weights=np.eye(6)[2])
    >>> round(law.mean_of(law.codes), 2)
    2.3
    >>> low, high = law.interval([0, 0, 1], 0.9)  # share of the third category
    >>> round(float(low), 2), round(float(high), 2)
    (0.27, 0.73)
    """

    item: str
    codes: Floats
    shares: Floats
    kappas: Floats = field(default_factory=lambda: np.array(KAPPAS))
    weights: Floats = field(default_factory=lambda: np.full(len(KAPPAS), 1.0 / len(KAPPAS)))
    share_weights: Floats | None = None
    base: float = np.inf
    ordered: bool = True
    edges: Floats | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_categories(self) -> int:
        """Number of categories or bins."""
        return int(self.shares.size)

    def mean_of(self, values: ArrayLike) -> float:
        """Expected mean over people of a function of the category, ``values`` of shape ``(K,)``."""
        return float(self.shares @ self._checked(values))

    def spread_of(self, values: ArrayLike) -> Floats:
        """Variance over people of a function of the category, or of several; a little more than the shares say."""
        return _spread(self.shares, self._checked(values))

    def weights_of(self, values: ArrayLike) -> Floats:
        """Weights of the kappas for the mean of a function of the category, shape ``(L,)`` or ``(F, L)``.

        Those for a single share lie between the weights for the mean of the codes and ``share_weights``: the nearer to
        the former, the more of the share's variance its regression on the codes explains. Functions of several
        categories, such as top boxes, have those for the mean, because the shares of neighbouring categories err
        together.
        """
        found = self._checked(values)
        if self.share_weights is None:
            return np.asarray(np.broadcast_to(self.weights, (*found.shape[:-1], self.weights.size)))
        if not self.ordered:
            return np.asarray(np.broadcast_to(self.share_weights, (*found.shape[:-1], self.weights.size)))
        code = self.codes - self.shares @ self.codes
        centred = found - (found @ self.shares)[..., None]
        both = (centred * code) @ self.shares
        product = (centred**2 @ self.shares) * (code**2 @ self.shares)
        linear = np.divide(both**2, product, out=np.ones_like(product), where=product > 1e-15)
        linear = np.where(_of_one_category(found), linear, 1.0)[..., None]
        return np.asarray(linear * self.weights + (1.0 - linear) * self.share_weights)

    def interval(
        self, values: ArrayLike, level: float = 0.9, *, population: bool = False
    ) -> tuple[Floats, Floats]:
        """Interval of the mean over people of a function of the category.

        Parameters
        ----------
        values : array of shape (K,) or (F, K)
            One function or several: an indicator gives a share, the codes give the mean, 1 / 0 / -1 gives a net
            score.
        level : float, default=0.9
            Probability that the interval holds, for one function at a time.
        population : bool, default=False
            Whether the mean over the wider population is meant, of which the panel's people are a sample.

        Returns
        -------
        low, high : ndarray of shape () or (F,)
        """
        return interval_of([self], [values], level, population=population)[0]

    def indicators(self) -> Floats:
        """Functions whose means are the shares, shape ``(K, K)``."""
        return np.eye(self.n_categories)

    def _checked(self, values: ArrayLike) -> Floats:
        found = np.asarray(values, dtype=float)
        if found.shape[-1:] != self.shares.shape or not np.isfinite(found).all():
            raise ParameterError(
                f"a function of the categories of item {self.item!r} needs one finite value for each of its "
                f"{self.n_categories} categories; got an array of shape {found.shape}"
            )
        return found

    def _relative_variances(self, population: bool) -> Floats:
        return 1.0 / (self.kappas + 1.0) + (1.0 / self.base if population else 0.0)


def interval_of(
    laws: Sequence[ShareLaw],
    values: Sequence[ArrayLike],
    level: float = 0.9,
    *,
    population: bool = False,
) -> list[tuple[Floats, Floats]]:
    """Compute intervals of many laws at once: one entry of ``values`` for each law, as for :meth:`ShareLaw.interval`.

    All laws must have equally many kappas.
    """
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
    functions = [law._checked(each) for law, each in zip(laws, values, strict=True)]
    rows, means, variances, weights, people = [], [], [], [], []
    for law, each in zip(laws, functions, strict=True):
        table = np.atleast_2d(each)
        low, high = table.min(axis=1), table.max(axis=1)
        width = np.where(high > low, high - low, 1.0)
        scaled = (table - low[:, None]) / width[:, None]
        rows.append((low, np.where(high > low, width, 0.0)))
        means.append(scaled @ law.shares)
        variances.append(_spread(law.shares, scaled)[:, None] * law._relative_variances(population))
        weights.append(np.atleast_2d(law.weights_of(each)))
        people.append(np.full(len(table), np.inf if population else law.base))
    if not rows:
        return []
    centre = np.concatenate(means)[:, None]
    parts = (centre, np.concatenate(variances), np.concatenate(weights))
    ends = [
        in_whole_people(mixture_quantile(*parts, probability), np.concatenate(people))
        for probability in ((1 - level) / 2, (1 + level) / 2)
    ]
    out, start = [], 0
    for (offset, width), each in zip(rows, functions, strict=True):
        here = slice(start, start + offset.size)
        start += offset.size
        mean = centre[here, 0]  # the ends hold it at every level, however skewed the law is
        inside = np.minimum(ends[0][here], mean), np.maximum(ends[1][here], mean)
        low, high = (np.asarray((offset + width * end).reshape(each.shape[:-1])) for end in inside)
        out.append((low, high))
    return out


def in_whole_people(shares: Floats, people: Floats | float) -> Floats:
    """Take shares of fewer than half a person for nobody, and of all but half a person for everybody.

    Examples
    --------
    >>> in_whole_people(np.array([0.001, 0.1, 0.999]), 100)
    array([0. , 0.1, 1. ])
    """
    half = 0.5 / np.maximum(people, 1.0)
    return np.where(shares < half, 0.0, np.where(shares > 1.0 - half, 1.0, shares))


def _spread(shares: Floats, values: Floats) -> Floats:
    """Variance of a function over people, with the floor, limited to the largest that its mean allows.

    The mean of an indicator has the binomial variance exactly.
    """
    low, high = values.min(axis=-1), values.max(axis=-1)
    mean = values @ shares
    own = np.maximum((values**2) @ shares - mean**2, 0.0)
    return np.asarray(np.minimum(own + FLOOR * (high - low) ** 2, (mean - low) * (high - mean)))


def _of_one_category(values: Floats) -> NDArray[np.bool_]:
    """Tell which functions have one value for a single category and another one for all the rest."""
    if values.shape[-1] < 3:
        return np.ones(values.shape[:-1], dtype=bool)
    ranked = np.sort(values, axis=-1)
    return np.asarray((ranked[..., 0] == ranked[..., -2]) | (ranked[..., 1] == ranked[..., -1]))


def worth(law: ShareLaw, values: ArrayLike | None = None) -> float:
    r"""Number of people, drawn at random and asked, whose answers would be as near to the truth as the law.

    See :func:`people_worth`. The law's variances are :math:`v / (\kappa_k + 1)`, :math:`v` the variance of the
    function over people, so that the law is worth :math:`(\sum_k w_k / \sqrt{\kappa_k + 1})^{-2}` people.

    Parameters
    ----------
    law : ShareLaw
        The law.
    values : array of shape (K,), optional
        The function of the category whose mean is meant; by default the codes, or a single share of a nominal item.

    Examples
    --------
    >>> import numpy as np
    >>> round(worth(ShareLaw("Q1", np.array([0.0, 1.0]), np.array([0.4, 0.6]), weights=np.eye(6)[2])), 6)
    13.0
    """
    weights = law.weights_of(law.codes if values is None else values)
    variances = 1.0 / (law.kappas + 1.0)
    return float(people_worth(np.ones(1), variances[None], weights[None])[0])


def people_worth(
    spread: Floats, variances: Floats, weights: Floats, people: Floats | float = np.inf
) -> Floats:
    r"""Return how many people, drawn simply at random, would have the same mean absolute error, (S,).

    The mean over ``n`` of ``N`` people has variance :math:`v (1 / n - 1 / N)`: asking all of them errs by nothing. An
    estimate whose variance is :math:`v_k` with probability :math:`w_k` is worth :math:`1 / (e^2 / v + 1 / N)` people,
    :math:`e = \sum_k w_k \sqrt{v_k}`, which never exceeds ``N``. Absolute errors are compared, because squared ones
    would let a small chance of a large error decide.

    Parameters
    ----------
    spread : ndarray of shape (S,)
        Variance over people of each quantity, :math:`v`.
    variances, weights : ndarray of shape (S, K)
        Variances of the estimates, and their probabilities.
    people : ndarray of shape (S,) or float, default=inf
        Number of people whom the estimates are about, :math:`N`; infinite for a wider population.

    Examples
    --------
    >>> people_worth(np.array([0.25]), np.array([[0.01]]), np.array([[1.0]]))
    array([25.])
    >>> people_worth(np.array([0.25]), np.array([[0.01]]), np.array([[1.0]]), people=100)
    array([20.])
    """
    error = (weights * np.sqrt(variances)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1.0 / (error**2 / spread + 1.0 / np.asarray(people, dtype=float))
    return np.asarray(np.where((error > 0) | (spread > 0), found, np.nan))


def worth_of_distance(shares: ArrayLike, total_variation: float) -> float:
    r"""Number of people, drawn at random, whose shares would lie as far from the truth as was measured.

    Shares of ``n`` people miss the truth by an expected total variation of about
    :math:`\sum_k \sqrt{P_k (1 - P_k) / (2 \pi n)}`.

    Parameters
    ----------
    shares : array of shape (K,) or (m, K)
        True shares of an item, or of several.
    total_variation : float
        Half the sum of the absolute errors of the shares, the mean over items.

    Examples
    --------
    >>> round(worth_of_distance([0.5, 0.5], 0.1), 1)
    15.9
    """
    P = np.atleast_2d(np.asarray(shares, dtype=float))
    one = float(np.sqrt(P * (1.0 - P) / (2.0 * np.pi)).sum(axis=1).mean())
    return float("inf") if total_variation <= 0 else (one / total_variation) ** 2
