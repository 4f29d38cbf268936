"""Make the report of a study from the files that its steps have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from truetwin.data import ResponseMatrix
from truetwin.evaluation import Evaluation
from truetwin.io import read_table
from truetwin.report.page import Page, Section
from truetwin.report.sections.marginals_section import marginal_scores_section
from truetwin.report.sections.plan_section import plan_section
from truetwin.settings.voice_settings import VoiceLeaderboard
from truetwin.study.experiment_report import ExperimentReport, experiment_report
from truetwin.study.step_records import read_record
from truetwin.study.step_work import (
    AUDIT,
    ESTIMATE_SCORES,
    ESTIMATES,
    EXAMPLES,
    MARGINAL_SCORES,
    PLAN,
    THRESHOLDS,
    Work,
    evaluation_path,
)
from truetwin.study.study_answer import Told, study_answer
from truetwin.study.study_check import OF_A_PANEL
from truetwin.study.voice_steps import ANNOTATIONS, played_outcomes, played_scores


def study_page(work: Work) -> Page:
    """Make the page of the report: question and answer first, then every part that the study has."""
    study = work.study
    evaluations = _evaluations(work)
    sidecar = read_record(work.folder / "predictions.json") if study.calibrate else None
    estimates = read_record(work.folder / f"{ESTIMATES}.json") if study.estimate is not None else None
    chosen = _fitting(evaluations, sidecar)
    sections: list[Section] = []
    told = Told(gain=_gain(work, chosen))
    verdicts: list[dict[str, Any]] = []
    if study.diagnose is not None:
        from truetwin.diagnosis.diagnosis_record import from_record
        from truetwin.report.sections.diagnosis_section import diagnosis_section, verdict_in_words

        diagnosis = from_record(read_record(work.folder / "diagnosis.json"), work.panel)
        told, verdicts = replace(told, verdicts=verdict_in_words(diagnosis)), diagnosis.verdicts
        sections.append(diagnosis_section(diagnosis, "diagnosis.json"))
    if study.audit_twins is not None:
        from truetwin.report.sections.audit_section import audit_sections

        audit = read_record(work.folder / AUDIT)
        sections += audit_sections(audit)
        told = replace(told, audit=str(audit["answer"]))
    if sidecar is not None:
        sections.insert(0, _calibration(work, sidecar, chosen))
    sections[:0] = [*(_evaluation(work, found) for found in evaluations.values()), *_beyond_scores(work)]
    if estimates is not None:
        from truetwin.report.sections.estimates_section import estimates_section

        sections.insert(0, estimates_section(estimates))
    if study.reweight is not None:
        sections.append(_marginals(work))
    if study.simulate is not None:
        from truetwin.report.sections.simulation_section import simulation_section

        sections.append(simulation_section(read_record(work.folder / "simulated.json")))
    if study.plan is not None:
        sections.append(plan_section(read_record(work.folder / PLAN)))
    if study.evaluate_marginals is not None:
        sections.append(marginal_scores_section(read_record(work.folder / MARGINAL_SCORES)))
    experiment = experiment_report(work)
    if experiment is not None:
        sections[:0] = experiment.sections
    if study.voice.results or played_scores(work):
        section, words = _voice(work)
        sections.append(section)
        told = replace(told, voice=words)
    sections.append(_checklist(work))
    found = study_answer(work, told, experiment, estimates, sidecar, verdicts)
    return Page(
        study.title,
        study.question,
        found.answer,
        found.verdict,
        _facts(work, chosen, experiment),
        sections,
        headlines=found.headlines,
        evidence=found.evidence,
    )


def _checklist(work: Work) -> Section:
    """Fill in the reporting checklist from the records of all steps."""
    from truetwin.report.reporting_checklist import Known, checklist_section

    records = {path.name: read_record(path) for path in sorted(work.folder.glob("*.json"))}
    return checklist_section(Known.among(records))


def _gain(work: Work, chosen: Evaluation | None) -> str:
    """Say what calibration gained on hidden answers; empty if nothing was hidden."""
    if chosen is None:
        return ""
    from truetwin.evaluation.calibration_gain import gain_in_words

    method = _method(work, chosen)
    row = next(r for r in chosen.summary("twin") if (r["method"], r["metric"]) == (method, "pearson"))
    return gain_in_words(row) if "difference" in row else ""


def _evaluations(work: Work) -> dict[str, Evaluation]:
    from truetwin.evaluation.evaluation_record import from_record

    found: dict[str, Evaluation] = {}
    for protocol in work.study.evaluate.protocols if work.study.evaluate else ():
        record = read_record(evaluation_path(work.folder, protocol))
        if "impossible" not in record:
            found[protocol] = from_record(record)
    by_item, by_block = (found.get(name) for name in ("leave-one-item-out", "leave-block-out"))
    if by_item and by_block and by_block.settings["n_folds"] == len(by_block.target_ids):
        del found["leave-block-out"]  # every battery has one item: same as leave-one-item-out
    return found


def _fitting(evaluations: dict[str, Evaluation], sidecar: dict[str, Any] | None) -> Evaluation | None:
    """Choose the evaluation that hid what the study predicts: single items, whole batteries, or people."""
    targets = sidecar["targets"] if sidecar else []
    items = [t for t in targets if t["axis"] == "item"]
    new_battery = [t for t in items if not str(t.get("situation", "")).startswith("new item of a known")]
    wanted = "leave-one-item-out"
    if targets and not items:
        wanted = "leave-one-respondent-out"
    elif items and 2 * len(new_battery) > len(items):
        wanted = "leave-block-out"
    return evaluations.get(wanted) or next(iter(evaluations.values()), None)


def _method(work: Work, evaluation: Evaluation) -> str:
    """Return the method that calibrates if it was evaluated, and else the last evaluated method."""
    names = list(dict.fromkeys(method for method, _ in evaluation.scores))
    wanted = work.study.calibrate.method if work.study.calibrate else "auto"
    return wanted if wanted in names else names[-1]


def _evaluation(work: Work, found: Evaluation) -> Section:
    from truetwin.report.sections.evaluation_section import evaluation_section

    protocol = str(found.settings["protocol"])
    file = evaluation_path(work.folder, protocol).name
    return evaluation_section(found, _method(work, found), file=file)


def _beyond_scores(work: Work) -> list[Section]:
    """Make the sections on example items and on adaptive transfer, if the study asks for them."""
    from truetwin.report.sections.evaluation_section import examples_section, thresholds_section

    part = work.study.evaluate
    found = []
    if part is not None and part.estimates:
        from truetwin.report.sections.estimates_section import estimate_scores_section

        found.append(estimate_scores_section(read_record(work.folder / ESTIMATE_SCORES)["rows"]))
    if part is not None and part.examples:
        found.append(examples_section(read_record(work.folder / EXAMPLES)["rows"]))
    if part is not None and part.thresholds:
        records = read_record(work.folder / THRESHOLDS)
        found.append(thresholds_section({method: records[method] for method in part.thresholds}))
    return found


def _calibration(work: Work, sidecar: dict[str, Any], chosen: Evaluation | None) -> Section:
    from truetwin.report.sections.calibration_section import calibration_section, new_item_shares

    return calibration_section(sidecar, new_item_shares(sidecar, work.panel, work.weights), chosen)


def _marginals(work: Work) -> Section:
    from truetwin.io import read_items
    from truetwin.io.twin_files import read_twins
    from truetwin.report.sections.marginals_section import marginals_section

    inputs = work.study.inputs
    items = read_items(inputs.items) if inputs.items else None
    twins = read_twins(
        work.twin, id_column=inputs.id_column, items=items, expectations=False, choices=inputs.reading
    )
    rows = []
    for row in read_table(work.folder / "shares.csv").to_pylist():
        numbers = {
            k: float(row[k]) if row[k] not in ("", None) else None for k in ("share", "lower", "upper")
        }
        rows.append(
            {
                "item": row["item_id"],
                "population": row["population"],
                "category": row["category"],
                "calibrated": numbers["share"],
                "lower": numbers["lower"],
                "upper": numbers["upper"],
                "twin": _twin_share(twins, row["item_id"], row["category"]),
            }
        )
    return marginals_section(read_record(work.folder / "shares.json"), rows)


def _voice(work: Work) -> tuple[Section, str]:
    from truetwin.report.sections.voice_section import voice_in_words, voice_section
    from truetwin.voice.jobs.asked_scores import capability_table
    from truetwin.voice.scoring.leaderboard import ranked, read_results

    voice, annotations = work.study.voice, work.study.inputs.annotations
    if annotations is None and voice.annotate is not None:
        annotations = work.folder / ANNOTATIONS
    rows: list[dict[str, Any]] = []
    if annotations is not None:
        by = (voice.leaderboard or VoiceLeaderboard()).by
        rows = capability_table([*voice.results, *played_outcomes(work)], annotations, by).rows
    standings = ranked(read_results([*voice.results, *played_scores(work)]).standings)
    return voice_section(standings, rows), voice_in_words(standings)


def _twin_share(twins: Mapping[str, ResponseMatrix], item: str, category: str) -> float | None:
    """Return the share of twins that chose a category, named by its label or else its code; the mean over sources."""
    shares = [_source_share(source, item, category) for source in twins.values() if item in source.item_ids]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _source_share(twins: ResponseMatrix, item: str, category: str) -> float | None:
    import numpy as np

    place = twins.item_ids.index(item)
    scale, answers = twins.items[place].scale, twins.values[:, place]
    answers = answers[np.isfinite(answers)]
    codes = {label: code for code, label in scale.labels.items()} if scale else {}
    try:
        code = codes.get(category)
        code = float(category) if code is None else code
    except ValueError:
        return None
    return float(np.mean(answers == code)) if answers.size else None


def _facts(work: Work, chosen: Evaluation | None, told: ExperimentReport | None) -> list[tuple[str, str]]:
    facts = []
    if any(getattr(work.study, name) is not None for name in OF_A_PANEL):
        panel = work.panel
        facts.append(
            ("people", f"{len(panel.human.respondent_ids)} respondents, {len(panel.human.item_ids)} items")
        )
        names = panel.source_names
        sources = f", {len(names)} sources: {', '.join(names)}" if len(names) > 1 else ""
        twins = f"{len(panel.twin.respondent_ids)} respondents, {len(panel.twin.item_ids)} items{sources}"
        facts.append(("twins", twins))
        facts.append(
            ("to predict", f"{len(panel.new_items)} new items, {len(panel.new_respondents)} new respondents")
        )
    if told is not None:
        facts.append(("experiment", told.size))
    if chosen is not None:
        facts.append(("the answer comes from", str(chosen.settings["protocol"])))
    facts.append(("seed", str(work.study.seed)))
    return facts
