r"""Predict new respondents: the item means of other people, plus what the twin's answers say about the person.

.. math:: \hat y_{ik} = m_k + s_k \Big( \sum_f c_f F_{ikf} + b_k O_{ik} \Big)

with the features of :mod:`truetwin.calibration.auto.people_features` and the weights of
:mod:`truetwin.calibration.auto.people_weights`. People fall into ten folds by a hash of their ids. The weights for a
person come from people of the other folds; item means and regressions come from everybody else. So a person whose
answers are hidden is predicted exactly as one who has given none.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.people_features import PeopleFeatures, PeopleSums, PeopleTable, features_of
from truetwin.calibration.auto.people_weights import CHUNK, PeopleWeights, learn_weights
from truetwin.calibration.auto.pseudo_targets import MAX_LEARNERS
from truetwin.calibration.orientation import Array

N_FOLDS = 10


def folds_of_people(respondent_ids: Sequence[str]) -> NDArray[np.intp]:
    """Find the fold of each person, which does not depend on who else there is.

    Examples
    --------
    >>> folds_of_people(["ann", "bob", "cid"])
    array([7, 4, 6])
    """
    return np.array([zlib.crc32(r.encode()) % N_FOLDS for r in respondent_ids], dtype=np.intp)


def predict_people(
    human: Array, twin: Array, targets: NDArray[np.intp], folds: NDArray[np.intp] | None = None
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

    Returns
    -------
    ndarray of shape (len(targets), p)
        NaN for items that nobody else has answered.
    """
    result = np.full((len(targets), human.shape[1]), np.nan)
    for some, weights, features in _each(human, twin, targets, folds):
        result[some] = features.mean + weights.sd * weights.deviations(features)
    return result


def people_deviations(
    human: Array, twin: Array, targets: NDArray[np.intp], folds: NDArray[np.intp] | None = None
) -> Array:
    """Predict deviations from the item means of other people, in sds of their answers; 0 where there are none."""
    result = np.zeros((len(targets), human.shape[1]))
    for some, weights, features in _each(human, twin, targets, folds):
        result[some] = weights.deviations(features)
    return result


def _each(
    human: Array, twin: Array, targets: NDArray[np.intp], folds: NDArray[np.intp] | None
) -> Iterator[tuple[NDArray[np.intp], PeopleWeights, PeopleFeatures]]:
    """Go through the targets, some at a time, with their features and what weighs them."""
    table = PeopleTable(human, twin)
    fold_of = np.arange(len(human)) % N_FOLDS if folds is None else folds
    known = table.seen.any(axis=1)
    sums = {f: PeopleSums.of(table, np.flatnonzero(known & (fold_of == f))) for f in range(N_FOLDS)}
    everybody = reduce(add, sums.values())
    for f in np.unique(fold_of[targets]):
        rows = _learners(known & (fold_of != f), fold_of)
        weights = learn_weights(table, rows, {g: sums[g] for g in rows})
        here = np.flatnonzero(fold_of[targets] == f)
        for start in range(0, len(here), CHUNK):
            some = here[start : start + CHUNK]
            yield some, weights, features_of(table, targets[some], everybody)


def _learners(people: NDArray[np.bool_], fold_of: NDArray[np.intp]) -> dict[int, NDArray[np.intp]]:
    """Choose people to learn weights from, by folds; evenly spaced ones in large tables."""
    rows = np.flatnonzero(people)
    rows = rows[:: max(1, -(-len(rows) // MAX_LEARNERS))]
    return {int(f): rows[fold_of[rows] == f] for f in np.unique(fold_of[rows])}
