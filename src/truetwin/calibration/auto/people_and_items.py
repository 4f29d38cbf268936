r"""Predict the answers of new respondents to new items: neither the person nor the item has any human answer.

What the person would answer to the donors is predicted from the twin
(:mod:`truetwin.calibration.auto.new_people`), as standardised deviations :math:`\hat z_i`. The conditional
expectations of :mod:`truetwin.calibration.auto.pseudo_targets` are linear in the answers of somebody who has answered
every donor, so that their expectation given the twin is what they yield at :math:`\hat z_i`. With the twin's own answer
they are stacked, the weights being learned on cells that are new in both ways: people predicted as if they had answered
nothing, items as if nobody had answered them. The prediction is

.. math:: m_j + s_j F_j(\hat z_i, t_{ij}),

with the level of the new item (:mod:`truetwin.calibration.auto.levels`), and its errors are those on the same cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.levels import ItemLevels
from truetwin.calibration.auto.new_items import RIDGE, limiting, pseudo_target_weights
from truetwin.calibration.auto.new_people import folds_of_people, people_deviations
from truetwin.calibration.auto.pseudo_errors import MAX_PEOPLE, Residuals, item_errors
from truetwin.calibration.auto.pseudo_targets import Problem, Situation, features_of, sets_of
from truetwin.calibration.auto.stacking import Stack, fit_stack
from truetwin.calibration.laws.item_errors import ItemErrors
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.orientation import Array


def predict_new_cells(
    problem: Problem,
    targets: Sequence[int],
    item_ids: Sequence[str],
    rows: NDArray[np.intp],
    *,
    block_blind: bool,
) -> NewCells:
    """Predict the answers of people without any answer (``rows``) to items without any (``targets``)."""
    known = np.flatnonzero(problem.people.seen.any(axis=1) & problem.learners)
    folds = folds_of_people(problem.sample_ids)
    everybody = np.concatenate([known, rows])
    everybody_known = np.arange(everybody.size) < known.size
    expected = people_deviations(problem.human, problem.twin, everybody, folds)
    cells = _Cells(problem, tuple(targets), known, expected[: len(known)])
    features, stacks = [], []
    for t in targets:
        s = problem.situation(t, targets)
        stack = cells.learn(t, s, block_blind)
        parts = stack.parts(cells.features(t, s, (), everybody, expected))
        features.append(stack.join(parts, everybody_known)[len(known) :])
        stacks.append(stack)
    levels = [cells.item_levels.fold(targets).of(t) for t in targets]
    values = [level.mean + level.sd * F for level, F in zip(levels, features, strict=True)]
    people = tuple(problem.sample_ids[r] for r in rows)
    place = {item: k for k, item in enumerate(item_ids)}

    @cache
    def errors(item: str) -> ItemErrors:
        k = place[item]
        return item_errors(cells.residuals(targets[k], stacks[k], block_blind), stacks[k], features[k], rows)

    return NewCells(rows, people, tuple(item_ids), np.stack(values, axis=1), errors)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Answers of known people to known items, predicted as if both were new.

    Parameters
    ----------
    problem : Problem
    targets : tuple of int
        The new items.
    known : ndarray of int of shape (n,)
        The known people.
    expected : ndarray of shape (n, p)
        Their answers as expected from their twins.
    """

    problem: Problem
    targets: tuple[int, ...]
    known: NDArray[np.intp]
    expected: Array

    @cached_property
    def item_levels(self) -> ItemLevels:
        """Quantities that all items share."""
        return ItemLevels(self.problem)

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.problem.answered)

    @cached_property
    def _covariance(self) -> Array:
        return self.problem.covariance[self._columns[:, None], self._columns]

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.inv(self._covariance + np.eye(len(self._columns))))

    def features(
        self, item: int, s: Situation, gone: Sequence[int], people: NDArray[np.intp], expected: Array
    ) -> Array:
        """Compute the features of one item for some people, (d, n), without the donors ``gone``."""
        out = np.isin(self._columns, gone)
        S, R = np.flatnonzero(out), np.flatnonzero(~out)
        A = self._inverse[R[:, None], R]
        if S.size:
            across = self._inverse[R[:, None], S]
            A = A - across @ np.linalg.solve(self._inverse[S[:, None], S], across.T)
        W = self.problem.links[list(sets_of(s, self.problem.n_sources)), item][:, self._columns[R]]
        toward = W @ self._covariance[R[:, None], R] @ A
        if s != "new battery":
            toward = np.concatenate([toward, A.sum(axis=0, keepdims=True)])
        linked = toward @ expected[:, self._columns[R]].T
        return np.concatenate([linked, self.problem.own[:, people, item]])

    @cached_property
    def _found(self) -> dict[Situation, Array]:
        return {}

    def _pseudo(self, s: Situation) -> Array:
        """Compute the features of every answered item as a pseudo-target, (p, d, n); 0 for other items."""
        if s not in self._found:
            n_features = len(features_of(s, self.problem.n_sources))
            result = np.zeros((len(self.problem.blocks), n_features, len(self.known)))
            for item in self._columns:
                block = self.problem.block == self.problem.block[item]
                gone = np.flatnonzero(block).tolist() if s == "new battery" else [int(item)]
                result[item] = self.features(int(item), s, gone, self.known, self.expected)
            self._found[s] = result
        return self._found[s]

    def learn(self, target: int, s: Situation, block_blind: bool) -> Stack:
        """Learn the weights of the features for one new item."""
        F = self._pseudo(s)
        seen = self.problem.people.seen[self.known].T.astype(np.float64)
        y = self.problem.people.values[self.known].T
        variables = np.concatenate([F, y[:, None]], axis=1) * seen[:, None]
        count = np.maximum(seen.sum(axis=1), 1)[:, None]
        mean = variables.sum(axis=2) / count
        covariance = variables @ variables.transpose(0, 2, 1) / count[..., None]
        covariance -= mean[:, :, None] * mean[:, None, :]
        importance = pseudo_target_weights(self.problem, target, self.targets, s, block_blind=block_blind)
        usable = np.where(seen.sum(axis=1) > 2, importance, 0.0)
        return fit_stack(covariance, usable, RIDGE[s], limiting(self.problem, target, s))

    def residuals(self, target: int, stack: Stack, block_blind: bool) -> Residuals:
        """Predict the pseudo-targets of one new item, for some of the known people."""
        s = self.problem.situation(target, self.targets)
        some = np.unique(
            np.linspace(0, len(self.known) - 1, min(MAX_PEOPLE, len(self.known))).astype(np.intp)
        )
        pseudo = self._pseudo(s)[:, :, some]
        predicted = np.stack([stack.of_pseudo_target(k, F) for k, F in enumerate(pseudo)])
        predicted[~self.problem.answered] = np.nan
        return Residuals(
            self.problem, self.item_levels, target, self.targets, s, block_blind, self.known[some], predicted
        )
