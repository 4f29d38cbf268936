r"""Describe the style of an option (length, punctuation ...), and guess the true reply from style alone.

The model is a conditional logit,

.. math:: P(\text{option } k \text{ is true}) = \frac{\exp(w' x_k)}{\sum_l \exp(w' x_l)},

with a ridge penalty on ``w``. It is fitted without the items of the group that it then predicts.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from truetwin.voice.items.verbatim import length_in_words, words_of
from truetwin.voice.items.voice_items import VoiceItem

Array = NDArray[np.float64]
#: Up to this number of groups, each is left out alone; more groups are gathered in ``N_FOLDS`` folds.
MOST_SINGLE_GROUPS = 20
N_FOLDS = 10
RIDGE = 10.0

_PRONOUNS = {
    "i",
    "me",
    "my",
    "mine",
    "we",
    "us",
    "our",
    "you",
    "your",
    "thou",
    "thee",
    "thy",
    "我",
    "你",
    "您",
}
_FUNCTION_WORDS = {
    *("the", "a", "an", "of", "to", "and", "in", "that", "it", "is", "for", "with", "but", "as", "be"),
    *("的", "了", "是", "不", "在", "也", "就", "都", "和"),
}

FEATURES = (
    "log characters",
    "log words",
    "characters a word",
    "log sentences",
    "words a sentence",
    "different words",
    "commas",
    "semicolons and colons",
    "full stops",
    "exclamation marks",
    "question marks",
    "quotation marks",
    "dashes",
    "dots in a row",
    "brackets and underscores",
    "capitals",
    "starts with a small letter",
    "pronouns",
    "function words",
)


def features_of(text: str) -> Array:
    """Compute the style features of one text, in the order of :data:`FEATURES`.

    Counts of punctuation marks are per word. In scripts without spaces, two characters count as a word.

    Examples
    --------
    >>> features_of("Why? Why not!").round(2)[:4].tolist()
    [2.64, 1.39, 4.33, 1.1]
    """
    words = words_of(text)
    n = max(1, length_in_words(text))
    sentences = len([s for s in re.split(r"[.!?。!?…]+", text) if s.strip()])
    letters = max(1, sum(c.isalpha() for c in text))

    def per_word(pattern: str) -> float:
        return len(re.findall(pattern, text)) / n

    return np.array(
        [
            np.log1p(len(text)),
            np.log1p(n),
            len(text) / n,
            np.log1p(sentences),
            np.log1p(n / max(1, sentences)),
            len(set(words)) / max(1, len(words)),
            per_word(r"[,,、]"),
            per_word(r"[;:;:]"),
            per_word(r"[.。]"),
            per_word(r"[!!]"),
            per_word(r"[??]"),
            per_word(r"[\"“”「」]|(?<!\w)['‘]|['’](?!\w)"),
            per_word(r"[—–]|--"),
            per_word(r"\.{2,}|…"),
            per_word(r"[\[\](){}()【】_*#]"),
            sum(c.isupper() for c in text) / letters,
            float(text.lstrip()[:1].islower()),
            sum(w in _PRONOUNS for w in words) / max(1, len(words)),
            sum(w in _FUNCTION_WORDS for w in words) / max(1, len(words)),
        ]
    )


def style_arrays(items: Sequence[VoiceItem]) -> Array:
    """Compute the features of all options, (items, options, features), relative to the item's other options.

    A feature enters as its difference from the mean of the item's other options, and as the absolute value of that
    difference. Both are in units of the feature's spread over all options. The right answer is not used.
    """
    raw = np.array([[features_of(option.text) for option in item.options] for item in items])
    spread = raw.std(axis=(0, 1))
    raw = raw / np.where(spread > 1e-9, spread, 1.0)
    k = raw.shape[1]
    others = (raw.sum(axis=1, keepdims=True) - raw) / (k - 1)
    difference = raw - others
    return np.concatenate([difference, np.abs(difference)], axis=2)


def style_probabilities(items: Sequence[VoiceItem], *, seed: int = 0) -> Array | None:
    """Compute the probability of each option of each item, from a style model that has not seen the item's group.

    Returns
    -------
    ndarray of shape (n_items, n_options), or None
        None if there are fewer than two groups, or too few items to fit anything.
    """
    folds = group_folds([group_of(item) for item in items], seed=seed)
    if len(set(folds.tolist())) < 2 or len(items) < len(FEATURES):
        return None
    x = style_arrays(items)
    y = np.array([answer_index(item) for item in items])
    probabilities = np.empty(x.shape[:2])
    for fold in np.unique(folds):
        held_out = folds == fold
        weights = fit_conditional_logit(x[~held_out], y[~held_out])
        probabilities[held_out] = softmax(x[held_out] @ weights, axis=-1)
    return probabilities


def fit_conditional_logit(x: Array, y: NDArray[np.intp], *, ridge: float = RIDGE) -> Array:
    r"""Fit a conditional logit: weights that minimise :math:`-\sum_i \log P(y_i) + \frac{\lambda}{2} \|w\|^2`.

    Parameters
    ----------
    x : ndarray of shape (n_items, n_options, n_features)
        Features of the options.
    y : ndarray of shape (n_items,)
        Index of the true option.
    ridge : float
        Penalty; the loss is a sum over items.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(y))

    def loss(w: Array) -> tuple[float, Array]:
        p = softmax(x @ w, axis=-1)
        residual = p.copy()
        residual[rows, y] -= 1
        value = -np.log(np.maximum(p[rows, y], 1e-300)).sum() + ridge / 2 * w @ w
        return float(value), np.einsum("ik,ikp->p", residual, x) + ridge * w

    return np.asarray(minimize(loss, np.zeros(x.shape[2]), jac=True, method="L-BFGS-B").x, dtype=np.float64)


def group_folds(groups: Sequence[Hashable], *, seed: int = 0) -> NDArray[np.intp]:
    """Assign a fold number to each item; items of one group share a fold, and few groups get a fold each.

    Examples
    --------
    >>> group_folds(["a", "b", "a"]).tolist()
    [0, 1, 0]
    """
    codes: dict[Hashable, int] = {}
    numbers = np.array([codes.setdefault(g, len(codes)) for g in groups], dtype=np.intp)
    if len(codes) <= MOST_SINGLE_GROUPS:
        return numbers
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    return np.asarray(shuffled[numbers] % N_FOLDS, dtype=np.intp)


def group_of(item: VoiceItem) -> str:
    """Return the unit that cross-validation keeps together: the group, or the persona where there is no group."""
    return item.group or item.persona.id


def answer_index(item: VoiceItem) -> int:
    """Return the position of the true option as stored, from 0."""
    return next(k for k, option in enumerate(item.options) if option.id == item.answer)
