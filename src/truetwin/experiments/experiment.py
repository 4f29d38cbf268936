"""Experiment: answers of people and twins, their arms, and the contrasts that are of interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from truetwin.data.arm_columns import declared_under_arms
from truetwin.data.contrast import Contrast
from truetwin.data.contrast_frames import contrast_table, study_columns_of
from truetwin.data.frames import LONG_COLUMNS, as_arrow, from_frame, id_column_of, kind_of
from truetwin.data.item import Item
from truetwin.data.outcome_columns import names_of_items, outcome_columns, outcomes_of, with_known_outcomes
from truetwin.data.panel import Panel
from truetwin.data.plots import Plots
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.responses import FrameKind, ResponseMatrix
from truetwin.data.study_columns import StudyColumns
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.data.task_rows import with_task_ids
from truetwin.data.undeclared_codes import sides_without_sure_codes
from truetwin.errors import DataError
from truetwin.experiments.contrast_checks import (
    check_arms,
    check_names,
    check_people,
    people_without_arms,
)
from truetwin.experiments.contrast_scores import StudyAnswers, answers_of_study
from truetwin.experiments.effects import HUMAN, Effects, Entry, FoundEffect, effects_of
from truetwin.experiments.experiment_ids import ExperimentIds
from truetwin.solvers.adjusted_p_values import Correction

if TYPE_CHECKING:
    from truetwin.experiments.calibrated_effects import CalibratedEffects
    from truetwin.experiments.experiment_judging import EffectJudgement
    from truetwin.experiments.experiment_ranking import Choice

TWIN = "twin"
#: Main columns of a summary.
SHOWN = (
    Shown("contrast", "contrast"),
    Shown("study", "study"),
    Shown("kind", "kind"),
    Shown("compared", "compared"),
    Shown("outcomes", "outcomes"),
)


@dataclass(frozen=True, eq=False, init=False)
class Experiment:
    """Answers of people and of their twins, the arms they were in, and contrasts.

    Parameters
    ----------
    human, twin : data frame, ResponseMatrix, or for ``twin`` a mapping of several; or None
        Answers to the outcomes. Without ``human`` there are twins of a new study; without ``twin`` a pilot of people.
    conditions : data frame, StudyColumns or People, optional
        Arms: one row for each person and study, with the columns that contrasts name; a column ``study`` where there
        are several. Not needed for contrasts within people, nor of sources whose columns ``item@condition=level`` hold
        the answers under every arm (:mod:`truetwin.data.arm_columns`).
    contrasts : data frame, or sequence of Contrast
        What is compared (:class:`~truetwin.data.contrast.Contrast`).
    items : mapping from item id to Item, optional
        Declared texts, scales and blocks. A block that has the name of a study says whose outcomes they are.
    people : data frame, StudyColumns or People, optional
        Weights, clusters, strata and moderators.
    weights, clusters, strata : str, optional
        Columns of ``people``, or else of ``conditions``. Without clusters, the tasks of a person are one.
    twin_conditions : data frame, StudyColumns or People, optional
        Arms of the twins, where they were not those of their people.
    tasks : sequence of str, default=()
        Columns that tell the tasks of a person apart, where the rows of data frames are tasks.
    id_column : str, optional
        Column of ids in all data frames.
    choices : ReadingChoices, optional
        How data frames are read where they leave a question open: usual codes for missing answers far from the others
        are no answers, unless ``missing_codes`` says so, and ``match=True`` matches ids that are written differently.

    Attributes
    ----------
    notes : tuple of str
        What was read as missing, which ids were changed, and how many people are in no arm.

    Raises
    ------
    DataError
        If a contrast cannot be answered from the tables. The message names all such contrasts.
    AlignmentError
        If tables write the same ids in two ways, such as 7 and 007, and ``choices.match`` is false.

    Examples
    --------
    >>> import pyarrow as pa
    >>> human = pa.table({"id": ["a", "b", "c", "d"], "share": [4.0, 5.0, 1.0, 2.0]})
    >>> arms = pa.table({"id": ["a", "b", "c", "d"], "arm": ["nudge", "nudge", "control", "control"]})
    >>> contrast = Contrast("nudge", "", "between", ("arm",), "nudge", "control", ("share",))
    >>> Experiment(human, None, arms, [contrast]).effects().arrays("human").effect
    array([3.])
    """

    plot = Plots("effects")

    sides: Mapping[str, ResponseMatrix]
    conditions: StudyColumns
    twin_conditions: StudyColumns
    contrasts: tuple[Contrast, ...]
    people: StudyColumns | None
    weights: str | None
    clusters: str | None
    strata: str | None
    frame_kind: FrameKind
    notes: tuple[str, ...]

    def __init__(
        self,
        human: Any,
        twin: Any,
        conditions: Any,
        contrasts: Any,
        *,
        items: Mapping[str, Item] | None = None,
        people: Any = None,
        weights: str | None = None,
        clusters: str | None = None,
        strata: str | None = None,
        twin_conditions: Any = None,
        tasks: Sequence[str] = (),
        id_column: str | None = None,
        choices: ReadingChoices = AS_USUAL,
    ) -> None:
        tables = _tables(human, twin, id_column, tasks)
        table = with_known_outcomes(contrast_table(contrasts), _names(tables))
        outcomes = outcomes_of(table.contrasts)
        sides = {
            side: _answers(side, given, items or {}, outcomes, id_column, choices)
            for side, given in tables.items()
        }
        notes: list[str] = []
        if not all(isinstance(given, ResponseMatrix) for given in tables.values()):
            sides, notes = sides_without_sure_codes(sides, choices)
        ids = ExperimentIds(choices.match)
        sides = {side: ids.of_answers(answers) for side, answers in sides.items()}
        arms = ids.of_columns(_columns(conditions, "the conditions", id_column, tasks))
        theirs = (
            arms
            if twin_conditions is None
            else ids.of_columns(_columns(twin_conditions, "the twins' conditions", id_column, tasks))
        )
        known = (
            None if people is None else ids.of_columns(_columns(people, "the people table", id_column, tasks))
        )
        for name, value in (
            ("sides", sides),
            ("conditions", arms),
            ("twin_conditions", theirs),
            ("contrasts", table.contrasts),
            ("people", known),
            ("weights", weights),
            ("clusters", clusters),
            ("strata", strata),
            ("frame_kind", _frame_kind(human, twin)),
            ("notes", (*notes, *ids.notes)),
        ):
            object.__setattr__(self, name, value)
        for column in (weights, clusters, strata):
            if column is not None and column not in arms.columns:
                (known or arms).check_column(column)
        conditions_of = {side: self.conditions_of(side) for side in sides}
        check_people(conditions_of, sides)
        object.__setattr__(self, "notes", (*self.notes, *people_without_arms(conditions_of, sides)))
        check_names(self.contrasts, conditions_of, sides, table.problems)
        table.problems.raise_any()
        check_arms(self.contrasts, self.studies, table.problems)
        table.problems.raise_any()

    @classmethod
    def of_panel(cls, panel: Panel, conditions: Any, contrasts: Any, **options: Any) -> Experiment:
        """Make an experiment of a panel and all of its sources; ``options`` are keyword arguments of the class."""
        options = {"people": panel.people, "items": panel.items, **options}
        return cls(panel.human, panel.sources, conditions, contrasts, **options)

    def summary(self) -> SummaryTable:
        """List the contrasts, one row each: what is compared, and on which outcomes."""
        rows = [
            {
                "contrast": one.contrast_id,
                "study": one.study,
                "kind": one.kind,
                "compared": one.in_words,
                "outcomes": ", ".join(one.outcomes),
            }
            for one in self.contrasts
        ]
        return SummaryTable(rows, SHOWN, title=repr(self), frame_kind=self.frame_kind)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        studies = len({one.study for one in self.contrasts})
        return f"Experiment({len(self.contrasts)} contrasts, {studies} studies; answers of {', '.join(self.sides)})"

    def conditions_of(self, side: str) -> StudyColumns:
        """Return the arms of people, or of twins."""
        return self.conditions if side == HUMAN else self.twin_conditions

    @cached_property
    def studies(self) -> dict[str, dict[str, StudyAnswers]]:
        """Answers to each study, by source and study."""
        by_study: dict[str, list[Contrast]] = {}
        for one in self.contrasts:
            by_study.setdefault(one.study, []).append(one)
        return {
            side: {
                study: answers_of_study(
                    study,
                    answers,
                    contrasts,
                    self.conditions_of(side),
                    self.people,
                    weights=self.weights,
                    clusters=self.clusters,
                    strata=self.strata,
                )
                for study, contrasts in by_study.items()
            }
            for side, answers in self.sides.items()
        }

    def effects(
        self,
        by: Sequence[str] = (),
        *,
        level: float = 0.9,
        correction: Correction = "holm",
    ) -> Effects:
        """Estimate the effects of all contrasts, for each source.

        Parameters
        ----------
        by : sequence of str, default=()
            Moderators: columns of the people table, or of the conditions. Effects follow in each of their groups, and
            differences of effects between each two groups.
        level : float, default=0.9
            Probability that an interval holds.
        correction : {"holm", "benjamini-hochberg", "none"}
            Correction of p-values for the number of effects.
        """
        from truetwin.experiments.moderators import moderated

        entries = [Entry(one) for one in self.contrasts]
        found = {side: [self._estimated(side, one) for one in self.contrasts] for side in self.sides}
        for column in by:
            for entry, effects in moderated(self, column):
                entries.append(entry)
                for side, effect in effects.items():
                    found[side].append(effect)
        sides = {side: effects_of(some) for side, some in found.items()}
        return Effects(tuple(entries), sides, level, correction, self._notes(), self.frame_kind)

    def calibrate(self, studies: Sequence[str] = (), **options: Any) -> CalibratedEffects:
        """Predict the human effects of new studies; see :func:`calibrate_experiment` for the options.

        Parameters
        ----------
        studies : sequence of str, optional
            The new studies; human answers to them count as a pilot. By default, the studies without human effects.
        **options
            ``past``, ``published``, ``human_sd``, ``sources`` and ``level``.
        """
        from truetwin.experiments.experiment_calibration import calibrate_experiment

        return calibrate_experiment(self, studies, **options)

    def rank(
        self,
        studies: Sequence[str] = (),
        *,
        people: int = 50,
        lowest: bool = False,
        seed: int = 0,
        **options: Any,
    ) -> list[Choice]:
        """Say which arm is probably best; see :func:`rank_experiment`. ``options`` are those of :meth:`calibrate`."""
        from truetwin.experiments.experiment_ranking import rank_experiment

        calibrated = self.calibrate(studies, **options)
        return rank_experiment(calibrated, self.contrasts, people=people, lowest=lowest, seed=seed)

    def evaluate(self, **options: Any) -> EffectJudgement:
        """Leave out each study, predict its human effects, and score them; see :func:`judge_experiment`."""
        from truetwin.experiments.experiment_judging import judge_experiment

        return judge_experiment(self, **options)

    def _estimated(self, side: str, contrast: Contrast) -> FoundEffect:
        answers = self.studies[side][contrast.study]
        return FoundEffect.of(answers.effect(contrast), answers)

    def _notes(self) -> tuple[str, ...]:
        """Say what holds for all effects."""
        notes = []
        for side in self.sides:
            if any(self.studies[side][one.study].has_every_arm(one) for one in self.contrasts):
                notes.append(
                    f"{side}: every twin answered under every arm; effects are means of each twin's own differences. "
                    "Their errors say how much effects vary between twins. How far they are from people's effects "
                    "varies between studies, which no number of twins shows."
                )
        return tuple(notes)


def _tables(human: Any, twin: Any, id_column: str | None, tasks: Sequence[str]) -> dict[str, Any]:
    """Return the answers of people and of each source of twins, as response matrices or as tables."""
    from truetwin.data.source_columns import add_sources, split_sources

    found: dict[str, Any] = {}
    sources = twin if isinstance(twin, Mapping) else {"": twin} if twin is not None else {}
    for name, given in sources.items():
        if isinstance(given, ResponseMatrix):
            add_sources(found, {name or TWIN: given})
        else:
            table = with_task_ids(as_arrow(given, id_column), id_column, tasks, f"the {name or TWIN} table")
            add_sources(found, split_sources(table, name, id_column=id_column))
    if HUMAN in found:
        raise DataError("a source of twins must not be called 'human'; rename it")
    if human is not None:
        is_table = not isinstance(human, ResponseMatrix)
        table = (
            with_task_ids(as_arrow(human, id_column), id_column, tasks, "the human table")
            if is_table
            else human
        )
        found = {HUMAN: table, **found}
    if not found:
        raise DataError("an experiment needs answers of people, of twins, or of both; it has none")
    return found


def _frame_kind(human: Any, twin: Any) -> FrameKind:
    """Return the kind of data frame that answers came in."""
    first = next(iter(twin.values()), None) if isinstance(twin, Mapping) else twin
    given = first if human is None else human
    return given.frame_kind if isinstance(given, ResponseMatrix) else kind_of(given)


def _names(tables: Mapping[str, Any]) -> list[str]:
    """List the items of all tables."""
    return [
        name
        for table in tables.values()
        for name in (table.item_ids if isinstance(table, ResponseMatrix) else names_of_items(table))
    ]


def _answers(
    side: str,
    given: Any,
    items: Mapping[str, Item],
    outcomes: Sequence[str],
    id_column: str | None,
    choices: ReadingChoices,
) -> ResponseMatrix:
    """Read the answers of a source to outcomes; other columns are not looked at."""
    if isinstance(given, ResponseMatrix):
        return given.with_items(declared_under_arms(given.item_ids, items)) if items else given
    source, names = f"the {side} table", given.column_names
    if not set(LONG_COLUMNS) <= set(names):
        kept = outcome_columns(names, outcomes, source)
        given = given.select([id_column_of(given, id_column, source), *kept])
    return from_frame(
        given,
        id_column=id_column,
        items=declared_under_arms(names_of_items(given), items),
        source=source,
        expectations=side != HUMAN,
        choices=choices,
    )


def _columns(given: Any, source: str, id_column: str | None, tasks: Sequence[str]) -> StudyColumns:
    if given is None:
        return StudyColumns.empty(source)
    return study_columns_of(given, source, id_column, tasks)
