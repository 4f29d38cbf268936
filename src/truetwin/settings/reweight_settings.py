"""Settings of `truetwin reweight`, and of the section ``reweight`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import Argument, CommandLineOnly, RuleBrokenError, StudyKey, setting
from truetwin.settings.shared_settings import (
    DisclosureColumn,
    FromAnswers,
    IdColumn,
    ItemFile,
    OnlyItems,
    Reading,
    Terminal,
    TwinAnswers,
    TwinSources,
)
from truetwin.settings.value_kinds import LevelOrNone

#: Methods that give twins no weights.
WITHOUT_WEIGHTS = ("auto", "mean", "mix", "twins", "ksoft", "ksoft+text")


class Reweight(OnlyItems, TwinAnswers):
    """Predict how a population answers, from human marginals of other items."""

    method: str = setting(
        "auto",
        "Prediction method: auto, ensemble, transition, weights+transition, ksoft, ksoft+text, "
        "geometric-mean, mix, mean or twins.",
    )
    discrepancy: str = setting(
        "kl",
        "Discrepancy (distance between distributions) that fitting minimises and that auto chooses by: tv, chi2, "
        "kl, hellinger, ks, cdf-l1 or cdf-l2.",
    )
    variant: Literal["both", "personas-only", "base-only"] = setting(
        "both",
        "Members of the ensemble: personas-only (the twins), base-only (generated members that always give the "
        "same answer), or both.",
    )
    level: LevelOrNone = setting(
        0.9, "Confidence level of the bands around predicted shares; 0 computes no bands, which is faster."
    )


class ReweightCommand(
    Reweight, IdColumn, ItemFile, Reading, FromAnswers, TwinSources, DisclosureColumn, Terminal
):
    """Settings of the command `truetwin reweight`."""

    marginals: Annotated[Path, Argument(), StudyKey("inputs.marginals")] = setting(
        ...,
        "Human marginals, the share of each answer in a population: a table item_id, category, "
        "share_or_count[, base_size][, population], or with one column for each category.",
    )
    twin: Annotated[Path | None, Argument(), StudyKey("inputs.twin")] = setting(
        None,
        "Answers of twins to these items and to new ones: one column for each item, or one row for each answer. A "
        "folder holds one table for each source of twin answers.",
    )
    output: Annotated[Path, CommandLineOnly("A study keeps its results in the folder of its run.")] = setting(
        ..., "File for the predicted marginals: CSV, TSV or Parquet, by ending."
    )
    groups: Annotated[Path | None, StudyKey("inputs.groups")] = setting(
        None,
        "Table item_id,group (waves, batteries, years). The method is then chosen by hiding and predicting whole "
        "groups.",
    )
    weights_output: Annotated[
        Path | None, CommandLineOnly("A study always writes the weights if the method has any.")
    ] = setting(None, "Also write the weight of each twin to this file.")

    @property
    def files(self) -> dict[str, Path]:
        """Files of the tables, by role."""
        roles = ("groups", "item_file", "twin_weights", "people", "margins")
        found = {role: path for role in roles if (path := getattr(self, role)) is not None}
        return {"marginals": self.marginals, **self.twin_files, **found}

    @model_validator(mode="after")
    def _weights_need_a_method_with_weights(self) -> Self:
        if self.weights_output and self.method in WITHOUT_WEIGHTS:
            raise RuleBrokenError(
                "{weights_output} needs a method that weights twins (ensemble, weights+transition, ...); "
                f"{self.method!r} has no weights"
            )
        return self
