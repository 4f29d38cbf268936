"""Say how ids and items of two tables could be made to match, and do it on request."""

from __future__ import annotations

from collections.abc import Collection

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.id_matching import Match, find_match
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
