"""Read files of arms: the texts of conditions, and the conditions table of people."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from truetwin.data.arm_frames import arms_from_frame, levels_from_frame
from truetwin.io.tables import read_table


def read_arms(path: str | Path, encoding: str | None = None) -> dict[str, dict[str, str]]:
    """Read the texts of arms from a table with the columns ``condition``, ``arm`` and ``text``.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If a column or a name is missing, or an arm occurs twice.
    """
    return arms_from_frame(read_table(path, encoding), str(path))


def read_levels(
    path: str | Path,
    conditions: Collection[str],
    *,
    id_column: str | None = None,
    encoding: str | None = None,
) -> dict[str, dict[str, str]]:
    """Read the level of each condition by person from a conditions table.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If a condition has no column, or a person is in two of its arms.
    """
    return levels_from_frame(read_table(path, encoding), conditions, id_column=id_column, source=str(path))
