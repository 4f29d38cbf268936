"""Settings of a study file, whose sections are the jobs, and of `truetwin study`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from truetwin.settings.audit_settings import AuditTwins
from truetwin.settings.calibrate_settings import Calibrate
from truetwin.settings.declaration import Argument, Settings, Unset, setting
from truetwin.settings.diagnose_settings import Diagnose
from truetwin.settings.estimate_settings import Estimate
from truetwin.settings.evaluate_marginals_settings import EvaluateMarginals
from truetwin.settings.evaluate_settings import Evaluate
from truetwin.settings.experiment_settings import ExperimentSteps
from truetwin.settings.personas_settings import Personas
from truetwin.settings.plan_settings import Plan
from truetwin.settings.reweight_settings import Reweight
from truetwin.settings.setting_wording import models_in
from truetwin.settings.shared_settings import Reading, Terminal, Workers
from truetwin.settings.simulate_settings import Simulate
from truetwin.settings.value_kinds import Columns, Ids, Names
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

if TYPE_CHECKING:
    from truetwin.data.people_columns import PeopleColumns

EXAMPLE = "This command works on study files."


class Inputs(Reading):
    """Input files of the study, and how they are read. Paths are relative to the study file."""

    human: Path | None = setting(
        None,
        "Answers of people: CSV, TSV, Parquet, SPSS, Stata, or a Qualtrics export; one column for each item, or one "
        "row for each answer.",
    )
    twin: Path | dict[str, Path] | None = setting(
        None,
        "Answers that the people's twins have given already: a table, a folder with one table for each source (model, "
        "prompt or replicate), or the names of sources with the table of each. With a section simulate, only missing "
        "answers are asked.",
    )
    in_context: Path | None = setting(
        None,
        "Answers of twins that were shown the person's other answers when asked, for the method in-context.",
    )
    retest: Path | None = setting(
        None,
        "Answers of the same people when they were asked again, for scores that are normalised by how often people "
        "repeat their answers.",
    )
    items: Path | None = setting(
        None,
        "Item file with texts, scales, labels, off-scale codes and batteries; or the questionnaire of a survey "
        "program (.qsf, .sav).",
    )
    sample: Path | None = setting(
        None,
        "Answers of some people to new items, in the same formats as the human table, for estimate; a column 'weight' "
        "holds the weights of being asked.",
    )
    blocks: Path | Literal["auto"] | None = setting(
        None,
        "Table item_id,block that gives the battery of each item (items asked together), or 'auto' to find "
        "batteries from ids, missing answers and near-duplicate twin answers. By default batteries are as the item "
        "file declares, or as the item ids suggest.",
    )
    arms: Path | None = setting(
        None,
        "Arms of an experiment, for simulate: a table condition,arm,text (condition may be left out if there is one). "
        "The texts of items show a condition as {{condition}}.",
    )
    conditions: Path | None = setting(
        None,
        "Conditions table of an experiment, which says who is in which arm: ids, and one column a condition.",
    )
    twin_conditions: Annotated[Path | None, Unset("as their people")] = setting(
        None,
        "Conditions table of the twins, where their arms were not those of their people. Twins that the study asks "
        "under arms need none.",
    )
    contrasts: Path | None = setting(
        None,
        "Contrasts of an experiment: a table contrast_id,study,kind,condition,treatment,control,outcomes,"
        "minus_outcomes.",
    )
    tasks: Annotated[Names | None, Unset("one row a person")] = setting(
        None,
        "Columns that, with the ids, name the rows of an experiment's tables: each row is a task of a person, as in "
        "conjoint experiments.",
    )
    marginals: Path | None = setting(
        None,
        "Table item_id,category,share_or_count with human marginals: the share of each answer in a population, for "
        "reweight.",
    )
    groups: Path | None = setting(
        None,
        "Table item_id,group, such as waves or years. Reweight then chooses its method by hiding and predicting "
        "whole groups.",
    )
    personas: Path | None = setting(
        None,
        "Personas, the texts that describe people to the model: personas.jsonl of `truetwin personas build`, or a "
        "table with columns id and text.",
    )
    persona_items: Ids = setting(
        (),
        "Items whose answers the personas of given twins showed to the model. Scores on them say nothing.",
    )
    annotations: Path | None = setting(
        None,
        "Annotations of the capabilities that voice items test (`truetwin voice annotate`), for results by "
        "capability.",
    )
    id_column: Annotated[str | None, Unset("respondent_id, or the first column")] = setting(
        None, "Name of the column that holds the ids of respondents, in all tables."
    )
    people: Path | None = setting(
        None,
        "People table, with what is known of people that is no item (weights, groups, strata, clusters): one row a "
        "person; CSV, TSV, Parquet, Excel, SPSS or Stata.",
    )
    people_columns: Columns = setting(
        (),
        "Columns of the human table that are no items and belong to the people table. Columns that another key names "
        "need not be listed.",
    )
    by: Columns = setting(
        (),
        "Columns with groups of people to report separately, in the people table or else in the human table.",
    )
    weights: Annotated[str | None, Unset("all people count alike")] = setting(
        None,
        "Column with the survey weights of people, in the people table or else in the human table. Weights decide how "
        "much each person counts in means, shares and scores, not how predictions are fitted.",
    )
    margins: Path | None = setting(
        None,
        "Population margins to rake the people to: a table column,category,share (or count), with the shares of the "
        "categories of one or several people columns in the population. The raked weights take the place of the key "
        "weights, from which they start.",
    )
    clusters: str | None = setting(
        None,
        "Column with the clusters of the sample (primary sampling units, such as households or schools), in the "
        "people table or else in the human table.",
    )
    strata: str | None = setting(
        None, "Column with the strata of the sample, in the people table or else in the human table."
    )
    replicate_weights: str | None = setting(
        None,
        "Prefix of the columns with replicate weights, which a number follows: 'repwgt' for repwgt1, repwgt2 and so "
        "on.",
    )

    @property
    def columns_of_people(self) -> PeopleColumns:
        """Columns of people that the study names."""
        from truetwin.data.people_columns import PeopleColumns

        return PeopleColumns(
            self.people_columns,
            self.by,
            self.weights,
            self.clusters,
            self.strata,
            self.replicate_weights,
        )


class Voice(Settings):
    """Voice benchmarks, which test how well a model speaks as a given person: their steps and stored results."""

    shorthand = "results"

    results: tuple[Path, ...] = setting(
        (), "Files with stored answers of `truetwin voice run`, for a leaderboard in the report."
    )
    build: VoiceBuild | None = setting(None, "Make benchmark items.")
    run: VoiceRun | None = setting(None, "Have a model play the persons of a benchmark.")
    generate: VoiceGenerate | None = setting(None, "Have a model write replies.")
    judge: VoiceJudge | None = setting(None, "Have a model judge written replies.")
    annotate: VoiceAnnotate | None = setting(None, "Annotate which capabilities each item tests.")
    score: VoiceScore | None = setting(None, "Score stored answers.")
    audit: VoiceAudit | None = setting(
        None, "Find out how well a benchmark can be solved without knowing the person."
    )
    leaderboard: VoiceLeaderboard | None = setting(None, "Rank models by their results.")


Ask = Literal["shares", "means", "people", "effects", "ranking"]


class Study(Settings):
    """Whole study. A step is carried out if the file has its section."""

    title: str = setting("A study with digital twins", "Title of the report.")
    question: str = setting("What would people answer?", "The question that the report answers first.")
    ask: Ask | None = setting(
        None,
        "What the question is about, which decides what the report opens with: shares or means of the items that are "
        "estimated, single people, effects of an experiment, or the ranking of its options. By default effects if "
        "there are any, else shares if any are estimated, else people.",
    )
    seed: int = setting(0, "Random seed of the whole study.", ge=0)
    inputs: Inputs = setting(..., "Input files.")
    personas: Personas | None = setting(None, "Make personas from people's own answers.")
    simulate: Simulate | None = setting(None, "Ask twins the items that they have not answered yet.")
    evaluate: Evaluate | None = setting(
        None, "Hide answered items and predict them, to measure how good the predictions are."
    )
    calibrate: Calibrate | None = setting(
        None, "Predict what people would answer to new items, and what new people would answer."
    )
    estimate: Estimate | None = setting(
        None, "Estimate shares, means and gaps of new items, by group and with intervals."
    )
    diagnose: Diagnose | None = setting(None, "Find out how far the twins can be trusted.")
    audit_twins: AuditTwins | None = setting(
        None, "Audit the twins: leaks, flattening, equity, ceilings and memory, source by source."
    )
    plan: Plan | None = setting(None, "Choose the items or people to ask next.")
    reweight: Reweight | None = setting(None, "Predict how a population answers new items.")
    evaluate_marginals: EvaluateMarginals | None = setting(
        None, "Hide known marginals and predict them, to measure how good reweight is."
    )
    experiment: ExperimentSteps = setting(
        ExperimentSteps(),
        "Experiments: effects of arms among people and twins, calibrated, judged and ranked.",
    )
    voice: Voice = setting(
        Voice(), "Voice benchmarks. A list of files in place of the section stands for voice.results."
    )


def sections(model: type[Settings] = Study, path: str = "") -> dict[str, type[Settings]]:
    """Return every section of a study file that has keys of its own, by its path. The file itself is left out.

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
    """Return the JSON Schema of study files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Study.model_json_schema(),
        "title": "A truetwin study",
    }


class StudyFile(Settings):
    """Study file that a command works on."""

    study: Annotated[Path, Argument("STUDY.yaml")] = setting(
        ..., "Study file; `truetwin study init` writes an example."
    )


class StudyInitCommand(Settings):
    """Settings of the command `truetwin study init`."""

    outside_studies = EXAMPLE

    folder: Annotated[Path, Argument("[FOLDER]")] = setting(
        Path("study"), "Folder to write to; created if it is missing."
    )
    seed: int = setting(0, "Random seed of the generated population.", ge=0)


class StudyCheckCommand(StudyFile, Terminal):
    """Settings of the command `truetwin study check`."""

    outside_studies = EXAMPLE


class StudyRunCommand(StudyFile, Workers, Terminal):
    """Settings of the command `truetwin study run`."""

    outside_studies = EXAMPLE

    run: Annotated[Path | None, Unset("STUDY-run beside the study file")] = setting(
        None, "Folder for the results."
    )
    again: Ids = setting((), "Name of a step to carry out even if nothing has changed; may be repeated.")


class StudySchemaCommand(Settings):
    """Settings of the command `truetwin study schema`."""

    outside_studies = EXAMPLE
