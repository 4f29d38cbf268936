"""Interpersonal items (paper B, section 4.1): build them from messages of people in several channels."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from truetwin.errors import DataError
from truetwin.llm import ChatModel, RunOptions
from truetwin.settings.voice_build_settings import InterpersonalSettings
from truetwin.voice_sets.common.canned_messages import CannedCounts
from truetwin.voice_sets.common.draft_records import nothing_left
from truetwin.voice_sets.common.finishing import Built
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Progress, Stages
from truetwin.voice_sets.common.text_similarity import open_embedder
from truetwin.voice_sets.conversations.conversation_drafts import Conversations, Drawing, Kind
from truetwin.voice_sets.conversations.conversation_pipeline import Reader, build_conversations
from truetwin.voice_sets.conversations.message_cleaning import Cleaning, CleaningRules, Material, take_census
from truetwin.voice_sets.conversations.message_funnel import distinct_messages, informative_messages
from truetwin.voice_sets.conversations.message_logs import open_log
from truetwin.voice_sets.conversations.reply_links import HEURISTIC, linked_replies
from truetwin.voice_sets.conversations.user_filters import active_users
from truetwin.voice_sets.conversations.user_histories import Remembering

INTERPERSONAL = Kind(
    dimension="interpersonal",
    title="Interpersonal items from messages",
    stimulus="what it replies to",
    earlier="earlier messages in other channels",
    similar="in similar contexts",
    thresholds="funnel: min_channels, min_messages, min_per_channel, informative_share; history: least",
)


def build_interpersonal(
    log: Path,
    output: Path,
    settings: InterpersonalSettings | None = None,
    *,
    model: ChatModel | None = None,
    run_options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make benchmark items from a log of messages in several channels (paper B, section 4.1).

    Stages: "census" (who writes where; bots), "users" (active ones), "messages" (clean ones), "informative",
    "distinct" and "replies" (what each replies to), then those of
    :func:`~truetwin.voice_sets.conversations.conversation_pipeline.build_conversations`, which explains the other
    parameters. All stream: memory grows with users and with what passes, not with the log.

    Parameters
    ----------
    log : Path
        JSONL, CSV or Parquet with one message a row, in the order of writing; or a folder of IRC logs.

    Raises
    ------
    FileFormatError, DataError
        If the log cannot be read, or nothing passes.
    GateError
        If the built set does not pass its gate.
    """
    settings = settings or InterpersonalSettings()
    material = open_log(log, settings.columns, settings.encoding)
    drawing = Drawing(
        settings.build.limit or settings.most_items,
        settings.most_per_user,
        settings.pool,
        SimilarContexts(matching=settings.build.matching),
        Remembering(
            settings.history.least,
            settings.history.most,
            window=settings.history.most,
            sample=settings.history.remembered,
            min_words=settings.funnel.min_tokens,
            guessing=settings.funnel,
        ),
    )
    return build_conversations(
        Reader(INTERPERSONAL, material, drawing, partial(_find, material, settings)),
        output,
        settings,
        model=model,
        run_options=run_options,
        progress=progress,
    )


def _find(
    material: Material, settings: InterpersonalSettings, stages: Stages, pseudonyms: Pseudonyms
) -> Conversations:
    funnel, history = settings.funnel, settings.history
    counts = CannedCounts(funnel.canned)
    canned = {"canned": funnel.canned.model_dump()}
    census = stages.run("census", partial(take_census, material, counts, pseudonyms), canned)
    needed = {name: value for name, value in funnel.model_dump().items() if name.startswith("min_")}
    users = stages.run("users", partial(active_users, census, funnel), needed)
    if not users.n_out:
        raise DataError(nothing_left(stages.rows(), INTERPERSONAL.thresholds))
    rules = CleaningRules(funnel.max_characters, funnel.consistent)
    cleaning = Cleaning(material, census, counts, rules, pseudonyms)
    messages = stages.run("messages", cleaning.messages, asdict(rules))
    active = frozenset(user["user"] for user in users.records())
    choose = partial(informative_messages, messages, active, funnel)
    informative = stages.run("informative", choose, funnel.model_dump())
    embedder = open_embedder(settings.build.embeddings)
    distinct = stages.run(
        "distinct",
        partial(distinct_messages, informative, funnel.most_alike, embedder),
        {"embeddings": dict(embedder.describe()), "most_alike": funnel.most_alike},
    )
    link = partial(linked_replies, messages, distinct, funnel, history.stimulus_words)
    replies = stages.run("replies", link, {"history": history.model_dump()})
    how = "is what the log says"
    if replies.noted.get(HEURISTIC):
        how = "is found by rules (who addresses whom), as the log does not say"
    return Conversations(messages, replies, users, (f"What a message replies to {how}.",))
