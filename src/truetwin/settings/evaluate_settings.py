"""Settings of `truetwin evaluate`, and of the section ``evaluate`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

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
    Groups,
    Hyperparameters,
    InContext,
    PanelFiles,
    PersonaItems,
    Retest,
    Terminal,
    Weights,
    Workers,
)
from truetwin.settings.value_kinds import Counts, Names, listed_alone

Protocol = Literal["leave-one-item-out", "leave-block-out", "leave-domain-out", "leave-one-respondent-out"]
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
        "Scores, separated by commas. Of points: pearson, centred-pearson, fisher-z, spearman, mae, rmse, rmse-sd, "
        "bias, variance-ratio, sd-ratio, accuracy, pearson-paper. Of points and --retest: normalised-accuracy, "
        "normalised-pearson. Of laws: log-score, rps, interval-score, coverage. Of all items together: "
        "item-correlation-error and, with --by, gap-error, gap-slope.",
    )
    baseline: str = setting(
        "twin", "Method that every other method is compared with, target by target (paired differences)."
    )
    max_folds: int | None = setting(
        None, "Most targets to hide, drawn at random: for a first look at a large study.", ge=1
    )
    min_cell: int = setting(
        5, "Smallest group of people that is scored for itself, and fewest answers to an item in it.", ge=2
    )
    estimates: bool = setting(
        False,
        "Score estimates of shares and means (`truetwin estimate`) instead of methods that predict single answers. In "
        "a study: as well.",
    )
    asked: Annotated[Counts, Unset("none")] = setting(
        (),
        "With --estimates, numbers of people who answer the hidden item after all, separated by commas: how much "
        "better estimates are then.",
    )
    protocols: Annotated[
        tuple[Protocol, ...],
        BeforeValidator(listed_alone),
        FileOnly("One call of the command uses one protocol: --protocol."),
    ] = setting(
        ("leave-one-item-out", "leave-block-out"),
        "What is hidden at a time: one item, one battery (items asked together), one domain (subject, survey), or one "
        "person.",
    )
    thresholds: Annotated[
        tuple[Transfer, ...],
        BeforeValidator(listed_alone),
        FileOnly("The result is a figure of the report, which only a study has."),
    ] = setting((), "Also draw the scores of adaptive transfer with these methods at every threshold.")
    examples: Annotated[int, FileOnly("The result is a table of the report, which only a study has.")] = (
        setting(
            0,
            "Number of answered items to hide and predict, to show the predicted share of each answer beside "
            "people's and the twins'.",
            ge=0,
            le=20,
        )
    )


class EvaluateCommand(
    Evaluate, PersonaItems, Blocks, PanelFiles, Weights, Groups, InContext, Retest, Workers, Terminal
):
    """Settings of the command `truetwin evaluate`."""

    protocol: Annotated[Protocol, StudyKey("evaluate.protocols")] = setting(
        "leave-one-item-out",
        "What is hidden at a time: one item, one respondent, one block (battery) of items asked together, or all "
        "items of a domain (column 'domain' of the item file).",
    )
    by_source: Annotated[
        bool, CommandLineOnly("In a study it is a plan: `worth_of_sources` of its section.")
    ] = setting(
        False,
        "Say instead what each source of twin answers is worth: alone, left out, and as a further model or "
        "replicate.",
    )
    per_target: Annotated[
        Path | None, CommandLineOnly("A study always writes the scores of all targets.")
    ] = setting(None, "Also write the score of every target (hidden item or respondent) to this file.")

    @model_validator(mode="after")
    def _estimates_are_of_items(self) -> Self:
        if self.estimates and self.protocol not in ("leave-one-item-out", "leave-block-out"):
            raise RuleBrokenError("{estimates} goes with {protocol} leave-one-item-out or leave-block-out")
        if self.by_source and self.estimates:
            raise RuleBrokenError(
                "{by_source} compares twins of single answers; {estimates} does not go with it"
            )
        if self.asked and not self.estimates:
            raise RuleBrokenError("{asked} goes with {estimates}")
        return self

    @model_validator(mode="after")
    def _by_source_is_one_method_and_score(self) -> Self:
        if not self.by_source:
            return self
        if len(self.methods or ("auto",)) != 1:
            raise RuleBrokenError("{by_source} scores one method; name one in {methods}")
        unused = {
            "metric": tuple(self.metric) != ("pearson",),
            "baseline": self.baseline != "twin",
            "by": bool(self.by),
            "retest": self.retest is not None,
            "imputation_rank": tuple(self.imputation_rank) != (5,),
            "per_target": self.per_target is not None,
        }
        for name, given in unused.items():
            if given:
                raise RuleBrokenError(
                    f"{{by_source}} compares mean correlations of sources; {{{name}}} does not go with it"
                )
        return self

    @model_validator(mode="after")
    def _blocks_are_hidden_by_one_protocol(self) -> Self:
        if self.blocks is not None and self.protocol != "leave-block-out" and not self.estimates:
            raise RuleBrokenError(
                f"{{blocks}} goes with {{protocol}} leave-block-out; the protocol is {self.protocol}"
            )
        return self
