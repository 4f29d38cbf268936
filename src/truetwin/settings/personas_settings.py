"""Settings of `truetwin personas`, and of the section ``personas`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from truetwin.settings.declaration import (
    Argument,
    CommandLineOnly,
    MayBeFile,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unit,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    Asking,
    ColumnsOfPeople,
    FileReading,
    IdColumn,
    PromptFiles,
    Terminal,
)
from truetwin.settings.value_kinds import Ids, Names


class Targets(Settings):
    """Items that twins will be asked. Personas do not show people's answers to them."""

    targets: Ids = setting(
        (),
        "Items that twins will be asked, separated by commas; may be repeated. Personas show no answers to "
        "them, to items of their batteries (asked together with them), or to items of the same wording.",
    )
    target_file: Path | None = setting(
        None, "Item file whose items twins will be asked: the file for `simulate --items`."
    )


class Personas(Targets, Asking, PromptFiles):
    """Make a persona of every respondent from their own answers and attributes."""

    builder: str = setting("text", "Builder of the personas; `truetwin personas list` shows all.")
    attributes: Path | None = setting(None, "Table of people's attributes: ids, and one column an attribute.")
    demographics: Annotated[Names | None, Unset("the paper's 14")] = setting(
        None, "Attributes that the builder demographics shows, separated by commas."
    )
    respondents: Ids = setting(
        (), "Make personas of these respondents only, separated by commas; may be repeated."
    )
    model: Annotated[str | None, MayBeFile()] = setting(
        None,
        "Language model that writes a portrait of each person, for the builders summary and summary+json.",
    )
    words: Annotated[int, Unit("words")] = setting(
        500, "Longest portrait, in words, for the builders summary and summary+json.", ge=20
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = setting(
        0.0, "Sampling temperature of the model that writes portraits."
    )


class PersonasBuildCommand(Personas, IdColumn, ColumnsOfPeople, FileReading, Terminal):
    """Settings of the command `truetwin personas build`."""

    answers: Annotated[Path, Argument(), StudyKey("inputs.human")] = setting(
        ...,
        "People's own answers: CSV, Parquet, SPSS or Stata; one column for each item, or one row for each "
        "answer.",
    )
    output: Annotated[Path, CommandLineOnly("A study keeps its results in the folder of its run.")] = setting(
        ..., "File for the personas; its name must end in .jsonl."
    )
    item_file: Annotated[Path | None, StudyKey("inputs.items")] = setting(
        None,
        "CSV or JSON file with texts, categories and labels of the items. SPSS and Stata files of answers hold "
        "these themselves.",
    )
    run: Annotated[Path | None, CommandLineOnly("A study keeps portraits in the folder of its run.")] = (
        setting(None, "Folder that keeps the portraits, for the builders summary and summary+json.")
    )

    @model_validator(mode="after")
    def _json_lines(self) -> Self:
        if self.output.suffix.lower() != ".jsonl":
            raise RuleBrokenError(
                "personas are written as JSON lines; the name of {found} must end in .jsonl",
                found=self.output,
            )
        return self


class FineTuneCommand(Targets, IdColumn, ColumnsOfPeople, FileReading, PromptFiles, Terminal):
    """Settings of the command `truetwin personas fine-tune`."""

    outside_studies = "A model is fine-tuned by its provider between two commands."

    answers: Annotated[Path, Argument()] = setting(
        ...,
        "People's own answers: CSV, Parquet, SPSS or Stata; one column for each item, or one row for each "
        "answer.",
    )
    personas: Path = setting(..., "Personas that show no answers to the items that the model learns from.")
    items: Path = setting(
        ...,
        "Item file with the items to learn from, and the targets: items that the model will be asked later.",
    )
    output: Path = setting(..., "Folder for train.jsonl, validation.jsonl and fine-tuning.json.")
    people: Annotated[int | None, Unset("all")] = setting(
        None, "Number of people to learn from, drawn at random (the paper: 500)."
    )
    validation: float = setting(
        0.1, "Share of these people who are kept for validation, with all their answers."
    )
    seed: int = setting(0, "Random seed for choosing the people.", ge=0)


class PersonasListCommand(Terminal):
    """Settings of the command `truetwin personas list`."""

    outside_studies = "This command only lists."
