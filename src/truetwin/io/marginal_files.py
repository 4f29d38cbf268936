"""Read files of marginals: long (one row a category) or wide (one column a category)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.data import Item, Scale
from truetwin.data.answer_cells import MISSING_MARKS
from truetwin.data.long_frames import is_distribution
from truetwin.data.marginals import EVERYBODY, SUM_TOLERANCE, ItemMarginal, Marginals
from truetwin.data.missing_codes import LabelledCodes, divide_labels, far_codes
from truetwin.data.no_answer_words import says_no_answer
from truetwin.data.responses import check_unique
from truetwin.errors import DataError, ScaleError
from truetwin.io.tables import read_table

if TYPE_CHECKING:
    import pyarrow as pa

AMOUNTS = ("share_or_count", "share", "count", "probability")
_RESERVED = ("item_id", "population", "base_size")


@dataclass
class _Cells:
    """Cells of a file that belong to one item of one population."""

    amounts: dict[str, float] = field(default_factory=dict)
    base_size: float | None = None


def read_marginals(
    path: str | Path,
    *,
    items: Mapping[str, Item] | None = None,
    keep_off_scale: bool = False,
    tolerance: float = SUM_TOLERANCE,
    encoding: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Marginals:
    """Read how people's answers split over the categories of each item.

    Parameters
    ----------
    path : path
        CSV, TSV or Parquet. A long file has the columns ``item_id``, ``category`` and one of ``share_or_count``,
        ``share``, ``count``, ``probability``. A wide file has ``item_id`` and one column a category; an empty cell
        means that the item has no such category. Both may have ``base_size`` and ``population``. Under
        ``share_or_count``, and in wide files, whole numbers are counts and all others are shares; weighted counts
        need a column ``count``.
        Percentages are refused. Of distributions that twins state one by one (a column ``respondent_id`` as well), the
        mean is taken.
    items : mapping from item id to Item, optional
        Declared texts and scales. For an item without a declared scale, numeric categories are ordinal in their
        numeric order, and words are nominal in the order of the file.
    keep_off_scale : bool, default=False
        Count "refused", "don't know" and the like as ordinary categories.
    tolerance : float
        How far the sum of an item's shares may be from 1.
    encoding : str, optional
        Text encoding of a CSV or TSV file.
    say : callable, optional
        Called with each note about how the file was read.

    Raises
    ------
    DataError
        If a cell, a scale or a sum of shares is wrong. The message names the item.
    """
    source = str(path)
    table = read_table(path, encoding, say)
    check_unique(table.column_names, "column", source)
    if is_distribution(table.column_names):
        table = _averaged(table, source)
    names = table.column_names
    if "item_id" not in names:
        shown = ", ".join(repr(n) for n in names[:6])
        raise DataError(f"{source} must have the column 'item_id'; its columns are {shown}")
    rows = table.to_pylist()
    if not rows:
        raise DataError(f"{source} must hold the marginals of at least one item; it has no rows")
    kind = next((a for a in AMOUNTS if a in names), None)
    if "category" in names:
        percent = next((n for n in names if _says_percent(n)), None)
        if kind is None and percent is not None:
            raise DataError(
                f"{source} must have one of the columns {', '.join(AMOUNTS)} beside 'category'; it has {percent!r}. "
                "Divide percentages by 100 and call them 'share', or give counts."
            )
        if kind is None:
            raise DataError(
                f"{source} must have one of the columns {', '.join(AMOUNTS)} beside 'category'; it has none"
            )
        cells = _from_long(rows, kind, source)
    else:
        kind = "share_or_count"
        cells = _from_wide(rows, [n for n in names if n not in _RESERVED], source)
    in_percent = "category" not in names and any(_says_percent(n) for n in names)
    declared = dict(items or {})
    scaled = _scaled_items(cells, declared, keep_off_scale, source)
    notes = _off_scale_notes(scaled)
    out: dict[str, dict[str, ItemMarginal]] = {}
    for (population, item_id), cell in cells.items():
        _refuse_percentages(kind, list(cell.amounts.values()), item_id, in_percent, source)
        item = scaled[item_id]
        amounts = _coded(cell.amounts, item, source)
        out.setdefault(population, {})[item_id] = ItemMarginal.from_amounts(
            item,
            amounts,
            are_counts=_are_counts(kind, list(amounts.values())),
            base_size=cell.base_size,
            source=source,
            tolerance=tolerance,
        )
    return Marginals(out, source, notes)


def _averaged(table: pa.Table, source: str) -> pa.Table:
    """Average the distributions that twins state one by one; each twin that states one for an item counts alike."""
    import pyarrow as pa

    stated: dict[str, dict[str, dict[str, float]]] = {}
    for number, row in enumerate(table.to_pylist(), 1):
        item, who, category = (_name(row[n], "") for n in ("item_id", "respondent_id", "category"))
        amount = _number(row["probability"], "the probability", number, item, source)
        if not (item and who and category) or amount is None:
            raise DataError(
                f"{source}: every row must have an item_id, a respondent_id, a category and a probability; row "
                f"{number} lacks one"
            )
        stated.setdefault(item, {}).setdefault(who, {})[category] = amount
    rows = []
    for item, people in stated.items():
        means: dict[str, float] = {}
        for who, amounts in people.items():
            total = sum(amounts.values())
            if min(amounts.values()) < 0 or not 0 < total < float("inf"):
                raise DataError(
                    f"{source}: the probabilities of a twin's answer must be 0 or more and sum to 1; those of "
                    f"respondent {who!r} for item {item!r} sum to {total:g}"
                )
            for category, amount in amounts.items():
                means[category] = means.get(category, 0.0) + amount / total / len(people)
        rows += [{"item_id": item, "category": c, "probability": share} for c, share in means.items()]
    return pa.Table.from_pylist(rows)


def _says_percent(name: str) -> bool:
    return any(word in name.lower() for word in ("percent", "pct", "%"))


def _from_long(rows: Sequence[Mapping[str, Any]], kind: str, source: str) -> dict[tuple[str, str], _Cells]:
    cells: dict[tuple[str, str], _Cells] = {}
    for number, row in enumerate(rows, 1):
        key = (_name(row.get("population"), EVERYBODY), _name(row["item_id"], ""))
        if not key[1]:
            raise DataError(f"{source}: every row must have an item_id; row {number} has none")
        category = _name(row["category"], "")
        if not category:
            raise DataError(
                f"{source}: every row must name a category; row {number} (item {key[1]!r}) names none"
            )
        cell = cells.setdefault(key, _Cells())
        if category in cell.amounts:
            raise DataError(
                f"{source}: a category must occur once per item; {category!r} of item {key[1]!r} "
                f"occurs twice (row {number})"
            )
        amount = _number(row[kind], f"the {kind.replace('_', ' ')}", number, key[1], source)
        if amount is None:
            raise DataError(
                f"{source}: every category must have a {kind.replace('_', ' ')}; row {number} (item "
                f"{key[1]!r}) has none"
            )
        cell.amounts[category] = amount
        _set_base(cell, row, number, key[1], source)
    return cells


def _from_wide(
    rows: Sequence[Mapping[str, Any]], categories: Sequence[str], source: str
) -> dict[tuple[str, str], _Cells]:
    if not categories:
        raise DataError(
            f"{source} must have a column 'category', or one column for each category; it has neither"
        )
    cells: dict[tuple[str, str], _Cells] = {}
    for number, row in enumerate(rows, 1):
        key = (_name(row.get("population"), EVERYBODY), _name(row["item_id"], ""))
        if not key[1]:
            raise DataError(f"{source}: every row must have an item_id; row {number} has none")
        if key in cells:
            raise DataError(f"{source}: an item must have one row; {key[1]!r} has several (row {number})")
        cell = cells[key] = _Cells()
        for category in categories:
            amount = _number(row[category], f"column {category!r}", number, key[1], source)
            if amount is not None:
                cell.amounts[category] = amount
        if not cell.amounts:
            raise DataError(
                f"{source}: an item must have at least one category; {key[1]!r} has none (row {number})"
            )
        _set_base(cell, row, number, key[1], source)
    return cells


def _set_base(cell: _Cells, row: Mapping[str, Any], number: int, item_id: str, source: str) -> None:
    base = _number(row.get("base_size"), "the base_size", number, item_id, source)
    if base is not None:
        if base <= 0:
            raise DataError(
                f"{source}: a base_size must be positive; item {item_id!r} has {base:g} (row {number})"
            )
        cell.base_size = base


def _name(value: Any, default: str) -> str:
    if value is None:
        return default
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or default


def _number(value: Any, what: str, number: int, item_id: str, source: str) -> float | None:
    if value is None or (isinstance(value, str) and value.strip() in MISSING_MARKS):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(
            f"{source}: {what} must be a number; found {str(value)[:40]!r} in row {number} (item {item_id!r})"
        ) from None


def _are_counts(kind: str, amounts: Sequence[float]) -> bool:
    if kind != "share_or_count":
        return kind == "count"
    return all(float(a).is_integer() for a in amounts) and sum(amounts) > 1


def _refuse_percentages(
    kind: str, amounts: Sequence[float], item_id: str, percent: bool, source: str
) -> None:
    """Refuse amounts that are percentages: they sum to 100 without all being whole numbers (those may be counts)."""
    if kind == "count" or abs(sum(amounts) - 100.0) > 0.5:
        return
    if percent or not all(float(a).is_integer() for a in amounts):
        raise DataError(
            f"{source}: amounts must be shares or counts; those of item {item_id!r} sum to {sum(amounts):.4g} and look "
            "like percentages. Divide percentages by 100, or give counts."
        )


def _code(category: str) -> float | None:
    try:
        return float(category)
    except ValueError:
        return None


def _scaled_items(
    cells: Mapping[tuple[str, str], _Cells], declared: Mapping[str, Item], keep_off_scale: bool, source: str
) -> dict[str, Item]:
    categories: dict[str, dict[str, None]] = {}
    for (_, item_id), cell in cells.items():
        categories.setdefault(item_id, {}).update(dict.fromkeys(cell.amounts))
    out = {}
    for item_id, names in categories.items():
        item = declared.get(item_id, Item(item_id))
        scale = item.scale
        if scale is None or scale.kind == "numeric":
            scale = _scale_of(list(names), item_id, keep_off_scale, source, scale)
        elif not keep_off_scale:
            scale = _with_no_answers(scale, names)
        out[item_id] = Item(item_id, item.text, scale, item.block)
    return out


def _scale_of(
    names: list[str], item_id: str, keep_off_scale: bool, source: str, known: Scale | None = None
) -> Scale:
    """Make the scale of an item without a declared one: numbers are ordinal, words nominal, "refused" off-scale."""
    codes = {name: code for name in names if (code := _code(name)) is not None}
    if len(set(codes.values())) != len(codes):
        raise DataError(
            f"{source}: the categories of item {item_id!r} must differ; two of them are the same number"
        )
    words = [name for name in names if name not in codes]
    no_answers = [] if keep_off_scale else [name for name in words if says_no_answer(name)]
    off = dict(known.off_scale) if known is not None else {}
    if codes and len(no_answers) == len(words):  # numbers, and beside them perhaps "refused" in words
        ordered = tuple(sorted(c for c in codes.values() if c not in off))
        if not keep_off_scale:
            far = {code.code: "missing (far from the other answers)" for code in far_codes(np.array(ordered))}
            off |= far
            ordered = tuple(c for c in ordered if c not in far)
        free = max((*codes.values(), *off)) + 1
        off |= {free + k: name for k, name in enumerate(no_answers)}
        if ordered:
            return Scale("ordinal", ordered, ordered[0], ordered[-1], off_scale=off)
    numbered = {float(k): name for k, name in enumerate(names, 1)}
    found = divide_labels(numbered) if not keep_off_scale else LabelledCodes(numbered, {}, {})
    if not found.on or (all(says_no_answer(name) for name in names) and not keep_off_scale):
        raise DataError(
            f"{source}: item {item_id!r} must have a category on its scale; {names[0]!r} is off-scale"
        )
    return Scale.nominal(found.on, labels=found.on, off_scale=found.off)


def _with_no_answers(scale: Scale, names: Iterable[str]) -> Scale:
    """Give a code to each category that says "no answer" and that the declared scale does not know."""
    known = {*scale.labels.values(), *scale.off_scale.values()}
    unknown = [n for n in names if n not in known and _code(n) is None and says_no_answer(n)]
    if not unknown:
        return scale
    free = max((*scale.categories, *scale.off_scale, *scale.labels), default=0.0) + 1
    return replace(scale, off_scale={**scale.off_scale, **{free + k: name for k, name in enumerate(unknown)}})


def _coded(amounts: Mapping[str, float], item: Item, source: str) -> dict[float, float]:
    scale = item.scale
    assert scale is not None
    labels = {**scale.off_scale, **scale.labels}
    by_label = {label: code for code, label in labels.items()}
    folded = {_folded(label): code for label, code in by_label.items()}
    codes = {*scale.categories, *scale.off_scale}
    as_labels = _read_as_labels(amounts, by_label, codes, item, source)
    out: dict[float, float] = {}
    for name, amount in amounts.items():
        number, label = _code(name), by_label.get(name, folded.get(_folded(name)))
        code = number if number in codes and not (as_labels and label is not None) else label
        if code is None or code not in codes:
            raise ScaleError(
                f"{source}: category {name!r} must be on the scale of item {item.id!r} "
                f"({scale.describe()}{_known_labels(scale)}); it is not. "
                "Correct the category, or declare the item's scale, labels or off-scale codes in the item file."
            )
        if code in out:
            raise DataError(
                f"{source}: a category must occur once per item; {name!r} of item {item.id!r} is the category "
                f"{labels.get(code, f'{code:g}')!r}, which occurs already"
            )
        out[code] = amount
    return out


def _read_as_labels(
    amounts: Mapping[str, float], by_label: Mapping[str, float], codes: set[float], item: Item, source: str
) -> bool:
    """Decide whether digits that name categories are labels; they are codes unless one of them can only be a label."""
    both = [n for n in amounts if n in by_label and _code(n) in codes and _code(n) != by_label[n]]
    only_label = [n for n in amounts if n in by_label and _code(n) not in codes]
    only_code = [n for n in amounts if n not in by_label and _code(n) in codes]
    if both and bool(only_label) == bool(only_code):
        raise DataError(
            f"{source}: categories of item {item.id!r} must be codes or labels; {both[0]!r} is a code and also the "
            "label of another code. Write labels that are no codes, in this file and in the item file."
        )
    return bool(only_label)


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _known_labels(scale: Scale) -> str:
    if not scale.labels:
        return ""
    shown = ", ".join(list(scale.labels.values())[:6])
    return f": {shown}{', ...' if len(scale.labels) > 6 else ''}"


def _off_scale_notes(items: Mapping[str, Item]) -> tuple[str, ...]:
    found = {i: item.scale.off_scale for i, item in items.items() if item.scale and item.scale.off_scale}
    if not found:
        return ()
    labels = sorted({label for off in found.values() for label in off.values()})
    return (
        f"off-scale codes ({', '.join(labels)}) of {len(found)} items are left out of shares and twins' answers",
    )
