"""Settings of `truetwin reweight`, and of the section ``reweight`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import Argument, CommandLineOnly, RuleBrokenError, StudyKey, setting
from truetwin.settings.shared_settings import (
    DisclosureColumn,
    IdColumn,
    ItemFile,
    OnlyItems,
    Terminal,
    TwinAnswers,
)
from truetwin.settings.value_kinds import LevelOrNone

#: Methods that give twins no weights.
WITHOUT_WEIGHTS = ("mean", "mix", "twins", "ksoft", "ksoft+text")


class Reweight(OnlyItems, TwinAnswers):
    """Predict how a population answers, from human marginals of other items."""

    method: str = setting(
        "auto",
        "Method: auto, ensemble, transition, weights+transition, ksoft, ksoft+text, geometric-mean, mix, "
        "mean or twins.",
    )
    discrepancy: str = setting(
        "kl", "What is minimised and chosen by: tv, chi2, kl, hellinger, ks, cdf-l1 or cdf-l2."
    )
    variant: Literal["both", "personas-only", "base-only"] = setting(
        "both", "Parts of the ensemble: both, personas-only or base-only (no twins)."
    )
    level: LevelOrNone = setting(0.9, "Level of the bands around predicted shares; 0 for no bands (faster).")


class ReweightCommand(Reweight, IdColumn, ItemFile, DisclosureColumn, Terminal):
    """`truetwin reweight`."""

    marginals: Annotated[Path, Argument(), StudyKey("inputs.marginals")] = setting(
        ...,
        "Human marginals: item_id, category, share_or_count[, base_size][, population]; or one column a "
        "category.",
    )
    twin: Annotated[Path, Argument(), StudyKey("inputs.twin")] = setting(
        ..., "Answers of twins, wide or long, to these items and to new ones."
    )
    output: Annotated[Path, CommandLineOnly("A study keeps its results in the folder of its run.")] = setting(
        ..., "Where to write the predicted marginals: CSV, TSV or Parquet."
    )
    groups: Annotated[Path | None, StudyKey("inputs.groups")] = setting(
        None, "Table item_id,group (waves, batteries, years): choose the method by whole groups."
    )
    weights_output: Annotated[
        Path | None, CommandLineOnly("A study always writes the weights, where the method has any.")
    ] = setting(None, "Also write the weights of the twins to this file.")

    @property
    def files(self) -> dict[str, Path]:
        """The tables, by role."""
        roles = ("marginals", "twin", "groups", "item_file", "twin_weights")
        return {role: path for role in roles if (path := getattr(self, role)) is not None}

    @model_validator(mode="after")
    def _weights_need_a_method_with_weights(self) -> Self:
        if self.weights_output and self.method in WITHOUT_WEIGHTS:
            raise RuleBrokenError(
                "{weights_output} needs a method that weights twins (ensemble, weights+transition, ...); "
                f"{self.method!r} has no weights"
            )
        return self
