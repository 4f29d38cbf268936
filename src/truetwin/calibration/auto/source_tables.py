"""Make the twin table of several sources: copies count once, and only chosen sources where these have an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from truetwin.calibration.auto.item_links import standardise_items
from truetwin.calibration.auto.source_choice import without_copies
from truetwin.calibration.orientation import Array
from truetwin.data.source_average import average_answers


def merge_copies(sources: Array) -> Array:
    """Average sources (S, n, p) that are copies of each other, so that each group of copies is one source."""
    groups = without_copies(sources)
    if len(groups) == len(sources):
        return sources
    return np.stack([together(sources[group]) for group in groups])


def together(sources: Array) -> Array:
    """Average sources (S, n, p) with equal weights, (n, p); a lone one is left as it is."""
    return np.asarray(sources[0] if len(sources) == 1 else average_answers(sources))


def chosen_table(sources: Array, chosen: Sequence[int]) -> Array:
    """Average the chosen sources, (n, p); where none of them has an answer, what the others say takes its place.

    Answers of the others are put on the mean and sd that the item has in the chosen sources.
    """
    table = together(sources[list(chosen)])
    everything = average_answers(sources)
    gaps = np.isnan(table) & np.isfinite(everything)
    if not gaps.any():
        return table
    ours, theirs = standardise_items(table), standardise_items(everything)
    known = ours.seen.any(axis=0)
    filling = np.where(known, ours.mean + ours.sd * theirs.values, everything)
    return np.where(gaps, filling, table)
