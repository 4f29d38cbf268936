"""Calibrate: predict every answer that humans have not given but twins have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from sklearn.base import clone

from truetwin.calibration.base import Calibrator, Prediction, make_fold, with_blocks
from truetwin.calibration.calibration_result import Calibration
from truetwin.calibration.calibrators import named_calibrators
from truetwin.calibration.design import Design, Fold, Preprocessing, make_designs
from truetwin.calibration.laws.law import Point, check_point
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.orientation import axis_ids, orient
from truetwin.calibration.workers import in_parallel, on_one_thread
from truetwin.data import Axis, Panel, Target
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.registry import closest


def calibrate(
    panel: Panel,
    method: str | Calibrator = "auto",
    *,
    items: Iterable[str] | None = None,
    respondents: Iterable[str] | None = None,
    preset: str = "cv",
    parameters: Mapping[str, Any] | None = None,
    preprocessing: Preprocessing | None = None,
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
    point: Point | None = None,
    weights: PersonWeights | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Predict answers of persons, whose laws keep their own shares.

    :func:`truetwin.calibrate` is the door for users: it explains the parameters, and fits these laws to the pooled
    shares of the population.

    Parameters
    ----------
    panel, method, items, respondents, preset, parameters, preprocessing, blocks, point, n_jobs, progress
        See :func:`truetwin.calibrate`.
    weights : str or array of shape (n_respondents,), optional
        Survey weights of people. The level of a new item is that of the weighted people; how people differ from each
        other is learned from all alike.

    Raises
    ------
    NotPredictableError
        If there is nothing to predict, or nothing of what was asked for can be predicted.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> calibrate(generate_population(100, 12, n_new_items=2).panel, "ridge").predictions.column_names
    ['respondent_id', 'Q11', 'Q12']
    """
    wanted = _wanted(panel, items, respondents)
    encoding = Encoding.of(panel)
    members, _ = resolve_blocks(panel, blocks)
    check_point(point)
    calibrators: dict[Axis, Calibrator] = {}
    designs: dict[Axis, Design] = {}
    parts = []
    prepared = preprocessing or Preprocessing()
    if weights is not None:
        prepared = replace(prepared, weights=tuple(person_weights(panel, weights).tolist()))
    name = method if isinstance(method, str) else type(method).__name__
    steps = [(axis, targets) for axis, targets in wanted.items() if targets]
    for axis, targets in steps:
        by_hand = {method: parameters} if parameters and isinstance(method, str) else None
        models = named_calibrators([method], encoding.encoded, axis, preset=preset, parameters=by_hand)
        ((name, model),) = models.items()
        calibrators[axis] = clone(with_blocks(model, members if axis == "item" else None))
        fold = make_fold(encoding.encoded, encoding.targets(Target(axis, t) for t in targets))
        if model.works_per_target:
            part = _predict_by_target(encoding.encoded, calibrators[axis], fold, prepared, n_jobs, progress)
        else:
            (designs[axis],) = make_designs(encoding.encoded, [fold], prepared)
            part = on_one_thread(calibrators[axis].predict_designs, ([designs[axis]],))[0]
            if progress:
                progress(1, 1)
        parts.append(encoding.certain(part))
    if all(np.isnan(part.values).all() for part in parts):
        reasons = {t: why for part in parts for t, why in encoding.unpredicted(part).items()}
        target, why = next(iter(reasons.items()), ("", "no respondent has answered a donor"))
        more = f" ({len(reasons) - 1} more targets likewise)" if len(reasons) > 1 else ""
        raise NotPredictableError(f"nothing can be predicted: {target!r}: {why}{more}")
    found = Calibration(
        encoding, name, calibrators, tuple(parts), prepared, blocks=members, point=point, designs=designs
    )
    return _with_new_cells(found) if len(parts) == 2 else found


def _with_new_cells(found: Calibration) -> Calibration:
    """Fill in what new respondents would answer to new items, if the method predicts it."""
    by_item, by_person = found.encoded_parts
    design = found.studies["item"].design
    people, items = (
        [axis_ids(found.encoding.encoded, p.axis).index(t) for t in p.target_ids]
        for p in (by_person, by_item)
    )
    cells = found.calibrators["item"].new_cells(design, np.array(people))
    if cells is None:
        return found
    no_item, no_person = (np.isin(p.target_ids, list(p.unpredicted)) for p in (by_item, by_person))
    values = np.where(no_person[:, None] | no_item, np.nan, cells.values)
    grids = [part.values.copy() for part in found.encoded_parts]
    grids[0][cells.rows] = values
    grids[1][items] = orient(values, "respondent")
    parts = tuple(replace(part, values=grid) for part, grid in zip(found.encoded_parts, grids, strict=True))
    return replace(found, encoded_parts=parts, new_cells=replace(cells, values=values))


def _wanted(
    panel: Panel, items: Iterable[str] | None, respondents: Iterable[str] | None
) -> dict[Axis, tuple[str, ...]]:
    everything = items is None and respondents is None
    if everything and not (panel.new_items or panel.new_respondents):
        make_fold(panel, None)  # raises: nothing to predict
    found: dict[Axis, tuple[str, ...]] = {}
    axes: tuple[tuple[Axis, Iterable[str] | None, tuple[str, ...]], ...] = (
        ("item", items, panel.new_items),
        ("respondent", respondents, panel.new_respondents),
    )
    for axis, asked, new in axes:
        found[axis] = new if everything else tuple(dict.fromkeys(asked or ()))
        known = axis_ids(panel, axis)
        for target in found[axis]:
            if target not in known:
                raise ParameterError(
                    f"there is no {axis} {target!r} in the tables.{closest(target, list(new))}"
                )
            if target not in new:
                raise ParameterError(
                    f"only {axis}s without human answers are predicted; {axis} {target!r} has human answers"
                )
    if not any(found.values()):
        raise ParameterError("at least one item or respondent must be asked for")
    return found


def _predict_by_target(
    panel: Panel,
    model: Calibrator,
    fold: Fold,
    preprocessing: Preprocessing,
    n_jobs: int,
    progress: Callable[[int, int], None] | None,
) -> Prediction:
    """Predict one fold by a method that works target by target; targets are divided among workers."""
    groups = [(target,) for target in fold.targets]
    calls = ((panel, model, Fold(fold.axis, g, fold.donors), preprocessing) for g in groups)
    parts = []
    for done, part in enumerate(in_parallel(_predict_group, calls, n_jobs), 1):
        parts.append(part)
        if progress:
            progress(done, len(groups))
    return Prediction(
        fold.axis,
        tuple(t for part in parts for t in part.target_ids),
        parts[0].sample_ids,
        np.concatenate([part.values for part in parts], axis=1),
        {t: why for part in parts for t, why in part.unpredicted.items()},
        frozenset().union(*(part.unconverged for part in parts)),
    )


def _predict_group(panel: Panel, model: Calibrator, fold: Fold, preprocessing: Preprocessing) -> Prediction:
    return clone(model).predict_designs(make_designs(panel, [fold], preprocessing))[0]
