"""Settings of `truetwin calibrate`, and of the section ``calibrate`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    CommandLineOnly,
    FileOnly,
    Flag,
    InStudy,
    RuleBrokenError,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    Blocks,
    DisclosureColumn,
    Hyperparameters,
    InContext,
    OnlyItems,
    PanelFiles,
    Terminal,
    Weights,
    Workers,
)
from truetwin.settings.value_kinds import Ids, LevelOrNone


class Calibrate(OnlyItems, Hyperparameters):
    """Predict what people would answer to the new items, and what new people would answer."""

    method: str = setting("auto", "Prediction method; `truetwin methods` lists all.")
    respondents: Ids = setting((), "Predict only these respondents, separated by commas; may be repeated.")
    rounded: Annotated[bool, Flag("--round")] = setting(
        False, "Round each prediction to the nearest answer on its item's scale."
    )
    shares: Annotated[
        Literal["pool", "own"] | None, Unset("pool with the method auto, own with every other one")
    ] = setting(
        None,
        "Shares of the population that the predictions of new items add up to: those that `truetwin estimate` reports "
        "(pool), or what the predictions themselves add up to (own).",
    )
    intervals: Annotated[LevelOrNone, InStudy("interval", 0.9)] = setting(
        None,
        "Also write prediction intervals of this level (such as 0.9), and the probability of each category (columns "
        "p_1, p_2, ...), to a long table NAME.intervals.ENDING beside the predictions.",
    )
    point: Annotated[
        Literal["mean", "median", "mode"] | None, Unset("the mean, or the mode of nominal items")
    ] = setting(
        None,
        "Which number of each predicted distribution is written: a median errs least on average, a mode is right most "
        "often.",
    )
    draws: int | None = setting(
        None,
        "Also write this many completed data sets, in which every predicted answer is drawn from its distribution: use "
        "them for relations between items.",
        ge=2,
        le=10_000,
    )
    long: bool = setting(
        False,
        "Write one row for each prediction (respondent_id,item_id,value) instead of a column for each item.",
    )
    format: Annotated[
        Literal["csv", "parquet", "xlsx", "sav", "dta"],
        FileOnly("On the command line, the ending of --output decides the format."),
    ] = setting("csv", "Format of the file with the predictions: CSV, Parquet, Excel, SPSS or Stata.")


class CalibrateCommand(
    Calibrate, Blocks, PanelFiles, Weights, InContext, DisclosureColumn, Workers, Terminal
):
    """Settings of the command `truetwin calibrate`."""

    output: Annotated[Path, CommandLineOnly("A study keeps its results in the folder of its run.")] = setting(
        ...,
        "File for the predictions; its ending decides the format: CSV, TSV, Parquet, Excel, SPSS or Stata.",
    )
    check: Annotated[
        int | None,
        Unset("25, or 0 for tables of over 5 million cells"),
        CommandLineOnly("The section evaluate of a study measures the gain on all answered items."),
    ] = setting(
        None,
        "Number of answered items (or respondents) to hide and predict, to measure how much better the "
        "predictions are than the plain twins; 0 skips this.",
        ge=0,
    )
    draws_output: Annotated[
        Path | None, CommandLineOnly("A study writes draws.parquet to the folder of its run.")
    ] = setting(
        None,
        "File for the draws, with one row an answer (draw,respondent_id,item_id,value); its ending decides the format.",
    )
    seed: Annotated[int, StudyKey("seed")] = setting(0, "Random seed of the draws.", ge=0)

    @model_validator(mode="after")
    def _draws_go_to_a_file(self) -> Self:
        if (self.draws is None) != (self.draws_output is None):
            raise RuleBrokenError("{draws} and {draws_output} go together")
        return self
