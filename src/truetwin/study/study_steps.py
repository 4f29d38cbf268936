"""Define the steps of a study: the files that each reads, its work, and the files that it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.io.twin_files import twin_files
from truetwin.settings.declaration import Settings
from truetwin.settings.study_settings import Study
from truetwin.study.diagnosis_steps import (
    audit_sources,
    diagnose_twins,
    evaluated_protocols,
    plan_questions,
    sidecar_of_predictions,
)
from truetwin.study.evaluation_step import evaluate_methods
from truetwin.study.experiment_steps import (
    calibrate_twin_effects,
    estimate_effects,
    experiment_files,
    judge_effects,
    rank_arms,
    wanted_steps,
)
from truetwin.study.marginal_steps import evaluate_shares, marginal_files, reweight_twins
from truetwin.study.personas_step import make_personas
from truetwin.study.prediction_steps import calibrate_answers, estimate_items
from truetwin.study.simulation_step import run_simulation
from truetwin.study.step_work import (
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
    pass


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
    found = {"personas": work.personas, "items": inputs.items, "arms": inputs.arms}
    if inputs.arms is not None:
        found |= {"conditions": inputs.conditions, "people": inputs.people}
    given = {} if inputs.twin is None else twin_files(inputs.twin)
    return {role: path for role, path in found.items() if path is not None} | {
        f"twin.{name}" if name else "twin": path for name, path in given.items()
    }


def _persona_files(work: Work) -> dict[str, Path]:
    inputs = work.study.inputs
    found = {"human": inputs.human, "items": inputs.items}
    return {role: path for role, path in found.items() if path is not None}


def _asked_of_twins(study: Study) -> dict[str, Any]:
    """Return the settings of another section that decide which items personas must not show."""
    return {"only": list(study.simulate.only) if study.simulate else []}


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
    inputs = work.study.inputs
    annotations = inputs.annotations
    contrasts = inputs.contrasts if wanted_steps(work.study) else None
    return {
        **(work.tables() if inputs.human and (inputs.twin or work.study.simulate) else {}),
        **voice,
        **({"annotations": annotations} if annotations else {}),
        **({"contrasts": contrasts} if contrasts else {}),
        **{file: work.folder / file for file in files},
    }


def _diagnosis_files(work: Work) -> dict[str, Path]:
    evaluated = {name: evaluation_path(work.folder, name) for name in evaluated_protocols(work)}
    sidecar = sidecar_of_predictions(work)
    return {**work.tables(), **evaluated, **({"predictions": sidecar} if sidecar else {})}


def _tables_and_personas(work: Work) -> dict[str, Path]:
    """Return the files of the panel, and the personas, which say what twins were shown."""
    known = work.study.personas is not None or work.study.inputs.personas is not None
    return {**work.tables(), **({"personas": work.personas} if known else {})}


def _audited_files(work: Work) -> dict[str, Path]:
    """Return the files that an audit reads."""
    published = work.study.audit_twins.published if work.study.audit_twins else None
    return {**_tables_and_personas(work), **({"published": published} if published else {})}


def _blocks_by_evidence(study: Study) -> dict[str, Any]:
    """That batteries are to be found is set among the inputs, and is no file."""
    return {"blocks": "auto"} if study.inputs.blocks == "auto" else {}


def _shown_and_blocks(study: Study) -> dict[str, Any]:
    """Items that twins were shown are set among the inputs, and are no file."""
    shown = {"persona_items": list(study.inputs.persona_items)} if study.inputs.persona_items else {}
    return {**_blocks_by_evidence(study), **shown}


def _diagnosed_method(study: Study) -> dict[str, Any]:
    """Return the setting of another section that names the method which verdicts judge."""
    return {"method": study.calibrate.method if study.calibrate else None, **_blocks_by_evidence(study)}


def _experiment_section(name: str) -> Callable[[Study], Settings | None]:
    return lambda study: getattr(study.experiment, name)


def _tables_of_experiment(study: Study) -> dict[str, Any]:
    """Return how the rows of an experiment's tables are named, which is set among the inputs and is no file."""
    return {"tasks": list(study.inputs.tasks)} if study.inputs.tasks else {}


STEPS = (
    Step("personas", lambda study: study.personas, _persona_files, make_personas, _asked_of_twins),
    Step("simulate", lambda study: study.simulate, _simulation_files, run_simulation),
    Step("evaluate", lambda study: study.evaluate, _tables_and_personas, evaluate_methods, _shown_and_blocks),
    Step("calibrate", lambda study: study.calibrate, Work.tables, calibrate_answers, _blocks_by_evidence),
    Step("estimate", lambda study: study.estimate, Work.tables, estimate_items, _blocks_by_evidence),
    Step("diagnose", lambda study: study.diagnose, _diagnosis_files, diagnose_twins, _diagnosed_method),
    Step("audit_twins", lambda study: study.audit_twins, _audited_files, audit_sources, _shown_and_blocks),
    Step("plan", lambda study: study.plan, Work.tables, plan_questions, _blocks_by_evidence),
    Step("reweight", lambda study: study.reweight, marginal_files, reweight_twins),
    Step(
        "evaluate_marginals",
        lambda study: study.evaluate_marginals,
        marginal_files,
        evaluate_shares,
    ),
    *(
        Step(f"experiment.{name}", _experiment_section(name), experiment_files, do, _tables_of_experiment)
        for name, do in (
            ("effects", estimate_effects),
            ("calibrate", calibrate_twin_effects),
            ("evaluate", judge_effects),
            ("rank", rank_arms),
        )
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
