"""Settings of `truetwin plan`, and of the section ``plan`` of a study."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import RuleBrokenError, Settings, Unset, setting
from truetwin.settings.shared_settings import Blocks, PanelFiles, Terminal
from truetwin.settings.value_kinds import Ids, Named


class Plan(Settings):
    """Choose which new items (or people) to ask next, or say how many people new items need."""

    budget: Annotated[int | None, Named("a whole number >= 1")] = setting(
        None, "Number of items to ask people next (or, with axis respondents, of people to ask).", ge=1
    )
    precision: float | None = setting(
        None,
        "Say instead how many people each new item needs, with and without twins, for an interval of this half width: "
        "0.03 is 3 percentage points of a share, or 0.03 units of the answer for a mean.",
        gt=0,
    )
    statistic: str = setting(
        "share",
        "With a precision: what to estimate, such as share (of every category), mean, top2 or bottom2.",
    )
    level: float = setting(0.9, "With a precision: probability that an interval holds.", gt=0, lt=1)
    axis: Literal["items", "respondents"] = setting(
        "items", "What to choose: items to ask, or respondents to ask."
    )
    targets: Annotated[Ids, Unset("everything without human answers")] = setting(
        (), "Items (or respondents) that are to be predicted well, separated by commas; may be repeated."
    )
    candidates: Annotated[Ids, Unset("everything without human answers, except named targets")] = setting(
        (), "Items (or respondents) to choose from, separated by commas; may be repeated."
    )

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if self.budget is None and self.precision is None:
            raise RuleBrokenError(
                "{budget} is missing: a plan needs {budget} (what to ask next) or {precision} (how many people to ask)"
            )
        if self.budget is not None and self.precision is not None:
            raise RuleBrokenError(
                "{budget} (what to ask next) and {precision} (how many people to ask) are two plans; ask for one"
            )
        if self.precision is not None and (self.axis == "respondents" or self.candidates):
            raise RuleBrokenError("{precision} is about items; {axis} and {candidates} go with {budget}")
        return self


class PlanCommand(Plan, Blocks, PanelFiles, Terminal):
    """Settings of the command `truetwin plan`."""
