"""Draw drafts of items from replies, each with a history; and the pool of replies for their distractors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from truetwin.voice.items.item_faults import gives_away
from truetwin.voice.items.verbatim import stands_in
from truetwin.voice.items.voice_items import Dimension, VoicePersona
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.draft_records import DraftRecord, draft_record
from truetwin.voice_sets.common.message_language import CommonWords, LanguageDetector
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.choice_alignment import Selection
from truetwin.voice_sets.conversations.conversation_records import KeptUser, Message, Reply
from truetwin.voice_sets.conversations.user_histories import Histories, Remembering, remember


@dataclass(frozen=True)
class Kind:
    """Words for a kind of conversations in counts, errors and the datasheet.

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
class Drawing:
    """Rules by which replies become items, and their distractors are looked for.

    Parameters
    ----------
    most, per_user : int
        Most drafts, and most of one user.
    pool : int
        Replies among which distractors are looked for.
    similar : SimilarContexts
        Choice of those that are looked at for an item.
    history : Remembering
        Rules for an item's history.
    min_characters : int, default=0
        Shortest reply.
    selection : Selection, optional
        Rule by which items are taken; all are by default.
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
    """Result of a reader: clean messages, replies that passed the filters, and users whose replies may become items.

    ``notes`` are sentences for the datasheet.
    """

    messages: Stage[Message]
    replies: Stage[Reply]
    users: Stage[KeptUser]
    notes: tuple[str, ...] = ()


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


def drawn_drafts(
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
