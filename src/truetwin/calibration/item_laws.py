"""Laws of the targets of a method: from what it predicts, and from its errors on what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.design import Design, Fold, Preprocessing, make_designs
from truetwin.calibration.hidden_errors import HiddenErrors
from truetwin.calibration.laws.composing import LawComposer, Part
from truetwin.calibration.laws.law import Law
from truetwin.calibration.laws.prediction_errors import Errors, JointLaw
from truetwin.calibration.orientation import Answers
from truetwin.data import Panel, Scale
from truetwin.instrument.batteries import complete_blocks


@dataclass(frozen=True, eq=False)
class FoldStudy:
    """One fold predicted by one method: its points, its errors, and how its targets move together.

    Attributes
    ----------
    model : Calibrator
    answers : Answers
        Human answers to the fold's targets, if there are any, are not looked at.
    fold : Fold
    part : Prediction
        Points.
    preprocessing : Preprocessing
    blocks : mapping from item id to block, optional
        Batteries; by default guessed from the ids.
    known_design : Design, optional
        The design that the model was fitted to, if it was.
    """

    model: Calibrator
    answers: Answers
    fold: Fold
    part: Prediction
    preprocessing: Preprocessing
    blocks: Mapping[str, str] | None = None
    known_design: Design | None = None

    @cached_property
    def design(self) -> Design:
        """Everything that the method may see of the fold."""
        return self.known_design or make_designs(self.answers, [self.fold], self.preprocessing)[0]

    @cached_property
    def errors(self) -> Sequence[Errors]:
        """Errors to expect for each target."""
        if self.fold.axis in self.model.error_axes:
            return self.model.errors(self.design)
        hidden = self._hidden
        return hidden.items if self.fold.axis == "item" else [hidden.people] * len(self.fold.targets)

    @cached_property
    def joint_law(self) -> JointLaw:
        """How answers to the new items move together."""
        own = self.model.joint_law(self.design) if self.fold.axis in self.model.error_axes else None
        return own or self._hidden.joint_law

    @cached_property
    def _hidden(self) -> HiddenErrors:
        blocks = complete_blocks(self.blocks, self.answers.item_ids)
        return HiddenErrors(self.model, self.answers, self.fold, self.preprocessing, blocks, self.part.values)


def visible_scales(panel: Panel, hidden_items: Sequence[int]) -> dict[str, Scale]:
    """Return the scales of all items; those of hidden items are as declared, or else as their twins' answers show."""
    scales = dict(panel.scales)
    for k in hidden_items:
        item = panel.item_ids[k]
        if scales[item].inferred:
            scales[item] = Scale.infer(panel.twin_values[:, k])
    return scales


def fold_laws(
    model: Calibrator,
    panel: Panel,
    folds: Sequence[Fold],
    parts: Sequence[Prediction],
    preprocessing: Preprocessing | None = None,
    blocks: Mapping[str, str] | None = None,
    scales: Mapping[str, Scale] | None = None,
) -> Iterator[dict[str, Law]]:
    """Yield the laws of the targets of each fold, each as if the human answers to its targets did not exist.

    Parameters
    ----------
    model : Calibrator
    panel : Panel
    folds : sequence of Fold
    parts : sequence of Prediction
        What the model predicts for each fold (:meth:`Calibrator.predict_folds`).
    preprocessing : Preprocessing, optional
    blocks : mapping from item id to block, optional
        Batteries; by default guessed from the ids.
    scales : mapping from item id to Scale, optional
        Scales of the items if they are known; by default a hidden item's is as declared, or else as its twins show.

    Yields
    ------
    dict from item id to Law
        Laws of the fold's new items, or of all items for the fold's new respondents.
    """
    prepared = preprocessing or Preprocessing()
    axis = folds[0].axis if folds else "item"
    composer = LawComposer(panel, scales or panel.scales)
    own = model.fold_errors(panel, folds, prepared) if axis in model.error_axes else [None] * len(folds)
    for fold, part, errors in zip(folds, parts, own, strict=True):
        found = errors or FoldStudy(model, panel, fold, part, prepared, blocks).errors
        of_targets = scales or (visible_scales(panel, fold.targets) if axis == "item" else {})
        yield dict(_laws(composer, fold, part, found, of_targets))


def _laws(
    composer: LawComposer,
    fold: Fold,
    part: Prediction,
    errors: Sequence[Errors],
    scales: Mapping[str, Scale],
) -> Iterator[tuple[str, Law]]:
    """Compose the law of each item of one fold."""
    answers = composer.answers
    if fold.axis == "item":
        everybody = np.arange(len(answers.respondent_ids))
        for k, (target, each) in enumerate(zip(fold.targets, errors, strict=True)):
            item = answers.item_ids[target]
            yield item, composer.law(item, [Part(everybody, part.values[:, k], each)], scales[item])
        return
    for j, item in enumerate(answers.item_ids):
        yield item, composer.law(item, people_parts(fold, part, errors, j))


def people_parts(fold: Fold, part: Prediction, errors: Sequence[Errors], j: int) -> list[Part]:
    """Group the new respondents by the errors that they share, for one item."""
    groups: dict[int, tuple[Errors, list[int]]] = {}
    for k, each in enumerate(errors):
        groups.setdefault(id(each), (each, []))[1].append(k)
    targets = np.array(fold.targets)
    return [Part(targets[members], part.values[j, members], each, j) for each, members in groups.values()]
