"""Read the answers of some people of a panel to new items: a sample."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.item_columns import why_no_item
from truetwin.data.matched_ids import with_matching_ids
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.errors import AlignmentError
from truetwin.io.answer_tables import AnswerTable, open_answers
from truetwin.registry import closest

#: Column with the weights of being asked, in a sample.
SAMPLE_WEIGHT = "weight"
#: Likeness of names (0 to 1) from which on a column that was left out may be meant for an item.
ALIKE = 0.8
_MOST_SHOWN = 8


def read_sample(
    path: Path,
    panel: Panel,
    *,
    items: Collection[str] = (),
    id_column: str | None = None,
    choices: ReadingChoices = AS_USUAL,
) -> ResponseMatrix:
    """Read the answers of some people of a panel to new items; a column ``weight`` has their weights of being asked.

    Columns of texts, such as how people were asked, are left out, and named in the notes.

    Parameters
    ----------
    path : Path
        Table of answers.
    panel : Panel
        Answers of people and twins without the sample.
    items : collection of str
        Items that are asked for by name.
    id_column : str, optional
        Column of respondent ids.
    choices : ReadingChoices
        How the file is read where it leaves a question open.

    Raises
    ------
    AlignmentError
        If the sample has no answer, or none to the named items while a column that was left out is named like one.
    """
    opened = open_answers(path, id_column, panel.items, choices=choices)
    strange = opened.columns((*panel.item_ids, SAMPLE_WEIGHT))
    opened = opened.without({n: why for n, cells in strange.items() if (why := why_no_item(*cells))})
    sampled = set(opened.columns((SAMPLE_WEIGHT,)))
    wanted = [item for item in items or panel.new_items or panel.item_ids if item not in sampled]
    meant = "".join(closest(name, wanted, ALIKE) for name in opened.left_out)
    if not opened.is_long and not sampled:
        raise _no_answers(opened, wanted, meant)
    answers = opened.responses(expectations=False, weight_column=SAMPLE_WEIGHT)
    answered = set(np.array(answers.item_ids)[np.isfinite(answers.values).any(axis=0)].tolist())
    if not answered or (items and meant and not answered & set(items)):
        raise _no_answers(opened, wanted or list(items) or list(panel.new_items), meant)
    notes = opened.left_out_notes()
    answers = answers.with_notes(*(f"{text}.{meant}" if meant else text for text in notes))
    return with_matching_ids(panel.respondent_ids, panel.human.source, answers, match=choices.match)


def _no_answers(opened: AnswerTable, wanted: Sequence[str], meant: str) -> AlignmentError:
    """Say which columns a sample has, and which items were expected."""
    has = [*opened.columns(), *opened.left_out]
    return AlignmentError(
        f"{opened.source}: a sample must have answers to the items to estimate ({_some(wanted)}); it has none. Its "
        f"columns are {_some(has) or 'ids only'}.{meant}"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(repr(name) for name in names[:_MOST_SHOWN]) + more
