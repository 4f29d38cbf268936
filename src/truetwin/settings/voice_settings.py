"""Settings of `truetwin voice`, and of the section ``voice`` of a study.

Those of `truetwin voice build` stand in :mod:`truetwin.settings.voice_build_settings`.
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
    RuleBrokenError,
    Settings,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import Asking, Engine, Figures, Terminal
from truetwin.settings.value_kinds import Names, Temperature, names_at_commas

Control = Literal["none", "no-history", "no-persona", "swapped"]
#: What a sample for people can mirror.
Stratum = Literal["dimension", "group", "language", "persona", "model"]
#: For which capabilities an item counts: all that it tests, or the primary one.
CountedBy = Literal["labels", "primary"]
#: In a study, items come from ``voice.build`` unless they are named.
FROM_A_BUILD = InStudy(default=EARLIER_STEP)

RUN_FOLDER = "A study keeps each run in its own folder."
IN_FOLDER = "A study always writes this to its folder."
IN_REPORT = "A study shows its results in its report."


class ItemChoice(Settings):
    """Which items of a benchmark are used."""

    profiles: Annotated[Path | None, Unset("profiles.jsonl beside it")] = setting(
        None, "Profiles that go with a file of narrative items."
    )
    limit: int | None = setting(None, "Only the first so many items.", ge=1)


class Controlled(Settings):
    """What is taken away from items, to see what a model does without it."""

    control: Control = setting(
        "none",
        "Control run: no-history, no-persona (no profile either) or swapped (another person's history).",
    )


class ControlledItems(ItemChoice, Controlled):
    """Which items are used, and what is taken away from them."""


class HistoryShown(Settings):
    """How much a model sees of what a person said before."""

    history: int = setting(30, "Turns of history that are shown, the latest ones; 0 for none.", ge=0)


class VoiceItems(ItemChoice, HistoryShown):
    """Which items are put to a model."""


class Rotations(Settings):
    """In how many orders of options an item is asked."""

    rotations: int = setting(
        1, "Orders of options in which each item is asked; 4 measures position bias.", ge=1, le=4
    )


class Structured(Settings):
    """Whether a JSON schema of the reply is sent along."""

    structured: Annotated[bool, Flag("--structured/--no-structured")] = setting(
        True, "Ask for replies by a JSON schema too, where the endpoint knows that."
    )


class Questions(HistoryShown, Rotations, Structured):
    """How items are put to a model."""


class PlayedDecoding(Settings):
    """How the model decodes."""

    temperature: Temperature = setting(0, "Temperature of decoding; 'none' leaves it to the endpoint.")


class AskingAboutItems(VoiceItems, PlayedDecoding, Asking):
    """Settings of every verb that asks a model about items."""


class Playing(AskingAboutItems, Controlled):
    """Settings of the verbs that play personas."""

    items: Annotated[str, Argument(), MayBeFile(), FROM_A_BUILD] = setting(
        ..., "The items: 'narrative' (the published ones), or a JSONL file in any known layout."
    )
    model: Annotated[str, MayBeFile()] = setting(
        ..., "Model that plays the personas: the provider's name, or scripted:FILE."
    )


class VoiceRun(Playing, Rotations, Structured):
    """Play a benchmark: choose replies, or write them and have them judged; then score."""

    protocol: Names = setting(
        ("choice",),
        "Protocols, separated by commas: choice, reply, reply-vs-distractors, map-to-options, scoring; "
        "'judged' is a free reply under all three judging protocols.",
    )
    judge_model: Annotated[str | None, MayBeFile(), Unset("none: a model must be named")] = setting(
        None, "Model that judges free replies."
    )
    judge_base_url: Annotated[str | None, Unset("as --base-url")] = setting(None, "Endpoint of the judge.")
    judge_engine: Annotated[Engine | None, Unset("as --engine")] = setting(None, "How the judge is reached.")
    judge_key_variable: Annotated[str | None, Unset("as --key-variable")] = setting(
        None, "Environment variable with the judge's key."
    )
    judge_temperature: Temperature = setting(0, "Temperature of the judge; 'none' leaves it to the endpoint.")


class RunFolder(Settings):
    """Where replies are kept."""

    run: Annotated[Path, CommandLineOnly(RUN_FOLDER)] = setting(
        ...,
        "Folder of the run: raw replies (run.sqlite) and outcomes (one JSONL a protocol). The same command "
        "again continues it and pays for nothing twice.",
    )


class DryRun(Settings):
    """Whether anything is sent."""

    dry_run: Annotated[bool, CommandLineOnly("A dry run sends nothing, so it is no step of a study.")] = (
        setting(False, "Show the first prompts and how many calls there are; ask nothing.")
    )


class VoiceRunCommand(VoiceRun, RunFolder, DryRun, Terminal):
    """`truetwin voice run`."""

    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Seed of the order of options, and of swapped histories."
    )


class VoiceGenerate(Playing):
    """Have a model write the replies of the personas, to be judged later."""

    repetitions: int = setting(1, "Replies to each item, for judging in as many orders.", ge=1, le=4)


class VoiceGenerateCommand(VoiceGenerate, RunFolder, DryRun, Terminal):
    """`truetwin voice generate`."""

    seed: Annotated[int, StudyKey("seed")] = setting(0, "Seed of swapped histories.")


class VoiceJudge(AskingAboutItems, Structured):
    """Have a model judge free replies, whoever wrote them: two rankings and marks; then score."""

    replies: Annotated[Path, Argument(), InStudy(default=EARLIER_STEP)] = setting(
        ..., "Free replies: reply.jsonl of a run, or the published layout (JSONL)."
    )
    items: Annotated[str, MayBeFile(), FROM_A_BUILD] = setting(
        ..., "The items that were replied to: 'narrative', or a JSONL file in any known layout."
    )
    judge_model: Annotated[str, MayBeFile()] = setting(
        ..., "Model that judges: the provider's name, or scripted:FILE."
    )
    protocol: Names = setting(
        ("reply-vs-distractors", "map-to-options", "scoring"),
        "Judging protocols, separated by commas: reply-vs-distractors, map-to-options, scoring.",
    )


class VoiceJudgeCommand(VoiceJudge, RunFolder, Terminal):
    """`truetwin voice judge`."""

    seed: Annotated[int, StudyKey("seed")] = setting(0, "Seed of the order of options.")


class VoiceAnnotate(AskingAboutItems, Structured):
    """Say which of the six capabilities each item tests, by a model or by people; merge that into the items."""

    items: Annotated[str, Argument(), MayBeFile(), FROM_A_BUILD] = setting(
        ..., "The items: 'narrative' (the published ones), or a JSONL file in any known layout."
    )
    model: Annotated[str | None, MayBeFile()] = setting(
        None, "Model that annotates: the provider's name, or scripted:FILE."
    )
    annotations: Path | None = setting(
        None, "Take these annotations (JSONL, by people, say) instead of asking a model."
    )

    @model_validator(mode="after")
    def _from_a_model_or_a_file(self) -> Self:
        if (self.annotations is None) == (self.model is None):
            raise RuleBrokenError("annotations must come from a model ({model}) or a file ({annotations})")
        return self


class VoiceAnnotateCommand(VoiceAnnotate, Terminal):
    """`truetwin voice annotate`."""

    run: Annotated[Path | None, CommandLineOnly(RUN_FOLDER)] = setting(
        None, "Folder of the run, with raw replies; the same command again continues it."
    )
    output: Annotated[Path | None, CommandLineOnly(IN_FOLDER), Unset("annotations.jsonl in the run")] = (
        setting(None, "File for the annotations (JSONL).")
    )
    merged: Annotated[Path | None, CommandLineOnly(IN_FOLDER)] = setting(
        None, "Write the items with their annotations here (JSONL)."
    )

    @model_validator(mode="after")
    def _from_a_model_or_a_file(self) -> Self:
        asks = self.model is not None and self.run is not None
        if (self.annotations is None) != asks or (self.annotations and (self.model or self.run)):
            raise RuleBrokenError(
                "annotations must come from a model ({model} with {run}) or a file ({annotations})"
            )
        return self


class VoiceScore(Settings):
    """Score stored answers without any model: both denominators, intervals, baselines, positions, paired tests."""

    files: Annotated[tuple[Path, ...], Argument(), InStudy(default=(EARLIER_STEP,))] = setting(
        ..., "Stored answers: our own outcomes, or a published layout (JSONL)."
    )
    items: Annotated[str | None, MayBeFile()] = setting(
        None, "The items that count, such as a matched subset: JSONL, 'narrative' or 'social'."
    )
    model: Annotated[str | None, Unset("what the file says")] = setting(
        None, "What to call the model, where there is one file."
    )
    bert_score: bool = setting(False, "Also give BERTScore of written replies (extra 'bertscore').")

    @model_validator(mode="after")
    def _one_name_for_one_file(self) -> Self:
        if self.model and len(self.files) > 1:
            raise RuleBrokenError(f"{{model}} goes with one file; got {len(self.files)}")
        return self


class VoiceScoreCommand(VoiceScore, Terminal):
    """`truetwin voice score`."""


class VoiceAudit(Settings):
    """Find what a multiple-choice benchmark gives away without the persona, and what is wrong with its items."""

    source: Annotated[str, Argument(), MayBeFile(), FROM_A_BUILD] = setting(
        ..., "social, narrative, interpersonal, or a JSONL file of multiple-choice items."
    )
    answers: Annotated[
        tuple[Path, ...], Unset("for 'social' and 'narrative', the published ones on this machine")
    ] = setting((), "Stored answers of a model to these items, for its position bias; may be repeated.")
    profiles: Path | None = setting(None, "Profiles that go with a file of narrative items.")


class VoiceAuditCommand(VoiceAudit, Terminal):
    """`truetwin voice audit`."""

    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Seed of the order of options in the repaired release."
    )
    matched: Annotated[Path | None, CommandLineOnly(IN_FOLDER)] = setting(
        None, "Write the items whose options are alike in length and style here."
    )
    repaired: Annotated[Path | None, CommandLineOnly(IN_FOLDER)] = setting(
        None, "Write a release without duplicates and leaks, right answers balanced, here."
    )
    show: Annotated[int, CommandLineOnly(IN_REPORT)] = setting(
        3, "How many item ids of each finding to print.", ge=0
    )


class VoiceSampleCommand(Terminal):
    """`truetwin voice sample`."""

    outside_studies = "People answer between this command and the next."

    items: Annotated[str, Argument(), MayBeFile()] = setting(
        ..., "Benchmark items: JSONL, or 'narrative' or 'social'."
    )
    folder: Path = setting(..., "Folder for tasks.csv, form.html and key.json; made if missing.")
    protocol: str = setting(
        "choice",
        "What people do: choice (which reply is the person's?), reply-vs-distractors or map-to-options "
        "(what is closest to a reference?), scoring (marks from 1 to 5).",
    )
    n: int = setting(50, "Number of tasks.", ge=1)
    answers: tuple[Path, ...] = setting((), "Stored replies to judge, for all but choice; may be repeated.")
    strata: Annotated[tuple[Stratum, ...], BeforeValidator(names_at_commas)] = setting(
        ("dimension", "group"),
        "What the sample mirrors, most important first, separated by commas: dimension, group, language, "
        "persona, model.",
    )
    seed: int = setting(0, "Seed of which tasks are drawn, their order and the letters.", ge=0)


class VoiceAgreeCommand(Terminal):
    """`truetwin voice agree`."""

    outside_studies = "People answer before this command."

    files: Annotated[tuple[Path, ...], Argument()] = setting(
        ..., "Annotators' files: JSON that the form saved, or the filled CSV."
    )
    key: Path = setting(..., "The sample's key.json.")
    answers: tuple[Path, ...] = setting(
        (),
        "Stored answers of models (choice) or verdicts of judges, to compare with people; may be repeated.",
    )
    resamples: int = setting(2000, "Bootstrap resamples over items.", ge=100)
    seed: int = setting(0, "Seed of the bootstrap.", ge=0)


class VoiceLeaderboard(Settings):
    """Order models by their results, beside the best rule that knows no persona; draw their capabilities."""

    by: CountedBy = setting("labels", "Count an item for all its capabilities (labels) or for one (primary).")


class VoiceLeaderboardCommand(VoiceLeaderboard, Figures, Terminal):
    """`truetwin voice leaderboard`."""

    files: Annotated[tuple[Path, ...], Argument(), StudyKey("voice.results")] = setting(
        ..., "Results: stored answers, or what `truetwin voice score --json` printed."
    )
    output: Annotated[Path | None, CommandLineOnly(IN_REPORT)] = setting(
        None, "Write the table: .md, .csv or .html."
    )
    annotations: Annotated[Path | None, StudyKey("inputs.annotations")] = setting(
        None, "Capabilities of the items (JSONL), for results by capability."
    )

    @model_validator(mode="after")
    def _figures_show_capabilities(self) -> Self:
        if self.figures and not self.annotations:
            raise RuleBrokenError("{figures} needs {annotations}: radars show results by capability")
        return self
