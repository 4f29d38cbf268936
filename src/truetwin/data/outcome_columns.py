"""Tell which columns of a table hold answers to the outcomes of contrasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from truetwin.data.arm_columns import arms_of_column
from truetwin.data.contrast import Contrast
from truetwin.data.contrast_frames import ContrastTable
from truetwin.data.frames import LONG_COLUMNS
from truetwin.errors import DataError
from truetwin.registry import closest

if TYPE_CHECKING:
    import pyarrow as pa


def outcomes_of(contrasts: Iterable[Contrast]) -> tuple[str, ...]:
    """List the outcomes of contrasts, each once."""
    found = (item for one in contrasts for item in (*one.outcomes, *one.minus_outcomes))
    return tuple(dict.fromkeys(found))


def names_of_items(table: pa.Table) -> list[str]:
    """List the columns of a wide table, or the items of a long one."""
    names = table.column_names
    return (
        list(map(str, table.column("item_id").unique().to_pylist()))
        if set(LONG_COLUMNS) <= set(names)
        else names
    )


def with_known_outcomes(table: ContrastTable, names: Iterable[str]) -> ContrastTable:
    """Leave out the contrasts with an outcome that no table has, and add them to the problems.

    Parameters
    ----------
    table : ContrastTable
    names : iterable of str
        Columns of all tables of answers.

    Raises
    ------
    DataError
        If no contrast is left. The message names all problems.
    """
    known = list(dict.fromkeys(arms_of_column(name)[0] for name in names))
    there, sound = set(known), []
    for one in table.contrasts:
        lacking = [item for item in (*one.outcomes, *one.minus_outcomes) if item not in there]
        for item in lacking:
            table.problems.add(
                "outcome",
                f"{one.where}: there is no item {item!r} in the tables of answers.{closest(item, known)} Correct it.",
            )
        if not lacking:
            sound.append(one)
    if not sound:
        table.problems.raise_any()
    return ContrastTable(tuple(sound), table.problems)


def outcome_columns(
    names: Sequence[str], outcomes: Sequence[str], source: str, *, advice: str = ""
) -> list[str]:
    """Return the columns that hold answers to outcomes, under an arm or not.

    ``advice`` ends the message if there is none.

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> outcome_columns(["id", "give", "give@message=warm", "remark"], ["give"], "the table")
    ['give', 'give@message=warm']
    """
    known = set(outcomes)
    found = [name for name in names if arms_of_column(name)[0] in known]
    if not found:
        shown = ", ".join(map(repr, outcomes[:3])) + (" ..." if len(outcomes) > 3 else "")
        raise DataError(
            f"{source} must have answers to outcomes of the contrasts ({shown}); it has none of them."
            f"{closest(outcomes[0], list(names)) if outcomes else ''}{advice}"
        )
    return found
