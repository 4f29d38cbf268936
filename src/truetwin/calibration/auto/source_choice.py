r"""Choose which sources of twin answers to use: all of them, unless some clearly pull the others down.

Sources are averaged with equal weights (:mod:`truetwin.data.source_average`). On public data weights that are learned
for each source were no better. But a source that tells nothing, or the opposite, makes an average worse, and the more
of them there are, the worse. Only people can show which ones these are. The candidates are the averages of the best
sources, ranked by their mean correlation with people's answers: the best one, the best two, and so on. One of them
replaces the average of all only if it is clearly better: by a one-sided confidence bound on the mean gain, with
batteries as units, at a level that holds for all candidates together.

For a target, only answers to other items (or of other people) decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from truetwin.calibration.auto.agreement import correlation
from truetwin.calibration.auto.item_links import Standardised, standardise_items
from truetwin.calibration.orientation import Array

SURE = 0.99
FEW = 3
#: Sources whose standardised answers correlate by more are copies of each other and count as one. Different runs of one
#: model and prompt on Twin-2K-500 correlate at .6.
COPY = 0.95


@dataclass(frozen=True, eq=False)
class SourceMoments:
    """Covariances of the sources' standardised answers with each other and with people's, for each item.

    Attributes
    ----------
    with_people : ndarray of shape (p, S)
        With people's answers, in sds of these.
    between : ndarray of shape (p, S, S)
        Of the sources.
    """

    with_people: Array
    between: Array

    @classmethod
    def of(cls, sources: Array, human: Array) -> SourceMoments:
        """Compute them from twin answers (S, n, p) and human answers (n, p), over people who answered the item."""
        twins = np.stack([standardise_items(v).values for v in sources])
        people = standardise_items(human)
        p, n_sources = human.shape[1], len(sources)
        with_people, between = np.zeros((p, n_sources)), np.zeros((p, n_sources, n_sources))
        for j in range(p):
            who = people.seen[:, j]
            if who.any():
                z = twins[:, who, j] - twins[:, who, j].mean(axis=1, keepdims=True)
                with_people[j] = z @ people.values[who, j] / who.sum()
                between[j] = z @ z.T / who.sum()
        return cls(with_people, between)

    def reached(self, chosen: list[int]) -> Array:
        """Compute the correlation of the average of some sources with people, by item; 0 where undefined."""
        variance = self.between[:, chosen][:, :, chosen].sum(axis=(1, 2))
        return correlation(variance, self.with_people[:, chosen].sum(axis=1))


def choose_sources(
    moments: SourceMoments, known: NDArray[np.bool_], block: NDArray[np.intp]
) -> tuple[int, ...]:
    """Choose sources by what they reach on known items, (p,), of the given batteries."""
    n_sources = moments.with_people.shape[1]
    everything = tuple(range(n_sources))
    if np.unique(block[known]).size < FEW:
        return everything
    order = _ranked(moments, known, block)
    whole = moments.reached(order)
    best, chosen = 0.0, everything
    for k in range(1, n_sources):
        gain = _by_battery(moments.reached(order[:k]) - whole, known, block)
        if gain.mean() > best and clearly_positive(gain, n_sources - 1):
            best, chosen = float(gain.mean()), tuple(sorted(order[:k]))
    return chosen


def telling_sources(
    moments: SourceMoments, known: NDArray[np.bool_], block: NDArray[np.intp]
) -> tuple[int, ...]:
    """Find the sources whose own answers tell something of people's on known items; all if none does."""
    everything = tuple(range(moments.with_people.shape[1]))
    if not known.any():
        return everything
    telling = tuple(
        s for s in everything if clearly_positive(_by_battery(moments.reached([s]), known, block), 1)
    )
    return telling or everything


def best_source(moments: SourceMoments, known: NDArray[np.bool_], block: NDArray[np.intp]) -> tuple[int, ...]:
    """Find the source whose own answers correlate best with people's on known items."""
    return (_ranked(moments, known, block)[0],)


def clearly_positive(values: Array, n_candidates: int) -> bool:
    """Tell whether a mean is above 0 beyond chance, if so many candidates are tried.

    Examples
    --------
    >>> clearly_positive(np.array([1.0, 2.0, 1.5, 1.0]), 1), clearly_positive(np.array([1.0, -2.0, 1.5, 1.0]), 1)
    (True, False)
    """
    if values.size < FEW:
        return False
    error = float(values.std(ddof=1)) / np.sqrt(values.size)
    level = 1 - (1 - SURE) / max(n_candidates, 1)
    return bool(values.mean() > stdtrit(values.size - 1, level) * error)


def _ranked(moments: SourceMoments, known: NDArray[np.bool_], block: NDArray[np.intp]) -> list[int]:
    """Rank sources by the mean over batteries of their correlations with people."""
    n_sources = moments.with_people.shape[1]
    if not known.any():
        return list(range(n_sources))
    alone = [_by_battery(moments.reached([s]), known, block).mean() for s in range(n_sources)]
    return [int(s) for s in np.argsort(-np.array(alone), kind="stable")]


def _by_battery(values: Array, known: NDArray[np.bool_], block: NDArray[np.intp]) -> Array:
    """Average values of known items over each battery that has any."""
    size = np.bincount(block[known])
    return np.bincount(block[known], values[known])[size > 0] / size[size > 0]


def without_copies(sources: Array) -> list[list[int]]:
    """Group sources (S, n, p) that are copies of each other, in the order of their first members."""
    twins = [standardise_items(v) for v in sources]
    groups: list[list[int]] = []
    for k, one in enumerate(twins):
        group = next((g for g in groups if _alike(twins[g[0]], one) > COPY), None)
        if group is None:
            groups.append([k])
        else:
            group.append(k)
    return groups


def _alike(one: Standardised, other: Standardised) -> float:
    """Correlate the standardised answers that two sources have in common, over all items together."""
    both = one.seen & other.seen
    if not both.any():
        return 0.0
    a, b = one.values[both], other.values[both]
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0
