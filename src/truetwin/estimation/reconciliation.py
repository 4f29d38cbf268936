"""The door `calibrate`: predict persons' answers, and reconcile their laws with the pooled shares of the population.

Persons' laws summed up are no good estimate of a population's shares: each of them is drawn towards the mean. The
pool of shares estimates these directly. The laws of persons are therefore fitted to it: their points shift by one
number an item, and the shares of the population are those that `estimate` reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration import calibrate as predict_answers
from truetwin.calibration.base import Calibrator
from truetwin.calibration.calibration_result import Calibration
from truetwin.calibration.design import Preprocessing
from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.calibration.laws.law import Law, Point
from truetwin.data import Panel
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.errors import ParameterError
from truetwin.estimation.gap_law import tilted
from truetwin.reweighting.panel_shares import pool_shares
from truetwin.reweighting.share_errors import FEWEST_FOR_POOL
from truetwin.reweighting.share_law import ShareLaw

Floats = NDArray[np.float64]
Shares = Literal["pool", "own"]
#: Method whose laws are reconciled unless asked otherwise; the others are published as they are.
RECONCILED = "auto"


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
    shares: Shares | None = None,
    weights: PersonWeights | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Predict what humans would answer to new items, and what new respondents would answer.

    Do not compare the arms of an experiment on these predictions. What a treatment changes is what twins know least
    of, so that predictions shrink differences between arms (on published experiments to a quarter of the human ones)
    while differences between outcomes of the same people stay exaggerated. Effects have a calibration of their own:
    :class:`truetwin.Experiment`.

    Parameters
    ----------
    panel : Panel
        Human and twin answers. Items that no human has answered and respondents who have answered nothing are
        the targets.
    method : str or Calibrator, default="auto"
        Name of a method (``truetwin methods``), or a calibrator with its own settings.
    items, respondents : iterable of str, optional
        Predict only these. With one of the two given, the other kind of target is left out.
    preset : str, default="cv"
        Where a named method's hyperparameters come from: "cv" chooses them by cross-validation among the twins' own
        answers, a dataset's name takes the paper's published settings.
    parameters : mapping, optional
        Settings of a named method by hand; they win over the preset.
    preprocessing : Preprocessing, optional
        How both sources are prepared.
    blocks : mapping from item id to block, or "auto", optional
        Batteries (items asked together), for methods that use them. By default they are as declared with the items,
        or else found in the ids, or else in the answers; see
        :func:`truetwin.instrument.battery_evidence.resolve_blocks`.
    point : {"mean", "median", "mode"}, optional
        Which number of each predictive distribution the predictions are; by default the mean, for nominal items the
        mode. A median has the smallest mean absolute error, a mode is right most often.
    shares : {"pool", "own"}, optional
        Shares of the population that persons' laws of new items add up to: those of the pool, which
        :func:`truetwin.estimate` reports, or their own. By default those of the pool with method "auto", and their own
        with every other method, whose predictions stay what the method says.
    weights : str or array of shape (n_respondents,), optional
        Survey weights of people: a column of the people table, or one number for each respondent of the panel. The
        level of a new item is then that of the weighted people, and laws add up to shares of theirs; how people differ
        from each other is learned from all alike.
    n_jobs : int
        Number of parallel workers (joblib); the result does not depend on it.
    progress : callable, optional
        Called with the number of finished and of all steps.

    Returns
    -------
    Calibration

    Raises
    ------
    NotPredictableError
        If there is nothing to predict, or nothing of what was asked for can be predicted.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> result = calibrate(generate_population(100, 12, n_new_items=2).panel, "ridge")
    >>> result.predictions.column_names
    ['respondent_id', 'Q11', 'Q12']
    """
    if shares not in (None, "pool", "own"):
        raise ParameterError(f"shares must be 'pool' or 'own'; got {shares!r}")
    weight = None if weights is None else person_weights(panel, weights)
    found = predict_answers(
        panel,
        method,
        items=items,
        respondents=respondents,
        preset=preset,
        parameters=parameters,
        preprocessing=preprocessing,
        blocks=blocks,
        point=point,
        weights=weight,
        n_jobs=n_jobs,
        progress=progress,
    )
    wanted = shares or ("pool" if found.method == RECONCILED else "own")
    return reconciled(found, weight) if wanted == "pool" else found


def reconciled(found: Calibration, weights: Floats | None = None) -> Calibration:
    """Fit the laws of new items to the pooled shares of the population.

    With fewer than five answered items there is nothing to learn a pool from, and laws keep their own shares.
    """
    items = [
        target
        for part in found.parts
        if part.axis == "item"
        for target in part.target_ids
        if target not in part.unpredicted
    ]
    answered = int(np.isfinite(found.panel.human_values).any(axis=0).sum())
    if not items or answered < FEWEST_FOR_POOL:
        return found
    pooled = pool_shares(found.panel, found.blocks, items, weights=weights)
    wanted = {
        item: wanted_shares(pooled[item], found.law(item), _weights_of(found, item, weights))
        for item in items
    }
    return found.with_shares(wanted, weights)


def _weights_of(found: Calibration, item: str, weights: Floats | None) -> Floats | None:
    if weights is None:
        return None
    place = {r: k for k, r in enumerate(found.panel.respondent_ids)}
    return np.asarray(weights[[place[r] for r in found.law(item).respondent_ids]])


def wanted_shares(pooled: ShareLaw, law: Law, weights: Floats | None) -> Floats | float:
    """Return what a law's population is to have: the pooled shares, or the pooled mean where answers were binned."""
    if not isinstance(law, CategoryLaw):
        return pooled.mean_of(pooled.codes)
    codes = law.codes
    if pooled.edges is None:
        return np.asarray(pooled.shares[np.abs(codes[:, None] - pooled.codes).argmin(axis=1)])
    own = law.shares(weights)
    goal = float(np.clip(pooled.mean_of(pooled.codes), codes.min(), codes.max()))
    return np.asarray(tilted(own, codes, np.array([goal - own @ codes]))[0])
