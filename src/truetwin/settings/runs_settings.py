"""Settings of `truetwin runs`, which reads stored runs. A study keeps its own run and needs none of these settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import Argument, RuleBrokenError, Settings, Unset, setting
from truetwin.settings.shared_settings import Prices, Terminal
from truetwin.settings.simulate_settings import AnswerTable


class StoredRun(Settings):
    """Stored run that a command reads."""

    run: Annotated[Path, Argument()] = setting(..., "Folder of the stored run.")


class RunsShowCommand(StoredRun, Terminal):
    """Settings of the command `truetwin runs show`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."

    persona: str | None = setting(
        None, "Show the prompt and the raw reply of one call: the call for this persona and --item."
    )
    item: str | None = setting(
        None,
        "Show the prompt and the raw reply of one call: the call for this item (or group) and --persona.",
    )
    replicate: int = setting(0, "Number of the repetition of that call, from 0.")
    step: Annotated[str | None, Unset("all")] = setting(
        None, "Show only this step of the run, such as answer or portrait."
    )

    @model_validator(mode="after")
    def _one_call_has_two_names(self) -> Self:
        if (self.persona is None) != (self.item is None):
            raise RuleBrokenError("one call is named by both {persona} and {item}")
        return self


class RunsExportCommand(StoredRun, AnswerTable, Terminal):
    """Settings of the command `truetwin runs export`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."

    output: Path = setting(..., "File for the answers: CSV, TSV or Parquet, by ending.")
    long: bool = setting(
        False,
        "Write one row for each answer (respondent_id,item_id,value) instead of a column for each item.",
    )
    replicate: Annotated[
        int | Literal["mean"] | None,
        Unset(
            "every repetition in rows of its own, numbered in a column 'replicate'; each is then a source of twins"
        ),
    ] = setting(
        None,
        "Write the answers of this repetition only, counted from 0; or 'mean': the mean of all repetitions, or the "
        "most frequent answer if answers have no order.",
    )


class RunsReparseCommand(StoredRun, Terminal):
    """Settings of the command `truetwin runs reparse`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."


class RunsCheckCommand(StoredRun, Terminal):
    """Settings of the command `truetwin runs check`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."


class RunsRecoverCommand(StoredRun, Terminal):
    """Settings of the command `truetwin runs recover`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."

    output: Path = setting(..., "Folder for the new run, which must hold none yet; created if it is missing.")


class RunsReleaseCommand(StoredRun, Terminal):
    """Settings of the command `truetwin runs release`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."

    all: bool = setting(
        False,
        "Free the calls of processes that seem to be running, too. If they are, calls may be asked and paid twice.",
    )


class RunsImportCommand(StoredRun, Prices, Terminal):
    """Settings of the command `truetwin runs import`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."

    replies: Annotated[Path, Argument()] = setting(
        ..., "File of replies: JSON lines with custom_id and response, as batch services write them."
    )


class RunsMergeCommand(Terminal):
    """Settings of the command `truetwin runs merge`."""

    outside_studies = "This command works on stored runs; a study keeps a run of its own."

    target: Annotated[Path, Argument()] = setting(
        ..., "Folder of the run that receives all answers; created if it is missing."
    )
    sources: Annotated[tuple[Path, ...], Argument()] = setting(
        ..., "Folders of the runs to merge, made with the same settings (`simulate --shard`)."
    )
