"""Settings of `truetwin plan`, and of the section ``plan`` of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    Argument,
    CommandLineOnly,
    Flag,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import Blocks, PanelFiles, Terminal, Weights
from truetwin.settings.value_kinds import Costs, Ids, Named


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
    worth_of_sources: Annotated[bool, Flag("--sources")] = setting(
        False,
        "Say instead what a further source of twin answers would add: another model or prompt, another replicate.",
    )
    costs: Annotated[Costs, Flag("--cost", "NAME=NUMBER")] = setting(
        {}, "With sources: what each source costs, in any unit, for gains per unit; may be repeated."
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

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        _check_question(self)
        return self


def _check_question(plan: Plan) -> None:
    """Check that a plan asks one question."""
    if plan.costs and not plan.worth_of_sources:
        raise RuleBrokenError("{costs} goes with {worth_of_sources}")
    if plan.worth_of_sources:
        if plan.budget is not None or plan.precision is not None:
            raise RuleBrokenError(
                "{worth_of_sources} is a plan of its own; {budget} and {precision} are others"
            )
        return
    if plan.budget is None and plan.precision is None:
        raise RuleBrokenError(
            "{budget} is missing: a plan needs {budget} (what to ask next), {precision} (how many people to ask) or "
            "{worth_of_sources} (what another source of twins adds)"
        )
    if plan.budget is not None and plan.precision is not None:
        raise RuleBrokenError(
            "{budget} (what to ask next) and {precision} (how many people to ask) are two plans; ask for one"
        )
    if plan.precision is not None and (plan.axis == "respondents" or plan.candidates):
        raise RuleBrokenError("{precision} is about items; {axis} and {candidates} go with {budget}")


#: Why a study cannot plan the people of an experiment.
_BEFORE = CommandLineOnly("The people of an experiment are planned before it is carried out.")


class PilotPlan(Settings):
    """Say how many people a human sample of an experiment needs, with twins and without."""

    experiment: Annotated[Path | None, _BEFORE] = setting(
        None,
        "Say instead how many people per arm an experiment needs, with and without twins: the table that `truetwin "
        "experiment calibrate --output` has written. Other tables are not needed.",
    )
    effect: Annotated[float, _BEFORE] = setting(
        0.2, "With an experiment: smallest effect that should be found, in sd.", gt=0
    )
    power: Annotated[float, _BEFORE] = setting(
        0.8, "With an experiment: probability of finding it.", gt=0, lt=1
    )
    significance: Annotated[float, _BEFORE] = setting(
        0.05, "With an experiment: error rate of the two-sided test.", gt=0, lt=1
    )


class PlanCommand(Plan, PilotPlan, Weights, Blocks, PanelFiles, Terminal):
    """Settings of the command `truetwin plan`."""

    needs_twins = False  # for a plan of an experiment

    human: Annotated[Path | None, Argument(), StudyKey("inputs.human")] = setting(  # type: ignore[assignment]
        None,
        "Answers of people: CSV, Excel, Parquet, SPSS or Stata; one column for each item, or one row for each answer.",
    )
    sample: Annotated[Path | None, StudyKey("inputs.sample")] = setting(
        None,
        "Answers so far of some people to new items, in the same formats as the human table; a column 'weight' holds "
        "the weights of being asked. With a precision: says how many more people are needed.",
    )

    @property
    def files(self) -> dict[str, Path]:
        """Files of the tables, by role."""
        return {**super().files, **({"sample": self.sample} if self.sample else {})}

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if self.experiment is not None:
            if self.budget is not None or self.precision is not None or self.human is not None:
                raise RuleBrokenError(
                    "{experiment} is a plan of its own, from a table of calibrated effects; {budget}, {precision} and "
                    "tables of answers do not go with it"
                )
            self._check_columns_belong_to_tables()
            return self
        if self.human is None:
            raise RuleBrokenError("{human} is missing: a plan needs answers of people, or {experiment}")
        if self.twin is None and not self.sources:
            raise RuleBrokenError(
                "answers of twins must be given once, as a table {twin} or as {sources} NAME=FILE for each source; "
                "there are none"
            )
        _check_question(self)
        if self.worth_of_sources and self.sample is not None:
            raise RuleBrokenError(
                "{sample} goes with {budget} or {precision}; {worth_of_sources} learns from the human table"
            )
        return self

    def _check_columns_belong_to_tables(self) -> None:
        given = [name for name in ("weights", "margins", "sample") if getattr(self, name) is not None]
        if given:
            raise RuleBrokenError(
                f"{{{given[0]}}} needs tables of answers; {{experiment}} reads a table of calibrated effects"
            )
