"""Social items (paper B, section 4.1): build them from posts and what users replied to them."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from truetwin.llm import ChatModel, RunOptions
from truetwin.settings.voice_build_settings import SocialSettings
from truetwin.voice_sets.common.canned_messages import CannedCounts
from truetwin.voice_sets.common.finishing import Built
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Progress, Stages
from truetwin.voice_sets.conversations.choice_alignment import Selection
from truetwin.voice_sets.conversations.conversation_drafts import Conversations, Drawing, Kind
from truetwin.voice_sets.conversations.conversation_pipeline import Reader, build_conversations
from truetwin.voice_sets.conversations.message_cleaning import Cleaning, CleaningRules, take_census
from truetwin.voice_sets.conversations.post_replies import ReplyTable
from truetwin.voice_sets.conversations.user_filters import varied_users
from truetwin.voice_sets.conversations.user_histories import Remembering

SOCIAL = Kind(
    dimension="social",
    title="Social items from posts and replies",
    stimulus="its post",
    earlier="earlier replies to other posts",
    similar="to the same or similar posts",
    thresholds="users: min_replies, ttr_share; min_history",
)


def build_social(
    replies: Path,
    output: Path,
    settings: SocialSettings | None = None,
    *,
    model: ChatModel | None = None,
    run_options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make benchmark items from posts and replies (paper B, section 4.1: the PCCD filters).

    Stages: "census" (bots), "replies" (clean ones) and "users" (length, variety, number of replies), then those of
    :func:`~truetwin.voice_sets.conversations.conversation_pipeline.build_conversations`, which explains the other
    parameters. The datasheet says what either way to select items does to the baselines.

    Parameters
    ----------
    replies : Path
        JSONL, CSV or Parquet with one reply a row.

    Raises
    ------
    FileFormatError, DataError
        If the files cannot be read, or nothing passes.
    GateError
        If the built set does not pass its gate.
    """
    settings = settings or SocialSettings()
    posts = Path(settings.posts) if settings.posts else None
    material = ReplyTable(replies, posts, dict(settings.columns), settings.encoding)
    drawing = Drawing(
        settings.build.limit or settings.most_candidates,
        settings.most_per_user,
        settings.pool,
        SimilarContexts(settings.candidates, settings.build.matching),
        Remembering(settings.min_history, settings.max_history, window=2 * settings.max_history),
        settings.min_characters,
        Selection(settings.most_items, settings.ranking),
    )
    return build_conversations(
        Reader(SOCIAL, material, drawing, partial(_find, material, settings)),
        output,
        settings,
        model=model,
        run_options=run_options,
        progress=progress,
    )


def _find(
    material: ReplyTable, settings: SocialSettings, stages: Stages, pseudonyms: Pseudonyms
) -> Conversations:
    counts = CannedCounts(settings.canned)
    census = stages.run(
        "census",
        partial(take_census, material, counts, pseudonyms, by_thread=False),
        {"canned": settings.canned.model_dump()},
    )
    rules = CleaningRules(
        settings.max_characters,
        settings.consistent,
        noun="reply",
        thread="post",
        incomplete="no user or reply",
        once=True,
    )
    cleaning = Cleaning(material, census, counts, rules, pseudonyms)
    replies = stages.run("replies", cleaning.replies, asdict(rules))
    users = stages.run("users", partial(varied_users, replies, settings.users), settings.users.model_dump())
    return Conversations(replies, replies, users)
