"""Result of a calibration: predictions of human answers, and everything that is read off their laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from truetwin.calibration.answer_sampling import AnswerSampler
from truetwin.calibration.base import Calibrator, Prediction, make_fold
from truetwin.calibration.calibrators import methods_with_laws
from truetwin.calibration.design import Design, Preprocessing, make_designs
from truetwin.calibration.draws import Draws, check_draws
from truetwin.calibration.error_conditioning import donor_covariates
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.online_items import OnlineItem
from truetwin.calibration.orientation import Array, axis_ids, orient
from truetwin.calibration.predictive_law import Law
from truetwin.data import Axis, Panel, Target
from truetwin.data.frames import Layout, to_frame
from truetwin.data.responses import FrameKind
from truetwin.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Calibration:
    """Result of :func:`calibrate`: predicted human answers.

    Attributes
    ----------
    panel : Panel
        Panel from which they were predicted.
    method : str
        Name of the method.
    calibrators : dict of axis to Calibrator
        The method with the settings used for each axis.
    parts : tuple of Prediction
        One prediction for the new items and one for the new respondents, as far as there are any.
    new_cells : NewCells, optional
        Answers of new respondents to new items, with their own errors; they stand in ``parts`` too.
    """

    panel: Panel
    method: str
    calibrators: Mapping[Axis, Calibrator]
    parts: tuple[Prediction, ...]
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    new_cells: NewCells | None = None

    def __repr__(self) -> str:
        predicted = int(np.isfinite(self.grid).sum())
        return f"Calibration({self.method!r}: {predicted} predictions, {len(self.unpredicted)} targets not predicted)"

    @property
    def unpredicted(self) -> dict[Target, str]:
        """Targets that cannot be predicted, with the reason."""
        return {Target(p.axis, t): why for p in self.parts for t, why in p.unpredicted.items()}

    @cached_property
    def grid(self) -> Array:
        """Predictions on the panel's grid, limited to each item's scale; NaN where nothing is predicted."""
        grid = np.full(self.panel.human_values.shape, np.nan)
        for part in self.parts:
            position = {t: k for k, t in enumerate(axis_ids(self.panel, part.axis))}
            where = [position[t] for t in part.target_ids]
            orient(grid, part.axis)[:, where] = part.values
        for j, item in enumerate(self.panel.item_ids):
            grid[:, j] = self.panel.scales[item].clip(grid[:, j])
        return grid

    @cached_property
    def _kept(self) -> tuple[list[int], list[int]]:
        """Rows and columns of the grid that the result shows: all targets, and everything with a prediction."""
        there = np.isfinite(self.grid)
        rows, columns = (set(np.flatnonzero(there.any(axis=a)).tolist()) for a in (1, 0))
        for part in self.parts:
            position = {t: k for k, t in enumerate(axis_ids(self.panel, part.axis))}
            (columns if part.axis == "item" else rows).update(position[t] for t in part.target_ids)
            if part.axis == "item":  # everybody asked stays in the table, also whoever cannot be predicted
                rows.update(np.flatnonzero(self._asked("item")).tolist())
        return sorted(rows), sorted(columns)

    def frame(
        self,
        *,
        rounded: bool = False,
        id_column: str | None = None,
        kind: FrameKind | None = None,
        layout: Layout = "wide",
    ) -> Any:
        """Return the predictions as a table; ids have the name and the type that they have in the human table.

        Parameters
        ----------
        rounded : bool
            Snap each prediction to the nearest answer on its item's scale.
        id_column : str, optional
            Name of the column of ids; by default as in the human table.
        kind : {"pyarrow", "pandas", "polars"}, optional
            Kind of the result; by default that of the human table.
        layout : {"wide", "long"}
            One column an item, or one row a prediction.
        """
        rows, columns = self._kept
        items = [self.panel.item_ids[c] for c in columns]
        values = self.grid[np.ix_(rows, columns)]
        if rounded:
            for k, item in enumerate(items):
                values[:, k] = self.panel.scales[item].snap(values[:, k])
        ids = [self.panel.respondent_ids[r] for r in rows]
        human = self.panel.human
        names = id_column or human.id_name
        return to_frame(
            values,
            ids,
            items,
            id_column=names,
            kind=kind or human.frame_kind,
            layout=layout,
            id_type=human.id_type,
        )

    @property
    def predictions(self) -> Any:
        """Predictions as a wide table of the kind that the panel was made from, on the items' scales."""
        return self.frame()

    @cached_property
    def laws(self) -> dict[str, Law]:
        """For each new item what is known beyond the predictions: level, errors, expected correlation.

        Raises
        ------
        ParameterError
            If the method has no laws of its own.
        """
        return self._laws_of("item")

    @cached_property
    def _person_laws(self) -> dict[str, Law]:
        return self._laws_of("respondent")

    def _laws_of(self, axis: Axis) -> dict[str, Law]:
        model = self.calibrators.get(axis)
        if model is None:
            raise ParameterError(f"there are no intervals for new {axis}s: no new {axis} was predicted")
        if axis not in model.law_axes:
            offering = " or ".join(map(repr, methods_with_laws(axis)))
            raise ParameterError(f"intervals come with method {offering} only; the method is {self.method!r}")
        design = self._design(axis)
        return dict(zip(design.target_ids, model.laws(design), strict=True))

    def _design(self, axis: Axis) -> Design:
        part = self._part(axis)
        fold = make_fold(self.panel, [Target(axis, t) for t in part.target_ids])
        (design,) = make_designs(self.panel, [fold], self.preprocessing)
        return design

    def _part(self, axis: Axis) -> Prediction:
        (part,) = (p for p in self.parts if p.axis == axis)
        return part

    def intervals(self, level: float = 0.9, axis: Axis | None = None) -> dict[str, tuple[Array, Array]]:
        """Compute the interval of every prediction, limited to the item's scale.

        Parameters
        ----------
        level : float
            Share of answers that the intervals enclose: of a new item's answers, on average over items; or of all new
            respondents' answers to an item.
        axis : {"item", "respondent"}, optional
            Whether predictions of new items or of new respondents are meant. By default new items, if there are any.

        Returns
        -------
        dict of target id to (lower, upper)
            Two arrays each. For new items they are in the order of ``panel.respondent_ids``, for new respondents in
            that of ``panel.item_ids``; NaN where nothing is predicted.

        Raises
        ------
        ParameterError
            If the method has no laws of its own, or nothing was predicted on that axis.
        """
        axis = axis or ("item" if "item" in self.calibrators else "respondent")
        laws = self.laws if axis == "item" else self._person_laws
        result = {}
        for k, (target, law) in enumerate(laws.items()):
            predicted = self._part(axis).values[:, k]
            ends = [np.array(predicted + error) for error in law.quantiles(level)]
            if self.new_cells:
                where, values = self.new_cells.interval_along(axis, target, level, self.panel.item_ids)
                for end, value in zip(ends, values, strict=True):
                    end[where] = value
            lower, upper = (np.where(np.isfinite(predicted), end, np.nan) for end in ends)
            result[target] = (self._limited(axis, target, lower), self._limited(axis, target, upper))
        return result

    def _limited(self, axis: Axis, target: str, values: Array) -> Array:
        """Values along the samples of a target, inside the scale of their item."""
        if axis == "item":
            return self.panel.scales[target].clip(values)
        scales = (self.panel.scales[item] for item in self.panel.item_ids)
        return np.array([float(scale.clip(v)) for scale, v in zip(scales, values, strict=True)])

    def probabilities(self, item: str) -> Array:
        """Compute the probability of each category of an ordinal new item for every respondent, (n_respondents, K)."""
        law = self.laws.get(item)
        if law is None:
            raise ParameterError(f"there is no predicted new item {item!r}")
        scale = self.panel.scales[item]
        if scale.kind != "ordinal":
            raise ParameterError(
                f"item {item!r} is {scale.describe()}; only ordinal items have category probabilities"
            )
        if not self.new_cells:
            return law.probabilities(self._of(item), scale.categories)
        result = law.probabilities(self._of_known(item), scale.categories)
        result[self.new_cells.rows] = self.new_cells.probabilities(item, scale.categories)
        return result

    def draws(self, m: int = 20, seed: int = 0) -> Draws:
        """Draw m completed data sets: answers as they are, and predictions drawn from their laws.

        Use them for relations between items, which predictions used as answers inflate. Answers to new items are drawn
        jointly; a new respondent's errors are independent of each other. Gaps in answered items stay gaps.

        Parameters
        ----------
        m : int
            Number of data sets, at least 2.
        seed : int
            The same seed gives the same draws.

        Raises
        ------
        ParameterError
            If the method has no laws of its own, or ``m`` or ``seed`` is wrong.
        """
        check_draws(m, seed)
        items, people = (next((p for p in self.parts if p.axis == a), None) for a in ("item", "respondent"))
        joint = self.calibrators["item"].joint_law(self._design("item")) if items else None
        laws = self._person_laws if people else {}
        sampler = AnswerSampler(self.panel, items, people, joint, laws, self.new_cells)
        return Draws.of(self.panel, self.grid, sampler.draws(m, seed), seed)

    def online(self, item: str) -> OnlineItem:
        """Return the predictions of a new item in a form that is updated as people answer it."""
        law = self.laws.get(item)
        if law is None:
            raise ParameterError(f"there is no predicted new item {item!r}")
        return OnlineItem(
            self._of_known(item),
            self.panel.respondent_ids,
            spread=max(float(np.mean(law.error_sd())), 1e-9),
            covariates=donor_covariates(
                self.panel.human_values, self.panel.twin_values, self.panel.item_ids.index(item)
            ),
        )

    def _of(self, item: str) -> Array:
        part = self._part("item")
        return part.values[:, part.target_ids.index(item)]

    def _of_known(self, item: str) -> Array:
        """Predictions for people who have answered other items; NaN for new respondents."""
        values = self._of(item).copy()
        if self.new_cells:
            values[self.new_cells.rows] = np.nan
        return values

    def notes(self) -> list[dict[str, Any]]:
        """List one record a target: number of predictions, scale, and the reason where there are no predictions."""
        records = []
        for part in self.parts:
            position = {t: k for k, t in enumerate(axis_ids(self.panel, part.axis))}
            twin = orient(self.panel.twin_values, part.axis)
            for k, target in enumerate(part.target_ids):
                predicted = np.isfinite(part.values[:, k])
                asked = [position[target]]
                record: dict[str, Any] = {
                    "target": target,
                    "axis": part.axis,
                    "n_predicted": int((self._asked(part.axis) & predicted).sum()),
                    "n_unpredicted": int((self._asked(part.axis) & ~predicted).sum()),
                    "n_twin_answers": int(np.isfinite(twin[:, asked]).sum()),
                }
                if part.axis == "item":
                    scale = self.panel.scales[target]
                    record |= {"scale": scale.describe(), "scale_inferred": scale.inferred}
                    inside = part.values[predicted, k]
                    record["n_clipped"] = int((scale.clip(inside) != inside).sum())
                if situation := self._situation(part, target):
                    record["situation"] = situation
                    blind = _blind(self.panel, target, situation)
                    if blind:
                        record["reason"] = blind
                if target in part.unpredicted:
                    record["reason"] = part.unpredicted[target]
                elif record["n_unpredicted"]:
                    what = (
                        "respondents who answered no donor item"
                        if part.axis == "item"
                        else "items without donors"
                    )
                    record["reason"] = f"{record['n_unpredicted']} {what}"
                if target in part.unconverged:
                    record["converged"] = False
                    stopped = "the solver stopped before it met its tolerance"
                    record["reason"] = "; ".join(filter(None, [record.get("reason"), stopped]))
                records.append(record)
        return records

    def _situation(self, part: Prediction, target: str) -> str | None:
        model = self.calibrators.get(part.axis)
        if model is None or part.axis != "item":
            return None
        return model.situation(self.panel, target, part.target_ids)

    def _asked(self, axis: Axis) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Mask of the samples that get a prediction: those in the human table, or items that some human answered."""
        if axis == "item":
            known = set(self.panel.human.respondent_ids)
            return np.array([r in known for r in self.panel.respondent_ids])
        return np.asarray(np.isfinite(self.panel.human_values).any(axis=0))


def _blind(panel: Panel, target: str, situation: str) -> str | None:
    """Explain why the predictions of a new item say little about it; None if they do.

    This is so if all twins agree and nobody has answered an item of its battery. The item is predicted all the same,
    by everybody's own level, as an evaluation predicts it.
    """
    answers = panel.twin_values[:, panel.item_ids.index(target)]
    seen = answers[np.isfinite(answers)]
    if seen.size and (seen == seen[0]).all() and not situation.startswith("new item of a known"):
        return (
            f"all {seen.size} twins gave the same answer ({seen[0]:g}) and no item of its battery has been answered: "
            f"predicted by everybody's own level, which says little of the item"
        )
    return None
