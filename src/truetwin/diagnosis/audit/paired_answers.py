"""Lay people and one source of twins side by side: the cells that both have, on the scales of the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Scale
from truetwin.diagnosis.audit.left_out_people import PeopleGroups
from truetwin.errors import DataError

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
#: Fewer common answers, or people, describe no item and no group.
FEWEST = 20
MOST_CATEGORIES = 21
N_BINS = 10


class TooFewAnswersError(DataError):
    """Too few people or items have answers from both sides for an audit."""


@dataclass(frozen=True, eq=False)
class PairedAnswers:
    """Answers of people and of one source of their twins.

    Attributes
    ----------
    human, twin : ndarray of shape (n, m)
        Answers; NaN where either of the two is missing.
    items : tuple of str
        Ids of the items, m of them: those with at least 20 common answers that people do not all answer alike.
    scales : tuple of Scale
    groups : PeopleGroups
        Groups of people that are left out in turn.
    weights : ndarray of shape (n,)
        Weight of each person.
    people : mapping from column to ndarray of shape (n,)
        Groups of people to look at separately; None where unknown.
    retest : ndarray of shape (n, m) or None
        Answers of the same people when asked again.
    left_out : tuple of str
        Items with answers from both that are not compared.
    rows : ndarray of shape (n,)
        Positions of the people in the tables that were paired.
    """

    human: Array
    twin: Array
    items: tuple[str, ...]
    scales: tuple[Scale, ...]
    groups: PeopleGroups
    weights: Array
    people: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    retest: Array | None = None
    left_out: tuple[str, ...] = ()
    rows: Codes = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @classmethod
    def of(
        cls,
        human: Array,
        twin: Array,
        items: Sequence[str],
        scales: Sequence[Scale],
        *,
        weights: Array | None = None,
        clusters: Sequence[Any] | None = None,
        people: Mapping[str, NDArray[np.object_]] | None = None,
        retest: Array | None = None,
        random_state: int = 0,
        source: str = "twins",
    ) -> PairedAnswers:
        """Pair two tables of the same shape. ``source`` is what to call the twins in messages.

        Raises
        ------
        TooFewAnswersError
            If fewer than 20 people or two items can be compared.
        """
        both = np.isfinite(human) & np.isfinite(twin)
        weight = np.ones(human.shape[0]) if weights is None else np.where(weights > 0, weights, 0.0)
        both &= (weight > 0)[:, None]
        varied = np.array(
            [np.ptp(human[seen, j]) > 0 if seen.sum() >= FEWEST else False for j, seen in enumerate(both.T)]
        )
        kept, rows = np.flatnonzero(varied), np.flatnonzero(both[:, varied].any(axis=1))
        names = kept.tolist()
        if kept.size < 2 or rows.size < FEWEST:
            raise TooFewAnswersError(
                f"an audit of {source} needs at least 2 items with {FEWEST} answers from both people and twins, which "
                f"people do not all answer alike, and {FEWEST} such people; there are {kept.size} items and "
                f"{rows.size} people"
            )
        cells = np.ix_(rows, kept)
        seen = both[cells]
        return cls(
            np.where(seen, human[cells], np.nan),
            np.where(seen, twin[cells], np.nan),
            tuple(items[j] for j in names),
            tuple(scales[j] for j in names),
            PeopleGroups.drawn(
                rows.size,
                None if clusters is None else [clusters[i] for i in rows.tolist()],
                random_state=random_state,
            ),
            weight[rows] / weight[rows].mean(),
            {name: column[rows] for name, column in (people or {}).items()},
            None if retest is None else retest[cells],
            tuple(items[j] for j in np.flatnonzero(both.any(axis=0) & ~varied).tolist()),
            rows,
        )

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Cells with answers."""
        return np.isfinite(self.human)

    @cached_property
    def nominal(self) -> NDArray[np.bool_]:
        """Whether each item has categories without order, (m,)."""
        return np.array([scale.kind == "nominal" for scale in self.scales])

    @cached_property
    def categories(self) -> tuple[Array, ...]:
        """Codes of each item's categories; empty for an item that is answered by many different numbers."""
        found = []
        for j, scale in enumerate(self.scales):
            codes = np.asarray(scale.categories, dtype=float)
            if not codes.size:
                codes = np.unique(self.human[self.seen[:, j], j])
            found.append(codes if codes.size <= MOST_CATEGORIES else np.empty(0))
        return tuple(found)

    @cached_property
    def coded(self) -> tuple[Codes, Codes]:
        """Number of each answer's category, -1 where missing; items of many numbers are cut in ten."""
        sides = [np.full(self.human.shape, -1, dtype=np.intp) for _ in range(2)]
        for j, codes in enumerate(self.categories):
            seen = self.seen[:, j]
            edges = (
                (codes[1:] + codes[:-1]) / 2
                if codes.size
                else _deciles(self.human[seen, j], self.twin[seen, j])
            )
            if codes.size and self.nominal[j]:
                order = np.argsort(codes)
                edges = (codes[order][1:] + codes[order][:-1]) / 2
            for side, values in zip(sides, (self.human, self.twin), strict=True):
                side[seen, j] = np.searchsorted(edges, values[seen, j])
        return sides[0], sides[1]

    @cached_property
    def numbers(self) -> tuple[Array, Array]:
        """Answers in people's standard deviations from people's means; a nominal item is whether its commonest category
        was chosen."""
        human, twin = self.human.copy(), self.twin.copy()
        for j in np.flatnonzero(self.nominal):
            seen = self.seen[:, j]
            codes, counts = np.unique(human[seen, j], return_counts=True)
            commonest = codes[np.argmax(counts)]
            human[seen, j], twin[seen, j] = human[seen, j] == commonest, twin[seen, j] == commonest
        w = self.seen * self.weights[:, None]
        w = w / w.sum(axis=0)
        mean = np.sum(w * np.nan_to_num(human), axis=0)
        sd = np.sqrt(np.sum(w * np.nan_to_num(human - mean) ** 2, axis=0))
        return (human - mean) / sd, (twin - mean) / sd

    @cached_property
    def counts(self) -> tuple[Array, Array]:
        """Weight of the answers in each category by group of people, (n_groups, m, K) each.

        K is the largest number of categories of any item, whether anybody chose the last of them or not.
        """
        K = max(*(int(side.max()) + 1 for side in self.coded), *(codes.size for codes in self.categories))
        m = len(self.items)
        found = []
        for side in self.coded:
            rows, columns = np.nonzero(side >= 0)
            place = (self.groups.numbers[rows] * m + columns) * K + side[rows, columns]
            total = np.bincount(place, self.weights[rows], minlength=self.groups.count * m * K)
            found.append(total.astype(np.float64).reshape(self.groups.count, m, K))
        return found[0], found[1]

    @cached_property
    def closeness(self) -> Array:
        """How close each twin's answer is to the person's, (n, m): 1 is equal, 0 the whole range away.

        Nominal items count as equal or not. The range is that of the scale, or else of people's answers.
        """
        return self.closeness_to(self.twin)

    def closeness_to(self, answers: Array) -> Array:
        """Measure how close some answers are to the people's, as in :attr:`closeness`."""
        spans = np.array(
            [
                scale.high - scale.low
                if np.isfinite(scale.high - scale.low) and scale.high > scale.low
                else np.nanmax(self.human[:, j]) - np.nanmin(self.human[:, j])
                for j, scale in enumerate(self.scales)
            ]
        )
        near = 1 - np.minimum(np.abs(answers - self.human) / spans, 1.0)
        same = np.where(np.isfinite(near), answers == self.human, np.nan)
        return np.asarray(np.where(self.nominal, same, near))

    def weighted_sums(self, values: Array) -> Array:
        """Sum of weighted values and of weights over people by group, (n_groups, 2, ...); NaN does not count."""
        seen = np.isfinite(values)
        w = self.weights.reshape(-1, *([1] * (values.ndim - 1)))
        return self.groups.sums(np.stack([np.where(seen, w * values, 0.0), seen * w], axis=1))


def _deciles(human: Array, twin: Array) -> Array:
    """Cut points of ten bins that hold as many answers of people and twins together: neither side is favoured."""
    cuts = np.quantile(np.concatenate([human, twin]), np.linspace(0, 1, N_BINS + 1)[1:-1])
    return np.asarray(np.unique(cuts))
