"""Pipeline from conversations to benchmark items, for posts with replies as for logs of messages.

The steps are the same for both: a census of the people, cleaning, filters of users and messages, drafts with a
history, distractors, balance, the gate. What differs is a :class:`Reader`: what a row of the input holds, and which
filters come between the rows and the replies that may become items.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from truetwin.errors import DataError
from truetwin.llm import ChatModel, RunOptions
from truetwin.results.step_cache import digest_of
from truetwin.settings.voice_build_settings import InterpersonalSettings, SocialSettings
from truetwin.voice.auditing.benchmark_audit import AuditReport, audit
from truetwin.voice.items.item_faults import gives_away
from truetwin.voice.items.verbatim import stands_in
from truetwin.voice.items.voice_items import Dimension, VoiceItem, VoicePersona
from truetwin.voice_sets.common.as_published import BEFORE, as_published
from truetwin.voice_sets.common.datasheet import About
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.draft_records import DraftRecord, draft_record, nothing_left, stored_drafts
from truetwin.voice_sets.common.finishing import (
    Built,
    ItemRecord,
    balanced,
    finish_build,
    stored_items,
    with_distractors,
)
from truetwin.voice_sets.common.message_language import CommonWords, LanguageDetector, open_detector
from truetwin.voice_sets.common.model_distractors import written_pool, written_replies
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Progress, Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import Embedder, open_embedder
from truetwin.voice_sets.conversations.choice_alignment import Ranking, compare_selections, select
from truetwin.voice_sets.conversations.conversation_records import KeptUser, Message, Reply
from truetwin.voice_sets.conversations.message_cleaning import Material
from truetwin.voice_sets.conversations.user_histories import Histories, Remembering, remember

ConversationSettings = SocialSettings | InterpersonalSettings


@dataclass(frozen=True)
class Kind:
    """What a kind of conversations is called in counts, errors and the datasheet.

    ``stimulus`` is what a reply replies to ("its post"), ``earlier`` what a history consists of, ``similar`` where
    distractors come from; ``thresholds`` are the settings to lower where nothing passes.
    """

    dimension: Dimension
    title: str
    stimulus: str
    earlier: str
    similar: str
    thresholds: str


@dataclass(frozen=True)
class Selection:
    """Which of the items with distractors are taken."""

    most: int
    ranking: Ranking


@dataclass(frozen=True)
class Drawing:
    """Which replies become items, and where their distractors are looked for.

    Parameters
    ----------
    most, per_user : int
        Most drafts, and most of one user.
    pool : int
        Replies among which distractors are looked for.
    similar : SimilarContexts
        Which of these are looked at for an item.
    history : Remembering
        What goes into an item's history.
    min_characters : int, default=0
        Shortest reply.
    selection : Selection, optional
        Which items are taken; all by default.
    """

    most: int
    per_user: int
    pool: int
    similar: SimilarContexts
    history: Remembering
    min_characters: int = 0
    selection: Selection | None = None


@dataclass(frozen=True)
class Conversations:
    """What a reader found: clean messages, replies that passed the filters, and users whose replies may become items.

    ``notes`` are sentences for the datasheet.
    """

    messages: Stage[Message]
    replies: Stage[Reply]
    users: Stage[KeptUser]
    notes: tuple[str, ...] = ()


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
        How it is asked.
    progress : callable, optional
        Called with (stage, done, total); a total of 0 is one that is not known.
    """
    seed, kind, drawing = settings.build.seed, reader.kind, reader.drawing
    sources = reader.material.sources()
    digest = digest_of(sources)
    salt = settings.salt or f"{digest}/{seed}"
    inputs = {
        "files": digest,
        "seed": str(seed),
        "columns": digest_of(dict(settings.columns)),
        "encoding": settings.encoding or "",
        "salt": hashlib.sha256(salt.encode()).hexdigest(),
    }
    stages = Stages(output, inputs, progress)
    detector = open_detector(settings.languages)
    language = {"language detector": dict(detector.describe())}
    found = reader.find(stages, Pseudonyms(salt))
    work = partial(_drafts, found, kind, drawing, detector, seed)
    drafts = stages.run("drafts", work, {"drawing": repr(replace(drawing, selection=None)), **language})
    if not drafts.n_out:
        raise DataError(nothing_left(stages.rows(), kind.thresholds))

    embedder = open_embedder(settings.build.embeddings)
    read_drafts, pool = partial(stored_drafts, drafts), partial(drawn_pool, found.replies, drawing.pool, seed)
    naive = as_published(stages, read_drafts, pool, embedder, seed)
    where = f"real replies of others {kind.similar}"
    if model is not None:
        where = "written by a model"
        written = written_replies(stages, read_drafts(), model, output / "written", run_options)
        pool = partial(written_pool, written)
    similar = drawing.similar if model is None else None
    furnished = with_distractors(stages, read_drafts, pool, embedder, settings.build, candidates=similar)
    notes = [BEFORE, f"Distractors are {where}.", *found.notes]
    n_candidates = drafts.n_out
    if drawing.selection is not None:
        notes += _compared(stored_items(furnished), drawing.selection.most, embedder, seed)
        furnished = _selected(stages, furnished, drawing.selection, embedder, seed)
        n_candidates = min(n_candidates, drawing.selection.most)
    return finish_build(
        stages,
        balanced(stages, furnished, settings.build),
        output,
        settings.build,
        About(
            kind.title,
            sources,
            {**settings.model_dump(exclude={"build", "salt", "posts"}), **language},
            notes,
        ),
        n_candidates=n_candidates,
        min_history=drawing.history.least,
        before=audit(naive) if naive else None,
    )


def drawn_pool(replies: Stage[Reply], most: int, seed: int) -> list[PoolReply]:
    """Read everybody's replies, or ``most`` of them, drawn by the seed."""
    n = replies.n_out
    wanted = set(range(n))
    if n > most:
        wanted = set(np.random.default_rng([seed, 17]).choice(n, most, replace=False).tolist())
    detector = CommonWords()
    return [
        PoolReply(reply["text"], reply["user"], _scope_of(reply, detector), reply["stimulus"])
        for k, reply in enumerate(replies.records())
        if k in wanted
    ]


def _drafts(
    found: Conversations,
    kind: Kind,
    drawing: Drawing,
    detector: LanguageDetector,
    seed: int,
    tally: Tally,
) -> Iterator[DraftRecord]:
    """Draw replies of the kept users by the seed until there are enough with a history."""
    kept = frozenset(user["user"] for user in found.users.records())
    owners = {place: reply["user"] for place, reply in found.replies.placed() if reply["user"] in kept}
    tally.noted["by others, for distractors"] = found.replies.n_out - len(owners)
    histories = remember(found.messages, frozenset(owners.values()), drawing.history, seed, tally)
    of_user: Counter[str] = Counter()
    drafts: dict[int, Draft] = {}
    quick = CommonWords()
    for place in np.random.default_rng([seed, 11]).permutation(list(owners)).tolist():
        if len(drafts) == drawing.most:
            tally.keep("more than were asked for")
            continue
        if of_user[owners[place]] == drawing.per_user:
            tally.keep(f"more than {drawing.per_user} of one user")
            continue
        (reply,) = found.replies.at([place])
        draft = _draft(
            reply, histories, kind.dimension, detector.of(_exchange(reply)), _scope_of(reply, quick)
        )
        if tally.keep(_fault(draft, kind, drawing)):
            drafts[place] = draft
            of_user[reply["user"]] += 1
            tally.tick(len(drafts), drawing.most)
    for place in sorted(drafts):
        yield draft_record(drafts[place])


def _draft(reply: Reply, histories: Histories, dimension: Dimension, language: str, scope: str) -> Draft:
    turns = [turn for turn in histories.before(reply) if not gives_away(reply["text"], turn)]
    user, thread = reply["user"], reply["thread"]
    social = dimension == "social"
    origin = {
        "post" if social else "channel": thread,
        "topic": reply.get("topic"),
        "link": reply.get("link"),
        "informativeness": reply.get("informativeness"),
    }
    return Draft(
        item_id=f"{user if social else thread}-{reply['number']:012d}",
        dimension=dimension,
        language=language,
        persona=VoicePersona(user),
        stimulus=reply["stimulus"],
        reply=reply["text"],
        history=tuple(turns[-histories.how.most :]),
        group=reply.get("topic", thread),
        scope=scope,
        own=frozenset({user, reply.get("partner", user)}),
        provenance={name: value for name, value in origin.items() if value is not None},
    )


def _fault(draft: Draft, kind: Kind, drawing: Drawing) -> str | None:
    if len(draft.reply) < drawing.min_characters:
        return f"reply of fewer than {drawing.min_characters} characters"
    if stands_in(draft.reply, draft.stimulus):
        return f"stands in {kind.stimulus}"
    if len(draft.history) < drawing.history.least:
        return f"fewer than {drawing.history.least} {kind.earlier}"
    return None


def _scope_of(reply: Reply, detector: CommonWords) -> str:
    """Give the language within which distractors are looked for."""
    return reply["language"] if "language" in reply else detector.of(_exchange(reply))


def _exchange(reply: Reply) -> str:
    return f"{reply['stimulus']} {reply['text']}"


def _selected(
    stages: Stages, furnished: Stage[ItemRecord], selection: Selection, embedder: Embedder, seed: int
) -> Stage[ItemRecord]:
    """Stage "selection": the items that are drawn by the seed, or those of the highest alignment."""

    def choose(tally: Tally) -> Iterator[ItemRecord]:
        items = stored_items(furnished)
        kept = set(select(items, selection.most, selection.ranking, embedder, seed=seed))
        why = "less aligned" if selection.ranking == "alignment" else "not drawn"
        for k, item in enumerate(items):
            if tally.keep(None if k in kept else why):
                yield item.to_record()

    return stages.run("selection", choose, asdict(selection))


def _compared(items: list[VoiceItem], most: int, embedder: Embedder, seed: int) -> list[str]:
    """Say what either selection of ``most`` items (of half of them, if there are fewer) does to the baselines."""
    if len(items) < 2:
        return []
    most = most if len(items) > most else len(items) // 2
    found = compare_selections(items, most, embedder, seed=seed)
    names = {"all": f"all {len(items)}", "random": f"{most} drawn", "alignment": f"{most} by alignment"}
    return [f"Before balancing, {names[key]}: {_accuracies(report)}." for key, report in found.items()]


def _accuracies(report: AuditReport) -> str:
    rows = [row for row in report.rows() if row["accuracy"] is not None]
    return ", ".join(f"{row['predictor']} {row['accuracy']:.1f}%" for row in rows)
