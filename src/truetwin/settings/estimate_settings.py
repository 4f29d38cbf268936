"""Settings of `truetwin estimate`, and of the section ``estimate`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    CommandLineOnly,
    FileOnly,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    Blocks,
    DisclosureColumn,
    Figures,
    Groups,
    PanelFiles,
    SampleColumns,
    Terminal,
    Workers,
)
from truetwin.settings.value_kinds import Ids, ItemPairs, Names

Correction = Literal["benjamini-hochberg", "holm", "none"]
ReplicateKind = Literal["jackknife", "brr", "fay", "bootstrap"]


class Estimate(Settings):
    """Estimate shares, means and gaps of new items, by group and with intervals."""

    items: Annotated[Ids, Unset("items that nobody, or fewer than one person in ten, has answered")] = (
        setting(
            (),
            "Estimate only these items, separated by commas; may be repeated. An answered item that is named is "
            "estimated from its answers and the twins together.",
        )
    )
    statistics: Annotated[Names | None, Unset("share, and mean where categories have an order")] = setting(
        None,
        "Statistics, separated by commas: share, mean, median, top2 and bottom2 (any number), nps (net promoter score, "
        "scale 0..10), gap (between groups), correlation (between items).",
    )
    cross: bool = setting(False, "Also report the groups of all columns of --by crossed.")
    population: bool = setting(
        False,
        "Estimate for the wider population of which the people are a sample: their sampling error is added. Without "
        "it, estimates are about these people.",
    )
    change: ItemPairs = setting(
        {},
        "Also report how a new item differs from an older wave of the same question, as OLD=NEW; may be repeated.",
    )
    level: float = setting(0.9, "Confidence level of the intervals.", gt=0, lt=1)
    min_cell: int = setting(5, "Fewest people in a group; smaller groups are left out, and named.", ge=2)
    significance: float = setting(
        0.05, "Error rate of the letters that mark significant differences between groups.", gt=0, lt=1
    )
    correction: Correction = setting(
        "benjamini-hochberg",
        "Correction of these letters for the number of comparisons: benjamini-hochberg (the share of wrong letters), "
        "holm (the risk of any wrong letter) or none.",
    )
    replicate_kind: ReplicateKind | None = setting(
        None, "Kind of the replicate weights, which decides the variance; needed with --replicate-weights."
    )
    format: Annotated[
        Literal["csv", "parquet", "xlsx"],
        FileOnly("On the command line, the ending of --output decides the format."),
    ] = setting("csv", "Format of the file with the estimates: CSV, Parquet or Excel.")


class EstimateCommand(
    Estimate, Groups, SampleColumns, Blocks, PanelFiles, DisclosureColumn, Figures, Workers, Terminal
):
    """Settings of the command `truetwin estimate`."""

    sample: Annotated[Path | None, StudyKey("inputs.sample")] = setting(
        None,
        "Answers of some people to new items, in the same formats as the human table; a column 'weight' holds the "
        "weights of being asked.",
    )
    output: Annotated[Path | None, CommandLineOnly("A study keeps its results in the folder of its run.")] = (
        setting(
            None,
            "File for the estimates; its ending decides the format: CSV, TSV, Parquet or Excel (.xlsx). Crosstabs go "
            "to files beside it, or into sheets of the workbook.",
        )
    )
    seed: Annotated[int, StudyKey("seed")] = setting(0, "Random seed of correlations.", ge=0)

    @property
    def files(self) -> dict[str, Path]:
        """Files of the tables, by role."""
        return {**super().files, **({"sample": self.sample} if self.sample else {})}

    @model_validator(mode="after")
    def _replicates_have_a_kind(self) -> Self:
        if (self.replicate_weights is None) != (self.replicate_kind is None):
            raise RuleBrokenError("{replicate_weights} and {replicate_kind} go together")
        return self

    @model_validator(mode="after")
    def _cross_needs_columns(self) -> Self:
        if self.cross and not self.by:
            raise RuleBrokenError("{cross} needs columns of groups: {by}")
        return self
