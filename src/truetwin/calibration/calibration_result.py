"""Result of a calibration: predictions of human answers, and everything that is read off their laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.answer_sampling import AnswerSampler
from truetwin.calibration.base import Calibrator, Prediction, make_fold
from truetwin.calibration.design import Design, Preprocessing
from truetwin.calibration.draws import Draws, check_draws
from truetwin.calibration.error_conditioning import donor_covariates
from truetwin.calibration.item_laws import FoldStudy, people_parts
from truetwin.calibration.laws.category_law import limited
from truetwin.calibration.laws.composing import Part
from truetwin.calibration.laws.law import Law, Point
from truetwin.calibration.laws.number_law import limited_numbers
from truetwin.calibration.laws.prediction_errors import Errors
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.nominal.panel_laws import PanelLaws
from truetwin.calibration.online_items import OnlineItem
from truetwin.calibration.orientation import Array, axis_ids, orient
from truetwin.calibration.weak_laws import why_weak
from truetwin.data import Axis, Panel, Target
from truetwin.data.frames import Layout, to_frame
from truetwin.data.plots import Plots
from truetwin.data.responses import FrameKind
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.errors import ParameterError

SHOWN = (
    Shown("target", "target"),
    Shown("n_predicted", "predicted", "d"),
    Shown("mean", "mean", ".2f"),
    Shown("expected_correlation", "expected r", ".2f"),
    Shown("correlation_low", "from", ".2f"),
    Shown("correlation_high", "to", ".2f"),
    Shown("reason", "note"),
)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Result of :func:`calibrate`: predicted human answers.

    Attributes
    ----------
    encoding : Encoding
        Panel from which they were predicted, and as methods see it: nominal items as indicators.
    method : str
        Name of the method.
    calibrators : dict of axis to Calibrator
        The method with the settings used for each axis.
    encoded_parts : tuple of Prediction
        One prediction for the new items and one for the new respondents, as far as there are any, of the encoded panel.
    new_cells : NewCells, optional
        Answers of new respondents to new items, with their own errors; they stand in ``encoded_parts`` too.
    blocks : mapping from item id to block, optional
        Batteries.
    point : {"mean", "median", "mode"}, optional
        Which number of each law the predictions are; by default the mean, for nominal items the mode.
    designs : mapping of axis to Design
        What the calibrators were fitted to, as far as they were fitted to all targets at once.
    reshared : mapping from item id to Law
        Laws that were given other shares (:meth:`with_shares`).
    """

    encoding: Encoding
    method: str
    calibrators: Mapping[Axis, Calibrator]
    encoded_parts: tuple[Prediction, ...]
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    new_cells: NewCells | None = None
    blocks: Mapping[str, str] | None = None
    point: Point | None = None
    designs: Mapping[Axis, Design] = field(default_factory=dict)
    reshared: Mapping[str, Law] = field(default_factory=dict)

    plot = Plots("predictions", "expectations")

    def __repr__(self) -> str:
        predicted = int(np.isfinite(self.grid).sum())
        return f"Calibration({self.method!r}: {predicted} predictions, {len(self.unpredicted)} targets not predicted)"

    @property
    def panel(self) -> Panel:
        """Panel from which the answers were predicted."""
        return self.encoding.panel

    @cached_property
    def parts(self) -> tuple[Prediction, ...]:
        """One prediction for the new items, one for the new respondents; of nominal items the likeliest categories."""
        return tuple(
            self.encoding.decoded(part, {i: self._modes(i, part) for i in self.encoding.nominal_of(part)})
            for part in self.encoded_parts
        )

    def _modes(self, item: str, part: Prediction) -> Array:
        """Return the likeliest categories of a nominal item for the people of a part; NaN where none is predicted."""
        values = np.full(len(self.panel.respondent_ids), np.nan)
        if self._predicted(item):
            law = self.law(item)
            values[self._rows_of(law)] = law.mode()
        if part.axis == "item":
            return values
        return values[[self._row[r] for r in part.target_ids]]

    def _predicted(self, item: str) -> bool:
        return bool(np.isfinite(self._points[:, self.encoding.positions[item]]).any())

    @property
    def unpredicted(self) -> dict[Target, str]:
        """Targets that cannot be predicted, with the reason."""
        return {
            Target(p.axis, t): why
            for p in self.encoded_parts
            for t, why in self.encoding.unpredicted(p).items()
        }

    @cached_property
    def grid(self) -> Array:
        """Predictions on the panel's grid: one number of each law; NaN where nothing is predicted."""
        grid = np.full(self.panel.human_values.shape, np.nan)
        for j, item in enumerate(self.panel.item_ids):
            there = np.asarray(np.isfinite(self._points[:, self.encoding.positions[item]]).any(axis=1))
            if there.any():
                grid[there, j] = self._of_item(item, there)
        return grid

    def _of_item(self, item: str, there: NDArray[np.bool_]) -> Array:
        """Read the predictions of one item off its law. A mean needs no law: it is the point, inside the scale."""
        scale, points = self.panel.scales[item], self._points[there, self.encoding.positions[item][0]]
        answers = self._answers_as_they_are
        kind = self.point or ("mode" if scale.kind == "nominal" else "mean")
        if item not in self.reshared:
            if answers and self.point is None and scale.kind != "nominal":
                return scale.clip(points)
            if kind == "mean" and scale.kind == "numeric":
                return limited_numbers(points, scale.low, scale.high)
            if kind == "mean" and scale.kind == "ordinal":
                return limited(points, np.array(sorted(scale.categories)))
        law = self.law(item)
        values = np.full(len(self.panel.respondent_ids), np.nan)
        values[self._rows_of(law)] = law.mode() if scale.kind == "nominal" else law.point(kind)
        return values[there]

    @cached_property
    def _points(self) -> Array:
        """Points of the method on the encoded panel's grid, not limited to scales; NaN where nothing is predicted."""
        grid = np.full(self.encoding.encoded.human_values.shape, np.nan)
        for part in self.encoded_parts:
            position = {t: k for k, t in enumerate(axis_ids(self.encoding.encoded, part.axis))}
            where = [position[t] for t in part.target_ids]
            orient(grid, part.axis)[:, where] = part.values
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
    def studies(self) -> dict[Axis, FoldStudy]:
        """Studies of each method beyond the points, by the axis of the targets."""
        found: dict[Axis, FoldStudy] = {}
        for part in self.encoded_parts:
            fold = make_fold(self.encoding.encoded, [Target(part.axis, t) for t in part.target_ids])
            found[part.axis] = FoldStudy(
                self.calibrators[part.axis],
                self.encoding.encoded,
                fold,
                part,
                self.preprocessing,
                self.blocks,
                self.designs.get(part.axis),
            )
        return found

    @cached_property
    def _composer(self) -> PanelLaws:
        return PanelLaws(self.encoding, answers_as_they_are=self._answers_as_they_are)

    @property
    def _answers_as_they_are(self) -> bool:
        return all(model.points_are_answers for model in self.calibrators.values())

    @cached_property
    def _laws(self) -> dict[str, Law]:
        return dict(self.reshared)

    def law(self, item: str) -> Law:
        """Return the law of an item: of everybody's answer to a new item, of new respondents' to an answered one.

        Raises
        ------
        ParameterError
            If no answer to the item is predicted.
        """
        if item not in self._laws:
            if item not in self.encoding.positions or not self._predicted(item):
                raise ParameterError(f"no answer to item {item!r} is predicted: it has no law")
            self._laws[item] = self._composer.law(item, self._law_parts)
        return self._laws[item]

    @property
    def laws(self) -> dict[str, Law]:
        """The law of every item of which an answer is predicted."""
        return {item: self.law(item) for item in self.panel.item_ids if self._predicted(item)}

    def _law_parts(self, j: int) -> list[Part]:
        """Return what is predicted for one column of the encoded panel, and its errors."""
        column, points = self.encoding.encoded.item_ids[j], self._points[:, j]
        by_item = next((p for p in self.encoded_parts if p.axis == "item"), None)
        if by_item is None or column not in by_item.target_ids:
            study = self.studies["respondent"]
            return people_parts(study.fold, study.part, study.errors, j)
        new = self.new_cells.rows if self.new_cells else np.array([], dtype=np.intp)
        known = np.setdiff1d(np.arange(len(points)), new)
        parts = [Part(known, points[known], self._errors[column])]
        if self.new_cells:
            parts.append(Part(new, points[new], self.new_cells.errors(column)))
        return parts

    @property
    def _errors(self) -> dict[str, Errors]:
        """Errors to expect in the predictions of each new item."""
        study = self.studies["item"]
        return dict(zip(study.part.target_ids, study.errors, strict=True))

    def _rows_of(self, law: Law) -> list[int]:
        return [self._row[r] for r in law.respondent_ids]

    @cached_property
    def _row(self) -> dict[str, int]:
        return {r: k for k, r in enumerate(self.panel.respondent_ids)}

    def _part(self, axis: Axis) -> Prediction:
        (part,) = (p for p in self.parts if p.axis == axis)
        return part

    def intervals(self, level: float = 0.9, axis: Axis | None = None) -> dict[str, tuple[Array, Array]]:
        """Read the interval of every prediction off the laws.

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
            that of ``panel.item_ids``; NaN where nothing is predicted, and for nominal items, which have no intervals
            but probabilities.

        Raises
        ------
        ParameterError
            If nothing was predicted on that axis.
        """
        axis = axis or ("item" if "item" in self.calibrators else "respondent")
        if axis not in self.calibrators:
            raise ParameterError(f"there are no intervals for new {axis}s: no new {axis} was predicted")
        part = self._part(axis)
        lower, upper = np.full((2, *self.panel.human_values.shape), np.nan)
        for item in part.target_ids if axis == "item" else self.panel.item_ids:
            j = self.panel.item_ids.index(item)
            if item not in self.encoding.codes and self._predicted(item):
                law = self.law(item)
                lower[self._rows_of(law), j], upper[self._rows_of(law), j] = law.interval(level)
        position = {t: k for k, t in enumerate(axis_ids(self.panel, axis))}
        ends = orient(lower, axis), orient(upper, axis)
        return {t: (ends[0][:, position[t]].copy(), ends[1][:, position[t]].copy()) for t in part.target_ids}

    def probabilities(self, item: str) -> Array:
        """Read the probability of each category off an item's law, (n, K), for the law's respondents.

        These are everybody for a new item, and the new respondents for an answered one. The categories are in the order
        of ``law(item).codes``.
        """
        return self.law(item).probabilities()

    def shares(self, item: str, weights: Array | None = None) -> Array:
        """Read the share of each category off an item's law, (K,): the mean of the probabilities over respondents.

        Parameters
        ----------
        item : str
        weights : ndarray of shape (n_respondents,), optional
            Weights of all respondents of the panel, in its order; by default those that the calibration was given.
        """
        law = self.law(item)
        return law.shares(self._weights_of(law, weights))

    def describe(self, item: str) -> dict[str, Any]:
        """Return what a record of the predictions says of an item (:meth:`Law.describe`), weighted as shares are."""
        law = self.law(item)
        return law.describe(self._weights_of(law, None))

    def expected_correlations(self) -> dict[str, float]:
        """Return the correlation with people's answers that is expected of each predicted new item, where it is known.

        Its interval is in :meth:`summary`.
        """
        found = {}
        for item in self._part("item").target_ids if "item" in self.calibrators else ():
            expected = self.law(item).expected_correlation() if self._predicted(item) else None
            if expected is not None:
                found[item] = expected[1]
        return found

    def with_shares(self, shares: Mapping[str, Any], weights: Array | None = None) -> Calibration:
        """Return the same calibration with other shares in the population; everything is read off the new laws.

        Parameters
        ----------
        shares : mapping from item id to ndarray of shape (K,)
            Wanted share of each category, in the order of ``law(item).codes``; of a numeric item the wanted mean, one
            number.
        weights : ndarray of shape (n_respondents,), optional
            Weights of all respondents of the panel, in its order; by default those that the calibration was given.
        """
        changed = dict(self.reshared)
        for item, wanted in shares.items():
            law = self.law(item)
            changed[item] = law.with_shares(wanted, self._weights_of(law, weights))
        return replace(self, reshared=changed)

    @property
    def weights(self) -> Array | None:
        """Survey weight of each respondent of the panel, (n_respondents,); None if all count alike."""
        return None if self.preprocessing.weights is None else np.array(self.preprocessing.weights)

    def _weights_of(self, law: Law, weights: Array | None) -> Array | None:
        """Return the weights of a law's respondents; None if all count alike, as where none of them has a weight."""
        given = self.weights if weights is None else np.asarray(weights, dtype=np.float64)
        own = None if given is None else given[self._rows_of(law)]
        return own if own is None or weights is not None or own.any() else None

    def draws(self, m: int = 20, seed: int = 0) -> Draws:
        """Draw m completed data sets: answers as they are, and predictions drawn from their laws.

        Use them for relations between items, which predictions used as answers inflate. Answers to new items are drawn
        jointly, and so are a new respondent's answers; what a new respondent answers to new items is drawn by itself.
        Gaps in answered items stay gaps.

        Parameters
        ----------
        m : int
            Number of data sets, at least 2.
        seed : int
            The same seed gives the same draws.

        Raises
        ------
        ParameterError
            If ``m`` or ``seed`` is wrong, or there is no answer to draw.
        """
        check_draws(m, seed)
        sampler = AnswerSampler(self.encoding, self.studies, self.laws, self.new_cells)
        return Draws.of(self.panel, self.grid, sampler.draws(m, seed), seed)

    def online(self, item: str) -> OnlineItem:
        """Return the predictions of a new item in a form that is updated as people answer it."""
        if "item" not in self.calibrators or item not in self._part("item").target_ids:
            raise ParameterError(f"there is no predicted new item {item!r}")
        if item in self.encoding.codes:
            raise ParameterError(
                f"item {item!r} is nominal: its categories have no order, so that there is no mean to update"
            )
        return OnlineItem(
            self._of_known(item),
            self.panel.respondent_ids,
            spread=max(float(np.mean(self._errors[item].error_sd())), 1e-9),
            covariates=donor_covariates(
                self.panel.human_values, self.panel.twin_values, self.panel.item_ids.index(item)
            ),
        )

    def _of(self, item: str) -> Array:
        return np.asarray(self._points[:, self.encoding.positions[item][0]])

    def _of_known(self, item: str) -> Array:
        """Predictions for people who have answered other items; NaN for new respondents."""
        values = self._of(item).copy()
        if self.new_cells:
            values[self.new_cells.rows] = np.nan
        return values

    def summary(self) -> SummaryTable:
        """Summarise by target, one row each: number of predictions, mean, expected correlation, and what to know.

        The correlation is that of the predictions with people's answers, with its 90% interval.
        """
        rows = []
        for row in self.notes():
            law = self.describe(row["target"]) if row["axis"] == "item" and row["n_predicted"] else {}
            low, expected, high = law.get("expected_correlation") or (None, None, None)
            told = {"mean": law.get("mean"), "sd": law.get("sd"), "expected_correlation": expected}
            rows.append({**row, **told, "correlation_low": low, "correlation_high": high})
        return SummaryTable(rows, SHOWN, title=repr(self), frame_kind=self.panel.human.frame_kind)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

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
                    record["shares"] = "pool" if target in self.reshared else "own"
                    record["n_clipped"] = int((scale.clip(inside) != inside).sum())
                if situation := self._situation(part, target):
                    record["situation"] = situation
                    blind = _blind(self.panel, target, situation)
                    if blind:
                        record["reason"] = blind
                if part.axis == "item" and (weak := why_weak(self.panel.scales[target], situation)):
                    record["weak"] = weak
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
        if target in self.encoding.codes:
            return "nominal item: a battery of its own"
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
