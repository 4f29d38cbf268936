"""Guess the true reply without knowing the persona: shows what a benchmark gives away by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.registry import Registry, must_be
from truetwin.voice.auditing.style import answer_index, style_probabilities
from truetwin.voice.items.verbatim import words_of
from truetwin.voice.items.voice_items import VoiceItem, places_by_size
from truetwin.voice.stats.rates import Rate, rate

Array = NDArray[np.float64]
Uses = Literal["options", "stimulus", "history"]

#: Scores closer than this are ties.
_TIE = 1e-9


@dataclass(frozen=True)
class Predictor:
    """Rule that gives every option a score; the highest is its guess, and tied options share the credit.

    Attributes
    ----------
    name, description : str
        Name and description for tables.
    uses : {"options", "stimulus", "history"}
        What the rule looks at. Only the history tells anything of the persona.
    score : callable
        Function from items with equally many options to an array (n_items, n_options), or to None where the rule
        cannot be applied.
    """

    name: str
    description: str
    uses: Uses
    score: Callable[[Sequence[VoiceItem]], Array | None]

    @property
    def is_persona_free(self) -> bool:
        """Whether the rule knows nothing of the person to be played."""
        return self.uses != "history"


@dataclass(frozen=True)
class Guesses:
    """Guesses of one predictor, and how often they are right.

    Attributes
    ----------
    predictor : Predictor
        The rule.
    rate : Rate
        Accuracy; undefined (NaN, n = 0) where the predictor cannot be applied.
    credit : ndarray of shape (n_items,), or None
        1 where the guess is right, 0 where it is wrong, in between for ties that include the true reply.
    """

    predictor: Predictor
    rate: Rate
    credit: Array | None


predictors: Registry[Predictor] = Registry(
    "predictor",
    hint="`truetwin voice audit` shows all.",
    entry_point_group="truetwin.voice_predictors",
    check=must_be(Predictor),
)


def add(predictor: Predictor) -> None:
    """Register a predictor under its own name."""
    predictors.add(predictor.name, predictor)


def guess(predictor: Predictor, items: Sequence[VoiceItem]) -> Guesses:
    """Apply one predictor to items, to those with equally many options at a time.

    Examples
    --------
    >>> from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona
    >>> options = tuple(Option(f"o{k}", "a" * (k + 1)) for k in range(4))
    >>> item = VoiceItem("i", "social", "en", VoicePersona("p"), "Hi", options, "o0")
    >>> guess(predictors["shortest"], [item]).rate.value
    1.0
    """
    credit = np.array(
        [1 / len(item.options) for item in items]
    )  # where the rule cannot be applied, all are tied
    applied = False
    for places in places_by_size(items).values():
        alike = [items[place] for place in places]
        scores = predictor.score(alike)
        if scores is not None:
            applied = True
            best = scores >= scores.max(axis=1, keepdims=True) - _TIE
            answers = np.array([answer_index(item) for item in alike])
            credit[places] = best[np.arange(len(alike)), answers] / best.sum(axis=1)
    if not applied:
        return Guesses(predictor, rate([], []), None)
    return Guesses(predictor, rate(credit, [item.persona.id for item in items]), credit)


def guess_all(items: Sequence[VoiceItem]) -> list[Guesses]:
    """All registered predictors, the most accurate persona-free one first; undefined ones last."""
    found = [guess(predictor, items) for _, predictor in predictors.items()]
    return sorted(found, key=lambda g: (g.rate.n == 0, -g.rate.value if g.rate.n else 0.0))


def best_persona_free(found: Sequence[Guesses]) -> Guesses | None:
    """Return the most accurate predictor that knows nothing of the persona; None if none could be applied."""
    fitting = [g for g in found if g.predictor.is_persona_free and g.rate.n]
    return max(fitting, key=lambda g: g.rate.value, default=None)


def lengths(items: Sequence[VoiceItem]) -> Array:
    """Count the characters of every option, (n_items, n_options)."""
    return np.array([[len(option.text) for option in item.options] for item in items], dtype=np.float64)


def length_gaps(items: Sequence[VoiceItem]) -> Array:
    """Compute the absolute log ratio of each option's length to the mean length of the item's other options.

    Empty options count as one character, so that the ratio is defined.
    """
    n = np.maximum(lengths(items), 1.0)
    others = (n.sum(axis=1, keepdims=True) - n) / (n.shape[1] - 1)
    return np.asarray(np.abs(np.log(n / others)))


def _odd_one_out(items: Sequence[VoiceItem]) -> Array | None:
    from scipy.sparse import csr_matrix

    vectors = _vectors([option.text for item in items for option in item.options])
    if vectors is None:
        return None
    n, k = len(items), len(items[0].options)
    rows = np.arange(n * k)
    members = csr_matrix((np.ones(n * k), (rows // k, rows)))  # items by options: sums an item's options
    together = (members @ vectors)[rows // k]
    to_all = np.asarray(vectors.multiply(together).sum(axis=1)).reshape(n, k)
    to_itself = np.asarray(vectors.multiply(vectors).sum(axis=1)).reshape(n, k)
    return np.asarray(to_itself - to_all, dtype=np.float64)


def _similarity(items: Sequence[VoiceItem], texts: Sequence[str]) -> Array | None:
    """Compute the TF-IDF cosine of each option to its item's text, (n_items, n_options)."""
    n, k = len(items), len(items[0].options)
    vectors = _vectors([*(option.text for item in items for option in item.options), *texts])
    if vectors is None:
        return None
    opposite = vectors[n * k + np.arange(n * k) // k]
    return np.asarray(vectors[: n * k].multiply(opposite).sum(axis=1), dtype=np.float64).reshape(n, k)


def _vectors(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(analyzer=words_of).fit_transform(texts).tocsr()
    except ValueError:  # no text has a word
        return None


def _to_history(items: Sequence[VoiceItem]) -> Array | None:
    if not any(item.history for item in items):
        return None
    return _similarity(items, [" ".join(turn.reply for turn in item.history) for item in items])


add(
    Predictor(
        "length-outlier",
        "the option whose length differs most from the mean of the others (|log ratio|)",
        "options",
        length_gaps,
    )
)
add(Predictor("shortest", "the shortest option", "options", lambda items: -lengths(items)))
add(Predictor("longest", "the longest option", "options", lengths))
add(
    Predictor(
        "style-model",
        "conditional logit on style features of the options, groups held out",
        "options",
        style_probabilities,
    )
)
add(
    Predictor(
        "odd-one-out",
        "the option with the least words in common with the others (TF-IDF)",
        "options",
        _odd_one_out,
    )
)
add(
    Predictor(
        "like-stimulus",
        "the option most like the post, message or scene (TF-IDF)",
        "stimulus",
        lambda items: _similarity(items, [item.stimulus for item in items]),
    )
)
add(
    Predictor(
        "unlike-stimulus",
        "the option least like the post, message or scene (TF-IDF)",
        "stimulus",
        lambda items: None if (s := _similarity(items, [i.stimulus for i in items])) is None else -s,
    )
)
add(
    Predictor(
        "like-history", "the option most like the persona's earlier replies (TF-IDF)", "history", _to_history
    )
)
