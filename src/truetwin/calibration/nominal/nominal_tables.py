"""Compute tables of probabilities of nominal items, from predicted indicators and from how others were predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.error_record import ErrorRecord
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.nominal.indicators import Encoding, item_of
from truetwin.calibration.nominal.nominal_pool import (
    NominalPool,
    component_chances,
    predicted_shares,
    twin_shares,
)
from truetwin.calibration.orientation import Array

Record = ErrorRecord | PeopleRecord


@dataclass(frozen=True, eq=False)
class NominalTables:
    """Maker of the tables of one panel's nominal items; weights that records share are learned once.

    Attributes
    ----------
    encoding : Encoding
        Human answers to targets are not looked at.
    """

    encoding: Encoding
    _pools: dict[int, tuple[object, NominalPool]] = field(default_factory=dict)

    def table(
        self, item: str, rows: NDArray[np.intp], points: Array, record: Record | None, predicted: Array
    ) -> Array:
        """Compute the probability of each category, in the order of the scale, (r, K); NaN where nothing is predicted.

        Parameters
        ----------
        item : str
        rows : ndarray of int of shape (r,)
            Respondents, by their positions in the panel.
        points : ndarray of shape (r, K)
            Predicted indicators.
        record : ErrorRecord or PeopleRecord, optional
            How known items (or people) were predicted as if they were new.
        predicted : ndarray of shape (K,)
            Shares that the method predicts (:meth:`shares`).
        """
        if points.shape[1] == 1:  # one category: nothing to learn, and nothing to say
            return np.ones(points.shape)
        table = self.pool(record).table(self._chances(item, rows, points, predicted))
        table[~np.isfinite(points).any(axis=1)] = np.nan
        return np.asarray(table[:, self.encoding.in_order(item)])

    def shares(self, item: str, points: Array, record: Record | None) -> Array:
        """Return the shares that a method predicts for an item, in the order of the indicators, (K,).

        For new respondents they are those of the known people: nobody's chances depend on who else is new.
        """
        if isinstance(record, PeopleRecord):
            places = [k for k, column in enumerate(record.item_ids) if item_of(column) == item]
            points = record.predicted[places].T
        return predicted_shares(points, twin_shares(self._twins(item), self.encoding.codes[item]))

    def pool(self, record: Record | None) -> NominalPool:
        """Learn how to mix what is known of the categories, from the nominal items of a record."""
        if record is None or not len(record):
            return NominalPool.learn([])
        if id(record) not in self._pools:
            rows, points = _predicted(record, self._rows)
            columns: dict[str, list[int]] = {}
            for k, column in enumerate(record.item_ids):
                columns.setdefault(item_of(column), []).append(k)
            chances = [
                self._of_answers(item, rows, points[places].T)
                for item, places in columns.items()
                if len(self.encoding.codes.get(item, ())) == len(places) > 1
            ]
            self._pools[id(record)] = (record, NominalPool.learn(chances))
        return self._pools[id(record)][1]

    def _of_answers(self, item: str, rows: NDArray[np.intp], points: Array) -> Array:
        """Compute the chances of the answers that some people gave, (5, answers)."""
        codes = self.encoding.codes[item]
        hit = self._answers(item)[rows][:, None] == codes
        there = np.flatnonzero(hit.any(axis=1) & np.isfinite(points).any(axis=1))
        chances = self._chances(
            item, rows, points, predicted_shares(points, twin_shares(self._twins(item), codes))
        )
        return np.asarray(chances[:, there, hit[there].argmax(axis=1)])

    def _chances(self, item: str, rows: NDArray[np.intp], points: Array, predicted: Array) -> Array:
        codes, twins = self.encoding.codes[item], self._twins(item)
        return component_chances(points, twins[:, rows], codes, twin_shares(twins, codes), predicted)

    def _answers(self, item: str) -> Array:
        panel = self.encoding.panel
        return np.asarray(panel.human_values[:, panel.item_ids.index(item)])

    def _twins(self, item: str) -> Array:
        """Return the answers of each source, (S, n)."""
        panel = self.encoding.panel
        return np.asarray(panel.source_values[:, :, panel.item_ids.index(item)])

    @property
    def _rows(self) -> Mapping[str, int]:
        return {r: k for k, r in enumerate(self.encoding.panel.respondent_ids)}


def _predicted(record: Record, rows: Mapping[str, int]) -> tuple[NDArray[np.intp], Array]:
    """Return the people of a record, and what was predicted for them, (m, n), on the items' scales."""
    if isinstance(record, ErrorRecord):
        return record.rows, record.centre[:, None] + record.unit[:, None] * record.predicted
    return np.array([rows[r] for r in record.respondent_ids], dtype=np.intp), record.predicted


def answers_on_top(table: Array, given: NDArray[np.bool_]) -> Array:
    """Make the marked category of each row the likeliest one, (n, K); rows still sum to 1.

    Examples
    --------
    >>> answers_on_top(np.array([[0.5, 0.3, 0.2]]), np.array([[False, True, False]])).round(2)
    array([[0.42, 0.42, 0.17]])
    """
    raised = np.where(given, table.max(axis=1, keepdims=True) * (1 + 1e-9), table)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
