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
    IdColumn,
    PromptFiles,
    Terminal,
)
from truetwin.settings.value_kinds import Ids, Names


class Targets(Settings):
    """What twins will be asked, so that personas do not show it."""

    targets: Ids = setting(
        (),
        "Items that will be asked, separated by commas; may be repeated. They, their batteries and items of"
        " the same wording are not shown.",
    )
    target_file: Path | None = setting(None, "The same as an item file: what `simulate --items` will get.")


class Personas(Targets, Asking, PromptFiles):
    """Make a persona of every respondent from their own answers and attributes."""

    builder: str = setting("text", "Builder of the personas; `truetwin personas list` shows all.")
    attributes: Path | None = setting(None, "Table of people's attributes: ids, and one column an attribute.")
    demographics: Annotated[Names | None, Unset("the paper's 14")] = setting(
        None, "Attributes that count, separated by commas, for the builder demographics."
    )
    respondents: Ids = setting((), "Only these respondents, separated by commas; may be repeated.")
    model: Annotated[str | None, MayBeFile()] = setting(
        None, "Model that writes the portraits, for the builders summary and summary+json."
    )
    words: Annotated[int, Unit("words")] = setting(
        500, "Longest portrait, in words, for the same builders.", ge=20
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = setting(
        0.0, "Temperature of decoding, for the same builders."
    )


class PersonasBuildCommand(Personas, IdColumn, Terminal):
    """`truetwin personas build`."""

    answers: Annotated[Path, Argument(), StudyKey("inputs.human")] = setting(
        ..., "People's own answers: CSV, Parquet, SPSS or Stata; wide or long."
    )
    output: Annotated[Path, CommandLineOnly("A study keeps its results in the folder of its run.")] = setting(
        ..., "Where to write the personas: .jsonl."
    )
    item_file: Annotated[Path | None, StudyKey("inputs.items")] = setting(
        None,
        "CSV or JSON with texts, categories and labels of the items. An SPSS or Stata file brings its own.",
    )
    run: Annotated[Path | None, CommandLineOnly("A study keeps portraits in the folder of its run.")] = (
        setting(None, "Run that keeps the portraits, for the builders summary and summary+json.")
    )

    @model_validator(mode="after")
    def _json_lines(self) -> Self:
        if self.output.suffix.lower() != ".jsonl":
            raise RuleBrokenError(
                f"personas are written as JSON lines; the name of {str(self.output)!r} must end in .jsonl".replace(
                    "{", "{{"
                ).replace("}", "}}")
            )
        return self


class FineTuneCommand(Targets, IdColumn, PromptFiles, Terminal):
    """`truetwin personas fine-tune`."""

    outside_studies = "A model is fine-tuned by its provider between two commands."

    answers: Annotated[Path, Argument()] = setting(
        ..., "People's own answers: CSV, Parquet, SPSS or Stata; wide or long."
    )
    personas: Path = setting(..., "Personas that show none of the items to be learned.")
    items: Path = setting(..., "Item file: the items to learn from, and the targets.")
    output: Path = setting(..., "Folder for train.jsonl, validation.jsonl and fine-tuning.json.")
    people: Annotated[int | None, Unset("all")] = setting(
        None, "Learn from this many people, drawn at random (the paper: 500)."
    )
    validation: float = setting(0.1, "Share of them kept for validation, whole persons.")
    seed: int = setting(0, "Seed of which people are drawn.")


class PersonasListCommand(Terminal):
    """`truetwin personas list`."""

    outside_studies = "Lists; computes nothing."
