"""Tell rows from columns: the only module that transposes.

Every method works on one orientation: *samples* are what a target's answers run over, *donors* are what they are
predicted from. For a new item, samples are respondents and donors are items; for a new respondent, samples are
items and donors are respondents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Axis

Array = NDArray[np.float64]


class Answers(Protocol):
    """Interface of people's and twins' answers on one grid: a :class:`~truetwin.data.Panel`, or a part of one."""

    @property
    def respondent_ids(self) -> tuple[str, ...]:
        """Rows of the grid."""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Columns of the grid."""

    @property
    def human_values(self) -> Array:
        """Human answers, (n_respondents, n_items)."""

    @property
    def twin_values(self) -> Array:
        """Twin answers, (n_respondents, n_items); the average of several sources."""

    @property
    def source_values(self) -> Array:
        """Twin answers of each source, (n_sources, n_respondents, n_items)."""

    @property
    def in_context_values(self) -> Array | None:
        """In-context twin answers, (n_respondents, n_items)."""


def orient(values: Array, axis: Axis) -> Array:
    """Lay (respondents, items) out as (samples, donors), or back."""
    return values if axis == "item" else values.T


def pick(values: Array, members: Sequence[int] | NDArray[np.intp], axis: Axis) -> Array:
    """Select the given items (axis "item") or respondents; the result is still (respondents, items)."""
    return values[:, members] if axis == "item" else values[members, :]


def axis_ids(answers: Answers, axis: Axis) -> tuple[str, ...]:
    """Return the ids of everything on the axis, each of which can be a target or a donor."""
    return answers.item_ids if axis == "item" else answers.respondent_ids


def other(axis: Axis) -> Axis:
    """Return the opposite axis: "respondent" for "item", "item" for "respondent"."""
    return "respondent" if axis == "item" else "item"
