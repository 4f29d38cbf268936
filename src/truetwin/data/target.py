"""Target: an item or a respondent whose human answers are to be predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from truetwin.errors import ParameterError

Axis = Literal["item", "respondent"]


@dataclass(frozen=True)
class Target:
    """Target of a prediction: an item that no human has answered, or a respondent who has answered nothing.

    Parameters
    ----------
    axis : {"item", "respondent"}
        Whether a column or a row is missing on the human side.
    id : str
        Id of the item or respondent.

    Examples
    --------
    >>> Target("item", "Q12")
    Target(axis='item', id='Q12')
    """

    axis: Axis
    id: str

    def __post_init__(self) -> None:
        if self.axis not in ("item", "respondent"):
            raise ParameterError(f"a target's axis must be 'item' or 'respondent'; got {self.axis!r}")
