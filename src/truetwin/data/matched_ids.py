"""Make the ids of tables match where they are written in two ways, or refuse such tables with the repair."""

from __future__ import annotations

from collections.abc import Sequence

from truetwin.data.id_matching import Match, find_match, written_otherwise
from truetwin.data.people import People
from truetwin.data.responses import ResponseMatrix
from truetwin.errors import AlignmentError


def with_matching_ids(
    known: Sequence[str], source: str, answers: ResponseMatrix, *, match: bool
) -> ResponseMatrix:
    """Change the ids of answers so that they match known ones, where a simple change does and ``match`` allows it.

    Raises
    ------
    AlignmentError
        If ids are known ones written in another way, and ``match`` is false: the same person would count as two.
    """
    if not match:
        refuse_two_writings(known, source, answers.respondent_ids, answers.source)
        return answers
    found = _best_match(known, answers.respondent_ids)
    if found is None:
        return answers
    note = f"{answers.source}: matched {len(found.theirs_to_ours)} respondent ids by {found.change} (--match)"
    return answers.with_ids(found.theirs_to_ours).with_notes(note)


def people_with_matching_ids(
    known: Sequence[str], source: str, people: People, *, match: bool
) -> tuple[People, list[str]]:
    """Do the same for a people table. Returns notes as well."""
    if not match:
        refuse_two_writings(known, source, people.ids, people.source)
        return people, []
    found = _best_match(known, people.ids)
    if found is None:
        return people, []
    ids = [found.theirs_to_ours.get(i, i) for i in people.ids]
    note = f"{people.source}: matched {len(found.theirs_to_ours)} respondent ids by {found.change} (--match)"
    return People(ids, people.columns, people.source, people.labels), [note]


def refuse_two_writings(known: Sequence[str], source: str, ids: Sequence[str], where: str) -> None:
    """Refuse ids that are known ones written in another way, such as 7 for 007, and name the repair."""
    found = written_otherwise(known, ids)
    if found is None:
        return
    pairs = [(theirs, ours) for theirs, ours in found.theirs_to_ours.items() if theirs != ours]
    theirs, ours = pairs[0]
    raise AlignmentError(
        f"{where} must write respondent ids as {source} does, or the same person counts as two; {len(pairs)} are "
        f"written in another way, such as {theirs!r} for {ours!r}, and {len(found.theirs_to_ours) - len(pairs)} of "
        f"{len(ids)} match. To repair: {found.describe('respondent id')}; --match does it (in a study: match: true "
        "among its inputs; in Python: ReadingChoices(match=True))."
    )


def _best_match(ours: Sequence[str], theirs: Sequence[str]) -> Match | None:
    found = [m for m in (find_match(ours, theirs), written_otherwise(ours, theirs)) if m is not None]
    return max(found, key=lambda match: len(match.theirs_to_ours), default=None)
