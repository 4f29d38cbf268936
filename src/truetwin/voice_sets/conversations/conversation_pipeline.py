"""Pipeline from conversations to benchmark items, for posts with replies as for logs of messages.

The steps are the same for both: a census of the people, cleaning, filters of users and messages, drafts with a
history, distractors, balance, the gate. What differs is a :class:`Reader`: what a row of the input holds, and which
filters come between the rows and the replies that may become items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from truetwin.errors import DataError
from truetwin.llm import ChatModel, RunOptions
from truetwin.results.step_cache import digest_of
from truetwin.settings.voice_build_settings import InterpersonalSettings, SocialSettings
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice_sets.common.as_published import BEFORE, as_published
from truetwin.voice_sets.common.datasheet import About
from truetwin.voice_sets.common.draft_records import nothing_left, stored_drafts
from truetwin.voice_sets.common.finishing import (
    Built,
    balanced,
    finish_build,
    stored_items,
    with_distractors,
)
from truetwin.voice_sets.common.message_language import open_detector
from truetwin.voice_sets.common.model_answers import Asker
from truetwin.voice_sets.common.model_distractors import written_pool, written_replies
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.stages import Progress, Stages
from truetwin.voice_sets.common.text_similarity import open_embedder
from truetwin.voice_sets.conversations.choice_alignment import selected_items, told_selections
from truetwin.voice_sets.conversations.conversation_drafts import (
    Conversations,
    Drawing,
    Kind,
    drawn_drafts,
    drawn_pool,
)
from truetwin.voice_sets.conversations.message_cleaning import Material

ConversationSettings = SocialSettings | InterpersonalSettings


@dataclass(frozen=True)
class Reader:
    """Kind of input of the pipeline: raw rows, the stages from the census to the replies, and how items are drawn."""

    kind: Kind
    material: Material
    drawing: Drawing
    find: Callable[[Stages, Pseudonyms], Conversations]


def build_conversations(
    reader: Reader,
    output: Path,
    settings: ConversationSettings,
    *,
    model: ChatModel | None = None,
    run_options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make benchmark items from what a reader finds (paper B, section 4.1).

    After the reader's stages come "drafts" (with a history), "as published" (unmatched distractors, for comparison),
    "distractors" (others' replies in similar contexts, or a model's), "selection" (where the reader asks for one) and
    "balance"; then the gate.

    Parameters
    ----------
    reader : Reader
        Rows and filters.
    output : Path
        Folder for ``items.jsonl``, ``datasheet.md`` and ``datasheet.json``.
    settings : SocialSettings or InterpersonalSettings
        All settings of the build.
    model : ChatModel, optional
        Writes distractors; without one they are real replies of others.
    run_options : RunOptions, optional
        Options of asking the model: caps, retries, concurrency.
    progress : callable, optional
        Called with (stage, done, total); a total of 0 is one that is not known.
    """
    seed, kind, drawing = settings.build.seed, reader.kind, reader.drawing
    sources = reader.material.sources()
    salt = settings.salt or f"{digest_of(sources)}/{seed}"
    stages = Stages(output, _inputs(sources, settings, salt), progress)
    detector = open_detector(settings.languages)
    language = {"language detector": dict(detector.describe())}
    found = reader.find(stages, Pseudonyms(salt))
    work = partial(drawn_drafts, found, kind, drawing, detector, seed)
    drafts = stages.run("drafts", work, {"drawing": repr(replace(drawing, selection=None)), **language})
    if not drafts.n_out:
        raise DataError(nothing_left(stages.rows(), kind.thresholds))
    embedder = open_embedder(settings.build.embeddings)
    read_drafts, pool = partial(stored_drafts, drafts), partial(drawn_pool, found.replies, drawing.pool, seed)
    naive = as_published(stages, read_drafts, pool, embedder, seed)
    where = f"real replies of others {kind.similar}"
    if model is not None:
        where = "written by a model"
        written = written_replies(stages, read_drafts(), Asker(model, output, run_options))
        pool = partial(written_pool, written)
    similar = drawing.similar if model is None else None
    furnished = with_distractors(stages, read_drafts, pool, embedder, settings.build, candidates=similar)
    notes = [BEFORE, f"Distractors are {where}.", *found.notes]
    n_candidates = drafts.n_out
    if drawing.selection is not None:
        notes += told_selections(stored_items(furnished), drawing.selection.most, embedder, seed)
        furnished = selected_items(stages, furnished, drawing.selection, embedder, seed)
        n_candidates = min(n_candidates, drawing.selection.most)
    shown = {**settings.model_dump(exclude={"build", "salt", "posts"}), **language}
    return finish_build(
        stages,
        balanced(stages, furnished, settings.build),
        output,
        settings.build,
        About(kind.title, sources, shown, notes),
        n_candidates=n_candidates,
        min_history=drawing.history.least,
        before=audit(naive) if naive else None,
    )


def _inputs(
    sources: Sequence[Mapping[str, Any]], settings: ConversationSettings, salt: str
) -> dict[str, str]:
    """Name what all stages depend on."""
    return {
        "files": digest_of(sources),
        "seed": str(settings.build.seed),
        "columns": digest_of(dict(settings.columns)),
        "encoding": settings.encoding or "",
        "salt": hashlib.sha256(salt.encode()).hexdigest(),
    }
