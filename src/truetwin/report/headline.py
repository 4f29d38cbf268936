"""Answers that a report opens with: what is expected of each item, in plain words, with bars and bands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cited:
    """Number as a reader sees it, with the file and the cell that it is read from.

    Parameters
    ----------
    text : str
        The number as it is shown.
    value : float
    file : str
        Name of the file, beside the report.
    row : mapping of str to str
        Values that single out the row.
    column : str
    """

    text: str
    value: float
    file: str
    row: Mapping[str, str]
    column: str

    @property
    def row_as_json(self) -> str:
        """The values that single out the row, as JSON."""
        return json.dumps(dict(self.row), ensure_ascii=False)


@dataclass(frozen=True)
class Bar:
    """Estimate with its band on an axis from 0 to 1.

    Parameters
    ----------
    label : str
    estimate, lower, upper : Cited
    ends : (float, float)
        Values at which the axis begins and ends.
    """

    label: str
    estimate: Cited
    lower: Cited
    upper: Cited
    ends: tuple[float, float] = (0.0, 1.0)

    @property
    def places(self) -> tuple[float, float, float]:
        """Places of the lower end, the estimate and the upper end on the axis, in percent of its length."""
        low, high = self.ends
        found = [
            100 * min(max((each.value - low) / (high - low), 0.0), 1.0)
            for each in (self.lower, self.estimate, self.upper)
        ]
        return found[0], found[1], found[2]


@dataclass(frozen=True)
class Headline:
    """Answer about one item.

    Parameters
    ----------
    title : str
        Text of the item, or its id.
    name : str
        Id of the item where the title is its text; else empty.
    sentence : str
        The answer in words.
    verdict : str
        Whether to trust it, in a sentence.
    trusted : bool
        Whether the verdict is good.
    bars : sequence of Bar
    groups : sequence of Bar
        The main estimate in each group of people.
    by : str
        What people are grouped by.
    """

    title: str
    name: str
    sentence: str
    verdict: str
    trusted: bool
    bars: Sequence[Bar]
    groups: Sequence[Bar] = ()
    by: str = ""
