"""Compose the laws of a panel's items: of nominal ones from their indicators, of the others as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.calibration.laws.composing import LawComposer, Part
from truetwin.calibration.laws.law import Law
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.nominal.nominal_tables import NominalTables, answers_on_top
from truetwin.calibration.orientation import Array
from truetwin.data import Scale

#: From the position of a column in the encoded panel to what is predicted for it.
PartsOf = Callable[[int], Sequence[Part]]


@dataclass(frozen=True, eq=False)
class PanelLaws:
    """Composer of the laws of one panel's items.

    Attributes
    ----------
    encoding : Encoding
        Human answers to targets are not looked at.
    scales : mapping from item id to Scale, optional
        Scales of items that are not nominal; by default the panel's.
    answers_as_they_are : bool
        Whether points are answers that somebody gave (of a twin, say), which stay the likeliest ones.
    """

    encoding: Encoding
    scales: Mapping[str, Scale] | None = None
    answers_as_they_are: bool = False
    tables: NominalTables = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", NominalTables(self.encoding))

    @cached_property
    def _composer(self) -> LawComposer:
        encoded = self.encoding.encoded
        indicators = {column for item in self.encoding.codes for column in self.encoding.columns(item)}
        return LawComposer(encoded, {**encoded.scales, **(self.scales or {})}, indicators)

    def law(self, item: str, parts_of: PartsOf, scale: Scale | None = None) -> Law:
        """Compose the law of one item.

        Parameters
        ----------
        item : str
        parts_of : callable
            For each of the item's columns: disjoint sets of respondents, the same for all columns.
        scale : Scale, optional
            Of an item that is not nominal; by default that among ``scales``.
        """
        columns = self.encoding.positions[item]
        if item not in self.encoding.codes:
            return self._composer.law(item, parts_of(int(columns[0])), scale)
        return self._nominal(item, [parts_of(int(column)) for column in columns])

    def _nominal(self, item: str, by_column: Sequence[Sequence[Part]]) -> CategoryLaw:
        panel = self.encoding.panel
        codes = np.array(panel.scales[item].categories)
        table = np.full((len(panel.respondent_ids), len(codes)), np.nan)
        everybody = np.concatenate([_points(parts) for parts in zip(*by_column, strict=True)])
        for parts in zip(*by_column, strict=True):
            rows, points, record = parts[0].rows, _points(parts), parts[0].errors.record()
            shares = self.tables.shares(item, everybody, record)
            table[rows] = self.tables.table(item, rows, points, record, shares)
            if self.answers_as_they_are:
                table[rows] = self._answers_on_top(item, table[rows], points)
        rows = np.sort(np.concatenate([part.rows for part in by_column[0]]))
        ids = tuple(panel.respondent_ids[r] for r in rows)
        return CategoryLaw(item, ids, None, {}, codes, table[rows], False)

    def _answers_on_top(self, item: str, table: Array, points: Array) -> Array:
        there = np.isfinite(points).all(axis=1)
        table[there] = answers_on_top(table[there], points[there][:, self.encoding.in_order(item)] > 0.5)
        return table


def _points(parts: Sequence[Part]) -> Array:
    return np.stack([part.points for part in parts], axis=1)
