"""Settings of `truetwin plan`, and of the section ``plan`` of a study."""

from __future__ import annotations

from typing import Annotated, Literal

from truetwin.settings.declaration import Settings, Unset, setting
from truetwin.settings.shared_settings import PanelFiles, Terminal
from truetwin.settings.value_kinds import Ids, Named


class Plan(Settings):
    """Choose which new items (or people) to ask next so that predictions of the rest improve most."""

    budget: Annotated[int, Named("a whole number >= 1")] = setting(
        ..., "How many items (people) to ask next.", ge=1
    )
    axis: Literal["items", "respondents"] = setting("items", "What to choose: items or respondents.")
    targets: Annotated[Ids, Unset("everything without human answers")] = setting(
        (), "What is to be predicted well, separated by commas; may be repeated."
    )
    candidates: Annotated[Ids, Unset("everything without human answers but named targets")] = setting(
        (), "What can be asked, separated by commas; may be repeated."
    )


class PlanCommand(Plan, PanelFiles, Terminal):
    """`truetwin plan`."""
