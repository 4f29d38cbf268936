"""Settings of `truetwin evaluate-marginals`, and of the section ``evaluate_marginals`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    Argument,
    CommandLineOnly,
    RuleBrokenError,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    FromAnswers,
    IdColumn,
    ItemFile,
    Reading,
    Terminal,
    TwinAnswers,
    TwinSources,
)
from truetwin.settings.value_kinds import Names

PUBLIC = "A study is about its own inputs; a public dataset is evaluated by the command."


class EvaluateMarginals(TwinAnswers):
    """Hide known marginals (the share of each answer in a population), predict them, and compare methods."""

    methods: Names = setting(
        ("ensemble", "ksoft", "auto"),
        "Methods to compare, separated by commas; twins, mean and mix are always shown beside them.",
    )
    discrepancy: Names = setting(
        ("kl",),
        "Discrepancies (distances between distributions) that the ensemble minimises, separated by commas: tv, "
        "chi2, kl, hellinger, ks, cdf-l1, cdf-l2.",
    )
    metrics: Annotated[Names | None, Unset("all that apply")] = setting(
        None,
        "Discrepancies to score predictions by, and variance-ratio (variance of the predicted distribution over that "
        "of the human one), separated by commas.",
    )
    splits: int = setting(5, "Number of random splits of the items: 80% to learn from, 20% to predict.", ge=1)
    level: float = setting(
        0.9, "Confidence level of the bands around predicted shares, whose coverage is reported.", gt=0, lt=1
    )


class EvaluateMarginalsCommand(
    EvaluateMarginals, IdColumn, ItemFile, Reading, FromAnswers, TwinSources, Terminal
):
    """Settings of the command `truetwin evaluate-marginals`."""

    marginals: Annotated[Path | None, Argument(), StudyKey("inputs.marginals")] = setting(
        None, "Human marginals: a table of the share of each answer; see `truetwin reweight --help`."
    )
    twin: Annotated[Path | None, Argument(), StudyKey("inputs.twin")] = setting(
        None,
        "Answers of twins: one column for each item, or one row for each answer. A folder holds one table for each "
        "source of twin answers.",
    )
    dataset: Annotated[Literal["movielens", "opinionqa"] | None, CommandLineOnly(PUBLIC)] = setting(
        None, "Evaluate on this public dataset instead of files."
    )
    folder: Annotated[Path | None, CommandLineOnly(PUBLIC)] = setting(
        None, "Read the dataset's files from this folder, for example an excerpt."
    )
    groups: Annotated[str | None, StudyKey("inputs.groups")] = setting(
        None,
        "Hide whole groups of items at a time: a table item_id,group, or 'wave' (OpinionQA) or 'year' "
        "(MovieLens).",
    )

    needs_twins = False

    @model_validator(mode="after")
    def _files_or_dataset(self) -> Self:
        files = (self.marginals, self.twin or self.sources or None)
        if (self.dataset is None) == (None in files) or (self.dataset and self.marginals):
            raise RuleBrokenError(
                "give either the two files {marginals} and {twin}, or {dataset}; not both and not neither"
            )
        if self.from_answers and self.dataset:
            raise RuleBrokenError("{from_answers} goes with files of your own, not with {dataset}")
        if self.dataset is None and self.folder is not None:
            raise RuleBrokenError("{folder} goes with {dataset}")
        return self
