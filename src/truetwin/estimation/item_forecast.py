"""Forecast of a new item before anybody has answered it: the law of its shares, and what each person may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.data import Panel, Scale
from truetwin.errors import DataError, ParameterError
from truetwin.estimation.sample_posterior import SharePrior
from truetwin.estimation.statistics import (
    CategoryFunction,
    category_functions,
    category_labels,
    named_statistics,
    why_not,
)
from truetwin.registry import closest
from truetwin.reweighting.share_law import ShareLaw

Array = NDArray[np.float64]
SMALLEST_PRECISION = 1e-9  # in units of what a statistic spans
DIGITS = 6  # of predictions, so that they are the same before and after they were stored


@dataclass(frozen=True, eq=False)
class ItemForecast:
    """Forecast of a new item.

    Attributes
    ----------
    item : str
        Id of the item.
    scale : Scale
        Answers that it admits.
    respondent_ids : tuple of str
        Everybody whom estimates are about.
    law : ShareLaw
        Law of the item's shares.
    predictions : ndarray of shape (N,)
        Predicted answer of everybody.
    probabilities : ndarray of shape (N, K) or None
        Predicted probability of each category, where the item has categories.
    """

    item: str
    scale: Scale
    respondent_ids: tuple[str, ...]
    law: ShareLaw
    predictions: Array
    probabilities: Array | None

    @property
    def is_numeric(self) -> bool:
        """Whether answers are numbers that the law of shares sorts into ranges."""
        return self.scale.kind == "numeric"

    def functions(self, statistic: str) -> list[CategoryFunction]:
        """Functions of the category whose means are estimated; see :func:`functions_of_law`."""
        return functions_of_law(self.law, self.scale, statistic)

    def prior(self, functions: Sequence[CategoryFunction]) -> SharePrior:
        """Prior of the means of these functions."""
        return _prior(self.law, self.scale, functions)

    def values(self, functions: Sequence[CategoryFunction], answers: ArrayLike) -> Array:
        """Each function of each answer, of shape (n, S)."""
        y = np.asarray(answers, dtype=np.float64)
        if _of_raw_answers(self.scale, functions):
            return y[:, None]
        table = np.array([each.values for each in functions])
        return np.asarray(table[:, self._categories(y)].T)

    def predicted(self, functions: Sequence[CategoryFunction]) -> Array | None:
        """Each function as predicted for everybody, of shape (N, S); None without predictions of categories."""
        if _of_raw_answers(self.scale, functions) or (
            self.probabilities is None and functions[0].statistic == "mean"
        ):
            return np.asarray(self.predictions[:, None])
        if self.probabilities is None:
            return None
        return np.asarray(self.probabilities @ np.array([each.values for each in functions]).T)

    def check_answers(self, answers: Mapping[str, float], where: str) -> None:
        """Raise an error unless everybody is known and every answer is on the scale."""
        known = set(self.respondent_ids)
        strange = [who for who in answers if who not in known]
        if strange:
            more = f" ({len(strange) - 1} more)" if len(strange) > 1 else ""
            raise DataError(
                f"{where}: everybody who answers must be a respondent of the tables; {strange[0]!r} is none{more}."
                f"{closest(strange[0], list(self.respondent_ids))}"
            )
        values = np.array(list(answers.values()), dtype=np.float64)
        fine = self.scale.on_scale(values)
        if not fine.all():
            k = int(np.argmax(~fine))
            more = f" ({int((~fine).sum()) - 1} more)" if (~fine).sum() > 1 else ""
            raise DataError(
                f"{where}: answer {values[k]:g} is not on the scale of item {self.item!r} ({self.scale.describe()}); "
                f"respondent {list(answers)[k]!r}{more}. Recode it, or declare the scale in an --item-file"
            )

    def _categories(self, answers: Array) -> NDArray[np.intp]:
        if self.law.edges is not None:
            return np.searchsorted(self.law.edges, answers, side="left")
        return np.array([int(np.argmin(np.abs(self.law.codes - a))) for a in answers], dtype=np.intp)


def functions_of_law(law: ShareLaw, scale: Scale, statistic: str) -> list[CategoryFunction]:
    """Functions of the category that make up a statistic of an item.

    Raises
    ------
    UnknownNameError
        If there is no such statistic.
    ParameterError
        If it is not a mean of a function of the answer, or the item's scale does not admit it.
    """
    (wanted,) = named_statistics([statistic])
    why = why_not(wanted, scale)
    if why:
        raise ParameterError(
            f"the statistic {statistic!r} must be one that the scale of item {law.item!r} admits: {why}. Choose "
            f"another one, such as share"
        )
    found = category_functions(wanted, law.codes, category_labels(law.codes, scale, law.edges))
    if not found:
        raise ParameterError(
            f"the statistic {statistic!r} is no mean of a function of the answer; choose share, mean, top2 or bottom2"
        )
    return found


def points_in_words(precision: float) -> str:
    """Say how a precision that seems to be percentage points is written as a share.

    Examples
    --------
    >>> points_in_words(5)
    ' 5 percentage points are written 0.05.'
    """
    points = precision if 1 <= precision < 50 else 3
    return f" {points:g} percentage point{'s are' if points != 1 else ' is'} written {points / 100:g}."


def check_precision(prior: SharePrior, precision: float, statistic: str) -> None:
    """Refuse a half width that any estimate has, and one that no sample can reach.

    Raises
    ------
    ParameterError
        If it is half of what the statistic can span or more, or less than a billionth of that.
    """
    span = float((prior.high - prior.low).max())
    if not np.isfinite(span) or span <= 0:
        return
    if precision >= span / 2:
        hint = points_in_words(precision) if span == 1 else ""
        raise ParameterError(
            f"the precision must be below {span / 2:g}, or nobody need be asked: {statistic!r} lies within "
            f"{float(prior.low.min()):g} and {float(prior.high.max()):g}; got {precision:g}.{hint}"
        )
    if precision < SMALLEST_PRECISION * span:
        raise ParameterError(
            f"the precision must be at least {SMALLEST_PRECISION * span:g} for {statistic!r}; got {precision:g}"
        )


def prior_of_law(law: ShareLaw, scale: Scale, statistic: str) -> SharePrior:
    """Prior of a statistic of an item: what is known before anybody has answered it."""
    return _prior(law, scale, functions_of_law(law, scale, statistic))


def _prior(law: ShareLaw, scale: Scale, functions: Sequence[CategoryFunction]) -> SharePrior:
    prior = SharePrior.of(law, np.array([each.values for each in functions]))
    if not _of_raw_answers(scale, functions):
        return prior
    return replace(prior, low=np.array([scale.low]), high=np.array([scale.high]))


def _of_raw_answers(scale: Scale, functions: Sequence[CategoryFunction]) -> bool:
    """Whether the mean is that of numbers as they are, not of ranges."""
    return scale.kind == "numeric" and functions[0].statistic == "mean"


def forecast_item(
    panel: Panel,
    item: str,
    *,
    method: str = "auto",
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
) -> ItemForecast:
    """Forecast an item as if nobody had answered it. Human answers to it in the panel are not looked at.

    Raises
    ------
    ParameterError
        If the panel has no such item.
    NotPredictableError
        If it cannot be predicted.
    """
    from truetwin.calibration import calibrate
    from truetwin.reweighting.panel_shares import pool_shares

    if item not in panel.item_ids:
        raise ParameterError(f"there is no item {item!r} in the tables.{closest(item, list(panel.item_ids))}")
    scale = panel.scales[item]
    hidden = without_answers(panel, item)
    law = pool_shares(hidden, blocks, [item])[item]
    persons = calibrate(hidden, method, items=[item], blocks=blocks).law(item)
    predictions = persons.mean() if scale.kind != "nominal" else np.full(len(persons.respondent_ids), np.nan)
    return ItemForecast(
        item,
        scale,
        persons.respondent_ids,
        law,
        np.where(np.isfinite(predictions), predictions, law.mean_of(law.codes)).round(DIGITS),
        _of_codes(persons, law).round(DIGITS) if isinstance(persons, CategoryLaw) else None,
    )


def without_answers(panel: Panel, item: str) -> Panel:
    """Return the panel as it would be if nobody had answered the item."""
    kept = [k for k, name in enumerate(panel.human.item_ids) if name != item]
    return (
        replace(panel, human=panel.human.take_items(kept)) if len(kept) < len(panel.human.item_ids) else panel
    )


def _of_codes(persons: CategoryLaw, law: ShareLaw) -> Array:
    """Probabilities of the categories of the law of shares; people without a prediction get the expected shares."""
    place = {code: k for k, code in enumerate(persons.codes.tolist())}
    found = persons.probabilities()[:, [place[float(code)] for code in law.codes]]
    return np.where(np.isfinite(found).all(axis=1, keepdims=True), found, law.shares)


def forecast_record(forecast: ItemForecast) -> dict[str, Any]:
    """Write a forecast as a record for a JSON file."""
    law, scale = forecast.law, forecast.scale
    return {
        "item": forecast.item,
        "scale": {
            "kind": scale.kind,
            "categories": list(scale.categories),
            "low": scale.low if np.isfinite(scale.low) else None,
            "high": scale.high if np.isfinite(scale.high) else None,
            "step": scale.step,
            "labels": {f"{code:.17g}": text for code, text in scale.labels.items()},
        },
        "law": {
            name: None if getattr(law, name) is None else np.asarray(getattr(law, name)).tolist()
            for name in ("codes", "shares", "kappas", "weights", "share_weights", "edges")
        },
        "respondent_ids": list(forecast.respondent_ids),
        "predictions": forecast.predictions.tolist(),
        "probabilities": None if forecast.probabilities is None else forecast.probabilities.tolist(),
    }


def forecast_from_record(record: Mapping[str, Any]) -> ItemForecast:
    """Read the forecast that :func:`forecast_record` wrote."""
    scale, law = record["scale"], record["law"]
    return ItemForecast(
        record["item"],
        Scale(
            scale["kind"],
            tuple(scale["categories"]),
            -np.inf if scale["low"] is None else scale["low"],
            np.inf if scale["high"] is None else scale["high"],
            scale["step"],
            {float(code): text for code, text in scale["labels"].items()},
        ),
        tuple(record["respondent_ids"]),
        ShareLaw(
            record["item"],
            np.array(law["codes"], dtype=float),
            np.array(law["shares"], dtype=float),
            np.array(law["kappas"], dtype=float),
            np.array(law["weights"], dtype=float),
            share_weights=_array_or_none(law["share_weights"]),
            ordered=scale["kind"] != "nominal",
            edges=_array_or_none(law["edges"]),
        ),
        np.array(record["predictions"], dtype=float),
        None if record["probabilities"] is None else np.array(record["probabilities"], dtype=float),
    )


def _array_or_none(values: Sequence[float] | None) -> Array | None:
    return None if values is None else np.array(values, dtype=np.float64)
