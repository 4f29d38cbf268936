"""Give drafts (who, what was said to them, what they replied) distractors: real replies of other people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.settings.voice_build_settings import Limits, MatchingOptions
from truetwin.voice.auditing.matched_subset import balance_positions
from truetwin.voice.auditing.predictors import guess_all
from truetwin.voice.items.item_faults import is_placeholder, says_nothing
from truetwin.voice.items.verbatim import same_words, stands_in, words_of
from truetwin.voice.items.voice_items import Dimension, Option, Turn, VoiceItem, VoicePersona, chance
from truetwin.voice_sets.common.distractor_matching import Need, match
from truetwin.voice_sets.common.text_similarity import Embedder

#: Fewer items than this are too few to tell a shortcut from chance: none is left out for balance, and the gate says
#: that it does not judge baselines.
FEWEST_JUDGED = 60


@dataclass(frozen=True)
class PoolReply:
    """Reply that may serve as a distractor.

    Parameters
    ----------
    text : str
        The reply.
    person : str
        Id of the person who wrote it.
    scope : str
        Novel, channel or language: a distractor comes from the scope of its item.
    context : str
        Text that it replied to, for :class:`~truetwin.voice_sets.common.similar_contexts.SimilarContexts`.
    only_for : str, default=""
        Id of the only item that it may serve; any if empty.
    """

    text: str
    person: str
    scope: str = ""
    context: str = ""
    only_for: str = ""


#: Places in the pool that each draft may draw from, by the draft's id; called with a fitted embedder.
Candidates = Callable[[Sequence["Draft"], Sequence[PoolReply], Embedder], Mapping[str, NDArray[np.intp]]]


@dataclass(frozen=True)
class Draft:
    """Draft: an item without distractors. ``names`` are the person's names, which no distractor may contain.

    ``own`` are ids in the pool that belong to the person (the person's own id is always among them).
    """

    item_id: str
    dimension: Dimension
    language: str
    persona: VoicePersona
    stimulus: str
    reply: str
    history: tuple[Turn, ...] = ()
    group: str = ""
    scope: str = ""
    names: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Furnished:
    """Items made of drafts, and by draft the reason why one became no item.

    The true reply is equally often the first, second, third and fourth option.
    """

    items: list[VoiceItem] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def furnish(
    drafts: Sequence[Draft],
    pool: Sequence[PoolReply],
    embedder: Embedder,
    options: MatchingOptions | None = None,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    candidates: Candidates | None = None,
) -> Furnished:
    """Give each draft three of the pool's replies that match its own in length and style.

    A candidate is a reply of somebody else in the same scope that has other words, says something, contains no name of
    the person, and stands neither in the stimulus nor in the history. ``candidates`` narrows that down further.
    """
    if not drafts:
        return Furnished()
    texts = [reply.text for reply in pool] + [draft.reply for draft in drafts]
    embedder.fit([*texts, *(draft.stimulus for draft in drafts)])
    vectors, stimuli = embedder.embed(texts), embedder.embed([draft.stimulus for draft in drafts])
    scopes: dict[str, list[int]] = {}
    written: dict[str, list[int]] = {}
    for k, reply in enumerate(pool):
        if is_placeholder(reply.text) or says_nothing(reply.text):
            continue
        if reply.only_for:
            written.setdefault(reply.only_for, []).append(k)
        else:
            scopes.setdefault(reply.scope, []).append(k)
    arrays = {scope: np.array(places, dtype=np.intp) for scope, places in scopes.items()}
    people = np.array([reply.person for reply in pool], dtype=object)
    narrowed = candidates(drafts, pool, embedder) if candidates else None
    needs = []
    for k, draft in enumerate(drafts):
        known = arrays.get(draft.scope, np.zeros(0, dtype=np.intp))
        if narrowed is not None:
            known = np.intersect1d(known, narrowed.get(draft.item_id, known[:0]))
        mine = {draft.persona.id, *draft.own}
        others = known[[person not in mine for person in people[known]]] if known.size else known
        own = np.array(written.get(draft.item_id, ()), dtype=np.intp)
        others = np.concatenate([others, own])
        needs.append(Need(draft.item_id, len(pool) + k, k, draft.group, others, _admission(draft, texts)))
    found = match(needs, texts, vectors, stimuli, options, seed=seed, progress=progress)
    made = Furnished(refused=dict(found.refused))
    for draft in drafts:
        if places := found.chosen.get(draft.item_id):
            made.items.append(item_of(draft, [pool[k] for k in places]))
    made.items = _renumbered(balance_positions(made.items, seed=seed))
    return made


def balance(
    items: Sequence[VoiceItem], limits: Limits, *, least_share: float, seed: int = 0
) -> tuple[list[VoiceItem], dict[str, str]]:
    """Leave items out until every persona-free baseline is within its limits, or no more may go.

    Which items: those that most of the baselines beyond their limits are right about (or wrong, for a baseline below
    chance), in an order drawn from the seed among equals. Returns the kept items, in balanced order, and a reason for
    each that is left out.
    """
    kept, out = list(items), {}
    least = int(np.ceil(least_share * len(items)))
    order = {item.item_id: k for k, item in enumerate(items)}
    rng = np.random.default_rng([seed, 7])
    for _ in range(40 if len(items) >= FEWEST_JUDGED else 0):
        blame: Counter[str] = Counter()
        surplus, guessed = 0, chance(kept)
        for found in guess_all(kept):
            if not found.predictor.is_persona_free or found.credit is None:
                continue
            limit = limits.margin * limits.of(found.predictor.name) / 100
            off = float(found.credit.mean()) - guessed
            if abs(off) <= limit:
                continue
            weight = (abs(off) - limit) / limit
            surplus = max(surplus, int(np.ceil((abs(off) - limit) * len(kept) / (1 - guessed))))
            for item, credit in zip(kept, found.credit, strict=True):
                blame[item.item_id] += weight * (credit - guessed) * np.sign(off)
        room = len(kept) - least
        if not surplus or room <= 0:
            break
        ties = rng.random(len(items))
        worst = sorted(blame, key=lambda i: (-blame[i], ties[order[i]]))[: min(max(surplus // 2, 1), room)]
        out.update(dict.fromkeys(worst, "a persona-free baseline finds the reply too often"))
        kept = [item for item in kept if item.item_id not in out]
    return _renumbered(balance_positions(kept, seed=seed)), out


def _admission(draft: Draft, texts: Sequence[str]) -> Callable[[int], bool]:
    names = [name.lower() for name in draft.names if name]
    seen = [
        draft.stimulus,
        *(turn.context for turn in draft.history),
        *(turn.reply for turn in draft.history),
    ]
    whole = " | ".join(" ".join(words_of(text)) for text in seen)

    def admits(place: int) -> bool:
        text = texts[place]
        spoken = " ".join(words_of(text))
        if same_words(text, draft.reply) or stands_in(draft.reply, text, least_words=1):
            return False
        if any(f" {name} " in f" {spoken} " for name in names):
            return False
        return f" {spoken} " not in f" {whole} "

    return admits


def item_of(draft: Draft, others: Sequence[PoolReply]) -> VoiceItem:
    """Make an item of a draft and three replies of others; the true reply comes first."""
    options = (
        Option("o1", draft.reply, "true"),
        *(Option(f"o{k}", reply.text, reply.person) for k, reply in enumerate(others, 2)),
    )
    return VoiceItem(
        draft.item_id,
        draft.dimension,
        draft.language,
        draft.persona,
        draft.stimulus,
        options,
        "o1",
        history=draft.history,
        group=draft.group,
        provenance=draft.provenance,
    )


def _renumbered(items: Sequence[VoiceItem]) -> list[VoiceItem]:
    """Name options by their places, so that their ids do not tell which one was there first."""
    done = []
    for item in items:
        options = tuple(replace(option, id=f"o{k}") for k, option in enumerate(item.options, 1))
        answer = next(k for k, option in enumerate(item.options, 1) if option.id == item.answer)
        done.append(replace(item, options=options, answer=f"o{answer}"))
    return done
