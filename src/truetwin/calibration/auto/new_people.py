r"""Predict new respondents: the item means of other people, plus what the twin's answers say about the person.

.. math:: \hat y_{ik} = m_k + s_k \Big( \sum_f c_f F_{ikf} + b_k O_{ik} \Big)

with the features of :mod:`truetwin.calibration.auto.people_features` and the weights of
:mod:`truetwin.calibration.auto.people_weights`. People fall into ten folds by a hash of their ids. The weights for a
person come from people of the other folds; item means and regressions come from everybody else. So a person whose
answers are hidden is predicted exactly as one who has given none.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.people_features import PeopleFeatures, PeopleSums, PeopleTable, features_of
from truetwin.calibration.auto.people_weights import CHUNK, PeopleWeights, learn_weights
from truetwin.calibration.auto.pseudo_targets import MAX_LEARNERS
from truetwin.calibration.auto.source_choice import (
    SourceMoments,
    best_source,
    clearly_positive,
    telling_sources,
)
from truetwin.calibration.auto.source_tables import chosen_table, merge_copies, together
from truetwin.calibration.orientation import Array

N_FOLDS = 10
MAX_JUDGES = 600
#: Weights for the people of a fold, learned from the others.
WeightsOfFolds = dict[int, PeopleWeights]
#: The same for each choice of sources.
LearnedWeights = dict[tuple[int, ...], WeightsOfFolds]


def folds_of_people(respondent_ids: Sequence[str]) -> NDArray[np.intp]:
    """Find the fold of each person, which does not depend on who else there is.

    Examples
    --------
    >>> folds_of_people(["ann", "bob", "cid"])
    array([7, 4, 6])
    """
    return np.array([zlib.crc32(r.encode()) % N_FOLDS for r in respondent_ids], dtype=np.intp)


def predict_people(
    human: Array,
    twin: Array,
    targets: NDArray[np.intp],
    folds: NDArray[np.intp] | None = None,
    learned: WeightsOfFolds | None = None,
) -> Array:
    """Predict each target person from everybody else, each as if alone left out.

    Parameters
    ----------
    human : ndarray of shape (n, p)
        Human answers on their scales; a target's own are taken out before it is predicted.
    twin : ndarray of shape (n, p)
        Twin answers.
    targets : ndarray of int
        Rows to predict.
    folds : ndarray of int of shape (n,), optional
        The fold of each person; by default people fall into folds by turns.
    learned : dict from fold to PeopleWeights, optional
        Weights that were learned from these same answers. Those of further folds are added.

    Returns
    -------
    ndarray of shape (len(targets), p)
        NaN for items that nobody else has answered.
    """
    result = np.full((len(targets), human.shape[1]), np.nan)
    for some, weights, features in _each(human, twin, targets, folds, learned):
        result[some] = features.mean + weights.sd * weights.deviations(features)
    return result


def predict_people_by_sources(
    human: Array,
    sources: Array,
    targets: NDArray[np.intp],
    folds: NDArray[np.intp],
    block: NDArray[np.intp],
    learned: LearnedWeights | None = None,
) -> Array:
    """Predict each target person as :func:`predict_people` does, from several sources of twin answers.

    Which sources count is decided for each fold of people by the answers of the others.

    Parameters
    ----------
    human : ndarray of shape (n, p)
        Human answers on their scales.
    sources : ndarray of shape (S, n, p)
        Twin answers of each source.
    targets : ndarray of int
        Rows to predict.
    folds : ndarray of int of shape (n,)
        The fold of each person.
    block : ndarray of int of shape (p,)
        Battery of each item.
    learned : dict from choice of sources to weights of folds, optional
        What was learned from these same answers; more is added.
    """
    learned = {} if learned is None else learned
    each = merge_copies(sources)
    if len(each) == 1:
        return predict_people(human, together(each), targets, folds, learned.setdefault((0,), {}))
    chosen = _chosen_by_fold(human, each, folds, np.unique(folds[targets]), block)
    result = np.full((len(targets), human.shape[1]), np.nan)
    for choice in set(chosen.values()):
        here = np.array([chosen[f] == choice for f in folds[targets]])
        result[here] = predict_people(
            human, chosen_table(each, choice), targets[here], folds, learned.setdefault(choice, {})
        )
    return result


def _chosen_by_fold(
    human: Array, sources: Array, folds: NDArray[np.intp], wanted: NDArray[np.intp], block: NDArray[np.intp]
) -> dict[int, tuple[int, ...]]:
    """Choose sources for people of some folds, by the answers of the people in the others.

    All sources are used, unless the best one, or those that tell something by themselves, have clearly smaller errors.
    """
    everything = tuple(range(len(sources)))
    learned: dict[tuple[int, ...], _Learning] = {}

    def errors(choice: tuple[int, ...], f: int) -> Array:
        if choice not in learned:
            learned[choice] = _Learning.of(human, chosen_table(sources, choice), folds)
        return learned[choice].weights(f, MAX_JUDGES).unseen

    chosen = {}
    for f in wanted:
        others = folds != f
        moments = SourceMoments.of(sources[:, others], human[others])
        known = np.asarray(np.isfinite(human[others]).any(axis=0))
        candidates = {find(moments, known, block) for find in (telling_sources, best_source)} - {everything}
        gains = {c: errors(everything, f) - errors(c, f) for c in sorted(candidates)}
        better = {c: g.mean() for c, g in gains.items() if clearly_positive(g, len(candidates))}
        chosen[int(f)] = max(better, key=better.__getitem__) if better else everything
    return chosen


def people_deviations(
    human: Array, twin: Array, targets: NDArray[np.intp], folds: NDArray[np.intp] | None = None
) -> Array:
    """Predict deviations from the item means of other people, in sds of their answers; 0 where there are none."""
    result = np.zeros((len(targets), human.shape[1]))
    for some, weights, features in _each(human, twin, targets, folds):
        result[some] = weights.deviations(features)
    return result


def _each(
    human: Array,
    twin: Array,
    targets: NDArray[np.intp],
    folds: NDArray[np.intp] | None,
    learned: WeightsOfFolds | None = None,
) -> Iterator[tuple[NDArray[np.intp], PeopleWeights, PeopleFeatures]]:
    """Go through the targets, some at a time, with their features and what weighs them."""
    learned = {} if learned is None else learned
    fold_of = np.arange(len(human)) % N_FOLDS if folds is None else folds
    learning = _Learning.of(human, twin, fold_of)
    everybody = reduce(add, learning.sums.values())
    for f in np.unique(fold_of[targets]).tolist():
        if f not in learned:
            learned[f] = learning.weights(f, MAX_LEARNERS)
        weights, here = learned[f], np.flatnonzero(fold_of[targets] == f)
        for start in range(0, len(here), CHUNK):
            some = here[start : start + CHUNK]
            yield some, weights, features_of(learning.table, targets[some], everybody)


@dataclass(frozen=True, eq=False)
class _Learning:
    """People to learn from, by folds, and the sums over each fold."""

    table: PeopleTable
    fold_of: NDArray[np.intp]
    sums: Mapping[int, PeopleSums]

    @classmethod
    def of(cls, human: Array, twin: Array, fold_of: NDArray[np.intp]) -> _Learning:
        """Add up the people of each fold."""
        table = PeopleTable(human, twin)
        known = table.seen.any(axis=1)
        sums = {f: PeopleSums.of(table, np.flatnonzero(known & (fold_of == f))) for f in range(N_FOLDS)}
        return cls(table, fold_of, sums)

    def weights(self, without: int, at_most: int) -> PeopleWeights:
        """Learn weights from the people of the other folds; from evenly spaced ones if there are too many."""
        known = self.table.seen.any(axis=1) & (self.fold_of != without)
        rows = _learners(known, self.fold_of, at_most)
        return learn_weights(self.table, rows, {g: self.sums[g] for g in rows})


def _learners(
    people: NDArray[np.bool_], fold_of: NDArray[np.intp], at_most: int
) -> dict[int, NDArray[np.intp]]:
    """Choose people to learn weights from, by folds; evenly spaced ones in large tables."""
    rows = np.flatnonzero(people)
    rows = rows[:: max(1, -(-len(rows) // at_most))]
    return {int(f): rows[fold_of[rows] == f] for f in np.unique(fold_of[rows])}
