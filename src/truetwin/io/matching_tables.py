"""Say how ids and items of two tables could be made to match, and do it on request."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from truetwin.data import Panel, People, ResponseMatrix
from truetwin.data.id_matching import Match, find_match, written_otherwise
from truetwin.errors import AlignmentError
from truetwin.io.answer_tables import AnswerTable

#: Most ids that are compared only to say how they could match.
MOST_COMPARED = 100_000


def with_matching_items(human: AnswerTable, twin: AnswerTable) -> AnswerTable:
    """Rename the twins' items so that they match those of the human table, where a simple change does."""
    ours, theirs = list(human.columns()), list(twin.columns())
    found = find_match(ours, theirs) if ours and theirs else None
    if found is None:
        return twin
    changed = {a: b for a, b in found.theirs_to_ours.items() if a != b}
    done = f"{twin.source}: renamed {len(changed)} items by {found.change} (--match)"
    return twin.with_names(changed, done)


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
        "among its inputs)."
    )


def _best_match(ours: Sequence[str], theirs: Sequence[str]) -> Match | None:
    found = [m for m in (find_match(ours, theirs), written_otherwise(ours, theirs)) if m is not None]
    return max(found, key=lambda match: len(match.theirs_to_ours), default=None)


def repair_hint(human: ResponseMatrix, twin: ResponseMatrix) -> str:
    """Say what would make tables match that have nothing in common; empty if nothing simple does."""
    if _mostly(human.respondent_ids, twin.item_ids):
        return " The columns of the twin table are respondents of the human table: transpose it."
    if _mostly(human.item_ids, twin.respondent_ids):
        return " The rows of the twin table are items of the human table: transpose it."
    parts = [
        match.describe(what)
        for what, ours, theirs in _pairs(human, twin)
        if not set(ours) & set(theirs) and (match := find_match(ours, theirs))
    ]
    return f" To repair: {'; '.join(parts)}; --match does it." if parts else ""


def doubts(panel: Panel, left_out: Collection[str]) -> list[str]:
    """Write notes about ids that nearly match, and about tables that may have been swapped."""
    notes = []
    pairs = {name: _pairs(panel.human, source) for name, source in panel.sources.items()}
    for name, what, ours, theirs in ((name, *pair) for name, each in pairs.items() for pair in each):
        match: Match | None = None
        few = len(set(ours) & set(theirs)) < min(len(ours), len(theirs)) / 2
        if few and max(len(ours), len(theirs)) <= MOST_COMPARED:
            match = find_match(ours, theirs)
        if match is not None:
            same = len(set(ours) & set(theirs))
            tables = "the tables" if len(pairs) == 1 else f"the human table and the source {name!r}"
            notes.append(f"{same} {what}s match between {tables}; {match.describe(what)} (--match)")
    if left_out and not panel.new_items and not panel.new_respondents:
        notes.append(
            f"{panel.twin.source} has nothing that people have not answered, and {panel.human.source} has: are the two "
            "files swapped? The human table comes first"
        )
    return notes


def _pairs(human: ResponseMatrix, twin: ResponseMatrix) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [
        ("respondent id", human.respondent_ids, twin.respondent_ids),
        ("item", human.item_ids, twin.item_ids),
    ]


def _mostly(ours: Collection[str], theirs: Collection[str]) -> bool:
    return len(set(ours) & set(theirs)) > len(set(ours)) / 2
