"""Settings of `truetwin voice`, and of the section ``voice`` of a study.

Those of `truetwin voice build` are in :mod:`truetwin.settings.voice_build_settings`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from truetwin.settings.declaration import (
    EARLIER_STEP,
    Argument,
    CommandLineOnly,
    Flag,
    InStudy,
    MayBeFile,
    MayHoldKey,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import Asking, Engine, Figures, PromptFiles, Terminal
from truetwin.settings.value_kinds import Names, Temperature, names_at_commas

Control = Literal["none", "no-history", "no-persona", "swapped"]
#: Properties of items that a sample for people can mirror.
Stratum = Literal["dimension", "group", "language", "persona", "model"]
#: Capabilities for which an item counts: all that it tests, or the primary one.
CountedBy = Literal["labels", "primary"]
#: In a study, items come from ``voice.build`` unless they are named.
FROM_A_BUILD = InStudy(default=EARLIER_STEP)

RUN_FOLDER = "A study keeps each run in its own folder."
IN_FOLDER = "A study always writes this to its folder."
IN_REPORT = "A study shows its results in its report."


class ProfilesFile(Settings):
    """File with profiles of characters, which files of published narrative items go with."""

    profiles: Annotated[Path | None, Unset("profiles.jsonl beside the items")] = setting(
        None, "File with the profiles of the characters, for a file of narrative items."
    )


class ItemChoice(ProfilesFile):
    """Choice of the items of a benchmark."""

    limit: int | None = setting(None, "Use only the first items, this many of them.", ge=1)


class Controlled(Settings):
    """Control run: what items hide from the model, to see how well it does without it."""

    control: Annotated[
        Control | None, Unset("the persons are shown, and items that tell nothing of theirs are refused")
    ] = setting(
        None,
        "Control run, which tables label: no-history (earlier replies are hidden from the model), no-persona (the "
        "profile too), swapped (another person's history is shown), or none (as the items are, even where they tell "
        "nothing of the person).",
    )


class ControlledItems(ItemChoice, Controlled):
    """Choice of the items, and control run."""


class HistoryShown(Settings):
    """Number of earlier replies of the person that a model sees."""

    history: int = setting(
        30, "Number of earlier replies of the person that are shown, the latest ones; 0 shows none.", ge=0
    )


class VoiceItems(ItemChoice, HistoryShown):
    """Choice of the items, and how much of them a model sees."""


class Rotations(Settings):
    """Number of orders of options in which an item is asked."""

    rotations: int = setting(
        1,
        "Number of orders of options in which each item is asked; as many as an item has options puts every option at "
        "every position and so measures position bias.",
        ge=1,
        le=10,
    )


class Structured(Settings):
    """Use of a JSON schema to shape replies."""

    structured: Annotated[bool, Flag("--structured/--no-structured")] = setting(
        True, "Also send a JSON schema that the reply must have, if the endpoint supports that."
    )


class Questions(HistoryShown, Rotations, Structured):
    """Form in which items are shown to a model."""


class PlayedDecoding(Settings):
    """Sampling temperature of the model."""

    temperature: Temperature = setting(
        0, "Sampling temperature of the model; 'none' leaves it to the endpoint."
    )


class AskingAboutItems(VoiceItems, PlayedDecoding, Asking, PromptFiles):
    """Settings of every verb that asks a model about items."""


class Playing(AskingAboutItems, Controlled):
    """Settings of the verbs that play personas."""

    items: Annotated[str, Argument(), MayBeFile(), FROM_A_BUILD] = setting(
        ...,
        "The items to play: social, interpersonal or narrative (the published ones, fetched or read from the mirror), "
        "or a JSONL file of one's own in any known layout.",
    )
    model: Annotated[str, MayBeFile()] = setting(
        ..., "Model that plays the personas: the provider's name, or scripted:FILE."
    )


class VoiceRun(Playing, Rotations, Structured):
    """Have a model play the persons of a benchmark: it chooses replies, or writes them for a judge; then score."""

    protocol: Names = setting(
        ("choice",),
        "What the model does, separated by commas: choice (choose a reply), reply (write one), or write one for a "
        "judge, who finds the text closest to the true reply (reply-vs-distractors), the option closest to the "
        "written reply (map-to-options), or marks it (scoring). 'judged' stands for the last three.",
    )
    judge_model: Annotated[str | None, MayBeFile(), Unset("none; needed for protocols with a judge")] = (
        setting(None, "Language model that judges written replies.")
    )
    judge_base_url: Annotated[str | None, Unset("as --base-url"), MayHoldKey()] = setting(
        None, "Address of the judge's endpoint, up to and including /v1."
    )
    judge_engine: Annotated[Engine | None, Unset("as --engine")] = setting(
        None, "Library that sends the judge's requests: openai or inspect."
    )
    judge_key_variable: Annotated[str | None, Unset("as --key-variable")] = setting(
        None, "Name of the environment variable that holds the key of the judge's provider."
    )
    judge_temperature: Temperature = setting(
        0, "Sampling temperature of the judge; 'none' leaves it to the endpoint."
    )


class RunFolder(Settings):
    """Folder that keeps the replies of a run."""

    run: Annotated[Path, CommandLineOnly(RUN_FOLDER)] = setting(
        ...,
        "Folder that keeps the run: raw replies (run.sqlite) and outcomes (one JSONL file for each protocol). The "
        "same command again continues the run and pays for nothing twice.",
    )


class DryRun(Settings):
    """Dry run, which sends nothing."""

    dry_run: Annotated[bool, CommandLineOnly("A dry run sends nothing, so it is no step of a study.")] = (
        setting(False, "Show the first prompts and the number of calls; send nothing.")
    )


class VoiceRunCommand(VoiceRun, RunFolder, DryRun, Terminal):
    """Settings of the command `truetwin voice run`."""

    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Random seed for the order of options and for swapped histories.", ge=0
    )


class VoiceGenerate(Playing):
    """Have a model write the replies of the personas, to be judged later."""

    repetitions: int = setting(
        1, "Number of replies to each item, which are judged in as many orders of options.", ge=1, le=10
    )


class VoiceGenerateCommand(VoiceGenerate, RunFolder, DryRun, Terminal):
    """Settings of the command `truetwin voice generate`."""

    seed: Annotated[int, StudyKey("seed")] = setting(0, "Random seed for swapped histories.", ge=0)


class VoiceJudge(AskingAboutItems, Structured):
    """Have a model judge written replies, whoever wrote them: two rankings and marks; then score."""

    replies: Annotated[Path, Argument(), InStudy(default=EARLIER_STEP)] = setting(
        ..., "Written replies: reply.jsonl of a run, or a file in the published layout (JSONL)."
    )
    items: Annotated[str, MayBeFile(), FROM_A_BUILD] = setting(
        ...,
        "Items that were replied to: social, interpersonal or narrative (the published ones), or a JSONL file in any "
        "known layout.",
    )
    judge_model: Annotated[str, MayBeFile()] = setting(
        ...,
        "Language model that judges: the provider's name of it, or scripted:FILE (replies from a file).",
    )
    protocol: Names = setting(
        ("reply-vs-distractors", "map-to-options", "scoring"),
        "What the judge does, separated by commas: finds which of the written reply and the wrong options is closest "
        "to the true reply (reply-vs-distractors), finds the option closest to the written reply (map-to-options), "
        "marks the written reply from 1 to 5 (scoring).",
    )


class VoiceJudgeCommand(VoiceJudge, RunFolder, Terminal):
    """Settings of the command `truetwin voice judge`."""

    seed: Annotated[int, StudyKey("seed")] = setting(0, "Random seed for the order of options.", ge=0)


class VoiceAnnotate(AskingAboutItems, Structured):
    """Annotate which of the six capabilities each item tests, by a model or by people; merge that into the items."""

    items: Annotated[str, Argument(), MayBeFile(), FROM_A_BUILD] = setting(
        ...,
        "Items: social, interpersonal or narrative (the published ones), or a JSONL file in any known layout.",
    )
    model: Annotated[str | None, MayBeFile()] = setting(
        None,
        "Language model that annotates: the provider's name of it, or scripted:FILE (replies from a file).",
    )
    annotations: Path | None = setting(
        None, "File with annotations (JSONL), for example by people, to use instead of asking a model."
    )

    @model_validator(mode="after")
    def _from_a_model_or_a_file(self) -> Self:
        if (self.annotations is None) == (self.model is None):
            raise RuleBrokenError("annotations must come from a model ({model}) or a file ({annotations})")
        return self


class VoiceAnnotateCommand(VoiceAnnotate, Terminal):
    """Settings of the command `truetwin voice annotate`."""

    run: Annotated[Path | None, CommandLineOnly(RUN_FOLDER)] = setting(
        None, "Folder that keeps the raw replies; the same command again continues the run."
    )
    output: Annotated[Path | None, CommandLineOnly(IN_FOLDER), Unset("annotations.jsonl in the run")] = (
        setting(None, "File for the annotations (JSONL).")
    )
    merged: Annotated[Path | None, CommandLineOnly(IN_FOLDER)] = setting(
        None, "File for the items with their annotations (JSONL)."
    )

    @model_validator(mode="after")
    def _from_a_model_or_a_file(self) -> Self:
        asks = self.model is not None and self.run is not None
        if (self.annotations is None) != asks or (self.annotations and (self.model or self.run)):
            raise RuleBrokenError(
                "annotations must come from a model ({model} with {run}) or a file ({annotations})"
            )
        return self


class CapabilityCount(Settings):
    """Capabilities for which an item counts."""

    by: CountedBy = setting(
        "labels",
        "Capabilities for which an item counts: all that it tests (labels), or the primary one only (primary).",
    )


class VoiceReport(CapabilityCount):
    """Show runs of a benchmark on one page: leaderboard, comparisons, capabilities, and every item to look at."""

    runs: Annotated[tuple[Path, ...], Argument()] = setting(
        ..., "Folders of runs, or files of stored answers, of one or more models."
    )
    items: Annotated[str | None, MayBeFile(), Unset("those in the folders of the runs")] = setting(
        None,
        "Items of stored answers that do not know theirs: a JSONL file, social, interpersonal or narrative.",
    )
    annotations: Annotated[Path | None, Unset("annotations.jsonl of a run, or those in the items")] = setting(
        None, "File that says which capabilities each item tests (JSONL of `truetwin voice annotate`)."
    )


class VoiceReportCommand(VoiceReport, Terminal):
    """Settings of the command `truetwin voice report`."""

    outside_studies = "A study shows its results in its report."

    output: Annotated[Path | None, Unset("report.html in the first run")] = setting(
        None, "File for the page (.html)."
    )


class VoiceConvert(Settings):
    """Convert multiple-choice questions to benchmark items."""

    questions: Annotated[Path, Argument()] = setting(
        ...,
        "Questions: JSON lines, a JSON list, CSV or TSV, with question, choices (or options) and target (or answer).",
    )
    dimension: str | None = setting(
        None,
        "What the questions are about, which decides the words of prompts: social (users of a platform), interpersonal "
        "(members of chats) or narrative (characters of novels). Needed unless the questions have a field 'dimension'.",
    )
    language: Annotated[str | None, Unset("seen from the script")] = setting(
        None, "Language of the questions: its two-letter code, such as en or zh."
    )
    first_index: Annotated[int | None, Unset("as the answers tell")] = setting(
        None, "Number of the first option, where answers are numbers: 0 or 1.", ge=0, le=1
    )


class VoiceConvertCommand(VoiceConvert, Terminal):
    """Settings of the command `truetwin voice items convert`."""

    outside_studies = "It makes the items that a study reads."

    output: Path = setting(..., "File for the items (JSONL).")


class VoiceScore(Settings):
    """Score stored answers without any model: accuracies with intervals, baselines, positions, paired tests."""

    files: Annotated[tuple[Path, ...], Argument(), InStudy(default=(EARLIER_STEP,))] = setting(
        ...,
        "Stored answers: folders of runs, outcomes of `truetwin voice run`, or files in a published layout (JSONL).",
    )
    items: Annotated[str | None, MayBeFile()] = setting(
        None,
        "Items to score, for example a subset whose options are alike: a JSONL file, social, interpersonal or "
        "narrative.",
    )
    model: Annotated[str | None, Unset("the name in the file")] = setting(
        None, "Name to show for the model, if there is one file."
    )
    bert_score: bool = setting(
        False, "Also compute BERTScore, a similarity of written and true replies (extra 'bertscore')."
    )
    bert_model: Annotated[str | None, MayBeFile(), Unset("the package's choice for the language")] = setting(
        None, "Model for BERTScore: its name, or a folder (such as ./all-MiniLM-L6-v2) that holds it."
    )
    bert_layer: Annotated[int | None, Unset("the package's choice for the model")] = setting(
        None,
        "Layer of the model whose vectors BERTScore compares. A model that its package does not know needs one.",
        ge=1,
    )

    @model_validator(mode="after")
    def _one_name_for_one_file(self) -> Self:
        if self.model and len(self.files) > 1:
            raise RuleBrokenError(f"{{model}} goes with one file; got {len(self.files)}")
        return self

    @model_validator(mode="after")
    def _a_model_for_bert_score(self) -> Self:
        for name in ("bert_model", "bert_layer"):
            if getattr(self, name) is not None and not self.bert_score:
                raise RuleBrokenError(f"{{{name}}} goes with {{bert_score}}")
        return self


class VoiceScoreCommand(VoiceScore, Terminal):
    """Settings of the command `truetwin voice score`."""


class VoiceAudit(ProfilesFile):
    """Find out how well a benchmark can be solved without knowing the person, and what is wrong with its items."""

    source: Annotated[str, Argument(), MayBeFile(), FROM_A_BUILD] = setting(
        ..., "Items to audit: social, narrative, interpersonal, or a JSONL file of multiple-choice items."
    )
    answers: Annotated[
        tuple[Path, ...], Unset("for 'social' and 'narrative', the published ones in this mirror")
    ] = setting(
        (),
        "File with a model's stored answers to these items, to measure its position bias; may be repeated.",
    )


class VoiceAuditCommand(VoiceAudit, Terminal):
    """Settings of the command `truetwin voice audit`."""

    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Random seed for the order of options in the repaired release.", ge=0
    )
    matched: Annotated[Path | None, CommandLineOnly(IN_FOLDER)] = setting(
        None, "File for the matched subset: the items whose options are alike in length and style."
    )
    repaired: Annotated[Path | None, CommandLineOnly(IN_FOLDER)] = setting(
        None,
        "File for a repaired release: without duplicates and leaks (the true reply standing in the history), and "
        "with right answers equally often at every position.",
    )
    show: Annotated[int, CommandLineOnly(IN_REPORT)] = setting(
        3, "Number of item ids to print for each finding.", ge=0
    )


class VoiceSampleCommand(Terminal):
    """Settings of the command `truetwin voice sample`."""

    outside_studies = "People answer between this command and the next."

    items: Annotated[str, Argument(), MayBeFile()] = setting(
        ..., "Benchmark items: a JSONL file, social, interpersonal or narrative (the published ones)."
    )
    folder: Path = setting(..., "Folder for tasks.csv, form.html and key.json; created if it is missing.")
    protocol: str = setting(
        "choice",
        "What people do: choice (which reply is the person's?), reply-vs-distractors or map-to-options "
        "(what is closest to a reference?), scoring (marks from 1 to 5).",
    )
    n: int = setting(50, "Number of tasks to draw.", ge=1)
    answers: tuple[Path, ...] = setting(
        (), "File with stored replies that people judge, for all protocols except choice; may be repeated."
    )
    strata: Annotated[tuple[Stratum, ...], BeforeValidator(names_at_commas)] = setting(
        ("dimension", "group"),
        "Properties whose shares in the sample are as among all items, most important first, separated by commas: "
        "dimension, group, language, persona, model.",
    )
    seed: int = setting(
        0, "Random seed for drawing the tasks, for their order and for the letters of the options.", ge=0
    )


class VoiceAgreeCommand(Terminal):
    """Settings of the command `truetwin voice agree`."""

    outside_studies = "People answer before this command."

    files: Annotated[tuple[Path, ...], Argument()] = setting(
        ..., "Files of the annotators: the JSON that the form saved, or tasks.csv filled in."
    )
    key: Path = setting(..., "File key.json of the sample, which tells the right options.")
    answers: tuple[Path, ...] = setting(
        (),
        "File with stored answers of models (choice) or verdicts of judges, to compare with people; may be repeated.",
    )
    resamples: int = setting(
        2000, "Number of bootstrap resamples of items, from which intervals are computed.", ge=100
    )
    seed: int = setting(0, "Random seed of the bootstrap.", ge=0)


class VoiceLeaderboard(CapabilityCount):
    """Rank models by results, beside the best rule that does not know the person; draw their capabilities."""


class VoiceLeaderboardCommand(VoiceLeaderboard, Figures, Terminal):
    """Settings of the command `truetwin voice leaderboard`."""

    files: Annotated[tuple[Path, ...], Argument(), StudyKey("voice.results")] = setting(
        ...,
        "Results: folders of runs, files of stored answers, or the output of `truetwin voice score --json`.",
    )
    output: Annotated[Path | None, CommandLineOnly(IN_REPORT)] = setting(
        None, "File for the table: .md, .csv or .html."
    )
    annotations: Annotated[Path | None, StudyKey("inputs.annotations")] = setting(
        None,
        "File that says which capabilities each item tests (JSONL of `truetwin voice annotate`), for results by "
        "capability.",
    )

    @model_validator(mode="after")
    def _figures_show_capabilities(self) -> Self:
        if self.figures and not self.annotations:
            raise RuleBrokenError("{figures} needs {annotations}: radars show results by capability")
        return self
