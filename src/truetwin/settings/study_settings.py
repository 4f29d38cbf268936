"""Settings of a study: a file whose sections are the jobs, and `truetwin study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from truetwin.settings.calibrate_settings import Calibrate
from truetwin.settings.declaration import Argument, Settings, Unset, setting
from truetwin.settings.diagnose_settings import Diagnose
from truetwin.settings.evaluate_marginals_settings import EvaluateMarginals
from truetwin.settings.evaluate_settings import Evaluate
from truetwin.settings.personas_settings import Personas
from truetwin.settings.plan_settings import Plan
from truetwin.settings.reweight_settings import Reweight
from truetwin.settings.setting_wording import models_in
from truetwin.settings.shared_settings import Terminal, Workers
from truetwin.settings.simulate_settings import Simulate
from truetwin.settings.value_kinds import Ids
from truetwin.settings.voice_build_settings import VoiceBuild
from truetwin.settings.voice_settings import (
    VoiceAnnotate,
    VoiceAudit,
    VoiceGenerate,
    VoiceJudge,
    VoiceLeaderboard,
    VoiceRun,
    VoiceScore,
)

EXAMPLE = "Works on study files."


class Inputs(Settings):
    """Files that the study rests on; paths are relative to the study file."""

    human: Path | None = setting(
        None, "What people answered: CSV, TSV, Parquet, SPSS, Stata, or a Qualtrics export; wide or long."
    )
    twin: Path | None = setting(
        None, "What their twins answered already; with simulate, only what is missing here is asked."
    )
    in_context: Path | None = setting(
        None, "Answers of twins that were shown the person's other answers, for the method in-context."
    )
    items: Path | None = setting(
        None, "Item file: texts, scales, labels, off-scale codes, batteries; or an instrument (.qsf, .sav)."
    )
    blocks: Path | Literal["auto"] | None = setting(
        None,
        "Table item_id,block: which battery (items asked together) an item belongs to; or 'auto' to find "
        "them by ids, missing answers and near-duplicate twin answers. Otherwise as the item file says, or "
        "by ids.",
    )
    marginals: Path | None = setting(
        None, "Table item_id,category,share_or_count: how a population answered, for reweight."
    )
    groups: Path | None = setting(
        None, "Table item_id,group: waves or years; reweight chooses its method by leaving out whole ones."
    )
    personas: Path | None = setting(
        None, "Who is simulated: personas.jsonl of `truetwin personas build`, or a table with id and text."
    )
    annotations: Path | None = setting(
        None, "Capabilities of voice items (`truetwin voice annotate`), for results by capability."
    )
    id_column: Annotated[str | None, Unset("respondent_id, or the first")] = setting(
        None, "Column of respondent ids in all tables."
    )


class Voice(Settings):
    """Benchmarks of voices: what is asked, and stored answers for a leaderboard in the report."""

    shorthand = "results"

    results: tuple[Path, ...] = setting(
        (), "Stored answers of `truetwin voice run`, for a leaderboard in the report."
    )
    build: VoiceBuild | None = setting(None, "Make benchmark items.")
    run: VoiceRun | None = setting(None, "Play a benchmark.")
    generate: VoiceGenerate | None = setting(None, "Have a model write replies.")
    judge: VoiceJudge | None = setting(None, "Have a model judge replies.")
    annotate: VoiceAnnotate | None = setting(None, "Say which capabilities items test.")
    score: VoiceScore | None = setting(None, "Score stored answers.")
    audit: VoiceAudit | None = setting(None, "Find what a benchmark gives away.")
    leaderboard: VoiceLeaderboard | None = setting(None, "Order models by their results.")


class Study(Settings):
    """A whole study. A step is done if its section is there."""

    title: str = setting("A study with digital twins", "Title of the report.")
    question: str = setting("What would people answer?", "The question that the report answers first.")
    seed: int = setting(0, "Seed of everything that is drawn at random.", ge=0)
    inputs: Inputs = setting(..., "Files.")
    personas: Personas | None = setting(None, "Make personas of people's own answers.")
    simulate: Simulate | None = setting(None, "Ask twins where their answers are missing.")
    evaluate: Evaluate | None = setting(None, "Measure the gain.")
    calibrate: Calibrate | None = setting(None, "Predict.")
    diagnose: Diagnose | None = setting(None, "Judge the twins.")
    plan: Plan | None = setting(None, "Choose what to ask next.")
    reweight: Reweight | None = setting(None, "Predict how a population answers.")
    evaluate_marginals: EvaluateMarginals | None = setting(None, "Measure how well that works.")
    voice: Voice = setting(Voice(), "Benchmarks of voices; or a list of files, for voice.results.")


def sections(model: type[Settings] = Study, path: str = "") -> dict[str, type[Settings]]:
    """Every section of a study file that has keys of its own, by the path to it; the file itself is not among them.

    Examples
    --------
    >>> list(sections())[:3]
    ['inputs', 'personas', 'simulate']
    """
    found: dict[str, type[Settings]] = {}
    for name in model.own_first():
        for inner in models_in(model.model_fields[name].annotation):
            found[f"{path}{name}"] = inner
            found |= sections(inner, f"{path}{name}.")
    return found


def study_schema() -> dict[str, Any]:
    """The JSON Schema of study files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Study.model_json_schema(),
        "title": "A truetwin study",
    }


class StudyFile(Settings):
    """The file."""

    study: Annotated[Path, Argument("STUDY.yaml")] = setting(
        ..., "The study; `study init` writes an example."
    )


class StudyInitCommand(Settings):
    """`truetwin study init`."""

    outside_studies = EXAMPLE

    folder: Annotated[Path, Argument("[FOLDER]")] = setting(
        Path("study"), "Folder to write to; made if need be."
    )
    seed: int = setting(0, "Seed of the generated population.", ge=0)


class StudyCheckCommand(StudyFile, Terminal):
    """`truetwin study check`."""

    outside_studies = EXAMPLE


class StudyRunCommand(StudyFile, Workers, Terminal):
    """`truetwin study run`."""

    outside_studies = EXAMPLE

    run: Annotated[Path | None, Unset("STUDY-run beside the study file")] = setting(
        None, "Folder of results."
    )
    again: Ids = setting((), "Do this step even if nothing has changed; may be repeated.")


class StudySchemaCommand(Settings):
    """`truetwin study schema`."""

    outside_studies = EXAMPLE
