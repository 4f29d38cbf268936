"""Settings of `truetwin simulate`, and of the section ``simulate`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from truetwin.settings.declaration import (
    CommandLineOnly,
    InStudy,
    MayBeFile,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    Asking,
    ExtraFields,
    PromptFiles,
    Terminal,
)
from truetwin.settings.value_kinds import Ids

Strategy = Literal["default", "reasoning", "repeat"]
Elicit = Literal["answer", "distribution", "logprobs"]
ReplyForm = Literal["code", "json", "schema"]
Order = Literal["fixed", "reversed", "rotated"]
Markers = Literal["codes", "letters"]
Frame = Literal["survey", "rating"]
Point = Literal["expected", "likeliest"]

WITHOUT_SENDING = "A dry run sends nothing, so it is no step of a study; `study check` counts the calls."
SEVERAL_GOES = (
    "A step of a study ends with its answers; this ends before, to be taken up by the same command."
)


class Design(Settings):
    """How items are put to twins; what is not given follows from the rest."""

    strategy: Annotated[Strategy | None, Unset("default")] = setting(
        None,
        "default, reasoning (thinking aloud first: chain of thought) or repeat (writing the question down "
        "first).",
    )
    elicit: Elicit = setting(
        "answer",
        "What is asked for: an answer, a distribution over the answers (in words), or logprobs (the "
        "likelihood of the first token).",
    )
    reply: Annotated[ReplyForm | None, Unset("code; json for several items a call and for distributions")] = (
        setting(None, "Form of a reply: code (a bare code), json, or schema (structured output).")
    )
    per_call: Annotated[int, Field(ge=1)] | Literal["block"] = setting(
        1, "Items asked in one call: a number, or 'block' for whole batteries."
    )
    order: Order = setting(
        "fixed", "Order of the answers shown: fixed, reversed, or rotated (by person and item)."
    )
    markers: Annotated[Markers | None, Unset("codes; letters for logprobs")] = setting(
        None, "What stands for an answer in a reply: codes or letters."
    )
    offer_off_scale: bool = setting(False, 'Offer declared off-scale answers ("don\'t know") too.')
    frame: Annotated[
        Frame | None, Unset("rating for rating-history personas, else survey"), InStudy(default="survey")
    ] = setting(None, "Prompts that frame the questions: survey or rating.")
    predicted_output: bool = setting(
        False, "Send a likely reply along, for providers that decode faster with one (needs json or schema)."
    )
    replicates: int = setting(
        1, "How often each item is asked of each persona; answers are averaged, or voted on.", ge=1
    )


class Simulate(Design, Asking, ExtraFields, PromptFiles):
    """Ask twins survey items through a language model, and keep every reply."""

    model: Annotated[str | None, MayBeFile()] = setting(
        None,
        "The provider's name of a model; scripted:FILE; generated or generated:TABLE (statistical, no "
        "language model).",
    )
    construction: str | None = setting(
        None,
        "One of the paper's thirteen constructions, which sets model, strategy and temperature; `truetwin "
        "personas list` shows all.",
    )
    only: Ids = setting((), "Ask only these items, separated by commas; may be repeated.")
    temperature: Annotated[
        Annotated[float, Field(ge=0, le=2)] | None, Unset("the construction's, else the endpoint's own")
    ] = setting(None, "Temperature of decoding.")
    point: Point = setting(
        "expected",
        "What becomes of a distribution in the table of answers: the expected or the likeliest answer.",
    )
    validity_floor: float = setting(
        0.9, "Smallest share of valid answers; below it the job counts as failed.", ge=0, le=1
    )

    @model_validator(mode="after")
    def _somebody_answers(self) -> Self:
        if not self.model and self.construction is None:
            raise RuleBrokenError(
                "{model} is missing: the name of a model (with {base_url} for an endpoint of your own), "
                "scripted:FILE, "
                "or generated"
            )
        return self


class SimulateCommand(Simulate, Terminal):
    """`truetwin simulate`."""

    personas: Annotated[Path, StudyKey("inputs.personas")] = setting(
        ..., "Personas: .jsonl of `personas build`, or a table with id and text."
    )
    items: Annotated[Path, StudyKey("inputs.items")] = setting(
        ..., "Item file: texts, categories and labels of what is asked."
    )
    run: Annotated[Path | None, CommandLineOnly("A study keeps its simulation in the folder of its run.")] = (
        setting(
            None, "Folder that keeps the run: every prompt and raw reply. Begun, or continued if it exists."
        )
    )
    export: Annotated[Path | None, CommandLineOnly("A study always writes the answers.")] = setting(
        None, "Write the answers here when done: CSV, TSV or Parquet."
    )
    long: Annotated[bool, CommandLineOnly("The later steps of a study read either layout.")] = setting(
        False, "Export one row an answer (respondent_id,item_id,value)."
    )
    dry_run: Annotated[bool, CommandLineOnly(WITHOUT_SENDING)] = setting(
        False, "Show prompts and sizes; send nothing (but a --pilot)."
    )
    pilot: Annotated[int, CommandLineOnly(WITHOUT_SENDING)] = setting(
        0, "With --dry-run: make and PAY this many calls, to estimate all; --run keeps them.", ge=0
    )
    show: Annotated[int, CommandLineOnly(WITHOUT_SENDING)] = setting(
        1, "With --dry-run: how many prompts to show.", ge=1
    )
    resume: Annotated[bool, CommandLineOnly("`study run` always continues what there is.")] = setting(
        False, "Continue a run; refuse to begin a new one."
    )
    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Seed of the rotation of answers, and of which calls a pilot makes."
    )
    shard: Annotated[str | None, CommandLineOnly(SEVERAL_GOES)] = setting(
        None, "Do part i/N of the personas, one part a machine; see `runs merge`."
    )
    batch: Annotated[bool, CommandLineOnly(SEVERAL_GOES)] = setting(
        False, "Use the provider's batch service: collect what is done, submit what is open, and end."
    )
    write_requests: Annotated[bool, CommandLineOnly(SEVERAL_GOES)] = setting(
        False, "Only write request files (JSONL) beside the run, for an engine of your own."
    )

    @model_validator(mode="after")
    def _what_goes_together(self) -> Self:
        if self.run is None and (not self.dry_run or self.pilot):
            raise RuleBrokenError(
                "a simulation needs {run}, the folder that keeps it (only {dry_run} does without)"
            )
        if self.pilot and not self.dry_run:
            raise RuleBrokenError("{pilot} goes with {dry_run}")
        if self.export and self.dry_run:
            raise RuleBrokenError("{export} does not go with {dry_run}: there is nothing to write")
        if sum((self.dry_run, self.batch, self.write_requests)) > 1:
            raise RuleBrokenError("{dry_run}, {batch} and {write_requests} exclude each other")
        return self
