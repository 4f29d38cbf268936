"""Score stored answers, and order models by their results, as the settings of a job say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.settings.voice_settings import CountedBy, VoiceScore
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.scoring.capability_results import capability_results, read_annotations
from truetwin.voice.scoring.leaderboard import score_rows
from truetwin.voice.scoring.score_table import Scoreboard, score_answers
from truetwin.voice.scoring.stored_answers import Answers, files_of, read_answers
from truetwin.voice.scoring.stored_reply_metrics import has_unscored_replies, text_rows


@dataclass(frozen=True)
class Scored:
    """Scores of stored answers.

    Attributes
    ----------
    answers : list of Answers
        Answers, one entry for each file.
    board : Scoreboard
        Scores, baselines and paired comparisons.
    texts : list of dict
        Text metrics of written replies.
    lacks_items : bool
        Whether some replies have no text metrics, because their items are not known.
    """

    answers: list[Answers]
    board: Scoreboard
    texts: list[dict[str, Any]]
    lacks_items: bool = False

    @property
    def is_damaged(self) -> bool:
        """Whether a file has lines that cannot be read."""
        return any(answers.broken_lines for answers in self.answers)


def score_asked(
    settings: VoiceScore,
    items: Sequence[VoiceItem] | None = None,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scored:
    """Score stored answers without any model.

    Parameters
    ----------
    settings : VoiceScore
        Files of answers, and the items that count.
    items : sequence of VoiceItem, optional
        Items that count, if the settings name none.
    progress : callable
        Called with the number of scored and of all files.
    """
    wanted = load_source(settings.items).items if settings.items else items
    answers = [read_answers(path, model=settings.model, items=wanted) for path in files_of(settings.files)]
    board = score_answers(answers, items=wanted, progress=progress)
    texts = text_rows(
        answers,
        items=wanted,
        with_bert_score=settings.bert_score,
        bert_model=settings.bert_model,
        bert_layer=settings.bert_layer,
    )
    return Scored(answers, board, texts, has_unscored_replies(answers, wanted))


@dataclass(frozen=True)
class CapabilityTable:
    """Results by capability, and remarks for the reader."""

    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def capability_table(files: Sequence[Path], annotations: Path, by: CountedBy) -> CapabilityTable:
    """Compute results by capability of the files that hold stored answers; tables of scores know no items."""
    stored = [path for path in files_of(files) if score_rows(path) is None]
    notes = [
        f"{path} holds scores, no answers: it has no results by capability"
        for path in files_of(files)
        if path not in stored
    ]
    outcomes = [outcome for path in stored for outcome in read_answers(path).outcomes]
    known = read_annotations(annotations)
    without = len({o.item_id for o in outcomes} - set(known))
    if without:
        notes.append(f"{without} items are not annotated and count for no capability")
    return CapabilityTable(capability_results(outcomes, known, by=by), tuple(notes))
