"""Compare items: how alike they are in the twins' answers and in their wording."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError
from truetwin.reweighting.twin_table import KERNEL_TWINS, TwinTable

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ItemSimilarity:
    """Similarities between all items of a table.

    Attributes
    ----------
    profile : ndarray of shape (m, p)
        Centred log-ratio of the twins' shares (plus .01), their mean and standard deviation on category numbers.
    agreement : ndarray of shape (m, m)
        Share of twins who chose the same category number for both items.
    association : ndarray of shape (m, m)
        Sum of two correlations of the twins' answers: as they are, and after taking out each twin's own level. An
        item without variation has correlation 0 with everything.
    text : ndarray of shape (m, m), optional
        Cosine of TF-IDF vectors of the items' wording.
    """

    profile: Floats
    agreement: Floats
    association: Floats
    text: Floats | None

    @classmethod
    def of(cls, table: TwinTable) -> ItemSimilarity:
        """Compare the items of one table; above 20,000 twins an evenly spaced sample of them is used."""
        step = -(-table.n_twins // KERNEL_TWINS)
        codes = table.codes[::step]
        weights = table.prior[::step]
        return cls(
            profile=_profile(table),
            agreement=_agreement(codes, weights, table.width),
            association=_association(codes, weights),
            text=None if table.texts is None else text_similarity(table.texts),
        )


_CACHE_NAME = "_item_similarity"


def similarity(table: TwinTable) -> ItemSimilarity:
    """Return the similarity of all items of the table that ``table`` was taken from; it is computed once."""
    root = table if table.root is None else table.root
    found = root.__dict__.get(_CACHE_NAME)
    if found is None:
        found = ItemSimilarity.of(root)
        root.__dict__[_CACHE_NAME] = found
    return found


def joint_rows(first: TwinTable, second: TwinTable) -> tuple[ItemSimilarity, Rows, Rows]:
    """Return similarities that cover the items of both tables, and the rows of each table's items in them."""
    root_of = [t if t.root is None else t.root for t in (first, second)]
    if root_of[0] is root_of[1]:
        return similarity(first), _rows(first), _rows(second)
    if first.n_twins != second.n_twins:
        raise DataError(
            f"new items must have answers of the same twins as the training items: {first.n_twins} twins were "
            f"trained on, {second.n_twins} were given"
        )
    width = max(first.width, second.width)
    codes = np.concatenate([first.codes, second.codes], axis=1)
    texts = None if first.texts is None or second.texts is None else first.texts + second.texts
    both = TwinTable.build(
        codes,
        np.concatenate([first.n_categories, second.n_categories]),
        ordered=np.concatenate([first.ordered, second.ordered]),
        prior=first.prior,
        texts=texts,
        sources=[first.sources[k] for k in first.source],
    )
    assert both.width <= width
    if first.given is not None:
        both = replace(
            both, given=np.concatenate([_to_width(t.histogram, both.width) for t in (first, second)])
        )
    cut = first.n_items
    return ItemSimilarity.of(both), np.arange(cut), np.arange(cut, cut + second.n_items)


def _to_width(shares: Floats, width: int) -> Floats:
    """Cut or fill columns of categories that no item has."""
    return np.pad(shares, ((0, 0), (0, max(width - shares.shape[1], 0))))[:, :width]


def _rows(table: TwinTable) -> Rows:
    return np.arange(table.n_items) if table.rows is None else table.rows


def _profile(table: TwinTable) -> Floats:
    valid = table.valid()
    shares = table.histogram
    logs = np.where(valid, np.log(shares + 0.01), 0.0)
    centred = np.where(valid, logs - logs.sum(axis=1, keepdims=True) / table.n_categories[:, None], 0.0)
    places = np.arange(table.width)
    mean = shares @ places
    spread = np.sqrt(np.maximum(shares @ places**2 - mean**2, 0.0))
    return np.column_stack([centred, mean, spread])


def _agreement(codes: NDArray[np.integer], weights: Floats, width: int) -> Floats:
    root = np.sqrt(weights / weights.sum()).astype(np.float32)[:, None]
    answered = (codes >= 0) * root
    base = answered.T @ answered
    same = np.zeros_like(base)
    for category in range(width):
        chosen = (codes == category) * root
        same += chosen.T @ chosen
    return np.asarray(np.divide(same, base, out=np.zeros_like(same), where=base > 0), dtype=float)


def _association(codes: NDArray[np.integer], weights: Floats) -> Floats:
    answered = codes >= 0
    values = np.where(answered, codes, 0).astype(float)
    level = values.sum(axis=1, keepdims=True) / np.maximum(answered.sum(axis=1, keepdims=True), 1)
    return _correlations(values, answered, weights) + _correlations(values - level, answered, weights)


def _correlations(values: Floats, answered: NDArray[np.bool_], weights: Floats) -> Floats:
    share = answered * weights[:, None]
    total = np.maximum(share.sum(axis=0), 1e-300)
    centred = np.where(answered, values - (values * share).sum(axis=0) / total, 0.0)
    spread = np.sqrt((centred**2 * share).sum(axis=0))
    scaled = centred / np.where(spread > 1e-9, spread, np.inf)
    return np.asarray(scaled.T @ (scaled * weights[:, None]))


def text_similarity(texts: tuple[str, ...]) -> Floats:
    """Compute the cosine similarity of TF-IDF vectors of words; an item without a known word has similarity 0."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(any(c.isalnum() for c in text) for text in texts):
        raise DataError("item texts must contain words to compare items by; all of them are empty")
    vectors = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit_transform(texts)
    return np.asarray((vectors @ vectors.T).toarray())
