"""Message funnel: of the messages of a log, keep the few that are informative and different. Every step streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.settings.voice_build_settings import FunnelOptions
from truetwin.voice.items.verbatim import length_in_words
from truetwin.voice_sets.common.message_language import CommonWords
from truetwin.voice_sets.common.near_duplicates import DistinctTexts, rarest_first
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.common.text_similarity import BATCH, Embedder, TfidfEmbedder
from truetwin.voice_sets.conversations.conversation_records import InformativeMessage, Message
from truetwin.voice_sets.conversations.message_cleaning import TICK


@dataclass(frozen=True)
class _Scored:
    """Columns of long enough messages: place, informativeness, code of the language, whether by an active user."""

    places: NDArray[np.int64]
    scores: NDArray[np.float32]
    codes: NDArray[np.int16]
    active: NDArray[np.bool_]
    languages: tuple[str, ...]


def informative_messages(
    messages: Stage[Message], active: frozenset[str], options: FunnelOptions, tally: Tally
) -> Iterator[InformativeMessage]:
    """Keep everybody's messages that are as informative as the top share of the active users' messages.

    A message's informativeness is the mean TF-IDF weight of its different words. Weights are compared within a
    language, as rare languages would otherwise pass whole.
    """
    long = _Long(messages, active, options.min_tokens, tally)
    embedder = TfidfEmbedder().fit(message["text"] for _, message in long.placed())
    scored = _scored(long, embedder)
    keep = scored.scores >= _thresholds(scored, options.informative_share)[scored.codes]
    n_active, n_kept = int(scored.active.sum()), int((scored.active & keep).sum())
    tally.n_in += n_active
    if n_active > n_kept:
        tally.dropped["not informative enough"] += n_active - n_kept
    if others := int((keep & ~scored.active).sum()):
        tally.noted["by others, for distractors"] += others
    chosen = np.flatnonzero(keep)
    for k, message in zip(chosen.tolist(), messages.at(scored.places[chosen].tolist()), strict=True):
        yield InformativeMessage(
            **message,
            language=scored.languages[scored.codes[k]],
            informativeness=round(float(scored.scores[k]), 4),
        )


@dataclass(frozen=True)
class _Long:
    """Messages of enough words; shorter ones are counted when asked for."""

    messages: Stage[Message]
    active: frozenset[str]
    min_tokens: int
    tally: Tally

    def placed(self, *, count: bool = False) -> Iterator[tuple[int, Message]]:
        """Read them with their places."""
        for k, (place, message) in enumerate(self.messages.placed()):
            if k % TICK == 0:
                self.tally.tick(k, self.messages.n_out)
            if length_in_words(message["text"]) >= self.min_tokens:
                yield place, message
            elif count and message["user"] in self.active:
                self.tally.keep(f"fewer than {self.min_tokens} tokens")
            elif count:
                self.tally.noted["by others, too short"] += 1


def _scored(long: _Long, embedder: TfidfEmbedder) -> _Scored:
    """Score all messages in batches, so that their texts are not held in memory."""
    detector, codes = CommonWords(), dict[str, int]()
    parts: list[tuple[Any, ...]] = [((), (), (), ())]
    long.tally.noted["by others, too short"] = 0
    placed = long.placed(count=True)
    while batch := list(islice(placed, BATCH)):
        texts = [message["text"] for _, message in batch]
        parts.append(
            (
                [place for place, _ in batch],
                embedder.mean_weights(texts),
                [codes.setdefault(detector.of(text), len(codes)) for text in texts],
                [message["user"] in long.active for _, message in batch],
            )
        )
    places, scores, languages, active = (
        np.concatenate([np.asarray(part[k], dtype=kind) for part in parts])
        for k, kind in enumerate((np.int64, np.float32, np.int16, np.bool_))
    )
    return _Scored(places, scores, languages, active, tuple(codes))


def _thresholds(scored: _Scored, share: float) -> NDArray[np.float32]:
    """Find, by language, the score that the wanted share of the active users' messages reaches; else nobody passes."""
    found = np.full(max(len(scored.languages), 1), np.inf, dtype=np.float32)
    for code in range(len(scored.languages)):
        own = scored.scores[scored.active & (scored.codes == code)]
        if own.size:
            place = int(np.ceil((1 - share) * own.size))
            found[code] = np.sort(own)[min(place, own.size - 1)]
    return found


def distinct_messages(
    informative: Stage[InformativeMessage], most_alike: float, embedder: Embedder, tally: Tally
) -> Iterator[InformativeMessage]:
    """Leave out every message that says nearly the same as an earlier one."""
    embedder.fit(message["text"] for message in informative.records())
    order = rarest_first(embedder.idf_) if isinstance(embedder, TfidfEmbedder) else None
    known = DistinctTexts(most_alike, order)
    messages = informative.records()
    while batch := list(islice(messages, BATCH)):
        kept = known.keep(embedder.embed([message["text"] for message in batch]))
        tally.tick(tally.n_in, informative.n_out)
        for message, is_new in zip(batch, kept, strict=True):
            if tally.keep(None if is_new else "says the same as an earlier one"):
                yield message
