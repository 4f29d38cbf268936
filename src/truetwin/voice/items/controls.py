"""Control conditions: the model is told nothing of the person, or is told of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from truetwin.errors import DataError
from truetwin.voice.items.voice_items import VoiceItem, VoicePersona


def without_history(items: Sequence[VoiceItem], *, keep_profile: bool = False) -> list[VoiceItem]:
    """Hide the persona of items: remove the history, and also name, traits, goals and details.

    What a model still gets right does not come from the persona.

    Parameters
    ----------
    keep_profile : bool, default=False
        Remove the history only.
    """
    return [
        replace(item, history=(), persona=item.persona if keep_profile else VoicePersona(item.persona.id))
        for item in items
    ]


def with_swapped_history(items: Sequence[VoiceItem], *, seed: int) -> list[VoiceItem]:
    """Give items another person's history and profile; stimulus, options and answer stay the same.

    The other person is drawn, by the seed, among those of the same dimension and language who have a history, from
    the same group (novel, channel) where there is one. The longest history of that person is taken. Ids of personas
    stay, because results are clustered by who really replied. A model that plays the persona must get worse; one that
    uses shortcuts will not. The provenance of each item says whose history it has.

    Raises
    ------
    DataError
        If an item has nobody to swap with.
    """
    random = np.random.default_rng(seed)
    richest: dict[tuple[str, str], dict[str, VoiceItem]] = {}
    for item in items:
        people = richest.setdefault((item.dimension, item.language), {})
        if item.history and (
            item.persona.id not in people or len(item.history) > len(people[item.persona.id].history)
        ):
            people[item.persona.id] = item
    done = []
    for item in items:
        people = richest[item.dimension, item.language]
        others = [p for p in people.values() if p.persona.id != item.persona.id]
        near = [p for p in others if item.group and p.group == item.group] or others
        if not near:
            raise DataError(
                f"a swapped history needs a second person with one; item {item.item_id!r} ({item.dimension}, "
                f"{item.language}) has none. Use items of more personas."
            )
        other = near[int(random.integers(len(near)))]
        done.append(
            replace(
                item,
                history=other.history,
                persona=replace(other.persona, id=item.persona.id),
                provenance={**item.provenance, "history_of": other.persona.id},
            )
        )
    return done
