"""Read the answers to one item from the files of running fieldwork."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from truetwin.data.item import Item
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.scale import Scale
from truetwin.errors import DataError, FileFormatError
from truetwin.io.answer_tables import open_answers
from truetwin.io.readable_files import check_is_file
from truetwin.registry import closest

KIND = "truetwin fieldwork"


def read_item_answers(
    path: Path,
    item: str,
    scale: Scale,
    *,
    id_column: str | None = None,
    choices: ReadingChoices = AS_USUAL,
) -> tuple[dict[str, float], int]:
    """Read the answers to one item in the order of the file; other columns are not looked at.

    Returns
    -------
    (answers, n_missing)
        Answer by respondent id, and the number of people in the file without a valid answer.

    Raises
    ------
    DataError
        If the file has no column of the item, somebody is in it twice, or an answer is not on the scale.
    """
    opened = open_answers(path, id_column, {item: Item(item, scale=scale)}, choices=choices)
    if not opened.is_long:
        names = list(opened.columns())
        if item not in names:
            raise DataError(f"{path} must have a column {item!r} with the answers.{closest(item, names)}")
        opened = opened.without({name: "another column" for name in names if name != item})
    found = opened.responses(expectations=False)
    if item not in found.item_ids:
        raise DataError(f"{path} must have answers to item {item!r}; it has none")
    values = found.values[:, found.item_ids.index(item)]
    given = np.isfinite(values)
    answers = {
        who: float(answer)
        for who, answer in zip(found.respondent_ids, values, strict=True)
        if answer == answer
    }
    return answers, int((~given).sum())


def read_state(path: Path) -> dict[str, Any]:
    """Read the state file of running fieldwork.

    Raises
    ------
    FileFormatError
        If it is none.
    """
    try:
        record = json.loads(check_is_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{path} must be a state file of `truetwin update`: {error}") from error
    if not isinstance(record, Mapping) or record.get("kind") != KIND:
        raise FileFormatError(
            f"{path} must be a state file of `truetwin update`; it is another JSON file. Name a file that does not "
            f"exist to begin one"
        )
    return dict(record)
