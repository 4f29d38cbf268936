"""Settings of `truetwin simulate`, and of the section ``simulate`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

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
    IdColumn,
    PromptFiles,
    Terminal,
)
from truetwin.settings.value_kinds import Columns, Ids, Named, names_at_commas

Strategy = Literal["default", "reasoning", "repeat"]
Elicit = Literal["answer", "distribution", "logprobs"]
ReplyForm = Literal["code", "json", "schema"]
Order = Literal["fixed", "reversed", "rotated"]
Markers = Literal["codes", "letters"]
Frame = Literal["survey", "rating"]
Point = Literal["expected", "likeliest"]
Askable = Literal["truncated", "unparseable", "off-scale", "refused", "too-long", "provider-error", "skipped"]


def _states(value: Any) -> Any:
    """Read states from a comma-separated text; none is the default."""
    names = () if value in ((), []) else names_at_commas(value)
    unknown = [name for name in names if name not in get_args(Askable)]
    if unknown:
        raise ValueError(
            f"must name states that can be asked again: {', '.join(get_args(Askable))}; got {unknown[0]!r}"
        )
    return names


States = Annotated[tuple[Askable, ...], BeforeValidator(_states), Named("states, separated by commas")]


WITHOUT_SENDING = "A dry run sends nothing, so it is no step of a study; `study check` counts the calls."
SEVERAL_GOES = "A step of a study ends with all answers. This ends earlier, and a later call goes on."


class Design(Settings):
    """Design of the survey: how items are asked. Settings that are not given follow from the others."""

    strategy: Annotated[Strategy | None, Unset("default")] = setting(
        None,
        "What the twin does before it answers: default (nothing), reasoning (thinks aloud: chain of thought) or "
        "repeat (writes the question down once more).",
    )
    elicit: Elicit = setting(
        "answer",
        "What the twin is asked for: answer (one answer), distribution (a percentage for each answer) or "
        "logprobs (percentages computed from the likelihood of the first token of the reply).",
    )
    reply: Annotated[ReplyForm | None, Unset("code; json for several items a call and for distributions")] = (
        setting(
            None,
            "Form of a reply: code (only the code of the answer), json (a JSON object) or schema (a JSON object "
            "whose shape the endpoint enforces).",
        )
    )
    per_call: Annotated[int, Field(ge=1)] | Literal["block"] = setting(
        1, "Number of items asked in one call, or 'block' to ask the items of each battery together."
    )
    order: Order = setting(
        "fixed",
        "Order in which answer options are shown: fixed, reversed, or rotated (differs by person and item).",
    )
    markers: Annotated[Markers | None, Unset("codes; letters for logprobs")] = setting(
        None, "How a reply names an answer: by its code (codes) or by a letter (letters)."
    )
    offer_off_scale: bool = setting(
        False, 'Offer twins the off-scale answers that the items declare ("don\'t know") too.'
    )
    frame: Annotated[
        Frame | None, Unset("rating for rating-history personas, else survey"), InStudy(default="survey")
    ] = setting(None, "Wording around the questions: survey (a questionnaire) or rating (rating of things).")
    predicted_output: bool = setting(
        False,
        "Send a likely reply along, for providers that write replies faster with one (needs --reply json or "
        "schema).",
    )
    replicates: int = setting(
        1,
        "Number of times that each persona is asked each item. The table of answers has rows for each time, and "
        "calibration takes each for a source of twins.",
        ge=1,
    )


class AnswerTable(Settings):
    """Values in a table of answers, and the least share of valid ones."""

    point: Point = setting(
        "expected",
        "Answer to write if twins gave distributions: the expected answer (mean) or the likeliest one.",
    )
    validity_floor: float = setting(
        0.9, "Least share of valid answers; with fewer, the command counts as failed.", ge=0, le=1
    )


class Simulate(AnswerTable, Design, Asking, ExtraFields, PromptFiles):
    """Ask twins survey items through a language model, and keep every reply."""

    model: Annotated[str | None, MayBeFile()] = setting(
        None,
        "Language model that plays the personas: the provider's name of it. Without a language model: "
        "scripted:FILE (replies from a file), generated (made by statistics) or generated:TABLE (answers from a "
        "table).",
    )
    construction: str | None = setting(
        None,
        "Way of making twins, one of the thirteen persona constructions of the paper. It sets model, strategy and "
        "temperature; `truetwin personas list` shows all.",
    )
    every_arm: bool = setting(
        False,
        "Ask every twin under every arm (counterfactual twins). Differences between arms are then taken within twins, "
        "so that twins who differ from each other add no error; how far twins are from people is not measured by it.",
    )
    assign_within: Columns = setting(
        (),
        "Columns of the people table, separated by commas. Where twins are assigned to arms by seed, arms are balanced "
        "within the groups of these columns.",
    )
    only: Ids = setting((), "Ask only these items, separated by commas; may be repeated.")
    again: States = setting(
        (),
        "In a run that exists, ask again the calls that ended in these states, separated by commas: truncated, "
        "unparseable, off-scale, refused, too-long, provider-error, skipped. How replies are asked for may be new "
        "(--max-tokens, --temperature, --reply ...). All other replies stay, and replaced ones are kept beside.",
    )
    temperature: Annotated[
        Annotated[float, Field(ge=0, le=2)] | None,
        Unset("that of --construction if given, else the endpoint's own"),
    ] = setting(
        None, "Sampling temperature of the model: 0 for the likeliest words, more for varied replies."
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


class SimulateCommand(Simulate, IdColumn, Terminal):
    """Settings of the command `truetwin simulate`."""

    personas: Annotated[Path, StudyKey("inputs.personas")] = setting(
        ...,
        "Personas, the texts that describe people to the model: .jsonl of `truetwin personas build`, or a table "
        "with columns id and text.",
    )
    items: Annotated[Path, StudyKey("inputs.items")] = setting(
        ..., "Item file, CSV or JSON: texts, categories and labels of the items to ask."
    )
    arms: Annotated[Path | None, StudyKey("inputs.arms")] = setting(
        None,
        "Arms of an experiment: a table condition,arm,text (condition may be left out if there is one). The texts of "
        "items show a condition as {{condition}}; each twin is asked under one arm, assigned by seed, or under every "
        "arm.",
    )
    conditions: Annotated[Path | None, StudyKey("inputs.conditions")] = setting(
        None,
        "Conditions table that says who is in which arm: ids, and one column a condition. By default the seed decides.",
    )
    people: Annotated[Path | None, StudyKey("inputs.people")] = setting(
        None, "People table with the columns of --assign-within: one row a person."
    )
    run: Annotated[Path | None, CommandLineOnly("A study keeps its simulation in the folder of its run.")] = (
        setting(
            None,
            "Folder that keeps every prompt and raw reply. It is created if it is missing; a run that exists is "
            "continued.",
        )
    )
    export: Annotated[Path | None, CommandLineOnly("A study always writes the answers.")] = setting(
        None, "File for the answers, written at the end: CSV, TSV or Parquet, by ending."
    )
    long: Annotated[bool, CommandLineOnly("The later steps of a study read either layout.")] = setting(
        False,
        "Export one row for each answer (respondent_id,item_id,value) instead of a column for each item.",
    )
    dry_run: Annotated[bool, CommandLineOnly(WITHOUT_SENDING)] = setting(
        False, "Show the prompts and the number and size of calls; send nothing except the calls of --pilot."
    )
    pilot: Annotated[int, CommandLineOnly(WITHOUT_SENDING)] = setting(
        0,
        "With --dry-run: number of calls to make and PAY, in order to forecast the cost of the whole run. --run "
        "keeps their replies.",
        ge=0,
    )
    show: Annotated[int, CommandLineOnly(WITHOUT_SENDING)] = setting(
        1, "With --dry-run: number of prompts to show.", ge=1
    )
    resume: Annotated[bool, CommandLineOnly("`study run` always continues a run that exists.")] = setting(
        False, "Continue the run in --run, and stop with an error if there is none."
    )
    seed: Annotated[int, StudyKey("seed")] = setting(
        0,
        "Random seed for the order of answer options (--order rotated) and for the calls a pilot picks.",
        ge=0,
    )
    shard: Annotated[str | None, CommandLineOnly(SEVERAL_GOES)] = setting(
        None,
        "Ask only part i/N of the personas, such as 2/8, so that several machines share the work; join the parts "
        "with `truetwin runs merge`. Each part gets an equal share of the caps.",
    )
    batch: Annotated[bool, CommandLineOnly(SEVERAL_GOES)] = setting(
        False,
        "Use the provider's batch service: collect the replies that are ready, submit the open requests, and end. "
        "Repeat the command until all replies are there.",
    )
    write_requests: Annotated[bool, CommandLineOnly(SEVERAL_GOES)] = setting(
        False,
        "Only write the requests to files (JSONL) beside the run, to be answered by software of your own.",
    )
    give_up: Annotated[Ids, CommandLineOnly(SEVERAL_GOES)] = setting(
        (),
        "Name of a request file (requests-0001.jsonl) whose replies will not come, because it is lost or its engine "
        "failed; 'all' for every file that is waited for; may be repeated. Its calls are asked again. A reply that "
        "comes all the same is still taken.",
    )

    @model_validator(mode="after")
    def _what_goes_together(self) -> Self:
        if self.run is None and (not self.dry_run or self.pilot):
            raise RuleBrokenError(
                "a simulation needs {run}, the folder that keeps it (only {dry_run} does without)"
            )
        if self.again and self.run is None:
            raise RuleBrokenError("{again} needs {run}, the folder of the run that is asked again")
        if self.conditions and not self.arms:
            raise RuleBrokenError("{conditions} needs {arms}, the file with the texts of the arms")
        if self.conditions and self.every_arm:
            raise RuleBrokenError(
                "{conditions} does not go with {every_arm}: every twin is asked under every arm"
            )
        if self.people and not self.assign_within:
            raise RuleBrokenError("{people} goes with {assign_within}, which names columns of it")
        if self.pilot and not self.dry_run:
            raise RuleBrokenError("{pilot} goes with {dry_run}")
        if self.export and self.dry_run:
            raise RuleBrokenError("{export} does not go with {dry_run}: there is nothing to write")
        if sum((self.dry_run, self.batch, self.write_requests)) > 1:
            raise RuleBrokenError("{dry_run}, {batch} and {write_requests} exclude each other")
        if self.give_up and self.dry_run:
            raise RuleBrokenError("{give_up} asks calls again; it does not go with {dry_run}")
        return self
