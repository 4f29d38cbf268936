"""Settings of `truetwin evaluate`, and of the section ``evaluate`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    CommandLineOnly,
    FileOnly,
    InStudy,
    RuleBrokenError,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    Blocks,
    Hyperparameters,
    InContext,
    PanelFiles,
    Terminal,
    Workers,
)
from truetwin.settings.value_kinds import Names

Protocol = Literal["leave-one-item-out", "leave-block-out", "leave-one-respondent-out"]
Transfer = Literal["ridge", "lasso", "elastic-net", "synthetic-intervention"]


class Evaluate(Hyperparameters):
    """Hide human answers, predict them, compare methods."""

    methods: Annotated[
        Names | None,
        Unset("twin, the trivial mean, ridge, elastic-net, synthetic-control, auto"),
        InStudy(default=("twin", "human-respondent-mean", "ridge", "elastic-net", "auto")),
    ] = setting(None, "Methods to compare, separated by commas; `truetwin methods` lists all.")
    metric: Annotated[Names, InStudy(default=("pearson", "bias", "variance-ratio"))] = setting(
        ("pearson",),
        "Scores, separated by commas: pearson, centred-pearson, spearman, mae, rmse, bias, variance-ratio.",
    )
    baseline: str = setting("twin", "Method that paired differences are against.")
    max_folds: int | None = setting(
        None, "Hide at most so many targets, drawn at random: for a first look at a large study.", ge=1
    )
    protocols: Annotated[
        tuple[Protocol, ...], FileOnly("One call of the command uses one protocol: --protocol.")
    ] = setting(
        ("leave-one-item-out", "leave-block-out"),
        "What is hidden at a time: an item, a battery (items asked together), a person.",
    )
    thresholds: Annotated[
        tuple[Transfer, ...], FileOnly("The result is a figure of the report, which only a study has.")
    ] = setting((), "Also show adaptive transfer of these methods at every threshold.")
    examples: Annotated[int, FileOnly("The result is a table of the report, which only a study has.")] = (
        setting(
            0,
            "How many answered items to hide and predict, to show their shares beside people's and the twins'.",
            ge=0,
            le=20,
        )
    )


class EvaluateCommand(Evaluate, Blocks, PanelFiles, InContext, Workers, Terminal):
    """`truetwin evaluate`."""

    protocol: Annotated[Protocol, StudyKey("evaluate.protocols")] = setting(
        "leave-one-item-out", "What is hidden at a time: an item, a respondent or a block of items."
    )
    per_target: Annotated[
        Path | None, CommandLineOnly("A study always writes the scores of all targets.")
    ] = setting(None, "Also write the score of every target to this file.")

    @model_validator(mode="after")
    def _blocks_are_hidden_by_one_protocol(self) -> Self:
        if self.blocks is not None and self.protocol != "leave-block-out":
            raise RuleBrokenError(
                f"{{blocks}} goes with {{protocol}} leave-block-out; the protocol is {self.protocol}"
            )
        return self
