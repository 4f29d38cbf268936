"""Settings of `truetwin disclose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from truetwin.settings.declaration import Argument, setting
from truetwin.settings.shared_settings import Terminal


class DiscloseCommand(Terminal):
    """Settings of the command `truetwin disclose`."""

    outside_studies = "The report of a study has the checklist as its last part."

    paths: Annotated[tuple[Path, ...], Argument()] = setting(
        ...,
        "Folders of studies, and JSON files that stand beside results of simulate, calibrate, estimate or evaluate "
        "(evaluate --output).",
    )
    output: Path | None = setting(None, "Write the checklist to this file (.md) in place of printing it.")
