"""Make a benchmark fairer: balance the positions of right answers, select items without telltale options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError, ParameterError
from truetwin.voice.auditing.predictors import length_gaps
from truetwin.voice.auditing.style import style_probabilities
from truetwin.voice.items.item_faults import (
    duplicates_of,
    gives_away,
    is_placeholder,
    says_nothing,
    true_reply_in_history,
    true_reply_in_stimulus,
)
from truetwin.voice.items.verbatim import cut_out
from truetwin.voice.items.voice_items import N_OPTIONS, Option, VoiceItem, places_by_size

#: Largest |log ratio| of an option's length to the mean of the others in a matched item: 1.5 times as long or short.
LENGTH_GAP = float(np.log(1.5))
#: Largest probability that the style model may give to an option of a matched item; chance is .25 with four options.
STYLE_PROBABILITY = 0.5


@dataclass(frozen=True)
class Repaired:
    """Repaired release, and what was changed: the ids of the items concerned by each kind of change."""

    items: list[VoiceItem]
    done: Mapping[str, tuple[str, ...]]


def balance_positions(items: Sequence[VoiceItem], *, seed: int) -> list[VoiceItem]:
    """Shuffle every item's options so that right answers stand at every position equally often (up to one item).

    The order depends on the items and the seed alone; option ids stay the same.

    Examples
    --------
    >>> options = tuple(Option(f"o{k}", str(k)) for k in range(4))
    >>> from truetwin.voice.items.voice_items import VoicePersona
    >>> items = [VoiceItem(f"i{k}", "social", "en", VoicePersona("p"), "?", options, "o0") for k in range(8)]
    >>> sorted(i.options.index(i.true_option) for i in balance_positions(items, seed=1))
    [0, 0, 1, 1, 2, 2, 3, 3]
    """
    random = np.random.default_rng(seed)
    places = np.zeros(len(items), dtype=np.intp)
    for size, alike in places_by_size(items).items():
        places[alike] = random.permutation(np.arange(len(alike)) % size)
    done = []
    for item, place in zip(items, places, strict=True):
        others: list[Option] = [item.distractors[k] for k in random.permutation(len(item.distractors))]
        others.insert(int(place), item.true_option)
        done.append(replace(item, options=tuple(others)))
    return done


def repaired_release(items: Sequence[VoiceItem], *, seed: int) -> Repaired:
    """Make a release with balanced positions, and without duplicates, leaks and missing replies.

    Duplicates and items whose true reply is missing (placeholder, "none") are dropped. Where the true reply stands in
    the stimulus, a gap takes its place. History turns that hold it are dropped. Options are not rewritten, so
    shortcuts of length and style remain; :func:`matched_subset` avoids those.

    Raises
    ------
    DataError
        If no item is left.
    """
    again = duplicates_of(items)
    missing = {
        i.item_id for i in items if is_placeholder(i.true_option.text) or says_nothing(i.true_option.text)
    }
    kept = [item for item in items if item.item_id not in again and item.item_id not in missing]
    if not kept:
        raise DataError(
            "a repaired release must have at least one item; all are duplicates or have no true reply"
        )
    in_context = tuple(item.item_id for item in kept if true_reply_in_stimulus(item))
    in_history = tuple(item.item_id for item in kept if true_reply_in_history(item))
    clean = balance_positions([_without_leaks(item) for item in kept], seed=seed)
    done = {
        "duplicate dropped": tuple(again),
        "no true reply, dropped": tuple(i.item_id for i in items if i.item_id in missing),
        "leak cut out of the stimulus": in_context,
        "history turns with the true reply dropped": in_history,
        "order of options balanced": tuple(item.item_id for item in clean),
    }
    note = {"seed": seed, "order": "balanced"}
    return Repaired(
        [replace(i, duplicate_of=None, provenance={**i.provenance, "repaired": note}) for i in clean], done
    )


def matched_subset(
    items: Sequence[VoiceItem],
    *,
    length_gap: float = LENGTH_GAP,
    style_probability: float = STYLE_PROBABILITY,
) -> list[VoiceItem]:
    """Select the items whose options are alike in length and style.

    An item stays if no option's length differs from the mean of the others by more than ``length_gap``, and the style
    model (groups held out) gives no option more than ``style_probability``. Both conditions treat all options alike
    and do not use which one is true, so that choosing items by them opens no new shortcut. Duplicates and items
    without a true reply are left out.

    Parameters
    ----------
    length_gap : float
        Largest absolute log ratio of an option's length to the mean length of the others; > 0.
    style_probability : float
        Largest probability of an option, between chance (.25 with four options, keeps nothing) and 1 (keeps
        everything). For items with another number of options it stands as far between their chance and 1.

    Raises
    ------
    ParameterError
        If a threshold is out of range.
    """
    if length_gap <= 0:
        raise ParameterError(f"'length_gap' must be positive. Got {length_gap} instead.")
    if not 1 / N_OPTIONS < style_probability <= 1:
        raise ParameterError(
            f"'style_probability' must be above {1 / N_OPTIONS} and at most 1. Got {style_probability} instead."
        )
    fine = np.zeros(len(items), dtype=bool)
    for places in places_by_size(items).values():
        fine[places] = _alike([items[place] for place in places], length_gap, style_probability)
    again = duplicates_of(items)
    return [
        item
        for item, is_fine in zip(items, fine, strict=True)
        if is_fine
        and item.item_id not in again
        and not is_placeholder(item.true_option.text)
        and not says_nothing(item.true_option.text)
    ]


def _alike(items: Sequence[VoiceItem], length_gap: float, style_probability: float) -> NDArray[np.bool_]:
    """Tell which of the items, all with equally many options, have options alike in length and style."""
    fine = length_gaps(items).max(axis=1) <= length_gap
    probabilities = style_probabilities(items)
    if probabilities is not None:
        fine &= probabilities.max(axis=1) <= _scaled(style_probability, len(items[0].options))
    return np.asarray(fine)


def _scaled(probability: float, n_options: int) -> float:
    """Put a probability that is meant for four options as far between chance and 1 with another number of options."""
    place = (probability - 1 / N_OPTIONS) / (1 - 1 / N_OPTIONS)
    return 1 / n_options + place * (1 - 1 / n_options)


def _without_leaks(item: VoiceItem) -> VoiceItem:
    true = item.true_option.text
    stimulus = cut_out(true, item.stimulus) if true_reply_in_stimulus(item) else item.stimulus
    history = tuple(turn for turn in item.history if not gives_away(true, turn))
    return replace(item, stimulus=stimulus, history=history)
