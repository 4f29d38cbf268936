"""Do the steps `diagnose` and `plan` of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from truetwin.io import write_json, write_table
from truetwin.results.plain_rows import plain_rows
from truetwin.settings.plan_settings import Plan
from truetwin.settings.value_kinds import ids_among
from truetwin.study.step_work import (
    AUDIT,
    PLAN,
    Work,
    evaluation_path,
)


def diagnose_twins(work: Work) -> list[Path]:
    """Diagnose the twins with the scores that the study has. Returns the files."""
    import pyarrow as pa

    from truetwin.diagnosis import diagnose
    from truetwin.diagnosis.diagnosis_record import to_record
    from truetwin.report.files.prediction_files import expected_correlations

    part, predicted = work.study.diagnose, sidecar_of_predictions(work)
    assert part is not None
    found = diagnose(
        work.panel,
        blocks=work.blocks,
        scaled=part.scaled,
        method=None,
        scores=_stored_scores(work, "leave-one-item-out"),
        battery_scores=_stored_scores(work, "leave-block-out"),
        expected=expected_correlations(json.loads(predicted.read_text(encoding="utf-8")))
        if predicted
        else None,
        weights=work.weights,
        random_state=work.study.seed,
    )
    path, table = work.folder / "diagnosis.json", work.folder / "diagnosis.csv"
    write_json(to_record(found), path)
    write_table(pa.Table.from_pylist(plain_rows(found.rows())), table)
    return [path, table]


def audit_sources(work: Work) -> list[Path]:
    """Audit every source of twins. Returns the files."""
    import pyarrow as pa

    from truetwin.diagnosis import audit_twins
    from truetwin.io.marginal_files import read_marginals

    part, inputs = work.study.audit_twins, work.study.inputs
    assert part is not None
    found = audit_twins(
        work.panel,
        by=work.groups_of_people,
        persona_items=work.persona_items(),
        retest=work.retest,
        published=None if part.published is None else read_marginals(part.published, items=work.panel.items),
        trained_until=part.trained_until,
        weights=work.weights,
        clusters=inputs.clusters,
        blocks=work.blocks,
        min_cell=part.min_cell,
        random_state=work.study.seed,
    )
    path, table = work.folder / AUDIT, (work.folder / AUDIT).with_suffix(".csv")
    write_json(found.record(), path)
    write_table(pa.Table.from_pylist(plain_rows(found.rows())), table)
    return [path, table]


def plan_questions(work: Work) -> list[Path]:
    """Plan whom or what to ask next, or how many people. Returns the files."""
    import pyarrow as pa

    from truetwin.calibration.orientation import axis_ids
    from truetwin.data import Axis
    from truetwin.diagnosis import plan
    from truetwin.estimation.wanted_items import with_sample

    part = work.study.plan
    assert part is not None
    path, table = work.folder / PLAN, (work.folder / PLAN).with_suffix(".csv")
    if part.precision is not None:
        record = _sample_plan(work, part, part.precision)
        write_json(record, path)
        write_table(pa.Table.from_pylist(record["rows"]), table)
        return [path, table]
    if part.worth_of_sources:
        record = _source_plan(work, part)
        write_json(record, path)
        write_table(pa.Table.from_pylist(plain_rows(record["rows"])), table)
        return [path, table]
    assert part.budget is not None
    axis: Axis = "item" if part.axis == "items" else "respondent"
    panel = work.panel if work.sample is None else with_sample(work.panel, work.sample)
    known = axis_ids(panel, axis)
    found = plan(
        panel,
        part.budget,
        axis=axis,
        targets=ids_among(part.targets, known),
        candidates=ids_among(part.candidates, known),
        weights=work.weights,
    )
    record = {
        "axis": part.axis,
        "budget": part.budget,
        "n_candidates": found.n_candidates,
        "n_targets": found.n_targets,
        "n_known": found.n_known,
        "unknown": found.unknown,
        "rows": found.records(),
    }
    write_json(record, path)
    write_table(pa.Table.from_pylist(plain_rows(found.records())), table)
    return [path, table]


def _stored_scores(work: Work, protocol: str) -> dict[str, float] | None:
    """Read the scores of the calibration method on the answered items. Returns None if this study has none."""
    if work.study.calibrate is None or protocol not in evaluated_protocols(work):
        return None
    path = evaluation_path(work.folder, protocol)
    record = json.loads(path.read_text(encoding="utf-8"))
    for row in record.get("scores", ()):
        if (row["method"], row["metric"]) == (work.study.calibrate.method, "pearson"):
            pairs = zip(record["target_ids"], row["values"], strict=True)
            return {target: score for target, score in pairs if score is not None}
    return None


def _source_plan(work: Work, part: Plan) -> dict[str, Any]:
    """Say what a further source of twin answers would add, as a record."""
    from truetwin.evaluation.source_worth import source_worth

    found = source_worth(
        work.panel,
        costs=part.costs,
        weights=work.weights,
        blocks=work.blocks,
        n_jobs=work.n_jobs,
        progress=work.progress,
    )
    return {"sources": found.rows(), "rows": found.steps(), "in_words": found.in_words()}


def _sample_plan(work: Work, part: Plan, precision: float) -> dict[str, Any]:
    """Say how many people each new item needs, as a record."""
    from truetwin.estimation.sample_size import plan_sample

    found = plan_sample(
        work.panel,
        precision,
        items=ids_among(part.targets, work.panel.item_ids),
        statistic=part.statistic,
        level=part.level,
        weights=work.weights,
        sample=work.sample,
        blocks=work.blocks,
    )
    return {
        "precision": precision,
        "statistic": part.statistic,
        "level": part.level,
        "n_people": found.n_people,
        "design_effect": found.effect,
        "rows": found.rows,
    }


def evaluated_protocols(work: Work) -> tuple[str, ...]:
    """Return the protocols that this study evaluates. Results of an earlier version of the study do not count."""
    return work.study.evaluate.protocols if work.study.evaluate else ()


def sidecar_of_predictions(work: Work) -> Path | None:
    """Return the record of the study's predictions, if it makes any."""
    path = work.folder / "predictions.json"
    return path if work.study.calibrate is not None and path.exists() else None
