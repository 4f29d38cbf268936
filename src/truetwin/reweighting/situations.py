"""Situations of new items: other items of their battery are known, or the whole battery is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.marginal_method import CrossValidated, Fold
from truetwin.reweighting.pool_rule import units_of
from truetwin.reweighting.share_errors import Precision
from truetwin.reweighting.splits import group_folds, random_folds
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FEWEST_ERRORS = 8  # of items whose battery is known, to learn only from these


@dataclass(frozen=True, eq=False)
class Situation:
    """New items that are predicted in one way, and folds that put training items into the same situation.

    Attributes
    ----------
    rows : ndarray of int
        Numbers of the new items.
    known_batteries : bool
        Whether other items of their batteries are among the training items.
    folds : list of ndarray
        Folds of the training items: at random, or whole batteries.
    notes : tuple of str
        What a user should know.
    """

    rows: Rows
    known_batteries: bool
    folds: list[Fold]
    notes: tuple[str, ...] = ()

    def precision(self, table: TwinTable, human: Floats, chosen: CrossValidated, bases: Floats) -> Precision:
        """Learn how much predictions are worth in this situation, from the out-of-fold errors of the training items."""
        rows = np.arange(table.n_items)
        units = units_of(table)
        if self.known_batteries and table.batteries is not None:
            size = Counter(units)
            paired = np.array([j for j in rows if size[units[j]] > 1], dtype=np.int64)
            rows = paired if paired.size >= FEWEST_ERRORS else rows
        return Precision.learn(
            table.take(rows), human[rows], chosen.predictions[rows], [units[j] for j in rows], bases[rows]
        )


def situations(
    training: Sequence[str] | None,
    new: Sequence[str] | None,
    n_training: int,
    n_new: int,
    n_folds: int,
    seed: int,
) -> list[Situation]:
    """Sort new items by situation.

    Parameters
    ----------
    training, new : sequence of str, or None
        Batteries of the training items and of the new items; None if nothing is known of batteries.
    n_training, n_new : int
        Numbers of training items (at least 2) and new items.
    n_folds, seed : int
        Number of folds, and seed of their random choice.

    Examples
    --------
    >>> found = situations(["a", "a", "b"], ["a", "c"], 3, 2, n_folds=2, seed=0)
    >>> [(each.rows.tolist(), each.known_batteries) for each in found]
    [([0], True), ([1], False)]
    """
    everything = np.arange(n_new)
    if training is None or new is None:
        return [Situation(everything, True, random_folds(n_training, n_folds, seed=seed))]
    known = np.isin(np.asarray(new, dtype=object), np.asarray(training, dtype=object))
    found = []
    if known.any():
        found.append(Situation(everything[known], True, random_folds(n_training, n_folds, seed=seed)))
    if not known.all():
        found.append(_new_batteries(everything[~known], training, n_folds, seed))
    return found


def _new_batteries(rows: Rows, training: Sequence[str], n_folds: int, seed: int) -> Situation:
    if len(set(training)) > 1:
        return Situation(rows, False, group_folds(training, n_folds, seed=seed))
    note = (
        "all training items are of one battery, so errors in a new battery cannot be learned: intervals may be too "
        "narrow"
    )
    return Situation(rows, False, random_folds(len(training), n_folds, seed=seed), (note,))
