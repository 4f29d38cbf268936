"""Compose the law of an item from points, errors, the item's scale and the twins' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.category_law import CategoryLaw, table_with_means
from truetwin.calibration.laws.category_pool import (
    CategoryPool,
    error_chances,
    stacked,
    twin_chances,
    twin_shares,
)
from truetwin.calibration.laws.category_tables import halfway
from truetwin.calibration.laws.error_record import ErrorRecord
from truetwin.calibration.laws.known_cells import KnownCells
from truetwin.calibration.laws.law import Law
from truetwin.calibration.laws.number_law import NumberErrors, NumberLaw, limited_numbers
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.laws.prediction_errors import ErrorQuantiles, Errors
from truetwin.calibration.orientation import Answers, Array
from truetwin.data import Scale

#: Known answers to an item that weights are learned from; they are spread over the people of the record.
CELLS = 60


@dataclass(frozen=True, eq=False)
class Part:
    """Some respondents' points for one item, and the errors around them.

    Attributes
    ----------
    rows : ndarray of int of shape (r,)
        The respondents, on the grid of all answers.
    points : ndarray of shape (r,)
        On the item's scale; NaN where nothing is predicted.
    errors : Errors
    sample : int, optional
        Which of the errors' samples the item is, if these are items; None if they are respondents.
    """

    rows: NDArray[np.intp]
    points: Array
    errors: Errors
    sample: int | None = None


@dataclass(frozen=True, eq=False)
class LawComposer:
    """Composer of the laws of one table's items.

    Attributes
    ----------
    answers : Answers
        Human answers to targets are not looked at.
    scales : mapping from item id to Scale
    left_out : set of str
        Items that the mixing of chances is not learned from.
    """

    answers: Answers
    scales: Mapping[str, Scale]
    left_out: Set[str] = frozenset()
    _pools: dict[int, tuple[object, CategoryPool]] = field(default_factory=dict)
    _cells: dict[int, tuple[object, KnownCells]] = field(default_factory=dict)

    def law(self, item: str, parts: Sequence[Part], scale: Scale | None = None) -> Law:
        """Compose the law of one item.

        Parameters
        ----------
        item : str
        parts : sequence of Part
            Disjoint sets of respondents. The law is over all of them, in the order of the grid.
        scale : Scale, optional
            By default that among ``scales``.
        """
        scale = scale or self.scales[item]
        rows = np.sort(np.concatenate([part.rows for part in parts]))
        place = np.full(len(self.answers.respondent_ids), -1)
        place[rows] = np.arange(rows.size)
        ids = tuple(self.answers.respondent_ids[r] for r in rows)
        first = parts[0].errors
        said = item, ids, first.expected_correlation(), first.describe()
        if scale.kind == "numeric":
            points = np.full(rows.size, np.nan)
            errors: list[NumberErrors] = []
            for part in parts:
                points[place[part.rows]] = limited_numbers(part.points, scale.low, scale.high)
                errors += _number_errors(part, place[part.rows], scale, self._reach(item, scale))
            return NumberLaw(*said, points, tuple(errors))
        codes = np.array(sorted(scale.categories))
        table = np.full((rows.size, len(codes)), np.nan)
        for part in parts:
            table[place[part.rows]] = self._table(item, part, codes)
        known = all(part.sample is not None for part in parts)
        return CategoryLaw(*said, codes, table, True, known)

    def _table(self, item: str, part: Part, codes: Array) -> Array:
        """Compute probabilities of the categories, (r, K)."""
        j = self._columns[item]
        twins = self.answers.source_values[:, :, j]
        by_twins = twin_chances(twins[:, part.rows], codes, twin_shares(twins, codes))
        there = np.isfinite(part.points)
        by_errors = np.full((len(part.rows), len(codes)), 1 / len(codes))
        below = part.errors.level_shares(halfway(codes)[1:-1], part.sample)
        level = (
            np.full(len(codes), 1 / len(codes)) if below is None else np.diff(below, prepend=0.0, append=1.0)
        )
        quantiles = part.errors.distribution()
        if part.sample is not None:
            quantiles = quantiles.of_sample(part.sample)
        elif quantiles.values.ndim == 2:
            quantiles = quantiles.of_samples(part.rows[there])
        if np.isfinite(quantiles.values).all():
            by_errors[there] = error_chances(quantiles, part.points[there], codes)
        table = self.pool(part.errors).table(by_twins, level, by_errors)
        return table_with_means(table, codes, part.points)

    def _reach(self, item: str, scale: Scale) -> float:
        """Return half the length of a numeric scale, or of the twins' range where the scale is open."""
        length = scale.high - scale.low
        if not np.isfinite(length):
            twins = self.answers.source_values[:, :, self._columns[item]]
            length = float(np.ptp(twins[np.isfinite(twins)])) if np.isfinite(twins).any() else 0.0
        return length / 2

    def pool(self, errors: Errors) -> CategoryPool:
        """Learn how to mix what is known of a category's chance, from the record of the errors."""
        record = errors.record()
        if record is None or not len(record):
            return CategoryPool.unlearned()
        if id(record) not in self._pools:
            self._pools[id(record)] = (record, self._learn(record))
        return self._pools[id(record)][1]

    def _learn(self, record: ErrorRecord | PeopleRecord) -> CategoryPool:
        cells = self.cells(record)
        chances = stacked(cells, *record.chances(cells))
        each = record.weight / np.maximum(cells.there.sum(axis=1), 1)
        counts = np.broadcast_to(each[:, None], cells.there.shape)[cells.there]
        return CategoryPool.learn(chances, counts * (len(counts) / max(float(counts.sum()), 1e-12)))

    def cells(self, record: ErrorRecord | PeopleRecord) -> KnownCells:
        """Pick known answers to the items of a record."""
        people = self._people_of(record)
        columns = np.array([self._columns[i] for i in record.item_ids], dtype=np.intp)
        picked = self._picked(people)
        there = picked.there[columns] & np.isfinite(
            np.take_along_axis(record.errors, picked.people[columns], axis=1)
        )
        return KnownCells(
            picked.people[columns],
            there,
            picked.low[columns],
            picked.high[columns],
            picked.fixed[columns],
        )

    def _people_of(self, record: ErrorRecord | PeopleRecord) -> NDArray[np.intp]:
        if isinstance(record, ErrorRecord):
            return record.rows
        return np.array([self._rows[r] for r in record.respondent_ids], dtype=np.intp)

    def _picked(self, people: NDArray[np.intp]) -> KnownCells:
        """Pick known answers to all items, among some people; several records share it."""
        key = hash(people.tobytes())
        if key not in self._cells:
            self._cells[key] = (people, self._pick(people))
        return self._cells[key][1]

    def _pick(self, people: NDArray[np.intp]) -> KnownCells:
        p = len(self.answers.item_ids)
        at, there = np.zeros((p, CELLS), dtype=np.intp), np.zeros((p, CELLS), dtype=bool)
        low, high = np.zeros((2, p, CELLS))
        fixed = np.zeros((p, CELLS, 4))
        for j, item in enumerate(self.answers.item_ids):
            scale = self.scales[item]
            known = np.flatnonzero(np.isfinite(self.answers.human_values[people, j]))
            if not known.size or scale.kind == "numeric" or scale.n_categories < 2 or item in self.left_out:
                continue
            known = known[np.unique(np.linspace(0, known.size - 1, min(CELLS, known.size)).astype(np.intp))]
            codes = np.sort(np.array(scale.categories))
            ends = halfway(codes)
            twins = self.answers.source_values[:, :, j]
            answer = np.searchsorted(ends[1:-1], self.answers.human_values[people[known], j])
            chances = twin_chances(twins[:, people[known]], codes, twin_shares(twins, codes))
            n = known.size
            at[j, :n], there[j, :n] = known, True
            low[j, :n], high[j, :n] = ends[answer], ends[answer + 1]
            fixed[j, :n] = chances[np.arange(n), answer]
        return KnownCells(at, there, low, high, fixed)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {item: j for j, item in enumerate(self.answers.item_ids)}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {r: k for k, r in enumerate(self.answers.respondent_ids)}


def _number_errors(part: Part, at: NDArray[np.intp], scale: Scale, reach: float) -> list[NumberErrors]:
    """Return the errors of each respondent; where none is known, all within ``reach`` are equally likely."""
    quantiles = part.errors.distribution()
    if part.sample is not None:
        quantiles = quantiles.of_sample(part.sample)
    if not np.isfinite(quantiles.values).any():
        quantiles = ErrorQuantiles(np.array([0.0, 1.0]), np.array([-reach, reach]))
    if quantiles.values.ndim == 1:
        return [NumberErrors.of(at, quantiles, scale)]
    return [
        NumberErrors.of(np.array([a]), quantiles.of_sample(int(r)), scale)
        for r, a in zip(part.rows, at, strict=True)
    ]
