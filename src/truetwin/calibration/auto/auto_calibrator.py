"""The default calibrator, ``auto``: it learns from other items and people, never from the target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.item_study import ItemStudy, SourceStudies
from truetwin.calibration.auto.new_items import has_donors
from truetwin.calibration.auto.new_people import (
    LearnedWeights,
    folds_of_people,
    predict_people_by_sources,
)
from truetwin.calibration.auto.people_and_items import predict_new_cells
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.design import Design, Fold, Preprocessing, designs_in_turn
from truetwin.calibration.laws.people_errors import PeopleErrors
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.laws.prediction_errors import Errors, JointLaw
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.nominal.indicators import column_blocks
from truetwin.calibration.orientation import Answers, Array, axis_ids, pick
from truetwin.data import Axis, Panel
from truetwin.errors import ParameterError
from truetwin.instrument.batteries import situation_of


class Auto(Calibrator):
    r"""Combine several predictions with weights learned on other items.

    For a new item, the predictions are several conditional expectations of the item, given the person's answers to
    the donors (the answered items), and the twin's own answer. Links between items come from twins. The weights
    maximise the mean correlation on *pseudo-targets*: answered items that are predicted as if nobody had answered
    them. If other items of the target's battery have been answered, pseudo-targets are hidden one by one; if none
    has, whole batteries are hidden, as in the target's situation. For a new respondent, the prediction is the item
    means of other people plus a deviation: the twin's own answer and regressions on all its answers, with weights
    learned on people who are left out.

    Source: this project; the setting is paper A's, sections 3.2 and 6, without its tuning on the targets.

    Parameters
    ----------
    blocks : mapping from item id to block, optional
        Batteries. By default they are guessed from the ids (:func:`truetwin.instrument.batteries.infer_blocks`).
        Items that the mapping does not name are blocks of their own.
    weights : {"all", "block-blind"}, default="all"
        Whether the target's siblings (the other items of its battery) may be pseudo-targets. With "block-blind" they
        remain donors, but weights are learned from other batteries only.

    Attributes
    ----------
    situations_ : dict of target id to str
        What each new item faces: "known battery", "new battery", or "pool" where there are no batteries.
    stack_weights_ : dict of target id to ndarray
        Weights of the features that :func:`truetwin.calibration.auto.pseudo_targets.features_of` names.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> model = Auto().fit(generate_population(100, 12, n_new_items=2).panel)
    >>> model.predict().values.shape
    (100, 2)
    >>> model.situations_
    {'Q11': 'pool', 'Q12': 'pool'}
    """

    needs_varying_twins: ClassVar[bool] = False
    predicts_on_scale: ClassVar[bool] = True
    targets_inform_each_other: ClassVar[bool] = True
    shares_folds: ClassVar[bool] = True
    error_axes: ClassVar[tuple[Axis, ...]] = ("item", "respondent")

    def __init__(
        self,
        blocks: Mapping[str, str] | None = None,
        weights: Literal["all", "block-blind"] = "all",
    ) -> None:
        self.blocks = blocks
        self.weights = weights

    def predict_folds(
        self, answers: Answers, folds: Sequence[Fold], preprocessing: Preprocessing
    ) -> list[Prediction]:
        """Predict many folds of one table in one pass; each fold's result is the same as if it were predicted alone."""
        self._check()
        axes = {fold.axis for fold in folds}
        everything = {frozenset((*fold.targets, *fold.donors)) for fold in folds}
        if len(axes) > 1 or len(everything) > 1:
            return super().predict_folds(answers, folds, preprocessing)
        if axes == {"respondent"}:
            if any(len(fold.targets) > 1 for fold in folds):
                return super().predict_folds(answers, folds, preprocessing)
            ids = answers.respondent_ids
            members = sorted(everything.pop(), key=lambda m: ids[m])  # whatever the table's order
            position = {m: k for k, m in enumerate(members)}
            targets = np.array([position[fold.targets[0]] for fold in folds])
            together = predict_people_by_sources(
                pick(answers.human_values, members, "respondent"),
                np.stack([pick(v, members, "respondent") for v in answers.source_values]),
                targets,
                folds_of_people([ids[m] for m in members]),
                self._block_numbers(answers.item_ids),
            )
            values = [row[:, None] for row in together]
        else:
            study = self._study_of_folds(answers, folds, preprocessing)
            values = [_place(*study.of_fold(k)) for k in range(len(folds))]
        return [
            self.finish(design, v)
            for design, v in zip(designs_in_turn(answers, folds, preprocessing), values, strict=True)
        ]

    def fit_design(self, design: Design) -> None:
        """See the base class."""
        self._check()
        if design.axis == "respondent":
            human, sources, ids = _people_grid(design)
            rows = np.array([ids.index(t) for t in design.target_ids])
            self.values_ = self._predict_people(design, human, sources, rows, ids).T
            return
        study, _ = self._study(design).of_fold(0)
        (found,) = study.found
        self.situations_ = dict(zip(design.target_ids, found.situations, strict=True))
        self.stack_weights_ = {t: s.weights for t, s in zip(design.target_ids, found.stacks, strict=True)}
        self.values_ = _place(study, 0)

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return self.values_.copy()

    def errors(self, design: Design) -> Sequence[Errors]:
        """Estimate level, errors and expected correlation of each new item, or the errors for new respondents."""
        self._check()
        if design.axis == "respondent":
            return [self._people_errors(design)] * design.n_targets
        return self._study(design).errors[0]

    def joint_law(self, design: Design) -> JointLaw:
        """See the base class."""
        self._check()
        study, place = self._study(design).of_fold(0)
        return study.joint_law(place)

    def _people_errors(self, design: Design) -> PeopleErrors:
        """Estimate the errors to expect in predictions of new respondents; they are the same for each of them."""
        human, sources, ids = _people_grid(design)
        known = np.flatnonzero(np.isfinite(human).any(axis=1))
        predicted = self._predict_people(design, human, sources, known, ids)
        who = tuple(ids[k] for k in known)
        return PeopleErrors(PeopleRecord(design.sample_ids, who, predicted.T, (human[known] - predicted).T))

    def _predict_people(
        self, design: Design, human: Array, sources: Array, rows: NDArray[np.intp], ids: Sequence[str]
    ) -> Array:
        block = self._block_numbers(design.sample_ids)
        learned = self._learned_from(human, sources, ids)
        return predict_people_by_sources(human, sources, rows, folds_of_people(ids), block, learned)

    def _learned_from(self, human: Array, sources: Array, ids: Sequence[str]) -> LearnedWeights:
        """Weights of people, as far as they are learned from these answers; points and errors share them."""
        mark = hashlib.blake2b("\0".join(ids).encode())
        for table in (human, sources):
            mark.update(f"{table.shape}".encode())
            mark.update(np.ascontiguousarray(table).data)
        kept = getattr(self, "learned_", None)
        if kept is None or kept[0] != mark.digest():
            self.learned_: tuple[bytes, LearnedWeights] = (mark.digest(), {})
        return self.learned_[1]

    def new_cells(self, design: Design, people: NDArray[np.intp]) -> NewCells:
        """Predict the answers of new respondents, given by their positions among all, to new items."""
        self._check()
        study, _ = self._study(design).of_fold(0)
        return predict_new_cells(
            study.problem, study.folds[0], design.target_ids, people, block_blind=study.block_blind
        )

    def fold_errors(
        self, answers: Answers, folds: Sequence[Fold], preprocessing: Preprocessing | None = None
    ) -> Sequence[Sequence[Errors]]:
        """Compute :meth:`errors` for many folds of one table in one pass, one list a fold."""
        self._check()
        if any(fold.axis == "respondent" for fold in folds):
            return super().fold_errors(answers, folds, preprocessing)
        return self._study_of_folds(answers, folds, preprocessing or Preprocessing()).errors

    def situation(self, panel: Panel, target: str, targets: Sequence[str]) -> str:
        """See the base class: a known battery, a new one, or none known."""
        return situation_of(self.blocks, panel, target, targets)

    def _study(self, design: Design) -> SourceStudies:
        """Study the new items of a design; points, laws and draws share it."""
        studied = getattr(self, "studied_", None)
        if studied is None or studied[0] is not design:
            problem, targets = self.problem_of(design)
            study = SourceStudies(problem, (tuple(targets),), self.weights == "block-blind")
            self.studied_: tuple[Design, SourceStudies] = (design, study)
        return self.studied_[1]

    def _study_of_folds(
        self, answers: Answers, folds: Sequence[Fold], preprocessing: Preprocessing
    ) -> SourceStudies:
        """Study the targets of many folds of one table; points and laws share it."""
        swept, asked = getattr(self, "swept_", None), (tuple(folds), preprocessing.weights)
        if swept is not None and swept[0] is answers and swept[1] == asked:
            known: SourceStudies = swept[2]
            return known
        ids = axis_ids(answers, "item")
        members = sorted(
            {*folds[0].targets, *folds[0].donors}, key=lambda m: ids[m]
        )  # whatever the table's order
        position, names = {m: k for k, m in enumerate(members)}, [ids[m] for m in members]
        problem = Problem.of_sources(
            pick(answers.human_values, members, "item"),
            np.stack([pick(v, members, "item") for v in answers.source_values]),
            self._blocks(names),
            answers.respondent_ids,
            tuple(names),
            None if preprocessing.weights is None else np.array(preprocessing.weights),
        )
        targets = tuple(tuple(position[t] for t in fold.targets) for fold in folds)
        study = SourceStudies(problem, targets, self.weights == "block-blind")
        self.swept_: tuple[Answers, tuple[object, ...], SourceStudies] = (answers, asked, study)
        return study

    def problem_of(self, design: Design) -> tuple[Problem, list[int]]:
        """Put donors and targets on one grid in the order of their ids; also return the targets' positions."""
        names = sorted((*design.donor_ids, *design.target_ids))
        position = {name: k for k, name in enumerate(names)}
        donors, targets = ([position[i] for i in part] for part in (design.donor_ids, design.target_ids))
        human = np.full((design.n_samples, len(names)), np.nan)
        human[np.asarray(design.human_samples)[:, None], donors] = design.raw_human
        sources = np.full((design.n_sources, *human.shape), np.nan)
        sources[:, np.asarray(design.twin_samples)[:, None], donors] = design.raw_twin_sources
        sources[:, :, targets] = design.raw_target_sources
        blocks = self._blocks(names)
        ids, weights = design.sample_ids, design.weights
        return Problem.of_sources(human, sources, blocks, ids, tuple(names), weights), targets

    def _blocks(self, item_ids: Sequence[str]) -> tuple[str, ...]:
        return column_blocks(self.blocks, item_ids)

    def _block_numbers(self, item_ids: Sequence[str]) -> NDArray[np.intp]:
        return np.unique(self._blocks(item_ids), return_inverse=True)[1].astype(np.intp)

    def _check(self) -> None:
        if self.weights not in ("all", "block-blind"):
            raise ParameterError(
                f"'weights' of Auto must be 'all' or 'block-blind'. Got {self.weights!r} instead."
            )


def _place(study: ItemStudy, k: int) -> Array:
    """Put standardised predictions of a fold on the items' scales; NaN for people who have answered no donor."""
    fold = study.folds[k]
    levels = study.levels.fold(fold)
    mean, sd = levels.mean[list(fold)], levels.sd[list(fold)]
    somebody = has_donors(study.problem, fold)
    return np.where(somebody[:, None], mean + sd * study.found[k].values, np.nan)


def _people_grid(design: Design) -> tuple[Array, Array, list[str]]:
    """Lay donor and target respondents out in the order of their ids: human answers, those of sources, and the ids."""
    ids = sorted((*design.donor_ids, *design.target_ids))
    position = {name: k for k, name in enumerate(ids)}
    donors, targets = (
        np.array([position[i] for i in part]) for part in (design.donor_ids, design.target_ids)
    )
    human = np.full((len(ids), design.n_samples), np.nan)
    human[donors[:, None], design.human_samples] = design.human
    sources = np.full((design.n_sources, *human.shape), np.nan)
    sources[:, donors] = design.source_values[:, design.donor_rows]
    sources[:, targets] = design.source_values[:, list(design.fold.targets)]
    return human, sources, ids
