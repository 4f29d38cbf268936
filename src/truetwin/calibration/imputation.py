"""Impute the donors of many folds, sharing work where nothing can leak."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array
from truetwin.solvers.low_rank import hard_impute, hard_impute_rows_apart

Rows = NDArray[np.intp]


def complete_donors(values: Array, rank: int) -> Array:
    """Fill the gaps of one fold's donors, (respondents, items), by iterative SVD of fixed rank.

    Works in single precision, which is a thousand times finer than the relative change of 1e-4 at which it stops.
    """
    return hard_impute(values, rank, dtype=np.float32).completed


class RespondentsApart:
    """Completion that serves every fold in which one respondent of a group is left out.

    A respondent of the group influences only his or her own row. The others are completed as if the group did not
    exist; each member of the group is completed against the others. Dropping a member therefore changes nothing for
    anybody else, and the completion of a fold's donors is this one without the target's row.

    Parameters
    ----------
    human, twin : ndarray of shape (n_respondents, n_items)
        All answers.
    group : ndarray of int
        Positions of the respondents in the group.
    members : ndarray of int
        Respondents with answers from both sources, the group among them, in the order of their ids.
    rank : int
        Rank of the completion.
    """

    def __init__(self, human: Array, twin: Array, group: Rows, members: Rows, rank: int) -> None:
        self._sources = (human, twin)
        self._members = members
        self._apart = np.isin(members, group)
        self._rank = rank

    def donors(self, source: int, rows: Rows, items: Rows) -> Array | None:
        """Return the completed answers of ``rows`` to ``items``.

        The result is None if the group's own answers decide which items there are.
        """
        completed, columns, position = self._completed[source]
        if not np.isin(items, columns).all():
            return None
        column_of = np.full(self._sources[source].shape[1], -1)
        column_of[columns] = np.arange(columns.size)
        return np.asarray(completed[np.ix_(position[rows], column_of[items])])

    @cached_property
    def _completed(self) -> list[tuple[Array, Rows, Rows]]:
        found = []
        for values in self._sources:
            own = values[self._members]
            columns = np.flatnonzero(np.isfinite(own[~self._apart]).any(axis=0))
            completed = hard_impute_rows_apart(
                own[:, columns], self._apart, self._rank, dtype=np.float32
            ).completed
            position = np.full(values.shape[0], -1)
            position[self._members] = np.arange(self._members.size)
            found.append((completed, columns, position))
        return found
