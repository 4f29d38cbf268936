"""Make the ids of tables match where they are written in two ways, or refuse such tables with the repair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from truetwin.data.id_matching import Match, find_match, written_otherwise
from truetwin.data.people import People
from truetwin.data.responses import ResponseMatrix
from truetwin.errors import AlignmentError

#: How users of the command line, of study files and of Python repair ids.
REPAIR = (
    "--match does it (in a study: match: true among its inputs; in Python: choices=tt.ReadingChoices(match=True), "
    "where tt is truetwin, or read the column of ids as text)"
)


def with_matching_ids(
    known: Sequence[str], source: str, answers: ResponseMatrix, *, match: bool
) -> ResponseMatrix:
    """Change the ids of answers so that they match known ones, where a simple change does and ``match`` allows it.

    Raises
    ------
    AlignmentError
        If ids are known ones written in another way, and ``match`` is false: the same person would count as two.
    """
    found = match_of_ids(dict.fromkeys(known, source), answers.respondent_ids, answers.source, match=match)
    if found is None:
        return answers
    return answers.with_ids(found.theirs_to_ours).with_notes(what_was_matched(answers.source, found))


def people_with_matching_ids(
    known: Sequence[str], source: str, people: People, *, match: bool
) -> tuple[People, list[str]]:
    """Do the same for a people table. Returns notes as well."""
    found = match_of_ids(dict.fromkeys(known, source), people.ids, people.source, match=match)
    if found is None:
        return people, []
    ids = [found.theirs_to_ours.get(i, i) for i in people.ids]
    return People(ids, people.columns, people.source, people.labels), [what_was_matched(people.source, found)]


def match_of_ids(known: Mapping[str, str], ids: Sequence[str], where: str, *, match: bool) -> Match | None:
    """Find how the ids of a table match known ones; None where nothing is to be changed.

    Parameters
    ----------
    known : mapping from id to str
        Table that each known id was read from.
    ids : sequence of str
    where : str
        What to call their table in messages.
    match : bool
        Whether ids may be changed.

    Raises
    ------
    AlignmentError
        If ids are known ones written in another way, and ``match`` is false.
    """
    if match:
        found = [m for m in (find_match([*known], ids), written_otherwise([*known], ids)) if m is not None]
        return max(found, key=lambda each: len(each.theirs_to_ours), default=None)
    _refuse_two_writings(known, ids, where)
    return None


def repair_of_ids(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """Say what would make ids match that have nothing in common; empty if nothing simple does."""
    found = None if set(ours) & set(theirs) else find_match(ours, theirs)
    return f" To repair: {found.describe('respondent id')}; {REPAIR}." if found else ""


def what_was_matched(source: str, found: Match) -> str:
    """Write the note on a table whose ids were changed."""
    return f"{source}: matched {len(found.theirs_to_ours)} respondent ids by {found.change} (--match)"


def _refuse_two_writings(known: Mapping[str, str], ids: Sequence[str], where: str) -> None:
    """Refuse ids that are known ones written in another way, such as 7 for 007, and name the repair."""
    found = written_otherwise([*known], ids)
    if found is None:
        return
    pairs = [(theirs, ours) for theirs, ours in found.theirs_to_ours.items() if theirs != ours]
    theirs, ours = pairs[0]
    raise AlignmentError(
        f"{where} must write respondent ids as {known[ours]} does, or the same person counts as two; {len(pairs)} are "
        f"written in another way, such as {theirs!r} for {ours!r}, and {len(found.theirs_to_ours) - len(pairs)} of "
        f"{len(ids)} match. To repair: {found.describe('respondent id')}; {REPAIR}."
    )
