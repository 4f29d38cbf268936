"""Do the step `evaluate` of a study: score methods, thresholds, examples and estimates on hidden answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from truetwin.errors import NotPredictableError, ParameterError
from truetwin.io import write_json, write_table
from truetwin.settings.evaluate_settings import Evaluate
from truetwin.study.step_work import (
    ESTIMATE_SCORES,
    EXAMPLES,
    THRESHOLDS,
    Work,
    evaluation_path,
)

#: Metric that the report explains. It is always computed.
REPORTED = "pearson"


def evaluate_methods(work: Work) -> list[Path]:
    """Score the methods under every protocol, and what else the section asks for. Returns the files."""
    import pyarrow as pa

    from truetwin.calibration.imputation_rank import prepared_at
    from truetwin.evaluation import evaluate
    from truetwin.evaluation.comparison import usual_methods
    from truetwin.evaluation.evaluation_record import to_record
    from truetwin.evaluation.hiding_protocols import protocols

    part = work.study.evaluate
    assert part is not None
    methods = part.methods or usual_methods("item")
    if part.baseline != "twin":
        methods = tuple(dict.fromkeys([*methods, "twin"]))
    written, rows = [], []
    for protocol in part.protocols:
        path = evaluation_path(work.folder, protocol)
        try:
            found = evaluate(
                work.panel,
                methods,
                protocol,
                metric=tuple(dict.fromkeys([REPORTED, *part.metric])),
                baseline=part.baseline,
                preset=part.preset,
                parameters=part.parameters,
                preprocessing=prepared_at(part.imputation_rank, work.panel),
                blocks=work.blocks,
                max_folds=part.max_folds,
                by=work.groups_of_people if protocols[protocol].axis == "item" else (),
                min_cell=part.min_cell,
                weights=work.weights,
                retest=work.retest,
                persona_items=work.persona_items(protocols[protocol].axis) or (),
                n_jobs=work.n_jobs,
                progress=work.progress,
            )
        except NotPredictableError as error:
            write_json({"protocol": protocol, "impossible": str(error)}, path)
        else:
            write_json({**to_record(found), "summary": found.summary("twin")}, path)
            rows += [{"protocol": protocol, **row} for row in found.per_target()]
        written.append(path)
    scores = work.folder / "scores.parquet"
    write_table(pa.Table.from_pylist(rows), scores)
    further = (
        (THRESHOLDS, _thresholds(work, part)),
        (EXAMPLES, _examples(work, part)),
        (ESTIMATE_SCORES, _estimate_scores(work, part)),
    )
    for name, content in further:
        if content:
            write_json(content, work.folder / name)
            written.append(work.folder / name)
    return [*written, scores]


def _estimate_scores(work: Work, part: Evaluate) -> dict[str, Any]:
    """Score estimates of hidden items under each protocol that hides items."""
    from truetwin.evaluation.estimate_scores import PROTOCOLS, score_estimates, score_summary

    if not part.estimates:
        return {}
    rows: list[dict[str, Any]] = []
    for protocol in (name for name in part.protocols if name in PROTOCOLS):
        scores = score_estimates(
            work.panel,
            protocol,
            blocks=work.blocks,
            weights=work.weights,
            by=work.groups_of_people,
            asked=part.asked,
            min_cell=part.min_cell,
            progress=work.progress,
        )
        rows += [{"protocol": protocol, **row} for row in score_summary(scores)]
    return {"rows": rows}


def _thresholds(work: Work, part: Evaluate) -> dict[str, Any]:
    """Run adaptive transfer at every threshold. Returns a record, or the reason why there is none, for each method."""
    from truetwin.evaluation.threshold_sweep import sweep_thresholds

    found: dict[str, Any] = {}
    for method in part.thresholds:
        try:
            sweep = sweep_thresholds(
                work.panel, method, blocks=work.blocks, n_jobs=work.n_jobs, progress=work.progress
            )
        except (NotPredictableError, ParameterError) as error:
            found[method] = {"impossible": str(error)}
        else:
            found[method] = asdict(sweep)
    return found


def _examples(work: Work, part: Evaluate) -> dict[str, Any]:
    from truetwin.study.hidden_examples import example_shares

    return {"rows": example_shares(work, part.examples)} if part.examples else {}
