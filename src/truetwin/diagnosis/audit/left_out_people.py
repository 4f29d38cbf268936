r"""Learn the error of any figure by leaving out groups of people in turn (delete-a-group jackknife).

People are divided at random into :math:`G \le 40` groups; whole clusters stay together. A figure is computed once from
everybody and once without each group, and

.. math:: se^2 = \frac{G - 1}{G} \sum_g (\theta_{-g} - \bar\theta_-)^2

with G - 1 degrees of freedom. People and twins lose the same rows, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
Side = Literal["both", "above", "below"]
MOST_GROUPS = 40


@dataclass(frozen=True, eq=False)
class PeopleGroups:
    """Random groups of people, and two halves of the people that are made of whole groups.

    Attributes
    ----------
    numbers : ndarray of shape (n,)
        Group of each person.
    count : int
        Number of groups. The first half of the people is groups 0, 2, 4, ...
    """

    numbers: Positions
    count: int

    @classmethod
    def drawn(cls, n: int, clusters: Sequence[Any] | None = None, *, random_state: int = 0) -> PeopleGroups:
        """Draw groups of about equal size.

        Examples
        --------
        >>> PeopleGroups.drawn(100).count, PeopleGroups.drawn(6, ["a", "a", "b", "b", "c", "c"]).count
        (40, 3)
        """
        names = np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
        units = np.random.default_rng(random_state).permutation(int(names.max()) + 1 if n else 0)
        count = min(MOST_GROUPS, units.size)
        return cls(np.asarray(units[names] % max(count, 1), dtype=np.intp), count)

    @property
    def in_first_half(self) -> NDArray[np.bool_]:
        """Whether each group belongs to the first half of the people, (count,)."""
        return np.asarray(np.arange(self.count) % 2 == 0)

    def sums(self, values: Array) -> Array:
        """Sum rows by group: (n, ...) becomes (count, ...)."""
        found = np.zeros((self.count, *values.shape[1:]))
        order = np.argsort(self.numbers, kind="stable")
        starts = np.searchsorted(self.numbers[order], np.arange(self.count))
        if values.shape[0]:
            found[:] = np.add.reduceat(values[order], starts, axis=0)
        return found


@dataclass(frozen=True, eq=False)
class Estimate:
    """Figure with its standard error.

    Attributes
    ----------
    value, standard_error : ndarray
        Of the same shape; a shape of () for a single figure.
    df : int
        Degrees of freedom of the standard error.
    """

    value: Array
    standard_error: Array
    df: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval of a single figure by Student's t."""
        half = float(stats.t.ppf((1 + level) / 2, max(self.df, 1)) * self.standard_error)
        return float(self.value) - half, float(self.value) + half

    def p_values(self, null: float | Array = 0.0, side: Side = "both") -> Array:
        """Test that the figure is ``null``; ``side`` says where it must lie to count against that.

        A figure without error has p = 0 if it differs from ``null`` on that side, and else 1. An undefined one has 1.

        Examples
        --------
        >>> Estimate(np.array([3.0, 0.0]), np.array([1.0, 0.0]), 39).p_values(side="above").round(3).tolist()
        [0.002, 1.0]
        """
        away = np.asarray(self.value - null, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(self.standard_error > 1e-12, away / self.standard_error, np.sign(away) * np.inf)
        t = np.where(np.abs(away) <= 1e-12, 0.0, t)
        p = {
            "both": 2 * stats.t.sf(np.abs(t), max(self.df, 1)),
            "above": stats.t.sf(t, max(self.df, 1)),
            "below": stats.t.sf(-t, max(self.df, 1)),
        }[side]
        certain = (self.standard_error <= 1e-12) & (np.abs(away) <= 1e-12)
        return np.asarray(np.where(np.isfinite(away) & ~certain, np.minimum(p, 1.0), 1.0))


@dataclass(frozen=True, eq=False)
class Replicates:
    """Figure computed from everybody, and without each group of people.

    Attributes
    ----------
    value : ndarray of shape (...)
    left_out : ndarray of shape (n_groups, ...)
    """

    value: Array
    left_out: Array

    @classmethod
    def of(cls, figure: Callable[..., Any], *sums: Array) -> Replicates:
        """Compute a figure from sums by group, (n_groups, ...) each; ``figure`` gets the sums over people."""
        totals = [s.sum(axis=0) for s in sums]
        without = [
            figure(*(t - s[g] for t, s in zip(totals, sums, strict=True))) for g in range(sums[0].shape[0])
        ]
        return cls(np.asarray(figure(*totals), dtype=float), np.asarray(without, dtype=float))

    def map(self, figure: Callable[[Array], Any]) -> Replicates:
        """Compute a figure of the figures."""
        return Replicates(np.asarray(figure(self.value)), np.asarray([figure(x) for x in self.left_out]))

    def estimate(self) -> Estimate:
        """Return the figure with its standard error."""
        count = self.left_out.shape[0]
        away = self.left_out - self.left_out.mean(axis=0)
        error = np.sqrt((count - 1) / count * np.sum(away**2, axis=0))
        return Estimate(self.value, np.asarray(error), count - 1)


def across_halves(
    describe: Callable[[Array], Any],
    compare: Callable[[Any, Any, Any, Any], Any],
    human: Array,
    twin: Array,
    in_first_half: NDArray[np.bool_],
) -> Replicates:
    """Compare the twins of one half of the people with the people of the other half, and people with people likewise.

    Both comparisons hold the same sampling noise, so that they agree if twins answer as people do.

    Parameters
    ----------
    describe : callable
        Computes a description from sums over people, (...).
    compare : callable
        Computes the figure from the descriptions of the people of the first half, the people of the second half, and
        their twins.
    human, twin : ndarray of shape (n_groups, ...)
        Sums by group.
    in_first_half : ndarray of shape (n_groups,)
        Which groups are the first half.
    """
    halves = [[s[half].sum(axis=0) for half in (in_first_half, ~in_first_half)] for s in (human, twin)]
    whole = [[describe(x) for x in pair] for pair in halves]
    left_out = []
    for g, first in enumerate(in_first_half):
        k = 0 if first else 1
        part = [list(pair) for pair in whole]
        for side, sums in enumerate((human, twin)):
            part[side][k] = describe(halves[side][k] - sums[g])
        left_out.append(compare(*part[0], *part[1]))
    return Replicates(
        np.asarray(compare(*whole[0], *whole[1]), dtype=float), np.asarray(left_out, dtype=float)
    )
