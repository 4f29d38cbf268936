"""Decode the predictions of many folds: of nominal items the likeliest category, each fold for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from truetwin.calibration.base import Calibrator, Prediction
from truetwin.calibration.design import Fold, Preprocessing, groups_of_respondents
from truetwin.calibration.item_laws import FoldStudy, fold_errors, fold_parts, people_parts
from truetwin.calibration.laws.law import Law
from truetwin.calibration.laws.prediction_errors import Errors
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.nominal.panel_laws import PanelLaws
from truetwin.calibration.orientation import Array


@dataclass(frozen=True, eq=False)
class Decoder:
    """Decoder of one method's predictions of folds of an encoded panel.

    Attributes
    ----------
    model : Calibrator
    encoding : Encoding
        Human answers to a fold's targets do not enter its predictions.
    preprocessing : Preprocessing
    blocks : mapping from item id to block, optional
        Batteries of the panel's items.
    """

    model: Calibrator
    encoding: Encoding
    preprocessing: Preprocessing
    blocks: Mapping[str, str] | None = None

    def decoded(self, folds: Sequence[Fold], parts: Sequence[Prediction]) -> list[Prediction]:
        """Return what was predicted for each fold, in terms of the panel's items.

        Parameters
        ----------
        folds : sequence of Fold
            Of the encoded panel, all of one axis.
        parts : sequence of Prediction
            What the model predicts for them.
        """
        if not self.encoding.codes:
            return list(parts)
        decode = self._items if folds[0].axis == "item" else self._people
        return decode(folds, [self.encoding.certain(part) for part in parts])

    def _items(self, folds: Sequence[Fold], parts: Sequence[Prediction]) -> list[Prediction]:
        nominal = [k for k, part in enumerate(parts) if self.encoding.nominal_of(part)]
        answers = self.encoding.encoded
        errors = fold_errors(
            self.model,
            answers,
            [folds[k] for k in nominal],
            [parts[k] for k in nominal],
            self.preprocessing,
            self.blocks,
        )
        found = dict(zip(nominal, errors, strict=True))
        laws = self._laws()
        result = []
        for k, (fold, part) in enumerate(zip(folds, parts, strict=True)):
            modes = {}
            if k in found:
                parts_of = partial(fold_parts, answers, fold, part, found[k])
                modes = {item: laws.law(item, parts_of).mode() for item in self.encoding.nominal_of(part)}
            result.append(self.encoding.decoded(part, modes))
        return result

    def _people(self, folds: Sequence[Fold], parts: Sequence[Prediction]) -> list[Prediction]:
        """Decode predictions of people; weights come from known people of other groups than the hidden one's."""
        laws = self._laws()
        by_group: dict[tuple[int, ...], Errors] = {}
        result = []
        for fold, part in zip(folds, parts, strict=True):
            hidden = self._hidden_with(fold)
            if hidden not in by_group:
                everybody = {*fold.targets, *fold.donors}
                rest = Fold(fold.axis, hidden, tuple(sorted(everybody - set(hidden))))
                study = FoldStudy(
                    self.model, self.encoding.encoded, rest, part, self.preprocessing, self.blocks
                )
                by_group[hidden] = study.errors[0]
            parts_of = partial(people_parts, fold, part, [by_group[hidden]] * len(fold.targets))
            modes = {
                item: _in_order(laws.law(item, parts_of), part.target_ids)
                for item in self.encoding.nominal_of(part)
            }
            result.append(self.encoding.decoded(part, modes))
        return result

    def _hidden_with(self, fold: Fold) -> tuple[int, ...]:
        """Return the people that are hidden together when weights are learned: a person's group."""
        if len(fold.targets) > 1:
            return fold.targets
        group = groups_of_respondents(self.encoding.panel.respondent_ids)
        everybody = np.array(sorted({*fold.targets, *fold.donors}))
        members = everybody[group[everybody] == group[fold.targets[0]]]
        return tuple(members.tolist()) if members.size < everybody.size else fold.targets

    def _laws(self) -> PanelLaws:
        return PanelLaws(self.encoding, answers_as_they_are=self.model.points_are_answers)


def _in_order(law: Law, respondent_ids: Iterable[str]) -> Array:
    """Return the likeliest categories of some people, who are all of the law's, in their order."""
    by_person = dict(zip(law.respondent_ids, law.mode().tolist(), strict=True))
    return np.array([by_person[r] for r in respondent_ids])
