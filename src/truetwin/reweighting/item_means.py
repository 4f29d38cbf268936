r"""Better means of items than those of pooled shares, and shares that are tilted to them.

The mean of an item lies between 0 and 1 here: categories are at their places on the scale. Errors are counted in units
of the spread over people, :math:`\sqrt{v + .01}` with ``v`` the variance under the pooled shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.twin_table import TwinTable
from truetwin.solvers.simplex import simplex_least_squares
from truetwin.solvers.tilting import tilt_to_means

Floats = NDArray[np.float64]
Components = Mapping[str, Floats]

SPREAD_FLOOR = 0.01
RIDGE = 0.005  # times the sum of the item weights
CLIP = 3.0  # standardised errors beyond it count as this
ENDS = 0.005  # means are kept this far from the ends of the scale
RATIOS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # variance between batteries over that within


@dataclass(frozen=True)
class MeanRule:
    """Combination of the components' means, and how far off known batteries were.

    Attributes
    ----------
    weights : ndarray of shape (C,)
        Weight of each component's mean; they sum to 1.
    effects : mapping from battery to float
        Expected standardised error of a known battery's items; 0 for all others.
    """

    weights: Floats
    effects: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def learn(
        cls, candidates: Components, pooled: Floats, target: Floats, table: TwinTable, omega: Floats
    ) -> MeanRule:
        r"""Learn the weights by least squares on the simplex: of :math:`\omega_j (\mu_j - w \cdot m_j)^2 / u_j^2`."""
        scale = np.sqrt(omega) / unit(pooled, table)
        X = _means(candidates, table) * scale[:, None]
        fit = simplex_least_squares(X.T @ X, X.T @ (target * scale), RIDGE * float(omega.sum()))
        return cls(np.asarray(fit.weights, dtype=float).ravel())

    def predict(self, candidates: Components, pooled: Floats, table: TwinTable) -> Floats:
        """Predict the means of the items of a table."""
        means = _means(candidates, table) @ self.weights
        if self.effects and table.batteries is not None:
            means = means + unit(pooled, table) * [self.effects.get(b, 0.0) for b in table.batteries]
        return np.asarray(np.clip(means, ENDS, 1.0 - ENDS))


def centre(shares: Floats, table: TwinTable) -> Floats:
    """Mean of every item, between 0 and 1."""
    return np.asarray((shares * table.places).sum(axis=1))


def spread(shares: Floats, table: TwinTable) -> Floats:
    """Variance over people of the answers to every item, which lie between 0 and 1."""
    return np.asarray(np.maximum((shares * table.places**2).sum(axis=1) - centre(shares, table) ** 2, 0.0))


def unit(shares: Floats, table: TwinTable) -> Floats:
    """Unit of errors of an item's mean."""
    return np.asarray(np.sqrt(spread(shares, table) + SPREAD_FLOOR))


def tilted(shares: Floats, means: Floats, table: TwinTable) -> Floats:
    """Tilt the shares of ordered items to the given means; others stay as they are."""
    rows = np.flatnonzero(has_mean(table))
    out = shares.copy()
    out[rows] = tilt_to_means(shares[rows], table.places[rows], means[rows])
    return out


def has_mean(table: TwinTable) -> NDArray[np.bool_]:
    """Tell which items have an order, and thus a mean."""
    return np.asarray(table.ordered & (table.n_categories > 1))


def battery_effects(errors: Floats, batteries: Sequence[str]) -> dict[str, float]:
    r"""Best linear unbiased predictions (BLUP) of the mean error of each battery.

    Errors are :math:`e_{bj} = a_b + \epsilon_{bj}` with mean 0. The ratio of the variances is the likeliest of a few.
    The effect of a battery with ``n`` known items and ratio ``r`` is :math:`r \sum e / (1 + n r)`.

    Examples
    --------
    >>> found = battery_effects(np.array([1.0, 1.1, 0.9, -1.0, -0.9, -1.1]), list("aaabbb"))
    >>> {name: round(effect, 2) for name, effect in found.items()}
    {'a': 0.91, 'b': -0.91}
    """
    limited = np.clip(errors, -CLIP, CLIP)
    names, member = np.unique(np.asarray(batteries), return_inverse=True)
    n = np.bincount(member)
    total, square = np.bincount(member, weights=limited), float(limited @ limited)
    best, ratio = -np.inf, 0.0
    for candidate in RATIOS:
        within = max((square - float((candidate / (1 + n * candidate)) @ total**2)) / limited.size, 1e-9)
        likelihood = -0.5 * (limited.size * np.log(within) + float(np.log(1 + n * candidate).sum()))
        if likelihood > best + 1e-9:
            best, ratio = likelihood, candidate
    effects = ratio * total / (1 + n * ratio)
    return {str(name): float(effect) for name, effect in zip(names, effects, strict=True)}


def _means(candidates: Components, table: TwinTable) -> Floats:
    return np.column_stack([centre(shares, table) for shares in candidates.values()])
