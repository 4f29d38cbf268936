"""Response matrix: the answers of one source, respondents by items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.problems import Problems
from truetwin.data.weight_range import RANGE, beyond_range
from truetwin.errors import DataError, ScaleError

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


#: Squares and products of answers can be computed up to here.
LARGEST_ANSWER = 1e50


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
        become missing (counted in ``n_off_scale``).
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
    off_scale_counts : sequence of int, optional
        Number of answers to each item that were off-scale codes, or said in words that there is no answer, and are
        missing in ``values`` already.
    notes : sequence of str, default=()
        Sentences for the user about how the table was read.

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
    off_scale_counts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

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
        off_scale_counts: Sequence[int] | None = None,
        notes: Iterable[str] = (),
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
        problems = Problems(source)
        check_answers(values, ids, columns, problems, expectations=expectations)
        problems.raise_any()
        counts = list(off_scale_counts or [0] * len(columns))
        for j, item in enumerate(columns):
            if item.scale is not None:
                off = item.scale.is_off_scale_code(values[:, j])
                counts[j] += int(off.sum())
                values[off, j] = np.nan
        if weights is not None:
            weights = np.array(weights, dtype=np.float64)
            _check_weights(weights, ids, source)
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
            ("off_scale_counts", tuple(counts)),
            ("notes", tuple(notes)),
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

    @property
    def n_off_scale(self) -> int:
        """Number of answers that were off-scale codes, or said in words that there is no answer."""
        return sum(self.off_scale_counts)

    def take_items(self, columns: Sequence[int]) -> ResponseMatrix:
        """Select some of the items by their positions."""
        kept = list(columns)
        counts = [self.off_scale_counts[k] for k in kept]
        return self._changed(self.values[:, kept], [self.items[k] for k in kept], counts)

    def with_items(self, declared: Mapping[str, Item]) -> ResponseMatrix:
        """Return the same answers with texts, scales and blocks declared for some of the items."""
        items = [declared.get(item.id, item) for item in self.items]
        return self._changed(self.values, items, self.off_scale_counts)

    def with_notes(self, *notes: str) -> ResponseMatrix:
        """Return the same answers with further sentences about how they were read."""
        return self._changed(self.values, self.items, self.off_scale_counts, notes)

    def with_values(self, values: NDArray[np.float64]) -> ResponseMatrix:
        """Return other answers of the same respondents to the same items."""
        return self._changed(values, self.items, self.off_scale_counts)

    def with_ids(self, renamed: Mapping[str, str]) -> ResponseMatrix:
        """Return the same answers under other ids of respondents; those that are not named keep theirs."""
        same = self._changed(self.values, self.items, self.off_scale_counts)
        ids = tuple(renamed.get(i, i) for i in self.respondent_ids)
        check_unique(ids, "respondent id", self.source)
        object.__setattr__(same, "respondent_ids", ids)
        return same

    def _changed(
        self,
        values: NDArray[np.float64],
        items: Sequence[Item],
        counts: Sequence[int],
        notes: Sequence[str] = (),
    ) -> ResponseMatrix:
        return ResponseMatrix(
            values,
            self.respondent_ids,
            items,
            self.weights,
            self.source,
            self.id_name,
            self.frame_kind,
            self.id_type,
            self.expectations,
            counts,
            (*self.notes, *notes),
        )


def check_answers(
    values: NDArray[np.float64],
    ids: Sequence[str],
    items: Sequence[Item],
    problems: Problems,
    *,
    expectations: bool,
) -> None:
    """Add a problem for each item whose answers are infinite or off its declared scale."""
    for j, item in enumerate(items):
        huge = np.abs(values[:, j]) > LARGEST_ANSWER
        if huge.any():
            row = int(np.argmax(huge))
            must = "be finite" if np.isinf(values[row, j]) else f"lie within +-{LARGEST_ANSWER:g}"
            problems.add(
                "infinite",
                f"answers must {must}; found {values[row, j]:g} for item {item.id!r} at respondent {ids[row]!r}. "
                "Leave the cell empty if the answer is missing.",
            )
        elif item.scale is not None:
            try:
                item.scale.check(values[:, j], item_id=item.id, respondent_ids=ids, expectations=expectations)
            except ScaleError as error:
                problems.add("scale", str(error))


def _check_weights(weights: NDArray[np.float64], ids: Sequence[str], source: str) -> None:
    if weights.shape != (len(ids),):
        raise DataError(
            f"{source}: weights must be one number for each of {len(ids)} respondents; got {weights.size}"
        )
    for wrong, must in (
        (~np.isfinite(weights) | (weights < 0), "be finite numbers >= 0"),
        (beyond_range(weights), RANGE),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            found = "none" if np.isnan(weights[k]) else f"{weights[k]:g}"
            more = f" ({int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
            raise DataError(
                f"{source}: weights must {must}; respondent {ids[k]!r} has {found}{more}. Correct it; a weight of 0 "
                f"leaves a person out."
            )
    if weights.size and not (weights > 0).any():
        raise DataError(f"{source}: weights must be above 0 for somebody; all are 0")
