"""Draws: completed data sets, in which every predicted answer is drawn from its law."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array
from truetwin.data import Panel, Scale
from truetwin.data.frames import Layout, as_kind, to_frame
from truetwin.data.responses import FrameKind
from truetwin.errors import ParameterError

DRAW = "draw"


def check_draws(m: int, seed: int) -> None:
    """Refuse a number of draws or a seed that is none.

    Raises
    ------
    ParameterError
        If ``m`` is no whole number of at least 2, or ``seed`` no whole number of at least 0.
    """
    for name, value, least in (("the number of draws", m, 2), ("the seed of the draws", seed, 0)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < least:
            raise ParameterError(f"{name} must be a whole number of at least {least}; got {value!r}")


@dataclass(frozen=True, eq=False, repr=False)
class Draws:
    """M completed data sets: what people answered as it is, and what is predicted drawn anew in each.

    The rows belong to real persons, who did not give the drawn answers.

    Attributes
    ----------
    panel : Panel
        Panel that was completed.
    seed : int
        Random seed.
    rows, columns : ndarray of int
        Respondents and items of the panel that the tables show: all with an answer, given or drawn.
    cells : tuple of two ndarrays of int, (c,) each
        Rows and columns, in the panel, of the drawn answers.
    drawn : ndarray of shape (M, c)
        The drawn answers.
    left_out : mapping from item id to str
        Predicted items whose answers are not drawn, with the reason.

    Examples
    --------
    >>> from truetwin import calibrate
    >>> from truetwin.datasets import generate_population
    >>> draws = calibrate(generate_population(100, 12, n_new_items=2).panel).draws(5, seed=0)
    >>> draws
    Draws(5 draws of 200 answers to 2 items; 100 respondents x 12 items; seed 0)
    >>> draws.to_frame().column_names
    ['draw', 'respondent_id', 'item_id', 'value']
    """

    panel: Panel
    seed: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    cells: tuple[NDArray[np.intp], NDArray[np.intp]]
    drawn: Array
    left_out: Mapping[str, str]

    @classmethod
    def of(cls, panel: Panel, predicted: Array, grids: Iterator[Array], seed: int) -> Draws:
        """Keep the drawn answers of M grids of the panel's shape, where an answer is predicted and can be drawn.

        Raises
        ------
        ParameterError
            If there is none.
        """
        there, first = np.isfinite(predicted), next(grids)
        reasons = {i: _why_not(panel.scales[i]) for i in panel.item_ids}
        left_out = {i: why for j, i in enumerate(panel.item_ids) if (why := reasons[i]) and there[:, j].any()}
        there &= np.isfinite(first) & np.array([not reasons[i] for i in panel.item_ids])
        cells = np.nonzero(there)
        if not cells[0].size:
            item, why = next(iter(left_out.items()), ("", "nothing was predicted"))
            raise ParameterError(f"there is no answer to draw: {f'item {item!r}: ' if item else ''}{why}")
        there |= np.isfinite(panel.human_values)
        rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
        drawn = np.stack([grid[cells] for grid in chain([first], grids)])
        return cls(panel, seed, rows, columns, (cells[0], cells[1]), drawn, left_out)

    def __repr__(self) -> str:
        items = len(np.unique(self.cells[1]))
        shape = f"{len(self.rows)} respondents x {len(self.columns)} items"
        answers = f"{self.drawn.shape[1]} answers to {items} items"
        return f"Draws({len(self)} draws of {answers}; {shape}; seed {self.seed})"

    def __len__(self) -> int:
        return len(self.drawn)

    def __iter__(self) -> Iterator[Any]:
        """Yield one wide table a draw, of the kind of the human table."""
        for k in range(len(self)):
            yield self.table(k)

    @cached_property
    def respondent_ids(self) -> tuple[str, ...]:
        """Ids of the rows."""
        return tuple(self.panel.respondent_ids[r] for r in self.rows)

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the columns."""
        return tuple(self.panel.item_ids[c] for c in self.columns)

    def values_of(self, k: int) -> Array:
        """Return the answers of one draw, (n, items); NaN where somebody was asked and did not answer."""
        grid = self.panel.human_values.copy()
        grid[self.cells] = self.drawn[k]
        return grid[np.ix_(self.rows, self.columns)]

    @property
    def values(self) -> Array:
        """Answers of all draws, (M, n, items)."""
        return np.stack([self.values_of(k) for k in range(len(self))])

    def table(self, k: int, *, kind: FrameKind | None = None, id_column: str | None = None) -> Any:
        """Return one draw as a wide table: the column of ids, then one column an item."""
        human = self.panel.human
        return to_frame(
            self.values_of(k),
            self.respondent_ids,
            self.item_ids,
            id_column=id_column or human.id_name,
            kind=kind or human.frame_kind,
            id_type=human.id_type,
        )

    def to_frame(self, kind: FrameKind | None = None, layout: Layout = "long") -> Any:
        """Return all draws as one table.

        Parameters
        ----------
        kind : {"pyarrow", "pandas", "polars"}, optional
            Kind of table; by default that of the human table.
        layout : {"long", "wide"}
            One row an answer (``draw, respondent_id, item_id, value``), or one row a draw and respondent. Draws are
            counted from 1.
        """
        import pyarrow as pa

        kind = kind or self.panel.human.frame_kind
        parts = [
            self._long(k) if layout == "long" else self.table(k, kind="pyarrow") for k in range(len(self))
        ]
        tables = [
            part.add_column(0, DRAW, pa.array(np.full(part.num_rows, k, dtype=np.int64)))
            for k, part in enumerate(parts, 1)
        ]
        return as_kind(pa.concat_tables(tables), kind)

    def _long(self, k: int) -> Any:
        human = self.panel.human
        return to_frame(
            self.values_of(k), self.respondent_ids, self.item_ids, layout="long", id_type=human.id_type
        )


def _why_not(scale: Scale) -> str:
    """Explain why the answers to an item cannot be drawn; empty if they can."""
    if scale.inferred and scale.low == scale.high:
        return "all its twins gave one answer, so that its scale is not known; declare the scale"
    return ""
