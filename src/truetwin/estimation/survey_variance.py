r"""Design-based errors: weighted means and their variance under strata, clusters and weights, or replicate weights.

Arrays in, arrays out. All columns of ``values`` are estimated at once: the indicators of an item's categories, its
codes, any other function of the answer.

*Linearised variance.* The Hajek mean is :math:`\bar y = \sum w_i y_i / \sum w_i`. Each answer moves it by its score
:math:`z_i = w_i (y_i - \bar y) / \sum w_i`. With :math:`z_{hg}` the sum of scores in cluster g of stratum h,

.. math:: \widehat{\mathrm{var}} = \sum_h \frac{G_h}{G_h - 1} \sum_g (z_{hg} - \bar z_h)^2 .

Without clusters each person is one, without strata there is one.

*Replicate variance.* :math:`c \sum_r (\theta_r - \theta)^2`, with the constant c of the kind of replicates.

*A group of people.* Give everybody else the weight 0 and leave them in: their clusters and strata still count.

Source: Särndal, Swensson and Wretman (1992), Model assisted survey sampling, chapters 4 and 5; Wolter (2007),
Introduction to variance estimation; Kish (1965), Survey sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truetwin.data.weight_range import RANGE, beyond_range
from truetwin.errors import DataError, ParameterError

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
ReplicateKind = Literal["jackknife", "brr", "fay", "bootstrap"]

#: Answers alike within clusters, where nothing is known of them, and the number of clusters that this is worth.
USUAL_RHO, USUAL_RHO_CLUSTERS = 0.05, 3.0
MOST_RHO = 0.9


@dataclass(frozen=True, eq=False)
class SurveyDesign:
    """Design of a sample: each person's weight, cluster and stratum.

    Make it with :meth:`of`, which checks everything.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Weights, at least 0. Only their ratios matter.
    clusters, strata : ndarray of shape (n,)
        Number of each person's cluster and stratum. Clusters of different strata differ.
    weighted, clustered : bool
        Whether the weights differ, and whether a cluster holds more than one person.
    """

    weights: Array
    clusters: Positions
    strata: Positions
    weighted: bool
    clustered: bool

    @classmethod
    def of(
        cls,
        n: int,
        weights: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
        strata: ArrayLike | None = None,
    ) -> SurveyDesign:
        """Check the columns of a design and number its clusters and strata.

        Parameters
        ----------
        n : int
            Number of people.
        weights : array-like of shape (n,), optional
            Weights; without them all are 1.
        clusters, strata : array-like of shape (n,), optional
            Names of clusters and strata: texts or numbers, none missing.

        Raises
        ------
        DataError
            If a column has the wrong length, a weight is missing or negative, all weights are zero, a name is missing,
            or a stratum holds a single cluster.

        Examples
        --------
        >>> design = SurveyDesign.of(6, weights=[1, 1, 2, 2, 1, 1], clusters=["a", "a", "b", "b", "c", "c"])
        >>> design.n_clusters, round(design.kish_n, 2), design.degrees_of_freedom
        (3, 5.33, 2.0)
        """
        w = checked_weights(weights, n)
        layers = _numbered(strata, n, "stratum")
        groups = np.arange(n) if clusters is None else _numbered(clusters, n, "cluster")
        pairs = np.column_stack([layers, groups])
        _, own = np.unique(pairs, axis=0, return_inverse=True)
        own = own.reshape(-1)
        design = cls(w, own, layers, bool(np.ptp(w[w > 0]) > 1e-12 * w.max()), len(np.unique(own)) < n)
        design._check_strata(strata)
        return design

    def _check_strata(self, names: ArrayLike | None) -> None:
        if names is None:
            return
        few = np.flatnonzero((self.clusters_by_stratum == 1) & (self._weight_by_stratum > 0))
        if few.size:
            first = np.asarray(names)[np.flatnonzero(self.strata == few[0])[0]]
            raise DataError(
                f"every stratum needs at least two clusters, or its variance is unknown; stratum {first!s} has one "
                f"({few.size - 1} more). Join it with a similar stratum"
            )

    @cached_property
    def stratum_of_cluster(self) -> Positions:
        """Stratum of each cluster."""
        found = np.zeros(self.n_clusters, dtype=np.intp)
        found[self.clusters] = self.strata
        return found

    @cached_property
    def clusters_by_stratum(self) -> Positions:
        """Number of clusters in each stratum."""
        return np.bincount(self.stratum_of_cluster)

    @cached_property
    def _weight_by_stratum(self) -> Array:
        return np.bincount(self.strata, self.weights).astype(np.float64)

    @property
    def n_clusters(self) -> int:
        """Number of clusters; the number of people where there are none."""
        return int(self.clusters.max()) + 1 if self.clusters.size else 0

    @property
    def kish_n(self) -> float:
        """Kish's effective number of people: how many with equal weights would tell as much."""
        return kish_n(self.weights)

    @property
    def degrees_of_freedom(self) -> float:
        """Degrees of freedom of the variance: clusters minus strata, or Kish's n minus strata if nothing is clustered.

        Clusters and strata in which all weights are 0 do not count. At least 1.
        """
        here = self.weights > 0
        n_strata = len(np.unique(self.strata[here]))
        size = float(len(np.unique(self.clusters[here]))) if self.clustered else self.kish_n
        return max(size - n_strata, 1.0)


def checked_weights(weights: ArrayLike | None, n: int) -> Array:
    """Check survey weights; without any, all are 1.

    Raises
    ------
    DataError
        If there are not ``n``, one is negative, missing or infinite, or all are zero.
    """
    if weights is None:
        return np.ones(n)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n,):
        raise DataError(f"there must be one weight a person; got {w.size} weights for {n} people")
    bad = np.flatnonzero(~(np.isfinite(w) & (w >= 0)))
    if bad.size:
        raise DataError(
            f"weights must be finite numbers of at least 0; weight {bad[0] + 1} of {n} is {w[bad[0]]:g} "
            f"({bad.size - 1} more)"
        )
    extreme = np.flatnonzero(beyond_range(w))
    if extreme.size:
        raise DataError(f"weights must {RANGE}; weight {extreme[0] + 1} of {n} is {w[extreme[0]]:g}")
    if not (w > 0).any():
        raise DataError("at least one weight must be above 0; all are 0")
    return w


def kish_n(weights: ArrayLike) -> float:
    """Kish's effective sample size: (sum of weights) squared over the sum of squared weights."""
    w = np.asarray(weights, dtype=np.float64)
    return float(w.sum() ** 2 / (w**2).sum())


def hajek_mean(values: ArrayLike, weights: ArrayLike) -> Array:
    """Weighted means of the columns of ``values``, an array of shape (n, S)."""
    w = np.asarray(weights, dtype=np.float64)
    return np.asarray(w @ _columns(values) / w.sum())


def linearised_covariance(values: ArrayLike, design: SurveyDesign, *, fraction: float = 0.0) -> Array:
    """Covariance matrix of the Hajek means of the columns of ``values``.

    Parameters
    ----------
    values : array-like of shape (n, S)
        Answers, or functions of them; none missing where the weight is above 0.
    design : SurveyDesign
        How the people were drawn.
    fraction : float, default=0
        Share of the population that is in the sample, if it was drawn without replacement: once everybody is asked
        nothing is uncertain.

    Returns
    -------
    ndarray of shape (S, S)

    Examples
    --------
    >>> design = SurveyDesign.of(4)
    >>> linearised_covariance([1.0, 2.0, 3.0, 4.0], design).round(4)  # the variance over n
    array([[0.4167]])
    """
    parts, factor = _cluster_deviations(values, design, fraction)
    return np.asarray(parts.T @ (parts * factor[:, None]))


def linearised_variance(values: ArrayLike, design: SurveyDesign, *, fraction: float = 0.0) -> Array:
    """Variances of the Hajek means of the columns of ``values``: the diagonal of :func:`linearised_covariance`."""
    parts, factor = _cluster_deviations(values, design, fraction)
    return np.asarray(factor @ parts**2)


def score_variance(scores: ArrayLike, design: SurveyDesign) -> Array:
    """Variances of estimates of which each person's score is known: how much the person's answers moved the estimate.

    Parameters
    ----------
    scores : array-like of shape (n, S)
        Linearised scores with the weights in them, summing to 0; 0 for people who do not count.
    design : SurveyDesign
        How the people were drawn.

    Returns
    -------
    ndarray of shape (S,)
    """
    parts, factor = _score_deviations(_columns(scores), design, 0.0)
    return np.asarray(factor @ parts**2)


def _cluster_deviations(values: ArrayLike, design: SurveyDesign, fraction: float) -> tuple[Array, Array]:
    """Return how far each cluster's score is from its stratum's mean, and the factor of its stratum."""
    y = _columns(values)
    if len(y) != len(design.weights):
        raise DataError(
            f"there must be one row of values a person; got {len(y)} for {len(design.weights)} people"
        )
    if not 0 <= fraction <= 1:
        raise ParameterError(f"the share of people asked must lie between 0 and 1; got {fraction:g}")
    w = design.weights
    y = np.where(w[:, None] > 0, y, 0.0)  # a weight of 0 says that the answer does not count
    scores = w[:, None] * (y - hajek_mean(y, w)) / w.sum()
    return _score_deviations(scores, design, fraction)


def _score_deviations(scores: Array, design: SurveyDesign, fraction: float) -> tuple[Array, Array]:
    totals = _sums(scores, design.clusters, design.n_clusters)
    within, count = design.stratum_of_cluster, design.clusters_by_stratum
    centre = _sums(totals, within, len(count)) / np.maximum(count, 1)[:, None]
    factor = (1.0 - fraction) * count / np.maximum(count - 1, 1)
    return totals - centre[within], factor[within]


def replicate_scale(kind: ReplicateKind, n_replicates: int, *, fay: float = 0.5) -> float:
    """Return the constant c of the replicate variance.

    ``jackknife`` (JK1, each replicate leaves out one cluster): (R - 1) / R. ``brr`` (balanced half-samples) and
    ``bootstrap``: 1 / R. ``fay`` (half-samples whose weights are moved by a share): 1 / (R (1 - fay) squared).
    """
    if n_replicates < 2:
        raise DataError(f"a replicate variance needs at least two replicates; there are {n_replicates}")
    if not 0 <= fay < 1:
        raise ParameterError(f"Fay's coefficient must be at least 0 and below 1; got {fay:g}")
    scales = {
        "jackknife": (n_replicates - 1) / n_replicates,
        "brr": 1 / n_replicates,
        "bootstrap": 1 / n_replicates,
        "fay": 1 / (n_replicates * (1 - fay) ** 2),
    }
    if kind not in scales:
        raise ParameterError(f"the kind of replicates must be one of {', '.join(scales)}; got {kind!r}")
    return scales[kind]


def replicate_means(values: ArrayLike, replicate_weights: ArrayLike) -> Array:
    """Weighted means under each replicate.

    Parameters
    ----------
    values : array-like of shape (n, S)
        Answers, or functions of them.
    replicate_weights : array-like of shape (n, R)
        Complete weights of each replicate (not factors of a base weight).

    Returns
    -------
    ndarray of shape (R, S)
    """
    w = np.asarray(replicate_weights, dtype=np.float64)
    y = _columns(values)
    if w.ndim != 2 or len(w) != len(y):
        raise DataError(
            f"replicate weights must have one row a person; got shape {w.shape} for {len(y)} people"
        )
    if not np.isfinite(w).all() or (w < 0).any() or (w.sum(axis=0) <= 0).any():
        raise DataError(
            "replicate weights must be finite numbers of at least 0, and no replicate may be all zero"
        )
    return np.asarray(w.T @ y / w.sum(axis=0)[:, None])


def replicate_covariance(estimates: ArrayLike, full: ArrayLike, scale: float | ArrayLike) -> Array:
    """Covariance matrix of estimates from their replicates.

    Parameters
    ----------
    estimates : array-like of shape (R, S)
        Estimates of each replicate.
    full : array-like of shape (S,)
        Estimates of the full sample.
    scale : float or array-like of shape (R,)
        The constant c (:func:`replicate_scale`), or one for each replicate, as JKn has.

    Returns
    -------
    ndarray of shape (S, S)

    Examples
    --------
    >>> float(replicate_covariance([[1.0], [3.0]], [2.0], 0.5)[0, 0])
    1.0
    """
    moved = np.asarray(estimates, dtype=np.float64) - np.asarray(full, dtype=np.float64)
    constant = np.broadcast_to(np.asarray(scale, dtype=np.float64), (len(moved),))
    return np.asarray(moved.T @ (moved * constant[:, None]))


def intraclass_correlation(values: ArrayLike, design: SurveyDesign) -> Array:
    r"""Estimate how much more alike people of one cluster answer, from the sample itself, moved towards the usual .05.

    With :math:`\rho_A` from the analysis of variance (limited to 0 .. 0.9) and G clusters it is
    :math:`((G - 1) \rho_A + 3 \times .05) / (G + 2)`.

    Returns
    -------
    ndarray of shape (S,)
    """
    y, sizes = _columns(values), np.bincount(design.clusters, minlength=design.n_clusters).astype(float)
    n, g = len(y), design.n_clusters
    means = _sums(y, design.clusters, g) / sizes[:, None]
    between = (sizes[:, None] * (means - y.mean(axis=0)) ** 2).sum(axis=0) / max(g - 1, 1)
    within = ((y - means[design.clusters]) ** 2).sum(axis=0) / max(n - g, 1)
    usual_size = (n - (sizes**2).sum() / n) / max(g - 1, 1)
    total = between + (usual_size - 1) * within
    raw = np.divide(between - within, total, out=np.zeros_like(total), where=total > 0)
    own = np.clip(raw, 0.0, MOST_RHO)
    return np.asarray(((g - 1) * own + USUAL_RHO_CLUSTERS * USUAL_RHO) / (g - 1 + USUAL_RHO_CLUSTERS))


def design_effect(values: ArrayLike, design: SurveyDesign) -> Array:
    """Factor by which clusters enlarge the variance: 1 + (b - 1) rho, with b the usual size of a cluster.

    Returns
    -------
    ndarray of shape (S,)
        All 1 where nothing is clustered.
    """
    y = _columns(values)
    if not design.clustered:
        return np.ones(y.shape[1])
    sizes = np.bincount(design.clusters).astype(float)
    usual = float((sizes**2).sum() / sizes.sum())  # of the cluster that a random person is in
    return np.asarray(1.0 + (usual - 1.0) * intraclass_correlation(y, design))


def effective_n(
    values: ArrayLike, design: SurveyDesign, *, population: float = np.inf, random: bool | None = None
) -> Array:
    """Number of people who, drawn simply at random, would tell as much as this sample.

    Kish's n of the weights over the design effect of the clusters. A sample that is neither weighted nor clustered and
    was drawn without replacement from ``population`` people counts n / (1 - n / population).

    Returns
    -------
    ndarray of shape (S,)
    """
    simple = not (design.weighted or design.clustered) if random is None else random
    size = design.kish_n / design_effect(values, design)
    if simple and np.isfinite(population):
        size = size / max(1.0 - len(design.weights) / population, 1e-9)
    return np.asarray(size)


def woodruff_quantile(
    values: ArrayLike, design: SurveyDesign, *, probability: float = 0.5, level: float = 0.9
) -> tuple[float, float, float]:
    """Weighted quantile of one column, with the interval of Woodruff (1952).

    The share of people below the quantile gets an interval from its linearised variance, and the answers at the ends of
    that interval are read off. It holds whatever the tails of the answers are.

    Returns
    -------
    (value, low, high)
    """
    from scipy.stats import t

    y = _columns(values)[:, 0]
    here = design.weights > 0
    order = np.argsort(y[here], kind="stable")
    ranked, w = y[here][order], design.weights[here][order]
    reached = np.cumsum(w) / w.sum()
    value = float(ranked[np.searchsorted(reached, probability - 1e-12)])
    below = (y <= value).astype(float)
    half = float(t.ppf((1 + level) / 2, design.degrees_of_freedom)) * float(
        np.sqrt(linearised_variance(below, design)[0])
    )
    last = len(ranked) - 1
    low = int(np.searchsorted(reached, probability - half))
    high = int(np.searchsorted(reached, probability + half - 1e-12))
    return value, float(ranked[min(low, last)]), float(ranked[min(high, last)])


def _columns(values: ArrayLike) -> Array:
    found = np.asarray(values, dtype=np.float64)
    return found[:, None] if found.ndim == 1 else found


def _sums(values: Array, groups: Positions, n_groups: int) -> Array:
    found = np.zeros((n_groups, values.shape[1]))
    np.add.at(found, groups, values)
    return found


def _numbered(names: ArrayLike | None, n: int, what: str) -> Positions:
    if names is None:
        return np.zeros(n, dtype=np.intp)
    given: Sequence[object] = list(np.asarray(names, dtype=object).reshape(-1))
    if len(given) != n:
        raise DataError(f"there must be one {what} a person; got {len(given)} for {n} people")
    missing = [k for k, name in enumerate(given) if name is None or name != name or name == ""]
    if missing:
        raise DataError(
            f"every person needs a {what}; person {missing[0] + 1} of {n} has none ({len(missing) - 1} more)"
        )
    places: dict[object, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in given], dtype=np.intp)
