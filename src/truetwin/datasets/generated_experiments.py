"""Generated experiments with known truth: past studies, and a new one that no human, or a pilot only, has answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[np.float64]

#: Answers lie on 0..100: their middle and their standard deviation among people.
MIDDLE, SD = 50.0, 20.0
#: How twin effects become human effects, by kind of contrast; twin effects are in the human sd.
SLOPES = {"between": 0.7, "stacked": 0.7, "within": 0.2}
#: Standard deviations: of twin effects, of what slopes do not tell, and of twins' answers in the human sd.
EFFECTS, ERRORS, TWIN_SD = 0.4, 0.08, 0.6
NEW = "new_messages"


@dataclass(frozen=True, eq=False)
class GeneratedExperiments:
    """Generated experiments of several studies of the same people, in the tables of an experiment.

    Attributes
    ----------
    human, twin : pyarrow.Table
        Answers: ``respondent_id``, and one column an outcome. People have not answered the outcomes of the new study,
        or only the people of its pilot.
    conditions : pyarrow.Table
        One row a person and study, one column a condition.
    contrasts : pyarrow.Table
        One row a contrast.
    truth : mapping from contrast to float
        Human effects of all contrasts, in units of the answers.
    """

    human: pa.Table
    twin: pa.Table
    conditions: pa.Table
    contrasts: pa.Table
    truth: Mapping[str, float]

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write the four tables as CSV files into a folder. Returns their paths by name."""
        from truetwin.io import make_folder, write_table

        where = Path(folder)
        make_folder(where, "the folder of experiments")
        paths = {name: where / f"{name}.csv" for name in ("human", "twin", "conditions", "contrasts")}
        for name, path in paths.items():
            write_table(getattr(self, name), path)
        return paths


@dataclass
class _Tables:
    """Tables in the making: answers by outcome, conditions by study, rows of contrasts, and the truth."""

    human: dict[str, Array] = field(default_factory=dict)
    twin: dict[str, Array] = field(default_factory=dict)
    conditions: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    contrasts: list[dict[str, str]] = field(default_factory=list)
    truth: dict[str, float] = field(default_factory=dict)


def generate_experiments(
    n_past: int = 8, n_people: int = 300, *, pilot: int = 0, random_state: int = 0
) -> GeneratedExperiments:
    """Generate past studies of three kinds in turn, and a new study with three messages.

    Past studies compare two arms with a control (between), statements with other statements (within), or four jobs
    under two algorithms (stacked). Twins exaggerate: a human effect is .7 of the twin effect between arms and stacked,
    .2 within persons, plus an error with a standard deviation of .08. Twins' answers vary .6 times as much as people's.

    Parameters
    ----------
    n_past : int, default=8
        Number of past studies.
    n_people : int, default=300
        Number of people, each in every study.
    pilot : int, default=0
        Number of people who have answered the new study.
    random_state : int, default=0
        Random seed.

    Examples
    --------
    >>> found = generate_experiments(4, 60)
    >>> found.contrasts.num_rows, sorted(found.truth)[0]
    (15, 'new_messages:B:buys')
    """
    rng = np.random.default_rng(random_state)
    tables = _Tables()
    makers = (_between, _within, _stacked)
    for k in range(n_past):
        makers[k % 3](tables, f"study_{k + 1}", n_people, rng)
    _between(tables, NEW, n_people, rng, ("A", "B", "C"), condition="message", outcomes=("buys", "trusts"))
    for outcome, values in tables.human.items():
        if outcome.startswith(NEW):
            values[pilot:] = np.nan
    return _as_tables(tables, n_people)


def _between(
    tables: _Tables,
    study: str,
    n: int,
    rng: np.random.Generator,
    arms: tuple[str, ...] = ("control", "nudge", "norm"),
    condition: str = "",
    outcomes: tuple[str, ...] = ("likes", "shares"),
) -> None:
    """Add a study with arms, of which the first is the control."""
    column = condition or f"{study}_arm"
    place = rng.permutation(np.arange(n) % len(arms))
    tables.conditions[study] = {column: [arms[k] for k in place]}
    person = rng.standard_normal(n)
    for outcome in outcomes:
        twin = np.array([0.0, *rng.normal(0, EFFECTS, len(arms) - 1)])
        human = SLOPES["between"] * twin + np.array([0.0, *rng.normal(0, ERRORS, len(arms) - 1)])
        _answer(tables, f"{study}_{outcome}", human[place], twin[place], person, rng)
        for k, arm in enumerate(arms[1:], 1):
            name, own = f"{study}:{arm}:{outcome}", [f"{study}_{outcome}"]
            _contrast(tables, name, "between", human[k], column, (arm, arms[0]), own)


def _within(tables: _Tables, study: str, n: int, rng: np.random.Generator) -> None:
    """Add a study in which everybody rates real and false statements of two topics."""
    person = rng.standard_normal(n)
    for topic in ("health", "news"):
        twin = rng.normal(0, EFFECTS)
        human = SLOPES["within"] * twin + rng.normal(0, ERRORS)
        sides: dict[str, list[str]] = {"real": [], "false": []}
        for side, sign in (("real", 0.5), ("false", -0.5)):
            for k in (1, 2):
                outcome = f"{study}_{topic}_{side}_{k}"
                sides[side].append(outcome)
                _answer(tables, outcome, np.full(n, sign * human), np.full(n, sign * twin), person, rng)
        _contrast(tables, f"{study}:{topic}", "within", human, "", ("", ""), sides["real"], sides["false"])


def _stacked(tables: _Tables, study: str, n: int, rng: np.random.Generator) -> None:
    """Add a study with four jobs, each decided by a team or by an algorithm."""
    person = rng.standard_normal(n)
    twin = rng.normal(0, EFFECTS)
    human = SLOPES["stacked"] * twin + rng.normal(0, ERRORS)
    conditions, outcomes = [f"{study}_job_{k}" for k in range(1, 5)], []
    tables.conditions[study] = {}
    for column in conditions:
        algorithm = rng.permutation(np.arange(n) % 2)
        tables.conditions[study][column] = ["algorithm" if a else "team" for a in algorithm]
        outcomes.append(f"{column}_fair")
        _answer(tables, outcomes[-1], human * algorithm, twin * algorithm, person, rng)
    levels = ("algorithm", "team")
    _contrast(tables, f"{study}:fair", "stacked", human, ";".join(conditions), levels, outcomes)


def _answer(
    tables: _Tables, outcome: str, human: Array, twin: Array, person: Array, rng: np.random.Generator
) -> None:
    """Add the answers to an outcome; effects are in the human sd."""
    n = len(person)
    shared = np.sqrt(0.5) * person
    tables.human[outcome] = MIDDLE + SD * (human + shared + np.sqrt(0.5) * rng.standard_normal(n))
    tables.twin[outcome] = MIDDLE + SD * (twin + TWIN_SD * (shared + np.sqrt(0.5) * rng.standard_normal(n)))


def _contrast(
    tables: _Tables,
    name: str,
    kind: str,
    effect: float,
    condition: str,
    levels: tuple[str, str],
    outcomes: list[str],
    minus: list[str] | None = None,
) -> None:
    tables.contrasts.append(
        {
            "contrast_id": name,
            "study": name.partition(":")[0],
            "kind": kind,
            "condition": condition,
            "treatment": levels[0],
            "control": levels[1],
            "outcomes": ";".join(outcomes),
            "minus_outcomes": ";".join(minus or []),
        }
    )
    tables.truth[name] = SD * float(effect)


def _as_tables(tables: _Tables, n: int) -> GeneratedExperiments:
    import pyarrow as pa

    people = [f"p{k + 1}" for k in range(n)]

    def answers(columns: Mapping[str, Array]) -> pa.Table:
        rounded = {name: pa.array(np.round(values, 1), from_pandas=True) for name, values in columns.items()}
        return pa.table({"respondent_id": people, **rounded})

    names = list(dict.fromkeys(name for columns in tables.conditions.values() for name in columns))
    rows: dict[str, list[str | None]] = {name: [] for name in ("respondent_id", "study", *names)}
    for study, columns in tables.conditions.items():
        rows["respondent_id"] += people
        rows["study"] += [study] * n
        for name in names:
            rows[name] += columns.get(name, [None] * n)
    return GeneratedExperiments(
        answers(tables.human),
        answers(tables.twin),
        pa.table({name: pa.array(cells, pa.string()) for name, cells in rows.items()}),
        pa.Table.from_pylist(tables.contrasts),
        tables.truth,
    )
