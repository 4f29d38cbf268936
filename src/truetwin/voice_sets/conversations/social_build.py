"""Social items (paper B, section 4.1): build them from posts and what users replied to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from truetwin.errors import ParameterError
from truetwin.llm import ChatModel, RunOptions
from truetwin.voice_sets.common.canned_messages import CannedCounts, CannedOptions
from truetwin.voice_sets.common.finishing import Built
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Progress, Stages
from truetwin.voice_sets.conversations.choice_alignment import Ranking
from truetwin.voice_sets.conversations.conversation_pipeline import (
    Conversations,
    ConversationSettings,
    Drawing,
    Kind,
    Reader,
    Selection,
    build_conversations,
)
from truetwin.voice_sets.conversations.message_cleaning import Cleaning, CleaningRules, take_census
from truetwin.voice_sets.conversations.post_replies import ReplyTable
from truetwin.voice_sets.conversations.user_filters import UserOptions, varied_users
from truetwin.voice_sets.conversations.user_histories import Remembering

SOCIAL = Kind(
    dimension="social",
    title="Social items from posts and replies",
    stimulus="its post",
    earlier="earlier replies to other posts",
    similar="to the same or similar posts",
    thresholds="users: min_replies, ttr_share; min_history",
)


@dataclass(frozen=True)
class SocialSettings(ConversationSettings):
    """Everything a social build depends on, the replies aside.

    Parameters
    ----------
    users : UserOptions
        Whose replies become items.
    canned : CannedOptions
        What a bot is.
    posts : str, optional
        File with the posts, if the replies have only their ids.
    ranking : {"random", "alignment"}, default="random"
        Which items are taken if there are more than ``most_items``: drawn by the seed, or those of the highest
        persona-choice alignment, as published.
    most_items : int, default=2000
        Items that are taken.
    most_candidates : int, default=8000
        Replies for which distractors are looked for, drawn by the seed; ``build.limit`` goes first.
    most_per_user : int, default=20
        Of these, at most so many of one user.
    min_history, max_history : int, default=5 and 30
        Earlier replies (to other posts) that an item must have, and may have.
    min_characters, max_characters : int, default=2 and 2000
        Of the reply; the upper limit also of the post.
    candidates : int, default=24
        Replies of like length to the same or the most similar posts, among which an item's distractors are chosen. Few,
        as replies to other posts share fewer words with this one.
    consistent : bool, default=True
        Whether the same address, link or number gets the same replacement.
    """

    users: UserOptions = field(default_factory=UserOptions)
    canned: CannedOptions = field(default_factory=CannedOptions)
    posts: str | None = None
    ranking: Ranking = "random"
    most_items: int = 2000
    most_candidates: int = 8000
    most_per_user: int = 20
    min_history: int = 5
    max_history: int = 30
    min_characters: int = 2
    max_characters: int = 2000
    candidates: int = 24
    consistent: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive("most_candidates", "max_history", "max_characters")
        if self.candidates < 3:
            raise ParameterError(f"candidates must be at least 3; got {self.candidates}")
        if not 0 <= self.min_history <= self.max_history:
            raise ParameterError(f"min_history must be in 0..max_history; got {self.min_history}")
        if self.ranking not in ("random", "alignment"):
            raise ParameterError(f"ranking must be 'random' or 'alignment'; got {self.ranking!r}")


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
    shown = {k: v for k, v in asdict(settings).items() if k not in ("build", "salt", "posts")}
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
        shown,
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
        {"canned": asdict(settings.canned)},
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
    users = stages.run("users", partial(varied_users, replies, settings.users), asdict(settings.users))
    return Conversations(replies, replies, users)
