"""Settings of `truetwin plan`, and of the section ``plan`` of a study."""

from __future__ import annotations

from typing import Annotated, Literal

from truetwin.settings.declaration import Settings, Unset, setting
from truetwin.settings.shared_settings import PanelFiles, Terminal
from truetwin.settings.value_kinds import Ids, Named


class Plan(Settings):
    """Choose which new items (or people) to ask next so that predictions of the rest improve most."""

    budget: Annotated[int, Named("a whole number >= 1")] = setting(
        ..., "Number of items to ask people next (or, with axis respondents, of people to ask).", ge=1
    )
    axis: Literal["items", "respondents"] = setting(
        "items", "What to choose: items to ask, or respondents to ask."
    )
    targets: Annotated[Ids, Unset("everything without human answers")] = setting(
        (), "Items (or respondents) that are to be predicted well, separated by commas; may be repeated."
    )
    candidates: Annotated[Ids, Unset("everything without human answers, except named targets")] = setting(
        (), "Items (or respondents) to choose from, separated by commas; may be repeated."
    )


class PlanCommand(Plan, PanelFiles, Terminal):
    """Settings of the command `truetwin plan`."""
