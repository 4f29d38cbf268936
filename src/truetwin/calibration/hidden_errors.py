"""Errors of a method that knows only points: known items (or people) are predicted as if they were new.

They are hidden in at most five groups: items one among others, or with their whole batteries if nobody has answered
the target's; people among others. An error is measured in a unit that the twins show, so that items of different scales
can be pooled.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from truetwin.calibration.auto.joint_items import joint_item_law
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.design import Fold, Preprocessing, make_designs
from truetwin.calibration.laws.error_record import ErrorRecord, shared_weights
from truetwin.calibration.laws.item_errors import ExpectedCorrelation, ItemErrors, Level, Outcomes, visible
from truetwin.calibration.laws.people_errors import PeopleErrors
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.laws.prediction_errors import JointLaw
from truetwin.calibration.orientation import Answers, Array, axis_ids

N_GROUPS = 5
MAX_PEOPLE = 500
LEAST_PAIRS = 5


@dataclass(frozen=True, eq=False)
class HiddenErrors:
    """Errors of one method on the known items or people of one fold.

    Attributes
    ----------
    model : Calibrator
    answers : Answers
        Human answers to the fold's targets, if there are any, are not looked at.
    fold : Fold
    preprocessing : Preprocessing
    blocks : tuple of str
        Block of each item on the grid.
    points : ndarray of shape (n_samples, n_targets)
        Predictions of the targets.
    """

    model: Calibrator
    answers: Answers
    fold: Fold
    preprocessing: Preprocessing
    blocks: tuple[str, ...]
    points: Array

    @cached_property
    def people(self) -> PeopleErrors:
        """Errors to expect for new respondents."""
        donors, human = np.array(self.fold.donors), self.answers.human_values
        predicted = np.full((human.shape[1], donors.size), np.nan)
        place = {int(d): k for k, d in enumerate(donors)}
        for group, part in self._predicted(_dealt(self._ids("respondent"), donors)):
            predicted[:, [place[t] for t in group]] = part.values
        ids = tuple(self.answers.respondent_ids[d] for d in donors)
        return PeopleErrors(PeopleRecord(self.answers.item_ids, ids, predicted, human[donors].T - predicted))

    @cached_property
    def items(self) -> list[ItemErrors]:
        """Errors to expect for each new item."""
        return [self._of_item(t, k) for k, t in enumerate(self._targets)]

    @cached_property
    def joint_law(self) -> JointLaw:
        """Joint law of the answers to the new items."""
        level = (
            np.array([each.level.mean for each in self.items]),
            np.array([each.level.sd for each in self.items]),
        )
        predicted = np.nan_to_num((self.points - level[0]) / level[1])
        return joint_item_law(self.problem, self._targets, predicted, self.items)

    @cached_property
    def problem(self) -> Problem:
        """Answers to donors and targets."""
        members, ids = self._members, self.answers.item_ids
        human = self.answers.human_values[:, members].copy()
        human[:, self._targets] = np.nan
        twin, blocks = self.answers.twin_values[:, members], tuple(self.blocks[m] for m in members)
        return Problem(human, twin, blocks, self.answers.respondent_ids, tuple(ids[m] for m in members))

    @cached_property
    def _members(self) -> list[int]:
        ids = self.answers.item_ids
        return sorted({*self.fold.targets, *self.fold.donors}, key=lambda m: ids[m])

    @cached_property
    def _targets(self) -> list[int]:
        place = {m: k for k, m in enumerate(self._members)}
        return [place[t] for t in self.fold.targets]

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        ids = self.answers.respondent_ids
        order = sorted(range(len(ids)), key=lambda k: zlib.crc32(ids[k].encode()))
        return np.array(order[:MAX_PEOPLE], dtype=np.intp)

    def _of_item(self, target: int, column: int) -> ItemErrors:
        whole = self.problem.situation(target, self._targets) == "new battery"
        points = self.points[:, column]
        mean = float(np.nanmean(points)) if np.isfinite(points).any() else 0.0
        level = Level(mean, float(self.problem.twin_unit[target]))
        record = self._record(target, whole)
        return ItemErrors(level, record, self._correlation(record, target, points, whole))

    def _record(self, target: int, whole: bool) -> ErrorRecord:
        predicted = self._pseudo(whole)
        human, rows = self.problem.human[self._rows].T, self._rows
        errors = human - predicted
        there = np.asarray(np.isfinite(errors).any(axis=1))
        items, block = np.flatnonzero(there), self.problem.block
        unit = self.problem.twin_unit[items]
        centre = np.array([np.nanmean(predicted[k]) for k in items]) if items.size else np.zeros(0)
        others = np.repeat(there[None], items.size, axis=0)
        others[np.arange(items.size), items] = False
        if whole:
            others[block[items][:, None] == block] = False
        return ErrorRecord(
            items,
            tuple(self.problem.item_ids[k] for k in items),
            rows,
            centre,
            unit,
            (predicted[items] - centre[:, None]) / unit[:, None],
            errors[items] / unit[:, None],
            shared_weights(there[None], block, block[[target]], siblings=not whole)[0, items],
            shared_weights(others, block, block[items], siblings=not whole)[:, items],
        )

    def _correlation(
        self, record: ErrorRecord, target: int, points: Array, whole: bool
    ) -> ExpectedCorrelation:
        f, y = record.predicted, record.predicted + record.errors
        found = np.full(len(record), np.nan)
        for k in range(len(record)):
            both = np.isfinite(y[k]) & np.isfinite(f[k])
            if both.sum() >= LEAST_PAIRS and min(np.ptp(y[k, both]), np.ptp(f[k, both])) > 1e-9:
                found[k] = np.corrcoef(y[k, both], f[k, both])[0, 1]
        twin, block = self.problem.twin, self.problem.block
        features = [visible(f[k], twin[record.rows, item]) for k, item in enumerate(record.items)]
        features.append(visible(points / self.problem.twin_unit[target], twin[:, target]))
        blocks = np.append(block[record.items], block[target])
        return Outcomes(found, record.weight, np.array(features), blocks, float("nan")).expected(
            new_battery=whole
        )

    def _pseudo(self, whole: bool) -> Array:
        """Predict every donor as if it were new, (p, people in the sample); NaN for other items."""
        if whole not in self._kept:
            place = {m: k for k, m in enumerate(self._members)}
            predicted = np.full((len(self._members), self._rows.size), np.nan)
            names = self.blocks if whole else self._ids("item")
            for group, part in self._predicted(_dealt(names, np.array(self.fold.donors))):
                predicted[[place[t] for t in group]] = part.values[self._rows].T
            self._kept[whole] = predicted
        return self._kept[whole]

    @cached_property
    def _kept(self) -> dict[bool, Array]:
        return {}

    def _ids(self, axis: str) -> tuple[str, ...]:
        return axis_ids(self.answers, "item" if axis == "item" else "respondent")

    def _predicted(self, groups: Sequence[tuple[int, ...]]) -> list[tuple[tuple[int, ...], Prediction]]:
        found = []
        for group in groups:
            left = tuple(d for d in self.fold.donors if d not in set(group))
            if left:
                fold = Fold(self.fold.axis, group, left)
                designs = make_designs(self.answers, [fold], self.preprocessing)
                found.append((group, clone(self.model).predict_designs(designs)[0]))
        return found


def _dealt(names: Sequence[str], donors: NDArray[np.intp]) -> list[tuple[int, ...]]:
    """Deal donors out in at most five groups, those of one name together; the table's order does not matter."""
    members: dict[str, list[int]] = {}
    for d in donors:
        members.setdefault(names[d], []).append(int(d))
    order = sorted(members, key=lambda name: (-len(members[name]), zlib.crc32(name.encode()), name))
    groups: list[list[int]] = [[] for _ in range(min(N_GROUPS, len(order)))]
    for name in order:
        min(groups, key=len).extend(members[name])
    return [tuple(sorted(group)) for group in groups]
