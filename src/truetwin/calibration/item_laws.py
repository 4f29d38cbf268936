"""Laws of the targets of a method: from what it predicts, and from its errors on what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.design import Design, Fold, Preprocessing, make_designs
from truetwin.calibration.hidden_errors import HiddenErrors
from truetwin.calibration.laws.composing import Part
from truetwin.calibration.laws.law import Law
from truetwin.calibration.laws.prediction_errors import Errors, JointLaw
from truetwin.calibration.nominal.indicators import Encoding, column_blocks, item_of
from truetwin.calibration.nominal.panel_laws import PanelLaws
from truetwin.calibration.orientation import Answers, orient
from truetwin.data import Panel, Scale


@dataclass(frozen=True, eq=False)
class FoldStudy:
    """One fold predicted by one method: its points, its errors, and how its targets move together.

    Attributes
    ----------
    model : Calibrator
    answers : Answers
        The encoded panel (:mod:`truetwin.calibration.nominal.indicators`). Human answers to the fold's targets, if
        there are any, are not looked at.
    fold : Fold
        Of the encoded panel.
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
        """Joint law of the answers to the new items."""
        own = self.model.joint_law(self.design) if self.fold.axis in self.model.error_axes else None
        return own or self._hidden.joint_law

    @cached_property
    def _hidden(self) -> HiddenErrors:
        blocks = column_blocks(self.blocks, self.answers.item_ids)
        return HiddenErrors(self.model, self.answers, self.fold, self.preprocessing, blocks, self.part.values)


def visible_scales(panel: Panel, fold: Fold) -> dict[str, Scale]:
    """Return the scales of all items: declared, or inferred without the human answers to a fold's targets."""
    if not any(scale.inferred for scale in panel.scales.values()):
        return panel.scales
    human = panel.human_values.copy()
    orient(human, fold.axis)[:, list(fold.targets)] = np.nan
    return panel.scales_seen_in(human)


def fold_laws(
    model: Calibrator,
    encoding: Encoding,
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
    encoding : Encoding
        The panel, and as methods see it.
    folds : sequence of Fold
        Of the encoded panel.
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
    prepared, answers = preprocessing or Preprocessing(), encoding.encoded
    axis = folds[0].axis if folds else "item"
    composer = PanelLaws(encoding, scales, model.points_are_answers)
    own = fold_errors(model, answers, folds, parts, prepared, blocks)
    seen = dict(scales or answers.scales)
    for fold, part, errors in zip(folds, parts, own, strict=True):
        visible = dict(scales or visible_scales(answers, fold))
        hidden = {answers.item_ids[t] for t in fold.targets} if axis == "item" else set()
        if any(scale != seen[item] for item, scale in visible.items() if item not in hidden):
            composer, seen = PanelLaws(encoding, visible, model.points_are_answers), visible
        parts_of = partial(fold_parts, answers, fold, part, errors)
        ids = part.target_ids if axis == "item" else answers.item_ids
        yield {
            item: composer.law(item, parts_of, visible.get(item)) for item in dict.fromkeys(map(item_of, ids))
        }


def fold_errors(
    model: Calibrator,
    answers: Answers,
    folds: Sequence[Fold],
    parts: Sequence[Prediction],
    preprocessing: Preprocessing,
    blocks: Mapping[str, str] | None,
) -> Iterator[Sequence[Errors]]:
    """Yield the errors to expect for the targets of each fold: the method's own, or those on known items or people."""
    if not folds:
        return
    if folds[0].axis in model.error_axes:
        yield from model.fold_errors(answers, folds, preprocessing)
        return
    for fold, part in zip(folds, parts, strict=True):
        yield FoldStudy(model, answers, fold, part, preprocessing, blocks).errors


def fold_parts(
    answers: Answers, fold: Fold, part: Prediction, errors: Sequence[Errors], column: int
) -> list[Part]:
    """Return what is predicted for one column of the encoded panel, by the errors that respondents share."""
    if fold.axis == "respondent":
        return people_parts(fold, part, errors, column)
    k = fold.targets.index(column)
    return [Part(np.arange(len(answers.respondent_ids)), part.values[:, k], errors[k])]


def people_parts(fold: Fold, part: Prediction, errors: Sequence[Errors], j: int) -> list[Part]:
    """Group the new respondents by the errors that they share, for one item."""
    groups: dict[int, tuple[Errors, list[int]]] = {}
    for k, each in enumerate(errors):
        groups.setdefault(id(each), (each, []))[1].append(k)
    targets = np.array(fold.targets)
    return [Part(targets[members], part.values[j, members], each, j) for each, members in groups.values()]
