"""Hold all tables of an experiment to one writing of the ids of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from truetwin.data.matched_ids import match_of_ids, what_was_matched
from truetwin.data.responses import ResponseMatrix
from truetwin.data.study_columns import StudyColumns
from truetwin.data.task_rows import person_of


@dataclass(eq=False)
class ExperimentIds:
    """Ids of people in the tables of an experiment so far, to which those of each further table must match.

    Parameters
    ----------
    match : bool
        Whether ids are changed so that they match. Otherwise ids that are written differently are an error.

    Attributes
    ----------
    known : dict from id to str
        Table that each person was first met in.
    notes : list of str
        Which ids were changed.
    """

    match: bool
    known: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of_answers(self, answers: ResponseMatrix) -> ResponseMatrix:
        """Return a table of answers with ids that match."""
        changed = self.changes(answers.respondent_ids, answers.source)
        return answers.with_ids(changed) if changed else answers

    def of_columns(self, columns: StudyColumns) -> StudyColumns:
        """Do the same for arms, or for what is known of people."""
        changed = self.changes(columns.ids, columns.source)
        if not changed:
            return columns
        return replace(columns, ids=tuple(changed.get(i, i) for i in columns.ids), _levels={})

    def changes(self, ids: Sequence[str], source: str) -> dict[str, str]:
        """Return the new id of each row that gets one, and remember the people of the table.

        Raises
        ------
        AlignmentError
            If the table writes ids differently, and ``match`` is false.
        """
        people = list(dict.fromkeys(map(person_of, ids)))
        found = match_of_ids(self.known, people, source, match=self.match)
        renamed = {a: b for a, b in found.theirs_to_ours.items() if a != b} if found else {}
        if found and renamed:
            self.notes.append(what_was_matched(source, found))
        for person in people:
            self.known.setdefault(renamed.get(person, person), source)
        return {i: renamed[who] + i[len(who) :] for i in ids if (who := person_of(i)) in renamed}
