"""Social personas: users of a Chinese microblog, 2000 items, distractors by other users (paper B, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, DatasetError, FileFormatError
from truetwin.voice.items.dimensions.loading import (
    Loaded,
    finish,
    indexed_options,
    load_records,
    marked_turn,
    read_lines,
    text_field,
    whole_number,
)
from truetwin.voice.items.voice_dimensions import Layout, VoiceDimension
from truetwin.voice.items.voice_items import VoiceItem, VoicePersona

DIMENSION = "social"
LANGUAGE = "zh"
MARKS = ("AnchorPost:", "UserReply:")
DISTRACTOR_SOURCE = "another user"


def load(path: Path, *, remove_leaks: bool = True) -> Loaded:
    """Load items from a file in the published layout.

    Parameters
    ----------
    path : Path
        JSONL with ``user_id, anchor_post, history, choices, answer_idx``.
    remove_leaks : bool, default=True
        Remove history turns and places of the post that hold the true reply; if false they are only counted.
    """
    return load_records(path, record_to_item, remove_leaks=remove_leaks)


def load_published(*, remove_leaks: bool = False) -> Loaded:
    """Load the published items; where their file cannot be had, what the published answers repeat of them.

    The report then says that the items lack their histories, and why.

    Raises
    ------
    DatasetError
        If neither can be had.
    """
    from truetwin.datasets.twinvoice import SOCIAL, SOCIAL_ANSWERS, twinvoice

    try:
        path = twinvoice.fetch(SOCIAL)
    except DatasetError as error:
        if not twinvoice.is_available(SOCIAL_ANSWERS[0]):
            raise
        loaded = load_from_answers(remove_leaks=remove_leaks)
        remark = (
            f"the social items have no histories here, since their published file cannot be read: {error}"
        )
        return replace(loaded, report=replace(loaded.report, remark=remark), layout="social answers")
    return load(path, remove_leaks=remove_leaks)


def load_from_answers(path: Path | None = None, *, remove_leaks: bool = False) -> Loaded:
    """Posts, options and right answers from a file of published answers; histories are not in it, so all are empty.

    Every file of answers repeats each item's post and options in the order of the items. This is enough for all
    baselines that ignore the persona, where the file of the published items is not at hand.

    Parameters
    ----------
    path : Path, optional
        JSONL with ``line_idx, user_id, anchor_post, choices, ground_truth_index``; without it the first published file.
    remove_leaks : bool
        Not looked at: leaks are counted only, since the posts are as the models saw them.
    """
    if path is None:
        from truetwin.datasets.twinvoice import SOCIAL_ANSWERS, twinvoice

        path = twinvoice.fetch(SOCIAL_ANSWERS[0])
    items = [
        record_to_item(
            {**record, "history": []},
            whole_number(record, "line_idx", where),
            where,
            answer_field="ground_truth_index",
        )
        for where, record in read_lines(path)
    ]
    if len({item.item_id for item in items}) != len(items) or not items:
        raise DataError(f"{path}: 'line_idx' must be there and unique")
    return finish(items, {}, remove_leaks=False)


def item_id_of(line: int) -> str:
    """Make the id of the item on a line (from 1) of the published file."""
    return f"{DIMENSION}-{line:04d}"


def record_to_item(
    record: Mapping[str, Any], number: int, where: str, *, answer_field: str = "answer_idx"
) -> VoiceItem:
    """Convert one published record to an item; histories are stored oldest first and end before the item."""
    user = text_field(record, "user_id", where)
    options, answer = indexed_options(record, answer_field, DISTRACTOR_SOURCE, where)
    history = record.get("history")
    if not isinstance(history, list):
        raise FileFormatError(f"{where}: 'history' must be a list of turns; got {history!r:.80}")
    return VoiceItem(
        item_id_of(number),
        DIMENSION,
        LANGUAGE,
        VoicePersona(user),
        text_field(record, "anchor_post", where),
        options,
        answer,
        history=tuple(marked_turn(text, MARKS, k, where) for k, text in enumerate(history, 1)),
        provenance={"dataset": "twinvoice", "line": number},
    )


VOICE_DIMENSION = VoiceDimension(
    DIMENSION,
    reply="reply",
    turn=("Post", "Reply"),
    layouts=(
        Layout("social answers", ("anchor_post", "choices", "ground_truth_index"), load_from_answers),
        Layout("social", ("anchor_post", "choices", "answer_idx"), load),
    ),
    published=load_published,
)
