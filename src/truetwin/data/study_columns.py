"""Study columns: what is known of people in each study, such as the arm they were in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.data.people import People, no_such_column
from truetwin.data.problems import Problems
from truetwin.data.task_rows import person_of

#: Column that names the study of a row.
STUDY = "study"
Texts = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class StudyColumns:
    """What is known of people in each study: one row for each person and study.

    Parameters
    ----------
    ids : tuple of str
        Id of each row's person.
    studies : tuple of str, or None
        Study of each row; None if all rows hold in every study.
    columns : mapping from name to array of length n_rows
        Texts (None where missing), or numbers as texts.
    source : str
        What to call the table in messages.
    rows : sequence of str
        Name of each row, for messages.
    of_tasks : bool, default=False
        Whether rows are tasks of people (:mod:`truetwin.data.task_rows`). Otherwise they are people, and what is known
        of a person holds in all tasks.
    """

    ids: tuple[str, ...]
    studies: tuple[str, ...] | None
    columns: Mapping[str, Texts]
    source: str
    rows: tuple[str, ...] = ()
    of_tasks: bool = False
    _levels: dict[tuple[str, str], list[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of_people(cls, people: People) -> StudyColumns:
        """Take a people table, which holds in every study."""
        columns = {name: people.groups(name) for name in people.columns}
        return cls(people.ids, None, columns, people.source)

    @cached_property
    def rows_of_study(self) -> dict[str, dict[str, int]]:
        """Row of each person, by study. Without a column of studies there is one study, named ''."""
        found: dict[str, dict[str, int]] = {}
        studies = self.studies or [""] * len(self.ids)
        for k, (study, person) in enumerate(zip(studies, self.ids, strict=True)):
            found.setdefault(study, {}).setdefault(person, k)
        return found

    @classmethod
    def empty(cls, source: str) -> StudyColumns:
        """Make a table that says nothing."""
        return cls((), None, {}, source)

    def has(self, study: str, person: str) -> bool:
        """Tell whether a person (or a task of theirs) is in a study; all are in one that the table does not name."""
        here = self.people_of(study)
        return not here or (person if self.of_tasks else person_of(person)) in here

    def people_of(self, study: str) -> dict[str, int] | None:
        """Return the people of a study with their rows; None if the table says nothing of the study."""
        return self.rows_of_study.get(study if self.studies is not None else "")

    def values(self, study: str, column: str, ids: Sequence[str]) -> Texts:
        """Return the value of each person in a study; None where there is none."""
        here = self.people_of(study) or {}
        cells = self.columns[column].tolist()
        names = ids if self.of_tasks else map(person_of, ids)
        found = np.empty(len(ids), dtype=object)
        found[:] = [cells[here[i]] if i in here else None for i in names]
        return found

    def numbers(self, study: str, column: str, ids: Sequence[str]) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where there is none. Every cell must be a number."""
        found = self.values(study, column, ids)
        people = People(ids, {column: found}, self.source)
        return people.numbers(column)

    def check_column(self, name: str) -> None:
        """Raise an error that names the most similar column, if there is no column of this name."""
        if name not in self.columns:
            raise no_such_column(name, tuple(self.columns), self.source)

    def levels(self, study: str, column: str) -> list[str]:
        """Return the levels of a column in a study, in order of first appearance."""
        if (study, column) not in self._levels:
            self._levels[study, column] = self._find_levels(study, column)
        return self._levels[study, column]

    def _find_levels(self, study: str, column: str) -> list[str]:
        here = self.people_of(study)
        rows = [] if here is None else list(here.values())
        return list(dict.fromkeys(value for value in self.columns[column][rows] if value is not None))

    def check_people(self, problems: Problems) -> None:
        """Add a problem for each person who is in one study twice."""
        first: dict[tuple[str, str], int] = {}
        studies = self.studies or [""] * len(self.ids)
        for k, key in enumerate(zip(studies, self.ids, strict=True)):
            before = first.setdefault(key, k)
            if before == k:
                continue
            differ = [n for n, c in self.columns.items() if c[k] != c[before]]
            arms = (
                f": {differ[0]} is {self.columns[differ[0]][before]!r} and {self.columns[differ[0]][k]!r}"
                if differ
                else ""
            )
            study = f" of study {key[0]!r}" if key[0] else ""
            what = "a person must be in one arm" if differ else "a person must occur once"
            problems.add(
                "twice",
                f"{what}{study}; {key[1]!r} is in {self._row(before)} and in {self._row(k)}{arms}. Remove one of them.",
            )

    def _row(self, k: int) -> str:
        return self.rows[k] if self.rows else f"row {k + 1}"
