"""Settings of `truetwin diagnose`, and of the section ``diagnose`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from truetwin.settings.declaration import CommandLineOnly, Flag, Settings, StudyKey, setting
from truetwin.settings.shared_settings import Blocks, DisclosureColumn, Figures, PanelFiles, Terminal, Weights


class Diagnose(Settings):
    """Say how far the twins can be trusted, and for which items."""

    scaled: Annotated[bool, Flag("--scaled/--no-scaled")] = setting(
        True,
        "Divide answers by the standard deviation of their item before comparing how people and twins vary.",
    )


class DiagnoseCommand(Diagnose, Figures, Blocks, PanelFiles, Weights, DisclosureColumn, Terminal):
    """Settings of the command `truetwin diagnose`."""

    method: Annotated[str | None, StudyKey("calibrate.method")] = setting(
        "auto",
        "Method whose predictions the verdicts judge (see `truetwin methods`); 'none' judges plain conditional "
        "expectations, which is faster.",
    )
    output: Annotated[Path | None, CommandLineOnly("A study keeps its results in the folder of its run.")] = (
        setting(
            None,
            "File for the verdicts and all figures by item; its ending decides the format: CSV, TSV, Parquet or Excel "
            "(.xlsx, where verdicts have a sheet of their own).",
        )
    )
    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Random seed for choosing the answers to hide and for the comparison with chance.", ge=0
    )
