"""Study of new items: points, errors and joint law share what is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from truetwin.calibration.auto.joint_items import joint_item_law
from truetwin.calibration.auto.levels import ItemLevels
from truetwin.calibration.auto.new_items import FoldPrediction, predict_items
from truetwin.calibration.auto.pseudo_errors import Residuals, item_errors, residuals
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.auto.source_choice import SourceMoments, choose_sources
from truetwin.calibration.laws.item_errors import ItemErrors
from truetwin.calibration.laws.prediction_errors import JointLaw


@dataclass(frozen=True, eq=False)
class ItemStudy:
    """New items of one table: targets of one fold, or of many.

    Attributes
    ----------
    problem : Problem
    folds : tuple of tuples of int
        Positions of the targets of each fold.
    block_blind : bool
        Whether weights are learned from other batteries only.
    """

    problem: Problem
    folds: tuple[tuple[int, ...], ...]
    block_blind: bool

    @cached_property
    def levels(self) -> ItemLevels:
        """Quantities that the levels of all folds share."""
        return ItemLevels(self.problem)

    @cached_property
    def found(self) -> list[FoldPrediction]:
        """Predictions of each fold."""
        return predict_items(self.problem, self.folds, block_blind=self.block_blind)

    @cached_property
    def pseudo(self) -> Sequence[Sequence[Residuals]]:
        """Predictions of the pseudo-targets of every target."""
        return residuals(self.problem, self.folds, self.found, block_blind=self.block_blind)

    @cached_property
    def errors(self) -> list[list[ItemErrors]]:
        """Errors of every target."""
        return [
            [
                item_errors(each, stack, part.values[each.who, k], each.who)
                for k, (each, stack) in enumerate(zip(row, part.stacks, strict=True))
            ]
            for row, part in zip(self.pseudo, self.found, strict=True)
        ]

    def joint_law(self, k: int) -> JointLaw:
        """Learn the joint law of the targets of one fold."""
        return joint_item_law(self.problem, self.folds[k], self.found[k].values, self.errors[k])


@dataclass(frozen=True, eq=False)
class SourceStudies:
    """Studies of new items, one for each choice of sources; a lone source needs one.

    Attributes
    ----------
    problem : Problem
        Answers of people and of all sources.
    folds : tuple of tuples of int
        Positions of the targets of each fold.
    block_blind : bool
        Whether weights are learned from other batteries only.
    """

    problem: Problem
    folds: tuple[tuple[int, ...], ...]
    block_blind: bool

    def of_fold(self, k: int) -> tuple[ItemStudy, int]:
        """Return the study of a fold, and its place there."""
        return self._places[k]

    @cached_property
    def errors(self) -> list[list[ItemErrors]]:
        """Errors of every target."""
        return [study.errors[place] for study, place in self._places]

    @cached_property
    def _places(self) -> list[tuple[ItemStudy, int]]:
        choices = self._choices
        members: dict[tuple[int, ...], list[int]] = {}
        for k, choice in enumerate(choices):
            members.setdefault(choice, []).append(k)
        studies = {
            choice: ItemStudy(
                self.problem.with_sources(choice), tuple(self.folds[k] for k in those), self.block_blind
            )
            for choice, those in members.items()
        }
        return [(studies[choice], members[choice].index(k)) for k, choice in enumerate(choices)]

    @cached_property
    def _choices(self) -> list[tuple[int, ...]]:
        problem = self.problem
        if problem.sources is None:
            return [(0,)] * len(self.folds)
        some = problem.learners
        moments = SourceMoments.of(problem.sources[:, some], problem.human[some])
        return [choose_sources(moments, problem.donors(fold), problem.block) for fold in self.folds]
