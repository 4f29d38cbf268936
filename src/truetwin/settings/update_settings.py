"""Settings of `truetwin update`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from truetwin.settings.declaration import Settings, Unset, setting
from truetwin.settings.shared_settings import Blocks, PanelTables, Terminal

#: What holds unless the user or the state file says otherwise.
STATISTIC, PRECISION, LEVEL = "share", 0.03, 0.9


class Precision(Settings):
    """Precision of an estimate that is wanted."""

    precision: Annotated[float | None, Unset(f"{PRECISION}, or as the state file says")] = setting(
        None,
        "Half the width of the interval that is wanted: 0.03 is 3 percentage points of a share, or 0.03 units of the "
        "answer for a mean.",
        gt=0,
    )


class UpdateCommand(Precision, Blocks, PanelTables, Terminal):
    """Settings of the command `truetwin update`."""

    outside_studies = "Answers arrive between two commands."

    item: str = setting(..., "Item that people are being asked; twins have answered it.")
    answers: Path = setting(
        ...,
        "Answers so far: a table with the ids of respondents and a column of the item, in the order of arrival. "
        "Answers that are in the state file already may be in it again.",
    )
    state: Path | None = setting(
        None,
        "File that keeps the answers and the looks from one call to the next; created if it is missing. Without it "
        "each call is a first look.",
    )
    statistic: Annotated[str | None, Unset(f"{STATISTIC}, or as the state file says")] = setting(
        None, "What to estimate: share (of every category), mean, top2, bottom2 or nps."
    )
    level: Annotated[float | None, Unset(f"{LEVEL}, or as the state file says")] = setting(
        None, "Probability that an interval holds at all looks together.", gt=0, lt=1
    )
