"""Read item files: the texts, scales, off-scale codes and blocks that the user declares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from truetwin.data import Item, Scale
from truetwin.data.missing_codes import divide_labels
from truetwin.data.responses import check_unique
from truetwin.errors import DataError, FileFormatError, TruetwinError
from truetwin.io.readable_files import check_is_file, reading
from truetwin.io.tables import SURVEY_ENDINGS, read_table

_FIELDS = {
    *("item_id", "text", "kind", "low", "high", "step", "categories", "labels", "off_scale", "block"),
    *("variant_of", "fielded", "domain"),
}
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


def read_items(
    path: str | Path, say: Callable[[str], None] | None = None, encoding: str | None = None
) -> dict[str, Item]:
    """Read declarations of items from a CSV, Parquet or JSON file, a Qualtrics instrument, or an SPSS or Stata file.

    One row (or JSON object) declares one item. It has the field ``item_id`` and any of: ``text``; ``kind`` (ordinal,
    nominal, numeric); ``low``, ``high``, ``step``; ``categories`` (codes separated by ``|``, or a list); ``labels``
    and ``off_scale`` (``code=text`` separated by ``|``, or an object); ``block``; ``variant_of`` (the item that this
    one asks in other words or with the options in another order); ``fielded`` (the year, month or day when people were
    asked). ``say`` is called with each note about how the file was read; ``encoding`` is the text encoding of a CSV or
    TSV file.

    Raises
    ------
    DataError
        If a field is unknown, an item occurs twice, a scale contradicts itself, an item is a variant of an item that
        is not declared, or ``fielded`` is no date. The message names the item.

    Examples
    --------
    A file with the lines ``item_id,kind,low,high,off_scale`` and ``Q1,ordinal,1,5,99=refused`` declares a scale of
    1 to 5 on which 99 is read as missing.
    """
    path = Path(path)
    if path.suffix.lower() == ".qsf":
        from truetwin.io.qualtrics_instruments import read_instrument

        found, notes = read_instrument(path)
        if say:
            for text in notes:
                say(text)
        return found
    if path.suffix.lower() in SURVEY_ENDINGS:
        from truetwin.io.survey_files import read_survey_file

        _, found, notes = read_survey_file(path)
        if say:
            for text in notes:
                say(text)
        return found
    if path.suffix.lower() == ".json":
        with reading(path, "a JSON file", "Write one list of objects, one an item."):
            rows = json.loads(check_is_file(path).read_text(encoding="utf-8-sig"))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FileFormatError(f"{path} must hold a list of objects, one an item")
    else:
        table = read_table(path, encoding, say)
        check_unique(table.column_names, "column", str(path))
        rows = table.to_pylist()
    if not rows:
        raise DataError(f"{path} must declare at least one item; it has none")
    items = [_item(row, path) for row in rows]
    check_unique([item.id for item in items], "item", str(path))
    found = {item.id: item for item in items}
    for item in items:
        if item.variant_of is not None and (item.variant_of not in found or item.variant_of == item.id):
            raise DataError(
                f"{path}: item {item.id!r} must be a variant of another item of the file; it names "
                f"{item.variant_of!r}"
            )
    return found


def item_record(item: Item) -> dict[str, Any]:
    """Write an item as the JSON object that :func:`read_items` and :func:`item_from_record` read.

    Examples
    --------
    >>> item_record(Item("Q1", "Tea?", Scale.ordinal(1, 2, labels={1: "no", 2: "yes"})))["labels"]
    {'1': 'no', '2': 'yes'}
    """
    record: dict[str, Any] = {"item_id": item.id, "text": item.text}
    for name in ("block", "variant_of", "fielded", "domain"):
        if getattr(item, name) is not None:
            record[name] = getattr(item, name)
    scale = item.scale
    if scale is None:
        return record
    record["kind"] = scale.kind
    if scale.kind == "nominal" or (scale.kind == "ordinal" and scale.step is None):
        record["categories"] = list(scale.categories)
    else:
        bounds = {"low": scale.low, "high": scale.high}
        record.update({name: bound for name, bound in bounds.items() if abs(bound) != float("inf")})
        if scale.step is not None:
            record["step"] = scale.step
    for name, codes in (("labels", scale.labels), ("off_scale", scale.off_scale)):
        if codes:
            record[name] = {f"{code:.15g}": text for code, text in codes.items()}
    return record


def item_from_record(record: Mapping[str, Any], source: str = "the record") -> Item:
    """Read an item from a record with the fields of :func:`read_items`."""
    return _item(record, Path(source))


def _item(row: Mapping[str, Any], path: Path) -> Item:
    given = {k: v for k, v in row.items() if v not in (None, "")}
    unknown = sorted(set(given) - _FIELDS)
    if unknown:
        raise DataError(f"{path}: unknown field {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}")
    if "item_id" not in given:
        raise DataError(f"{path}: every item must have an item_id; one has none")
    item_id = str(given["item_id"])
    try:
        scale = _scale(given)
    except (TruetwinError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: the scale of item {item_id!r} cannot be read: {error}. Categories are written 1|2|3, labels and "
            f"off-scale codes 1=no|2=yes."
        ) from error
    fielded = given.get("fielded")
    if fielded is not None and not _DATE.fullmatch(str(fielded)):
        raise DataError(
            f"{path}: item {item_id!r}: fielded must be a year, month or day such as 2024, 2024-05 or 2024-05-17; got "
            f"{fielded!r}"
        )
    named = {k: str(given[k]) for k in ("block", "variant_of", "fielded", "domain") if k in given}
    return Item(item_id, str(given.get("text", "")), scale, **named)


def _scale(given: Mapping[str, Any]) -> Scale | None:
    labels, off_scale = (_codes(given.get(name)) for name in ("labels", "off_scale"))
    categories = given.get("categories", ())
    if isinstance(categories, str):
        categories = categories.split("|")
    named = [float(c) for c in categories]
    low, high = (float(given[n]) if n in given else None for n in ("low", "high"))
    # What the file says outright stays; a label such as "Don't know" makes any other code an off-scale code.
    on = {c: t for c, t in labels.items() if c in named or _between(c, low, high)}
    found = divide_labels({c: t for c, t in labels.items() if c not in on and c not in off_scale}, on)
    labels, off_scale = {**on, **found.on}, {**found.off, **off_scale}
    codes = named or sorted(labels)
    bounds = "low" in given and "high" in given
    kind = given.get("kind") or ("ordinal" if bounds else "nominal" if codes else None)
    step = float(given["step"]) if "step" in given else None
    if kind is None:
        return Scale.undeclared(off_scale) if off_scale else None
    if kind == "nominal":
        return Scale.nominal(codes, labels=labels, off_scale=off_scale)
    if kind == "numeric":
        return Scale.numeric(
            -float("inf") if low is None else low,
            float("inf") if high is None else high,
            step,
            off_scale=off_scale,
        )
    if kind != "ordinal":
        raise ValueError(f"kind must be ordinal, nominal or numeric; got {kind!r}")
    if "categories" in given:
        return Scale("ordinal", tuple(codes), min(codes), max(codes), None, labels, off_scale)
    if low is None or high is None:
        if not codes:
            raise ValueError("an ordinal scale needs low and high, or categories")
        low, high = min(codes), max(codes)
    return Scale.ordinal(low, high, 1.0 if step is None else step, labels=labels, off_scale=off_scale)


def _between(code: float, low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low <= code <= high


def _codes(given: Any) -> dict[float, str]:
    if given in (None, ""):
        return {}
    if isinstance(given, Mapping):
        return {float(code): str(text) for code, text in given.items()}
    pairs = (part.partition("=") for part in str(given).split("|"))
    return {float(code): text.strip() for code, _, text in pairs}


def read_blocks(path: str | Path) -> dict[str, str]:
    """Read which block each item belongs to, from a table with the columns ``item_id`` and ``block``."""
    path = Path(path)
    table = read_table(path)
    check_unique(table.column_names, "column", str(path))
    missing = [name for name in ("item_id", "block") if name not in table.column_names]
    if missing:
        raise DataError(f"{path} must have the columns item_id and block; it lacks {' and '.join(missing)}")
    pairs = [
        (str(row["item_id"]), str(row["block"])) for row in table.select(["item_id", "block"]).to_pylist()
    ]
    if not pairs:
        raise DataError(f"{path} must name at least one item; it has no rows")
    check_unique([item for item, _ in pairs], "item", str(path))
    return dict(pairs)
