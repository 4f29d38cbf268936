"""Settings of the verbs `truetwin experiment`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    Argument,
    CommandLineOnly,
    RuleBrokenError,
    Settings,
    StudyKey,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import (
    DisclosureColumn,
    Figures,
    IdColumn,
    ItemFile,
    Reading,
    Terminal,
    TwinSources,
)
from truetwin.settings.value_kinds import Columns, Names

#: Settings that say where results go, which records need not repeat.
_PLACES = ("as_json", "output", "figures", "figure_format", "disclosure_column")


class ExperimentColumns(Settings):
    """Columns that say how the people of an experiment were sampled, and who said what."""

    comes_last = True

    people: Annotated[Path | None, StudyKey("inputs.people")] = setting(
        None,
        "What is known of people that is no outcome (weights, clusters, moderators): one row a person, or a person and "
        "study if it has a column 'study'.",
    )
    weights: Annotated[str | None, StudyKey("inputs.weights"), Unset("all people count alike")] = setting(
        None, "Column with the weights of people, in the people table or else in the conditions."
    )
    clusters: Annotated[str | None, StudyKey("inputs.clusters")] = setting(
        None,
        "Column with the clusters that were sampled or randomised together, such as households or persons with several "
        "tasks, in the people table or else in the conditions.",
    )
    strata: Annotated[str | None, StudyKey("inputs.strata")] = setting(
        None, "Column with the strata of the sample, in the people table or else in the conditions."
    )


class ExperimentTables(ExperimentColumns, IdColumn, ItemFile, Reading, TwinSources):
    """Tables of an experiment: outcomes of people and twins, their arms, and contrasts."""

    comes_last = True
    needs_twins: ClassVar[bool] = False

    human: Annotated[Path | None, Argument(), StudyKey("inputs.human")] = setting(
        None,
        "Answers of people to the outcomes: CSV, Excel, Parquet, SPSS or Stata. Leave it out for twins of a new study, "
        "which --twin NAME=FILE then names.",
    )
    twin: Annotated[Path | None, Argument(), StudyKey("inputs.twin")] = setting(
        None,
        "Answers of their twins, in the same formats, or a folder with one table for each source. Columns "
        "OUTCOME@CONDITION=LEVEL hold the answers of every twin under every arm.",
    )
    contrasts: Annotated[Path, StudyKey("inputs.contrasts")] = setting(
        ...,
        "Contrasts: a table contrast_id,study,kind,condition,treatment,control,outcomes,minus_outcomes; kinds are "
        "between (arms), within (outcomes of the same people), stacked (one condition for each outcome) and "
        "interaction (two conditions).",
    )
    conditions: Annotated[Path | None, StudyKey("inputs.conditions")] = setting(
        None,
        "Arms of people: one row a person, or a person and study if there is a column 'study', and the columns that "
        "contrasts name.",
    )
    twin_conditions: Annotated[Path | None, StudyKey("inputs.twin_conditions"), Unset("as their people")] = (
        setting(None, "Arms of the twins, in the same format, where they were not those of their people.")
    )
    tasks: Annotated[Names | None, StudyKey("inputs.tasks"), Unset("one row a person")] = setting(
        None,
        "Columns that, with the ids, name the rows of tables, separated by commas: each row is a task (or a profile "
        "of a task) of a person, as in conjoint experiments. Errors are then clustered by person.",
    )

    @property
    def files(self) -> dict[str, Path]:
        """Files of the tables, by role."""
        roles = ("human", "conditions", "twin_conditions", "contrasts", "item_file", "people", "past")
        found = {role: path for role in roles if (path := getattr(self, role, None)) is not None}
        return {**found, **({} if self.twin is None and not self.sources else self.twin_files)}

    @property
    def chosen(self) -> dict[str, Any]:
        """Settings that were given, for records."""
        plain = self.model_dump(mode="json")
        return {name: plain[name] for name in plain if name in self.model_fields_set and name not in _PLACES}

    @model_validator(mode="after")
    def _somebody_has_answered(self) -> Self:
        if self.human is None and self.twin is None and not self.sources:
            raise RuleBrokenError(
                "answers must be given: of people as {human}, of twins as {twin} or {sources}"
            )
        return self


class ExperimentEffects(Settings):
    """Estimate the effects of an experiment among people and among their twins."""

    level: float = setting(0.9, "Probability that an interval holds.", gt=0, lt=1)
    correction: Literal["holm", "benjamini-hochberg", "none"] = setting(
        "holm",
        "Correction of p-values for the number of effects: holm (the risk of any wrong finding), benjamini-hochberg "
        "(the share of wrong findings) or none.",
    )


class ExperimentEffectsCommand(ExperimentEffects, ExperimentTables, DisclosureColumn, Terminal):
    """Settings of the command `truetwin experiment effects`."""

    by: Annotated[Columns, StudyKey("inputs.by")] = setting(
        (),
        "Moderators: columns of the people table or of the conditions with groups of people. Effects are also given in "
        "each group, and their differences between groups; may be repeated.",
    )

    output: Annotated[Path | None, CommandLineOnly("A study keeps its results in the folder of its run.")] = (
        setting(
            None,
            "File for the effects; its ending decides the format: CSV, TSV, Parquet or Excel (.xlsx). A file of the "
            "same name ending in .json records settings and hashes of the inputs.",
        )
    )


class ExperimentLearning(Settings):
    """How twin effects of new studies are calibrated, and by which past studies."""

    studies: Annotated[Names | None, Unset("studies without human effects")] = setting(
        None,
        "New studies, separated by commas; human answers to them count as a pilot. All other studies of the tables are "
        "past studies.",
    )
    past: Path | None = setting(
        None,
        "Table of further past effects: one that `truetwin experiment effects` has written, or one row a contrast with "
        "contrast_id, study, kind, human_d, human_se, twin_d, twin_se, twin_own_d and twin_own_se.",
    )
    published: Literal["if-needed", "yes", "no"] = setting(
        "if-needed",
        "Whether to learn from published effects of other twins, too: if-needed (with fewer than three past studies), "
        "yes or no. Those of the same studies never count.",
    )
    human_sd: Annotated[float | None, Unset("the twins' own sd is used")] = setting(
        None,
        "The standard deviation of people's scores where nobody has answered yet, in units of the answers.",
        gt=0,
    )
    level: float = setting(0.9, "Probability that an interval holds.", gt=0, lt=1)

    @property
    def with_published(self) -> bool | None:
        """Whether to learn from published effects; None if needed."""
        return None if self.published == "if-needed" else self.published == "yes"


class ExperimentCalibrate(ExperimentLearning):
    """Predict the human effects of new studies from twin effects, as past studies teach."""


class ExperimentCalibrateCommand(ExperimentCalibrate, ExperimentTables, DisclosureColumn, Figures, Terminal):
    """Settings of the command `truetwin experiment calibrate`."""

    output: Annotated[Path | None, CommandLineOnly("A study keeps its results in the folder of its run.")] = (
        setting(
            None,
            "File for the calibrated effects; its ending decides the format: CSV, TSV, Parquet or Excel (.xlsx). What "
            "was learned goes to a file beside it, or into a sheet.",
        )
    )


class ExperimentEvaluate(Settings):
    """Leave out each study, predict its human effects from twin effects, and score the predictions."""

    level: float = setting(0.9, "Level of all intervals.", gt=0, lt=1)


class ExperimentEvaluateCommand(ExperimentEvaluate, ExperimentTables, DisclosureColumn, Figures, Terminal):
    """Settings of the command `truetwin experiment evaluate`."""

    by: Annotated[Columns, StudyKey("inputs.by")] = setting(
        (),
        "Columns of the people table or of the conditions with groups of people, separated by commas. Effects in each "
        "group are also predicted and scored.",
    )
    seed: Annotated[int, StudyKey("seed")] = setting(
        0, "Random seed of resampled studies and of halves of people.", ge=0
    )

    needs_twins = True

    output: Annotated[Path | None, CommandLineOnly("A study keeps its results in the folder of its run.")] = (
        setting(
            None,
            "File for the scores; its ending decides the format: CSV, TSV, Parquet or Excel (.xlsx). Predictions go to "
            "a file beside it, or into a sheet.",
        )
    )


class ExperimentRank(ExperimentLearning):
    """Say which arm is probably best, and what choosing by twins, by a pilot, or by both loses on average."""

    pilot_n: int = setting(
        50, "People per arm of a pilot yet to be made, for the expected losses of choosing with it.", ge=1
    )
    lowest: bool = setting(False, "The lowest answers are best.")


class ExperimentRankCommand(ExperimentRank, ExperimentTables, DisclosureColumn, Terminal):
    """Settings of the command `truetwin experiment rank`."""

    seed: Annotated[int, StudyKey("seed")] = setting(0, "Random seed of draws.", ge=0)

    output: Annotated[Path | None, CommandLineOnly("A study keeps its results in the folder of its run.")] = (
        setting(
            None,
            "File for the ranked options; its ending decides the format: CSV, TSV, Parquet or Excel (.xlsx). Expected "
            "losses go to a file beside it, or into a sheet.",
        )
    )


class ExperimentSteps(Settings):
    """Experiments: effects of arms among people and twins, calibrated, judged and ranked."""

    effects: ExperimentEffects | None = setting(
        None, "Estimate the effects of an experiment among people and among their twins."
    )
    calibrate: ExperimentCalibrate | None = setting(
        None, "Predict the human effects of new studies from twin effects, as past studies teach."
    )
    evaluate: ExperimentEvaluate | None = setting(
        None, "Leave out each study, predict its human effects from twin effects, and score the predictions."
    )
    rank: ExperimentRank | None = setting(
        None, "Say which arm is probably best, and what choosing by twins, by a pilot, or by both loses."
    )
