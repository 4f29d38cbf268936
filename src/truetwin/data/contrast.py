"""Contrast: a difference between arms, or between outcomes, of one experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

ContrastKind = Literal["between", "within", "stacked", "interaction"]
CONTRAST_KINDS: tuple[ContrastKind, ...] = get_args(ContrastKind)


@dataclass(frozen=True)
class Contrast:
    """Difference between arms, or between outcomes, of one experiment.

    A person's *score* is the mean of ``outcomes`` minus the mean of ``minus_outcomes``.

    Parameters
    ----------
    contrast_id : str
        Unique name.
    study : str
        The experiment it belongs to.
    kind : {"between", "within", "stacked", "interaction"}
        ``between``: mean score of those in the arm ``treatment``, minus that of those in the arm ``control``.
        ``within``: mean score of everybody who has all outcomes. ``stacked``: the i-th outcome was asked under the i-th
        condition; each person is compared with themselves. ``interaction``: the effect of the first condition under
        the treatment of the second, minus its effect under the control of the second.
    condition : tuple of str
        Columns that hold the arms: one (between), none (within), one for each outcome (stacked), two (interaction).
    treatment, control : str
        Levels that are compared; empty (within), or one for each condition, separated by ";" (interaction).
    outcomes, minus_outcomes : tuple of str
        Items.
    headline : bool, default=False
        Whether the study was made for this contrast.
    row : str, default=""
        Where it was declared, for messages.

    Examples
    --------
    >>> Contrast("nudge:share", "nudge", "between", ("arm",), "nudge", "control", ("share",)).in_words
    'nudge against control'
    """

    contrast_id: str
    study: str
    kind: ContrastKind
    condition: tuple[str, ...]
    treatment: str
    control: str
    outcomes: tuple[str, ...]
    minus_outcomes: tuple[str, ...] = ()
    headline: bool = False
    row: str = ""

    @property
    def where(self) -> str:
        """Name the contrast in a message, with the row that declares it."""
        named = f"contrast {self.contrast_id!r}"
        return f"{self.row} ({named})" if self.row else named

    @property
    def levels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Levels of treatment and of control, one for each condition that is compared."""
        if self.kind == "interaction":
            return _listed(self.treatment), _listed(self.control)
        return (self.treatment,) if self.treatment else (), (self.control,) if self.control else ()

    @property
    def in_words(self) -> str:
        """Say in a few words what is compared."""
        if self.kind == "within":
            return f"{_some(self.outcomes)} against {_some(self.minus_outcomes)}"
        if self.kind == "interaction":
            (a, b), (a0, b0) = self.levels
            return f"{a} against {a0}, at {b} against {b0}"
        return f"{self.treatment} against {self.control}"


def _some(items: tuple[str, ...]) -> str:
    return items[0] if len(items) == 1 else f"{items[0]} and {len(items) - 1} more"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";"))
