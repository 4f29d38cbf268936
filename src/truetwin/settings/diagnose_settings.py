"""Settings of `truetwin diagnose`, and of the section ``diagnose`` of a study."""

from __future__ import annotations

from typing import Annotated

from truetwin.settings.declaration import Flag, Settings, StudyKey, setting
from truetwin.settings.shared_settings import Blocks, Figures, PanelFiles, Terminal


class Diagnose(Settings):
    """Say how far the twins can be trusted, and for which items."""

    scaled: Annotated[bool, Flag("--scaled/--no-scaled")] = setting(
        True, "Divide items by their standard deviations before spectra are compared."
    )


class DiagnoseCommand(Diagnose, Figures, Blocks, PanelFiles, Terminal):
    """`truetwin diagnose`."""

    method: Annotated[str | None, StudyKey("calibrate.method")] = setting(
        "auto", "Method that the verdicts speak of; 'none' for plain conditional expectations (faster)."
    )
    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Seed of which answers are hidden, and of what chance gives.", ge=0
    )
