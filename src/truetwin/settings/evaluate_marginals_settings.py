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
from truetwin.settings.shared_settings import IdColumn, ItemFile, Terminal, TwinAnswers
from truetwin.settings.value_kinds import Names

PUBLIC = "A study is about its own inputs; a public dataset is evaluated by the command."


class EvaluateMarginals(TwinAnswers):
    """Hide marginals that are known, predict them, compare methods."""

    methods: Names = setting(
        ("ensemble", "ksoft", "auto"),
        "Methods to compare, separated by commas; twins, mean and mix are always shown beside them.",
    )
    discrepancy: Names = setting(
        ("kl",), "Discrepancies that the ensemble is trained on, separated by commas."
    )
    metrics: Annotated[Names | None, Unset("all that apply")] = setting(
        None, "Discrepancies to score by, separated by commas."
    )
    splits: int = setting(5, "Number of random splits, 80% to learn from and 20% to predict.", ge=1)
    level: float = setting(0.9, "Level of the bands whose coverage is reported.", gt=0, lt=1)


class EvaluateMarginalsCommand(EvaluateMarginals, IdColumn, ItemFile, Terminal):
    """`truetwin evaluate-marginals`."""

    marginals: Annotated[Path | None, Argument(), StudyKey("inputs.marginals")] = setting(
        None, "Human marginals; see `truetwin reweight`."
    )
    twin: Annotated[Path | None, Argument(), StudyKey("inputs.twin")] = setting(
        None, "Answers of twins, wide or long."
    )
    dataset: Annotated[Literal["movielens", "opinionqa"] | None, CommandLineOnly(PUBLIC)] = setting(
        None, "A public dataset instead of files."
    )
    folder: Annotated[Path | None, CommandLineOnly(PUBLIC)] = setting(
        None, "Read the dataset's files from this folder, for example an excerpt."
    )
    groups: Annotated[str | None, StudyKey("inputs.groups")] = setting(
        None, "Hide whole groups: a table item_id,group; 'wave' (OpinionQA) or 'year' (MovieLens)."
    )

    @model_validator(mode="after")
    def _files_or_dataset(self) -> Self:
        files = (self.marginals, self.twin)
        if (self.dataset is None) == (None in files) or (self.dataset and self.marginals):
            raise RuleBrokenError(
                "give either the two files {marginals} and {twin}, or {dataset}; not both and not neither"
            )
        if self.dataset is None and self.folder is not None:
            raise RuleBrokenError("{folder} goes with {dataset}")
        return self
