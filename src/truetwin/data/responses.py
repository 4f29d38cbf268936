"""Response matrix: the answers of one source, respondents by items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.errors import DataError

FrameKind = Literal["pyarrow", "pandas", "polars"]


def check_unique(ids: Sequence[str], what: str, where: str) -> None:
    """Raise :class:`DataError` naming the repeated ids, if there are any."""
    if len(set(ids)) == len(ids):
        return
    repeated = [i for i, count in Counter(ids).items() if count > 1]
    shown = ", ".join(repr(i) for i in repeated[:3])
    more = f" and {len(repeated) - 3} more" if len(repeated) > 3 else ""
    raise DataError(
        f"every {what} must occur once in {where}; {shown}{more} occur{'s' if len(repeated) == 1 else ''} "
        f"several times. Remove or rename the repetitions."
    )


@dataclass(frozen=True, eq=False)
class ResponseMatrix:
    """Answers of one source (humans, or their twins): one row a respondent, one column an item.

    Parameters
    ----------
    values : ndarray of shape (n_respondents, n_items)
        Answers; NaN where missing. Copied and made read-only.
    respondent_ids : sequence of str
        Ids of the rows, unique.
    items : sequence of Item or str
        The columns, with unique ids. Answers are checked against declared scales, and off-scale codes
        become missing (counted in ``n_off_scale``, and by item in ``off_scale_counts``).
    weights : ndarray of shape (n_respondents,), optional
        Design weights of the respondents, finite and >= 0.
    source : str, default="table"
        What to call this matrix in messages, for example a file name.
    id_name : str, default="respondent_id"
        Name of the column of ids in the table it came from, and in the tables made from it.
    frame_kind : {"pyarrow", "pandas", "polars"}
        Kind of data frame it came from, and of those made from it.
    id_type : str, default="string"
        Arrow's name of the type that the ids had in the input ("int64", "uint8" ...), if they were whole numbers.
        Tables made from this matrix have that type again, so that they can be joined. In here ids are texts.
    expectations : bool, default=False
        Whether values may be means of answers, which lie between the answers of a scale. A twin that was asked
        several times, or for a distribution, has such values; people do not.

    Raises
    ------
    DataError
        If ids repeat, an answer is infinite, or shapes do not fit.
    ScaleError
        If an answer is not on its item's declared scale.

    Examples
    --------
    >>> answers = ResponseMatrix([[1, 2], [3, np.nan]], ["007", "12"], ["Q1", "Q2"])
    >>> answers.respondent_ids, answers.n_missing
    (('007', '12'), 1)
    """

    values: NDArray[np.float64]
    respondent_ids: tuple[str, ...]
    items: tuple[Item, ...]
    weights: NDArray[np.float64] | None = None
    source: str = "table"
    id_name: str = "respondent_id"
    frame_kind: FrameKind = "pyarrow"
    id_type: str = "string"
    expectations: bool = False
    n_off_scale: int = 0
    off_scale_counts: Mapping[str, int] = field(default_factory=dict)

    def __init__(
        self,
        values: Any,
        respondent_ids: Iterable[str],
        items: Iterable[Item | str],
        weights: Any = None,
        source: str = "table",
        id_name: str = "respondent_id",
        frame_kind: FrameKind = "pyarrow",
        id_type: str = "string",
        expectations: bool = False,
    ) -> None:
        values = np.array(values, dtype=np.float64)
        ids = tuple(str(i) for i in respondent_ids)
        columns = tuple(i if isinstance(i, Item) else Item(str(i)) for i in items)
        if values.shape != (len(ids), len(columns)):
            raise DataError(
                f"{source}: the answers must have one row for each of {len(ids)} respondents and one column "
                f"for each of {len(columns)} items; their shape is {values.shape}"
            )
        check_unique(ids, "respondent id", source)
        check_unique([c.id for c in columns], "item", source)
        if np.isinf(values).any():
            row, column = (int(x) for x in np.argwhere(np.isinf(values))[0])
            raise DataError(
                f"{source}: answers must be finite; found {values[row, column]} for item {columns[column].id!r} "
                f"at respondent {ids[row]!r}. Leave the cell empty if the answer is missing."
            )
        off_scale: dict[str, int] = {}
        for j, item in enumerate(columns):
            if item.scale is not None:
                item.scale.check(values[:, j], item_id=item.id, respondent_ids=ids, expectations=expectations)
                off = item.scale.is_off_scale_code(values[:, j])
                if off.any():
                    off_scale[item.id] = int(off.sum())
                values[off, j] = np.nan
        if weights is not None:
            weights = np.array(weights, dtype=np.float64)
            if weights.shape != (len(ids),) or not np.isfinite(weights).all() or (weights < 0).any():
                raise DataError(f"{source}: weights must be one finite number >= 0 for each respondent")
            weights.flags.writeable = False
        values.flags.writeable = False
        for name, value in (
            ("values", values),
            ("respondent_ids", ids),
            ("items", columns),
            ("weights", weights),
            ("source", source),
            ("id_name", id_name),
            ("frame_kind", frame_kind),
            ("id_type", id_type),
            ("expectations", expectations),
            ("n_off_scale", sum(off_scale.values())),
            ("off_scale_counts", off_scale),
        ):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        n, m = self.shape
        return f"ResponseMatrix({n} respondents x {m} items from {self.source}, {self.n_missing} missing)"

    @property
    def shape(self) -> tuple[int, int]:
        """Number of respondents and of items."""
        return len(self.respondent_ids), len(self.items)

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the columns."""
        return tuple(item.id for item in self.items)

    @cached_property
    def n_missing(self) -> int:
        """Number of missing answers."""
        return int(np.isnan(self.values).sum())

    def on_grid(self, respondent_ids: Sequence[str], item_ids: Sequence[str]) -> NDArray[np.float64]:
        """Lay the answers out on the given ids; NaN where this source has no such row or column."""
        rows = {r: i for i, r in enumerate(self.respondent_ids)}
        columns = {c: j for j, c in enumerate(self.item_ids)}
        to_row = [i for i, r in enumerate(respondent_ids) if r in rows]
        to_column = [j for j, c in enumerate(item_ids) if c in columns]
        grid = np.full((len(respondent_ids), len(item_ids)), np.nan)
        from_row = [rows[respondent_ids[i]] for i in to_row]
        from_column = [columns[item_ids[j]] for j in to_column]
        grid[np.ix_(to_row, to_column)] = self.values[np.ix_(from_row, from_column)]
        return grid

    def take_items(self, columns: Sequence[int]) -> ResponseMatrix:
        """Select some of the items by their positions."""
        return ResponseMatrix(
            self.values[:, list(columns)],
            self.respondent_ids,
            [self.items[k] for k in columns],
            self.weights,
            self.source,
            self.id_name,
            self.frame_kind,
            self.id_type,
            self.expectations,
        )

    def with_items(self, declared: dict[str, Item]) -> ResponseMatrix:
        """Return the same answers with texts, scales and blocks declared for some of the items."""
        items = [declared.get(item.id, item) for item in self.items]
        return ResponseMatrix(
            self.values,
            self.respondent_ids,
            items,
            self.weights,
            self.source,
            self.id_name,
            self.frame_kind,
            self.id_type,
            self.expectations,
        )
