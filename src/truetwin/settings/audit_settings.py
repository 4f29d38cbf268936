"""Settings of `truetwin audit-twins`, and of the section ``audit_twins`` of a study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import model_validator

from truetwin.settings.declaration import CommandLineOnly, RuleBrokenError, Settings, StudyKey, setting
from truetwin.settings.shared_settings import (
    Blocks,
    Groups,
    PanelFiles,
    PersonaItems,
    Retest,
    Terminal,
    Weights,
)

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


class AuditTwins(Settings):
    """Audit the twins: leaks, flattening, equity, ceilings and memory, source by source."""

    published: Path | None = setting(
        None,
        "Published toplines that a model may remember: a table item_id,category,share_or_count, as for reweight.",
    )
    trained_until: str | None = setting(
        None,
        "Date of the last texts that the model was trained on, such as 2024-06. Items fielded before (column fielded "
        "of the item file) are compared with later ones.",
    )
    min_cell: int = setting(20, "Smallest group of people that is looked at for itself.", ge=20)

    @model_validator(mode="after")
    def _date_is_one(self) -> Self:
        if self.trained_until is not None and not _DATE.fullmatch(self.trained_until):
            raise RuleBrokenError(
                f"{{trained_until}} must be a year, month or day such as 2024, 2024-06 or 2024-06-01; got "
                f"{self.trained_until!r}"
            )
        return self


class AuditTwinsCommand(AuditTwins, PersonaItems, Blocks, PanelFiles, Weights, Groups, Retest, Terminal):
    """Settings of the command `truetwin audit-twins`."""

    clusters: Annotated[str | None, StudyKey("inputs.clusters")] = setting(
        None,
        "Column with the clusters of the sample (such as households or schools), in the people table or else in the "
        "human table: whole clusters are left out where errors are learned.",
    )
    output: Annotated[Path | None, CommandLineOnly("A study has the audit in its report.")] = setting(
        None,
        "File for the whole audit: an HTML page (.html), which compares sources and has a part for each, or JSON.",
    )
    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Random seed of the groups of people that are left out, and of halves.", ge=0
    )

    @property
    def files(self) -> dict[str, Path]:
        """Files of the tables, by role."""
        found = {"personas": self.personas, "published": self.published}
        return {**super().files, **{role: path for role, path in found.items() if path is not None}}
