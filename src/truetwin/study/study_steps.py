"""Define the steps of a study: the files that each reads, its work, and the files that it writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.data import ResponseMatrix
from truetwin.data.human_marginals import beside_twins
from truetwin.data.marginals import Marginals
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.io import write_json, write_table
from truetwin.io.marginal_data import read_groups, read_marginal_data, with_weights
from truetwin.settings.calibrate_settings import Calibrate
from truetwin.settings.declaration import Settings, study_record
from truetwin.settings.evaluate_settings import Evaluate
from truetwin.settings.plan_settings import Plan
from truetwin.settings.shared_settings import TwinAnswers
from truetwin.settings.study_settings import Study
from truetwin.settings.value_kinds import ids_among
from truetwin.study.personas_step import make_personas
from truetwin.study.simulation_step import run_simulation
from truetwin.study.step_work import (
    ESTIMATE_SCORES,
    ESTIMATES,
    EXAMPLES,
    MARGINAL_SCORES,
    PLAN,
    THRESHOLDS,
    Work,
    evaluation_path,
)
from truetwin.study.voice_steps import (
    annotate_items,
    audit_items,
    build_items,
    earlier_files,
    generate_replies,
    judge_written,
    play_items,
    score_stored,
)

if TYPE_CHECKING:
    from truetwin.calibration import Calibration

#: Metric that the report explains. It is always computed.
REPORTED = "pearson"


@dataclass(frozen=True)
class Step:
    """Step of a study: its name, its section, the files that it reads, its work, and other settings that it uses."""

    name: str
    section: Callable[[Study], Settings | None]
    reads: Callable[[Work], Mapping[str, Path]]
    do: Callable[[Work], list[Path]]
    also: Callable[[Study], Mapping[str, Any]] = lambda study: {}


def _simulation_files(work: Work) -> dict[str, Path]:
    """Return the files that a simulation reads."""
    inputs = work.study.inputs
    found = {"personas": work.personas, "items": inputs.items, "twin": inputs.twin}
    return {role: path for role, path in found.items() if path is not None}


def _persona_files(work: Work) -> dict[str, Path]:
    inputs = work.study.inputs
    found = {"human": inputs.human, "items": inputs.items}
    return {role: path for role, path in found.items() if path is not None}


def _asked_of_twins(study: Study) -> dict[str, Any]:
    """Return the settings of another section that decide which items personas must not show."""
    return {"only": list(study.simulate.only) if study.simulate else []}


def _evaluate(work: Work) -> list[Path]:
    import pyarrow as pa

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
                blocks=work.blocks,
                max_folds=part.max_folds,
                by=work.groups_of_people if protocols[protocol].axis == "item" else (),
                min_cell=part.min_cell,
                weights=work.weights,
                retest=work.retest,
                n_jobs=work.n_jobs,
                progress=work.progress,
            )
        except NotPredictableError as error:
            write_json({"protocol": protocol, "impossible": str(error)}, path)
        else:
            write_json(to_record(found), path)
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


def _calibrate(work: Work) -> list[Path]:
    from truetwin.calibration.calibrators import parameters_for
    from truetwin.estimation.reconciliation import calibrate
    from truetwin.report.files.prediction_files import intervals_path, write_predictions

    part = work.study.calibrate
    assert part is not None
    panel = work.panel
    result = calibrate(
        panel,
        part.method,
        items=ids_among(part.items, panel.item_ids),
        respondents=ids_among(part.respondents, panel.respondent_ids),
        preset=part.preset,
        parameters=parameters_for(part.method, part.parameters),
        blocks=work.blocks,
        point=part.point,
        shares=part.shares,
        weights=work.weights,
        n_jobs=work.n_jobs,
        progress=work.progress,
    )
    output = work.folder / f"predictions.{part.format}"
    interval = part.intervals
    sidecar = write_predictions(
        result,
        output,
        id_column=panel.human.id_name,
        rounded=part.rounded,
        layout="long" if part.long else "wide",
        inputs=work.tables(),
        settings=study_record(part),
        interval=interval,
        disclosure_column=True,
    )
    files = dict.fromkeys([output, sidecar, *([intervals_path(output)] if interval else [])])
    return [*files, *_draws(work, part, result)]


def _estimate(work: Work) -> list[Path]:
    from truetwin.estimation.estimation import estimate
    from truetwin.io.margin_files import read_margins
    from truetwin.report.files.estimate_files import write_estimates

    part, inputs = work.study.estimate, work.study.inputs
    assert part is not None
    result = estimate(
        work.panel,
        ids_among(part.items, work.panel.item_ids),
        part.statistics,
        by=inputs.by,
        cross=part.cross,
        weights=inputs.weights,
        margins=None if inputs.margins is None else read_margins(inputs.margins),
        clusters=inputs.clusters,
        strata=inputs.strata,
        replicate_weights=inputs.replicate_weights,
        replicate_kind=part.replicate_kind,
        sample=work.sample,
        population=part.population,
        change=part.change,
        level=part.level,
        min_cell=part.min_cell,
        significance=part.significance,
        correction=part.correction,
        blocks=work.blocks,
        seed=work.study.seed,
        n_jobs=work.n_jobs,
        progress=work.progress,
    )
    return write_estimates(
        result,
        work.folder / f"{ESTIMATES}.{part.format}",
        inputs=work.tables(),
        settings=study_record(part),
        disclosure_column=True,
    )


def _draws(work: Work, part: Calibrate, result: Calibration) -> list[Path]:
    """Write the draws that a study asks for. Returns the files."""
    from truetwin.report.files.draw_files import STUDY_DRAWS, write_draws

    if part.draws is None:
        return []
    output, drawn = work.folder / STUDY_DRAWS, result.draws(part.draws, work.study.seed)
    record = {**study_record(part), "seed": work.study.seed}
    return [output, write_draws(result, drawn, output, inputs=work.tables(), settings=record)]


def _diagnose(work: Work) -> list[Path]:
    import pyarrow as pa

    from truetwin.diagnosis import diagnose
    from truetwin.diagnosis.diagnosis_record import to_record
    from truetwin.report.files.prediction_files import expected_correlations

    part, predicted = work.study.diagnose, _sidecar_of_predictions(work)
    assert part is not None
    found = diagnose(
        work.panel,
        blocks=work.blocks,
        scaled=part.scaled,
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
    write_table(pa.Table.from_pylist(_flat(found.rows())), table)
    return [path, table]


def _stored_scores(work: Work, protocol: str) -> dict[str, float] | None:
    """Read the scores of the calibration method on the answered items. Returns None if this study has none."""
    if work.study.calibrate is None or protocol not in _evaluated(work):
        return None
    path = evaluation_path(work.folder, protocol)
    record = json.loads(path.read_text(encoding="utf-8"))
    for row in record.get("scores", ()):
        if (row["method"], row["metric"]) == (work.study.calibrate.method, "pearson"):
            pairs = zip(record["target_ids"], row["values"], strict=True)
            return {target: score for target, score in pairs if score is not None}
    return None


def _plan(work: Work) -> list[Path]:
    import pyarrow as pa

    from truetwin.calibration.orientation import axis_ids
    from truetwin.data import Axis
    from truetwin.diagnosis import plan

    part = work.study.plan
    assert part is not None
    path, table = work.folder / PLAN, (work.folder / PLAN).with_suffix(".csv")
    if part.precision is not None:
        record = _sample_plan(work, part, part.precision)
        write_json(record, path)
        write_table(pa.Table.from_pylist(record["rows"]), table)
        return [path, table]
    assert part.budget is not None
    axis: Axis = "item" if part.axis == "items" else "respondent"
    known = axis_ids(work.panel, axis)
    found = plan(
        work.panel,
        part.budget,
        axis=axis,
        targets=ids_among(part.targets, known),
        candidates=ids_among(part.candidates, known),
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
    write_table(pa.Table.from_pylist(_flat(found.records())), table)
    return [path, table]


def _sample_plan(work: Work, part: Plan, precision: float) -> dict[str, Any]:
    """Say how many people each new item needs, as a record."""
    from truetwin.estimation.sample_size import plan_sample

    found = plan_sample(
        work.panel,
        precision,
        items=ids_among(part.targets, work.panel.item_ids),
        statistic=part.statistic,
        level=part.level,
        blocks=work.blocks,
    )
    return {
        "precision": precision,
        "statistic": part.statistic,
        "level": part.level,
        "n_people": found.n_people,
        "rows": found.rows,
    }


def _marginal_data(work: Work, part: TwinAnswers) -> tuple[Marginals, ResponseMatrix]:
    """Read human marginals, or count them from people's answers if the study has no file of marginals."""
    inputs = work.study.inputs
    if inputs.marginals is None:
        human, twins = beside_twins(work.panel, work.weights)
        return human, with_weights(twins, part.twin_weights) if part.twin_weights else twins
    return read_marginal_data(
        inputs.marginals,
        work.twin,
        item_file=inputs.items,
        id_column=inputs.id_column,
        keep_off_scale=part.keep_off_scale,
        twin_weights=part.twin_weights,
        choices=inputs.reading,
    )


def _groups(work: Work) -> dict[str, str] | None:
    return read_groups(work.study.inputs.groups) if work.study.inputs.groups else None


def _reweight(work: Work) -> list[Path]:
    from truetwin.report.files.predicted_marginals import write_marginals
    from truetwin.reweighting import reweight

    part = work.study.reweight
    assert part is not None
    human, twins = _marginal_data(work, part)
    result = reweight(
        twins,
        human,
        method=part.method,
        discrepancy=part.discrepancy,
        variant=part.variant,
        items=ids_among(part.items, twins.item_ids),
        groups=_groups(work),
        level=part.level,
    )
    output, weights = work.folder / "shares.csv", None
    if result.weights:
        weights = work.folder / "weights.csv"
    sidecar = write_marginals(
        result,
        output,
        weights,
        inputs=_marginal_files(work),
        settings=study_record(part),
        disclosure_column=True,
    )
    return [output, sidecar, *([weights] if weights else [])]


def _evaluate_marginals(work: Work) -> list[Path]:
    import pyarrow as pa

    from truetwin.evaluation.marginal_evaluation import evaluate_marginals

    part = work.study.evaluate_marginals
    assert part is not None
    human, twins = _marginal_data(work, part)
    result = evaluate_marginals(
        twins,
        human,
        part.methods,
        n_splits=part.splits,
        groups=_groups(work),
        metrics=part.metrics,
        discrepancies=part.discrepancy,
        level=part.level,
        progress=work.progress,
    )
    path = work.folder / MARGINAL_SCORES
    write_json({**result.settings, "notes": list(result.notes), "rows": result.summary()}, path)
    table = path.with_suffix(".csv")
    write_table(pa.Table.from_pylist(_flat(result.summary())), table)
    return [path, table]


def _report(work: Work) -> list[Path]:
    from truetwin.report.page import write_page
    from truetwin.study.study_report import study_page

    path = work.folder / "report.html"
    write_page(study_page(work), path)
    return [path]


def _results(work: Work) -> dict[str, Path]:
    """Return the files that the report is made from: results of this study's other steps.

    What a former version of the study left in the folder does not count.
    """
    from truetwin.results.step_cache import Ledger

    here = {step.name for step in STEPS if step.section(work.study) is not None} - {"report"}
    files = [
        f for name, entry in Ledger(work.folder).entries().items() if name in here for f in entry["outputs"]
    ]
    voice = {f"voice-{k}": path for k, path in enumerate(work.study.voice.results)}
    annotations = work.study.inputs.annotations
    return {
        **(work.tables() if work.study.inputs.human else {}),
        **voice,
        **({"annotations": annotations} if annotations else {}),
        **{file: work.folder / file for file in files},
    }


def _marginal_files(work: Work) -> dict[str, Path]:
    inputs = work.study.inputs
    found = {"marginals": inputs.marginals, "twin": work.twin, "items": inputs.items, "groups": inputs.groups}
    if inputs.marginals is None:
        found |= work.tables()
    return {role: path for role, path in found.items() if path is not None}


def _diagnosis_files(work: Work) -> dict[str, Path]:
    evaluated = {name: evaluation_path(work.folder, name) for name in _evaluated(work)}
    sidecar = _sidecar_of_predictions(work)
    return {**work.tables(), **evaluated, **({"predictions": sidecar} if sidecar else {})}


def _sidecar_of_predictions(work: Work) -> Path | None:
    """Return the record of the study's predictions, if it makes any."""
    path = work.folder / "predictions.json"
    return path if work.study.calibrate is not None and path.exists() else None


def _blocks_by_evidence(study: Study) -> dict[str, Any]:
    """That batteries are to be found is set among the inputs, and is no file."""
    return {"blocks": "auto"} if study.inputs.blocks == "auto" else {}


def _diagnosed_method(study: Study) -> dict[str, Any]:
    """Return the setting of another section that names the method which verdicts judge."""
    return {"method": study.calibrate.method if study.calibrate else None, **_blocks_by_evidence(study)}


def _evaluated(work: Work) -> tuple[str, ...]:
    """Return the protocols that this study evaluates. Results of an earlier version of the study do not count."""
    return work.study.evaluate.protocols if work.study.evaluate else ()


STEPS = (
    Step("personas", lambda study: study.personas, _persona_files, make_personas, _asked_of_twins),
    Step("simulate", lambda study: study.simulate, _simulation_files, run_simulation),
    Step("evaluate", lambda study: study.evaluate, Work.tables, _evaluate, _blocks_by_evidence),
    Step("calibrate", lambda study: study.calibrate, Work.tables, _calibrate, _blocks_by_evidence),
    Step("estimate", lambda study: study.estimate, Work.tables, _estimate, _blocks_by_evidence),
    Step("diagnose", lambda study: study.diagnose, _diagnosis_files, _diagnose, _diagnosed_method),
    Step("plan", lambda study: study.plan, Work.tables, _plan, _blocks_by_evidence),
    Step("reweight", lambda study: study.reweight, _marginal_files, _reweight),
    Step(
        "evaluate_marginals",
        lambda study: study.evaluate_marginals,
        _marginal_files,
        _evaluate_marginals,
    ),
    Step("voice.build", lambda study: study.voice.build, earlier_files(), build_items),
    Step(
        "voice.annotate",
        lambda study: study.voice.annotate,
        earlier_files("annotate.items"),
        annotate_items,
    ),
    Step("voice.audit", lambda study: study.voice.audit, earlier_files("audit.source"), audit_items),
    Step("voice.run", lambda study: study.voice.run, earlier_files("run.items"), play_items),
    Step(
        "voice.generate",
        lambda study: study.voice.generate,
        earlier_files("generate.items"),
        generate_replies,
    ),
    Step(
        "voice.judge",
        lambda study: study.voice.judge,
        earlier_files("judge.items", "judge.replies"),
        judge_written,
    ),
    Step(
        "voice.score",
        lambda study: study.voice.score,
        earlier_files("score.files", "score.items"),
        score_stored,
    ),
    Step("report", lambda study: study, _results, _report),
)


def _flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give all rows the same plain columns. Lists become texts."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: _cell(row.get(name)) for name in names} for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "; ".join(str(part) for part in value)
    return value.item() if hasattr(value, "item") else value
