"""Tables of past effects: the table of published effects, or what ``truetwin experiment effects`` has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.data.responses import check_unique
from truetwin.errors import DataError
from truetwin.experiments.effects import HUMAN
from truetwin.experiments.paired_effects import Array, PairedEffects

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = ("contrast_id", "study", "kind")
#: Columns with effects and standard errors, in a table with one row a contrast.
WIDE = {
    "human": ("human_d", "human_se"),
    "twin": ("twin_d", "twin_se"),
    "own": ("twin_own_d", "twin_own_se"),
}


def past_effects_of_table(table: pa.Table, source: str) -> PairedEffects:
    """Read past effects from a table whose columns have names of their own; see :func:`past_effects`."""
    check_unique(table.column_names, "column", source)
    return past_effects(table.to_pylist(), source)


def past_effects(records: Sequence[Mapping[str, Any]], source: str) -> PairedEffects:
    """Read past effects, with one row a contrast or one row a contrast and side.

    Parameters
    ----------
    records : sequence of mapping
        Rows of the table. With one row a contrast the columns are those of the published effects: ``contrast_id``,
        ``study``, ``kind``, ``human_d``, ``human_se``, ``twin_d``, ``twin_se``, ``twin_own_d`` and ``twin_own_se``; the
        last four may be partly missing. With one row a contrast and side they are those of a table of effects.
    source : str
        Name of the table, for messages.

    Raises
    ------
    DataError
        If columns are missing, a cell is no number, or nothing is in the table.
    """
    if not records:
        raise DataError(f"{source} has no rows; past effects need one a contrast")
    columns = set(records[0])
    if {"side", "d", "d_se"} <= columns:
        records = _wide(records, source)
        columns = {name for row in records for name in row}
    missing = [name for name in (*NAMES, *WIDE["human"]) if name not in columns]
    if not missing and not any(set(WIDE[side]) <= columns for side in ("twin", "own")):
        missing = ["twin_d", "twin_se"]
    if missing:
        raise DataError(
            f"past effects need the columns contrast_id, study, kind, human_d, human_se, and twin_d, twin_se or "
            f"twin_own_d, twin_own_se; or the table that `truetwin experiment effects` writes. {source} lacks "
            f"{', '.join(missing)}"
        )
    names = ([str(row[name]) for row in records] for name in NAMES)
    sides = {side: [_numbers(records, name, source) for name in columns_] for side, columns_ in WIDE.items()}
    return PairedEffects.of(
        *names,
        human=sides["human"][0],
        human_variance=sides["human"][1] ** 2,
        twin=sides["twin"][0],
        twin_variance=sides["twin"][1] ** 2,
        own=sides["own"][0],
        own_variance=sides["own"][1] ** 2,
    )


def _numbers(records: Sequence[Mapping[str, Any]], name: str, source: str) -> Array:
    found = np.full(len(records), np.nan)
    for k, row in enumerate(records):
        value = row.get(name)
        if value is None or value == "":
            continue
        try:
            found[k] = float(value)
        except (TypeError, ValueError):
            raise DataError(
                f"{name} must be a number; {source} has {value!r} in row {k + 1} (contrast {row.get('contrast_id')!r})"
            ) from None
    return found


def _wide(records: Sequence[Mapping[str, Any]], source: str) -> list[dict[str, Any]]:
    """Put the sides of each contrast into one row."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in records:
        if row.get("group"):
            continue
        key = (str(row.get("study") or ""), str(row["contrast_id"]))
        one = found.setdefault(key, {name: row.get(name) or "" for name in NAMES})
        prefix = "human" if row["side"] == HUMAN else "twin"
        if f"{prefix}_d" in one:
            raise DataError(
                f"past effects need one row a contrast and side; {source} has several for {row['contrast_id']!r}. "
                f"Several sources of twins must be averaged first"
            )
        one |= {f"{prefix}_d": _weighable(row, "d"), f"{prefix}_se": row.get("d_se")}
        if prefix == "twin":
            measured = str(row.get("standardiser") or "").startswith("own")
            if measured:  # nobody human has answered, so that only the twins' own sd is known
                one |= {"twin_d": None, "twin_se": None}
            one |= {"twin_own_d": _weighable(row, "d_own"), "twin_own_se": row.get("d_own_se")}
    return list(found.values())


def _weighable(row: Mapping[str, Any], name: str) -> Any:
    """Return an effect; nothing where it has no standard error, as that of an arm of one person."""
    return None if row.get(f"{name}_se") in (None, "") else row.get(name)
