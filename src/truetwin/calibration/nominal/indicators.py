"""Encode nominal items as indicators: one column of 0 and 1 for each category, so that no code is taken for a number.

Every calibrator works on the encoded panel. Each source of twin answers is encoded by itself, and then averaged like
any item. The indicators of an item are a block of their own: they are donors together and hidden together. They come in
the order of how many twins chose the category, so that other codes for the same categories change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.base import Prediction
from truetwin.calibration.design import Fold
from truetwin.calibration.orientation import Array, orient
from truetwin.data import Item, Panel, ResponseMatrix, Scale, Target
from truetwin.data.twin_sources import nominal_items
from truetwin.instrument.batteries import complete_blocks

#: Stands between an item's id and the number of the indicator; no id of a table holds this control character.
MARK = "\x1f"
ZERO_ONE = Scale.ordinal(0, 1)


def item_of(column: str) -> str:
    """Return the item that a column of an encoded panel belongs to.

    Examples
    --------
    >>> item_of("party\\x1f002"), item_of("Q1")
    ('party', 'Q1')
    """
    return column.partition(MARK)[0]


def is_indicator(column: str) -> bool:
    """Tell whether a column of an encoded panel is an indicator."""
    return MARK in column


def column_blocks(blocks: Mapping[str, str] | None, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the block of each column: the indicators of an item are a block of their own, whatever is declared.

    Parameters
    ----------
    blocks : mapping from item id to block, optional
        As for :func:`truetwin.instrument.batteries.complete_blocks`.
    columns : sequence of str
        Columns of an encoded panel.

    Examples
    --------
    >>> column_blocks({"a": "mood", "b": "mood"}, ["a", "b\\x1f000", "b\\x1f001"]) == ("mood", "b\\x1f", "b\\x1f")
    True
    """
    items = list(dict.fromkeys(map(item_of, columns)))
    block = dict(zip(items, complete_blocks(blocks, items), strict=True))
    return tuple(item_of(c) + MARK if is_indicator(c) else block[c] for c in columns)


@dataclass(frozen=True, eq=False)
class Encoding:
    """Panel with indicators in the place of its nominal items, and the way back.

    Attributes
    ----------
    panel : Panel
        The panel as it is.
    encoded : Panel
        The panel that methods see; the same one if there is no nominal item.
    codes : mapping from item id to ndarray of shape (K,)
        Codes of each nominal item in the order of its indicators.
    """

    panel: Panel
    encoded: Panel
    codes: Mapping[str, Array]

    @classmethod
    def of(cls, panel: Panel) -> Encoding:
        """Encode the declared nominal items of a panel.

        Examples
        --------
        >>> item = Item("party", scale=Scale.nominal([3, 7]))
        >>> human = ResponseMatrix([[7, 1], [3, 2]], ["a", "b"], [item, "Q1"])
        >>> Encoding.of(Panel(human, human)).encoded.item_ids
        ('party\\x1f000', 'party\\x1f001', 'Q1')
        """
        nominal = nominal_items(panel.items)
        if not nominal:
            return cls(panel, panel, {})
        codes = {item: _ordered_codes(panel, item) for item in nominal}
        in_context = None if panel.in_context is None else _encoded(panel.in_context, codes)
        human = _encoded(panel.human, codes)
        sources = {name: _encoded(source, codes) for name, source in panel.sources.items()}
        return cls(panel, replace(panel, human=human, sources=sources, in_context=in_context), codes)

    @cached_property
    def positions(self) -> dict[str, NDArray[np.intp]]:
        """Positions of each item's columns in the encoded panel; one for an item that is not nominal."""
        found: dict[str, list[int]] = {}
        for k, column in enumerate(self.encoded.item_ids):
            found.setdefault(item_of(column), []).append(k)
        return {item: np.array(columns, dtype=np.intp) for item, columns in found.items()}

    def columns(self, item: str) -> tuple[str, ...]:
        """Return the ids of an item's columns in the encoded panel."""
        return tuple(self.encoded.item_ids[k] for k in self.positions[item])

    def targets(self, targets: Iterable[Target]) -> list[Target]:
        """Return the targets to predict in the encoded panel."""
        return [
            each
            for t in targets
            for each in ([Target("item", c) for c in self.columns(t.id)] if t.axis == "item" else [t])
        ]

    def fold(self, fold: Fold) -> Fold:
        """Return the fold of the encoded panel that hides the same answers."""
        if fold.axis == "respondent" or not self.codes:
            return fold
        ids = self.panel.item_ids
        targets, donors = (
            tuple(int(k) for j in part for k in self.positions[ids[j]])
            for part in (fold.targets, fold.donors)
        )
        return Fold(fold.axis, targets, donors)

    def plain_fold(self, coded: Fold) -> Fold:
        """Return the fold of the panel as it is."""
        if coded.axis == "respondent" or not self.codes:
            return coded
        place = {item: k for k, item in enumerate(self.panel.item_ids)}
        ids = self.encoded.item_ids
        parts = (
            tuple(dict.fromkeys(place[item_of(ids[k])] for k in part))
            for part in (coded.targets, coded.donors)
        )
        return Fold(coded.axis, *parts)

    def certain(self, part: Prediction) -> Prediction:
        """Return a prediction of the encoded panel in which items with a single category are predicted by it."""
        single = {self.columns(item)[0] for item, codes in self.codes.items() if len(codes) == 1}
        ids = part.target_ids if part.axis == "item" else part.sample_ids
        if not single & set(ids):
            return part
        values = orient(part.values.copy(), part.axis)
        values[:, [k for k, column in enumerate(ids) if column in single]] = 1.0
        unpredicted = {t: why for t, why in part.unpredicted.items() if t not in single}
        return replace(part, values=orient(values, part.axis), unpredicted=unpredicted)

    def nominal_of(self, part: Prediction) -> list[str]:
        """Return the nominal items that a prediction of the encoded panel is about, in their order."""
        ids = part.target_ids if part.axis == "item" else part.sample_ids
        return [item for item in dict.fromkeys(map(item_of, ids)) if item in self.codes]

    def unpredicted(self, part: Prediction) -> dict[str, str]:
        """Return the targets that cannot be predicted, with the reason: nominal items without a predicted indicator."""
        if part.axis == "respondent" or not self.codes:
            return part.unpredicted
        found = {}
        for item in dict.fromkeys(map(item_of, part.target_ids)):
            reasons = [part.unpredicted.get(column) for column in self.columns(item)]
            if all(reasons):
                found[item] = self._reason(item, str(reasons[0]))
        return found

    def _reason(self, item: str, of_indicator: str) -> str:
        """Name the category that all twins chose, if they did, and not the 1 of its indicator."""
        if item not in self.codes:
            return of_indicator
        twin = self.panel.source_values[:, :, self.panel.item_ids.index(item)]
        seen = np.unique(twin[np.isfinite(twin)])
        return of_indicator.replace("answer (1)", f"answer ({seen[0]:g})") if seen.size == 1 else of_indicator

    def decoded(self, part: Prediction, modes: Mapping[str, Array]) -> Prediction:
        """Return a prediction of the encoded panel as one of the panel.

        Parameters
        ----------
        part : Prediction
        modes : mapping from item id to ndarray
            For each nominal item the predicted category of each of the part's people.
        """
        if not self.codes:
            return part
        ids = part.target_ids if part.axis == "item" else part.sample_ids
        place = {column: k for k, column in enumerate(ids)}
        by_item = orient(part.values, part.axis)
        items = tuple(dict.fromkeys(map(item_of, ids)))
        columns = [modes[i] if i in modes else by_item[:, place[i]] for i in items]
        values = orient(np.stack(columns, axis=1), part.axis)
        stopped = frozenset(map(item_of, part.unconverged))
        return Prediction(
            part.axis,
            items if part.axis == "item" else part.target_ids,
            part.sample_ids if part.axis == "item" else items,
            values,
            self.unpredicted(part),
            stopped,
        )

    def in_order(self, item: str) -> NDArray[np.intp]:
        """Return the positions of an item's indicators that bring its categories into the order of the scale."""
        place = {code: k for k, code in enumerate(self.codes[item].tolist())}
        return np.array([place[c] for c in self.panel.scales[item].categories], dtype=np.intp)


def in_two(panel: Panel) -> tuple[Panel, dict[str, float]]:
    """Split each nominal item in two: whether a person chose one category or another one.

    The category is the one that divides the twins most evenly. Items keep their ids, so that whatever describes single
    items by correlations can describe nominal items too.

    Returns
    -------
    tuple of Panel and dict
        The panel with 0 and 1 in the place of codes, and the category of each nominal item.

    Examples
    --------
    >>> item = Item("party", scale=Scale.nominal([3, 7, 9]))
    >>> human = ResponseMatrix([[7], [3], [9]], ["a", "b", "c"], [item])
    >>> twin = ResponseMatrix([[7], [7], [7]], ["a", "b", "c"], [item])
    >>> split, categories = in_two(Panel(human, twin))
    >>> split.human_values.ravel(), categories
    (array([1., 0., 0.]), {'party': 7.0})
    """
    nominal = nominal_items(panel.items)
    if not nominal:
        return panel, {}
    chosen = {item: _dividing(panel, item) for item in nominal}
    in_context = None if panel.in_context is None else _split(panel.in_context, chosen)
    human = _split(panel.human, chosen)
    sources = {name: _split(source, chosen) for name, source in panel.sources.items()}
    return replace(panel, human=human, sources=sources, in_context=in_context), chosen


def _ordered_codes(panel: Panel, item: str) -> Array:
    """Order the categories of an item by the twins who chose them, and then by the people who did.

    Ties are decided by the first of these in the order of ids, so that codes decide nothing.
    """
    j, who = panel.item_ids.index(item), np.array(panel.respondent_ids)
    sides = panel.source_values[:, :, j], panel.human_values[None, :, j]

    def key(code: float) -> tuple[tuple[int, str], ...]:
        chose = [who[np.nonzero(answers == code)[1]] for answers in sides]
        return tuple((-len(ids), min(ids, default="")) for ids in chose)

    return np.array(sorted(panel.scales[item].categories, key=key))


def _dividing(panel: Panel, item: str) -> float:
    codes, twin = _ordered_codes(panel, item), panel.source_values[:, :, panel.item_ids.index(item)].ravel()
    shares = (twin[:, None] == codes).sum(axis=0) / max(int(np.isfinite(twin).sum()), 1)
    return float(codes[np.argmin(np.abs(shares - 0.5))])


def _encoded(matrix: ResponseMatrix, codes: Mapping[str, Array]) -> ResponseMatrix:
    """Put the indicators of each nominal item in its place."""
    items: list[Item] = []
    values: list[Array] = []
    for item, answers in zip(matrix.items, matrix.values.T, strict=True):
        if item.id not in codes:
            items.append(item)
            values.append(answers)
            continue
        for k, code in enumerate(codes[item.id]):
            items.append(Item(f"{item.id}{MARK}{k:03d}", item.text, ZERO_ONE, item.id + MARK))
            values.append(_chose(answers, code))
    return _with_columns(matrix, items, values)


def _split(matrix: ResponseMatrix, chosen: Mapping[str, float]) -> ResponseMatrix:
    items = [replace(item, scale=ZERO_ONE) if item.id in chosen else item for item in matrix.items]
    values = [
        _chose(answers, chosen[item.id]) if item.id in chosen else answers
        for item, answers in zip(matrix.items, matrix.values.T, strict=True)
    ]
    return _with_columns(matrix, items, values)


def _chose(answers: Array, code: float) -> Array:
    return np.where(np.isfinite(answers), answers == code, np.nan)


def _with_columns(matrix: ResponseMatrix, items: Sequence[Item], values: Sequence[Array]) -> ResponseMatrix:
    return ResponseMatrix(
        np.stack(values, axis=1) if values else matrix.values,
        matrix.respondent_ids,
        items,
        matrix.weights,
        matrix.source,
        matrix.id_name,
        matrix.frame_kind,
        matrix.id_type,
        matrix.expectations,
    )
