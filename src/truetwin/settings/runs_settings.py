"""Settings of `truetwin runs`, which looks at stored runs; a study keeps a run of its own and needs none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import model_validator

from truetwin.settings.declaration import Argument, RuleBrokenError, Settings, Unset, setting
from truetwin.settings.shared_settings import Prices, Terminal
from truetwin.settings.simulate_settings import Point


class StoredRun(Settings):
    """A run on disk."""

    run: Annotated[Path, Argument()] = setting(..., "Folder of a run.")


class RunsShowCommand(StoredRun, Terminal):
    """`truetwin runs show`."""

    outside_studies = "Looks at a stored run from outside."

    persona: str | None = setting(None, "Show prompt and raw reply of one call: that of this persona ...")
    item: str | None = setting(None, "... and this item (or group of items).")
    replicate: int = setting(0, "Replicate of that call.")
    step: Annotated[str | None, Unset("all")] = setting(None, "Only this step of the run.")

    @model_validator(mode="after")
    def _one_call_has_two_names(self) -> Self:
        if (self.persona is None) != (self.item is None):
            raise RuleBrokenError("one call is named by both {persona} and {item}")
        return self


class RunsExportCommand(StoredRun, Terminal):
    """`truetwin runs export`."""

    outside_studies = "Looks at a stored run from outside."

    output: Path = setting(..., "Where to write the answers: CSV, TSV or Parquet.")
    long: bool = setting(False, "Export one row an answer (respondent_id,item_id,value).")
    point: Point = setting(
        "expected",
        "What becomes of a distribution in the table of answers: the expected or the likeliest answer.",
    )
    replicate: Annotated[int | None, Unset("the mean, or the most frequent, of all")] = setting(
        None, "Only this replicate."
    )
    validity_floor: float = setting(
        0.9, "Smallest share of valid answers; below it the job counts as failed.", ge=0, le=1
    )


class RunsReparseCommand(StoredRun, Terminal):
    """`truetwin runs reparse`."""

    outside_studies = "Looks at a stored run from outside."


class RunsImportCommand(StoredRun, Prices, Terminal):
    """`truetwin runs import`."""

    outside_studies = "Looks at a stored run from outside."

    replies: Annotated[Path, Argument()] = setting(
        ..., "JSON lines with custom_id and response, as batch services write them."
    )


class RunsMergeCommand(Terminal):
    """`truetwin runs merge`."""

    outside_studies = "Looks at a stored run from outside."

    target: Annotated[Path, Argument()] = setting(
        ..., "Folder of the run to put all into; begun if there is none."
    )
    sources: Annotated[tuple[Path, ...], Argument()] = setting(
        ..., "Folders of runs with the same settings (`simulate --shard`)."
    )
