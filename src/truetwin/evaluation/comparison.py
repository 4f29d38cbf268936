"""Compare methods: hide targets as a protocol says, predict them, score every target."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.base import Calibrator, with_blocks
from truetwin.calibration.calibrators import named_calibrators
from truetwin.calibration.decoding import Decoder
from truetwin.calibration.design import Fold, Preprocessing
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.orientation import axis_ids
from truetwin.data import Axis, Panel, ResponseMatrix
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.diagnosis.audit.protocol_leaks import refuse_shown, suspected_leaks
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.evaluation.clusters import clusters_of
from truetwin.evaluation.evaluation_result import Evaluation
from truetwin.evaluation.fold_scores import Part, Scoring, join_parts, score_folds, without_donors
from truetwin.evaluation.group_scores import Groups
from truetwin.evaluation.hidden_pairs import Known
from truetwin.evaluation.hiding_protocols import Protocol, blocks_across_domains, protocols
from truetwin.evaluation.metric_names import metrics_named
from truetwin.evaluation.table_scores import compare_tables
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.settings.evaluate_settings import Evaluate

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


def usual_methods(axis: Axis) -> tuple[str, ...]:
    """Name the methods that are usually compared: the twin, the trivial mean, and what should beat both.

    Examples
    --------
    >>> usual_methods("item")[:2]
    ('twin', 'human-respondent-mean')
    """
    trivial = "human-respondent-mean" if axis == "item" else "human-item-mean"
    return ("twin", trivial, "ridge", "elastic-net", "synthetic-control", "auto")


def evaluate(
    panel: Panel,
    methods: Iterable[str | Calibrator] | Mapping[str, Calibrator] = ("twin", "ridge", "elastic-net", "auto"),
    protocol: str = "leave-one-item-out",
    *,
    metric: str | Sequence[str] = "pearson",
    baseline: str = "twin",
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
    preset: str = "cv",
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    max_folds: int | None = None,
    by: str | Sequence[str] = (),
    min_cell: int = 5,
    weights: PersonWeights | None = None,
    retest: ResponseMatrix | None = None,
    persona_items: Collection[str] = (),
    preprocessing: Preprocessing | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Hide answers that humans have given, predict them with each method, and score the predictions.

    Parameters
    ----------
    panel : Panel
        Human and twin answers.
    methods : names, calibrators, or mapping from a name to a calibrator
        What to compare; ``truetwin methods`` lists the names.
    protocol : {"leave-one-item-out", "leave-one-respondent-out", "leave-block-out", "leave-domain-out"}
        What is hidden at a time. The hidden human answers are masked before any method sees the panel.
    metric : str or sequence of str
        Names of scores of every target, or of the whole table.
    baseline : str
        Method against which paired differences are taken; it is added to ``methods`` if it is not among them.
    blocks : mapping from item id to block name, or "auto", optional
        Batteries (items asked together). "leave-block-out" hides them together, and methods that use them are given
        them. By default they are as declared with the items, or else guessed from the ids. "auto", for
        "leave-block-out" only, also uses missing answers and near-duplicates
        (:func:`truetwin.instrument.battery_evidence.find_blocks`).
    preset : str, default="cv"
        Where hyperparameters of named methods come from: "cv" chooses them by cross-validation among the twins' own
        answers, a dataset's name takes the paper's published settings.
    parameters : mapping from method to settings, optional
        Settings by hand; they win over the preset.
    max_folds : int, optional
        Evaluate on a sample of the folds only; which ones depends on ids alone.
    by : str or sequence of str, optional
        Columns of the people table. Hidden items are also scored in each group of people
        (:meth:`~truetwin.evaluation.Evaluation.by_group`).
    min_cell : int, default=5
        Groups with fewer people are not shown, nor items with fewer answers in a group.
    weights : str or ndarray of shape (n_respondents,), optional
        Survey weights: a column of the people table, or one for each respondent of the panel. They enter the scores of
        hidden items, the means over hidden respondents, and the levels of hidden items that methods predict. People of
        weight 0 are left out of the scores.
    retest : ResponseMatrix, optional
        The same people's answers when they were asked again, for metrics that are normalised by them. No method sees
        them.
    persona_items : collection of item ids
        Items whose answers were shown to the model that plays the twins. Hidden people are refused then, and so are
        items if all of them were shown. ``settings["leaks"]`` of the result lists these items, and sources that answer
        as if they had been shown what is hidden, with the reason; it is absent if there are none.
    preprocessing : Preprocessing, optional
        How both sources are prepared.
    n_jobs : int
        Number of parallel workers (joblib); the result does not depend on it.
    progress : callable, optional
        Called with the number of finished and of all folds.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(200, 20, n_new_items=0).panel
    >>> table = evaluate(panel, ["twin", "ridge"], preset="twin-2k-500")
    >>> [row["method"] for row in table.summary()]
    ['twin', 'ridge']
    """
    asked = Evaluate(preset=preset, baseline=baseline, max_folds=max_folds)
    how = protocols[protocol]
    members, found_by = _blocks(panel, how, blocks)
    leaks = [*refuse_shown(panel, how.axis, persona_items), *suspected_leaks(panel, how.axis, retest)]
    scoring = _scoring(
        panel, how.axis, metric, (by,) if isinstance(by, str) else by, min_cell, weights, retest
    )
    folds = _sample(how.folds(panel, members), axis_ids(panel, how.axis), asked.max_folds)
    if how.axis == "respondent" and scoring.known.weights is not None:
        folds = [fold for fold in folds if (scoring.known.weights[list(fold.targets)] > 0).any()]
    encoding = Encoding.of(panel)
    models = named_calibrators(
        methods, encoding.encoded, how.axis, preset=preset, parameters=parameters, add=baseline
    )
    models = {name: with_blocks(model, members) for name, model in models.items()}
    prepared = preprocessing or Preprocessing()
    if scoring.known.weights is not None:
        prepared = replace(prepared, weights=tuple(scoring.known.weights.tolist()))
    alone = [fold for fold in folds if not fold.donors]
    with_donors = [fold for fold in folds if fold.donors]
    if not with_donors:
        raise NotPredictableError(
            f"a hidden {how.axis} is predicted from other {how.axis}s with answers from both humans and twins; "
            f"none is left for any of the {len(alone)} targets. Add answers to more {how.axis}s."
        )
    decoders = {name: Decoder(model, encoding, prepared, members) for name, model in models.items()}
    parts = score_folds(encoding, with_donors, decoders, scoring, n_jobs, progress)
    if alone:
        parts.append(without_donors(alone, panel, models, scoring))
    clusters = clusters_of(panel, folds, members)
    settings = {
        "protocol": protocol,
        "baseline": baseline,
        "preset": preset,
        "n_folds": len(folds),
        "blocks": found_by,
        "clustered_by": clusters.unit,
        "weights": weights if weights is None or isinstance(weights, str) else "given as an array",
        "by": list(scoring.groups.columns) if scoring.groups else None,
        "min_cell": min_cell if scoring.groups else None,
        "parameters": {name: model.get_params() for name, model in models.items()},
        "imputation_rank": prepared.imputation_rank,
        "sd_floor": prepared.sd_floor,
        "level": prepared.level,
        **({"leaks": leaks} if leaks else {}),
    }
    return _completed(panel, how.axis, join_parts(parts), scoring, clusters.of, settings)


def _scoring(
    panel: Panel,
    axis: Axis,
    metric: str | Sequence[str],
    by: Sequence[str],
    min_cell: int,
    weights: PersonWeights | None,
    retest: ResponseMatrix | None,
) -> Scoring:
    """Collect what is scored, and check that every metric has what it needs."""
    wanted = metrics_named(metric)
    wanted.check(has_retest=retest is not None, has_groups=bool(by))
    if by and axis == "respondent" and not any(table.needs_groups for table in wanted.of_tables):
        raise ParameterError(
            "by= (--by) scores hidden items in groups of people; this protocol hides people. Choose "
            "leave-one-item-out or leave-block-out."
        )
    known = Known(
        wanted.need("categories"),
        None if weights is None else person_weights(panel, weights),
        None if retest is None else retest.on_grid(panel.respondent_ids, panel.item_ids),
    )
    return Scoring(wanted, known, Groups.of(panel, by, min_cell) if by else None)


def _blocks(
    panel: Panel, how: Protocol, blocks: Mapping[str, str] | Literal["auto"] | None
) -> tuple[Mapping[str, str] | None, str | None]:
    """Decide which blocks to hide together and to give to methods, and say in words where they come from."""
    if how.name == "leave-block-out":
        return resolve_blocks(panel, blocks)
    if how.name == "leave-domain-out":
        members, words = resolve_blocks(panel, blocks)
        return blocks_across_domains(panel, members), words
    if isinstance(blocks, str):
        # Hide who was asked a hidden item: it would show which items belong with it, which is not known of a new item.
        raise ParameterError(f"blocks={blocks!r} goes with leave-block-out; the protocol is {how.name!r}")
    return blocks if blocks is not None else panel.declared_blocks or None, None


def _sample(folds: list[Fold], ids: Sequence[str], most: int | None) -> list[Fold]:
    if most is None or len(folds) <= most:
        return folds
    drawn = sorted(folds, key=lambda fold: zlib.crc32(ids[fold.targets[0]].encode()))[:most]
    return sorted(drawn, key=lambda fold: fold.targets)


def _completed(
    panel: Panel,
    axis: Axis,
    part: Part,
    scoring: Scoring,
    clusters: Mapping[int, str],
    settings: Mapping[str, Any],
) -> Evaluation:
    """Add what only all targets together show: clusters, weights, comparisons of whole tables."""
    position = {name: k for k, name in enumerate(axis_ids(panel, axis))}
    targets = [position[t] for t in part.result.target_ids]
    weights, groups = scoring.known.weights, scoring.groups
    table = compare_tables(
        panel,
        axis,
        part.result.target_ids,
        part.predicted,
        scoring.metrics.of_tables,
        weights=weights,
        groups=groups.large if groups else {},
    )
    return replace(
        part.result,
        settings=settings,
        clusters=tuple(clusters[t] for t in targets),
        weights=weights[targets] if axis == "respondent" and weights is not None else None,
        applicable={
            metric.name: np.array([panel.scales[t].kind in metric.kinds for t in part.result.target_ids])
            for metric in (scoring.metrics.of_targets if axis == "item" else ())
        },
        compared=table.compared,
        table_items=table.items,
        group_sizes={key: n if key in groups.shown else 0 for key, n in groups.sizes.items()}
        if groups
        else {},
    )
