"""Human marginals and twins' answers to go with them: tables, groups, weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping
from pathlib import Path
from typing import TypeGuard

from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.long_frames import is_distribution
from truetwin.data.marginals import Marginals
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.responses import check_unique
from truetwin.data.undeclared_codes import without_sure_codes
from truetwin.errors import AlignmentError, DataError
from truetwin.io.item_files import read_items
from truetwin.io.marginal_files import AMOUNTS, read_marginals
from truetwin.io.tables import SURVEY_ENDINGS, read_table
from truetwin.io.twin_files import TwinTables, open_twins, source_notes

#: How far the sum of shares that a model states may be from 1.
STATED_TOLERANCE = 0.03


def read_marginal_data(
    marginals: Path,
    twin: TwinTables,
    *,
    item_file: Path | None,
    id_column: str | None,
    keep_off_scale: bool,
    twin_weights: Path | None,
    choices: ReadingChoices = AS_USUAL,
    say: Callable[[str], None] | None = None,
) -> tuple[Marginals, dict[str, ResponseMatrix] | Marginals]:
    """Human marginals and the answers of each source of twins, on the same scales.

    A file that states shares of a population in place of answers of twins is read as marginals, too. ``say`` is called
    with each note about the reading.
    """
    declared = read_items(item_file, say, choices.encoding) if item_file else {}
    human = read_marginals(
        marginals, items=declared, keep_off_scale=keep_off_scale, encoding=choices.encoding, say=say
    )
    if states_shares(twin, choices):
        items = {**declared, **human.items}
        return human, read_stated_shares(
            twin, items, twin_weights, keep_off_scale=keep_off_scale, choices=choices, say=say
        )
    known = {**declared, **_labelled(human, declared)}
    opened = open_twins(twin, id_column, known, choices=choices)
    named = {*declared, *human.items}
    kept = {name: table.only_answers(named) for name, table in opened.items()}
    sources = {name: table.responses(expectations=False) for name, table in kept.items()}
    notes = [text for name, table in kept.items() for text in (*sources[name].notes, *table.left_out_notes())]
    if choices.missing_codes is None:
        tables, found = _without_sure_codes(list(sources.values()), human.items)
        sources = dict(zip(sources, tables, strict=True))
        notes += found
    if say:
        for text in dict.fromkeys((*source_notes(sources), *notes)):
            say(text)
    items = {**declared, **human.items}
    sources = {
        name: _without_weight(source, items, dropped=twin_weights is not None)
        for name, source in sources.items()
    }
    return human, with_weights(sources, twin_weights)


def states_shares(twin: TwinTables, choices: ReadingChoices = AS_USUAL) -> TypeGuard[Path]:
    """Test whether a file states how answers split, of a population or twin by twin, instead of holding answers."""
    if not isinstance(twin, Path) or twin.is_dir() or twin.suffix.lower() in SURVEY_ENDINGS:
        return False
    names = read_table(twin, choices.encoding).column_names
    return is_distribution(names) or (
        {"item_id", "category"} <= set(names)
        and bool({*AMOUNTS} & set(names))
        and "respondent_id" not in names
    )


def read_stated_shares(
    path: Path,
    items: Mapping[str, Item],
    twin_weights: Path | None,
    *,
    keep_off_scale: bool = False,
    choices: ReadingChoices = AS_USUAL,
    say: Callable[[str], None] | None = None,
) -> Marginals:
    """Read the shares that twins state for a whole population, on the scales of ``items`` where these are known.

    Of distributions that are stated twin by twin, it reads the mean.

    Raises
    ------
    DataError
        If there are weights of twins: shares of a population have no twins.
    """
    if twin_weights is not None:
        raise DataError(
            f"{path} states shares of a population, which has no twins to weight by {twin_weights}"
        )
    stated = read_marginals(
        path,
        items=items,
        keep_off_scale=keep_off_scale,
        tolerance=STATED_TOLERANCE,
        encoding=choices.encoding,
        say=say,
    )
    if say:
        say(
            f"{path}: read the shares that are stated for {len(stated.items)} items; no single twins are in it"
        )
        for text in stated.notes:
            say(text)
    return stated


def _without_sure_codes(
    sources: list[ResponseMatrix], settled: Collection[str]
) -> tuple[list[ResponseMatrix], list[str]]:
    """Read sure codes of missing answers as missing, source by source."""
    found = [without_sure_codes(source, settled=settled) for source in sources]
    return [table for (table,), _ in found], [note for _, notes in found for note in notes]


def _without_weight(twins: ResponseMatrix, known: Container[str], *, dropped: bool) -> ResponseMatrix:
    """A column ``weight`` is no item, unless the marginals or the item file say so; without weights it is refused."""
    kept = [k for k, i in enumerate(twins.item_ids) if i.strip().lower() != "weight" or i in known]
    if len(kept) == len(twins.item_ids):
        return twins
    if not dropped:
        name = next(i for k, i in enumerate(twins.item_ids) if k not in kept)
        raise DataError(
            f"{twins.source}: column {name!r} must be an item with twins' answers, and looks like weights. Rename it "
            "if it is an item, or pass the weights of the twins by --twin-weights."
        )
    items = [twins.items[k] for k in kept]
    return ResponseMatrix(
        twins.values[:, kept], twins.respondent_ids, items, twins.weights, twins.source, twins.id_name
    )


def _labelled(human: Marginals, declared: Mapping[str, Item]) -> dict[str, Item]:
    """Scales that tell how to read words among the twins' answers, and which codes are off-scale."""
    found: dict[str, Item] = {}
    for item_id, item in human.items.items():
        if item.scale is not None and item.scale.labels and item_id not in declared:
            # A numeric scale reads labels and leaves strange codes to the message that knows the marginals.
            labels = {**item.scale.off_scale, **item.scale.labels}
            found[item_id] = Item(item_id, item.text, Scale("numeric", labels=labels))
    return found


def with_weights(sources: Mapping[str, ResponseMatrix], path: Path | None) -> dict[str, ResponseMatrix]:
    """The same answers with design weights from a table with the columns id (any name) and ``weight``, if there is one.

    Twins of one person have one weight, whatever their source.
    """
    if path is None:
        return dict(sources)
    weights = _read_weights(path)
    return {name: _weighted(source, weights, path) for name, source in sources.items()}


def _read_weights(path: Path) -> dict[str, float]:
    table = read_table(path)
    check_unique(table.column_names, "column", str(path))
    if "weight" not in table.column_names or len(table.column_names) < 2:
        raise DataError(
            f"{path} must have a column of twin ids and the column 'weight'; it has {', '.join(table.column_names)}"
        )
    id_name = next(name for name in table.column_names if name != "weight")
    rows = table.to_pylist()
    check_unique([str(row[id_name]) for row in rows], "twin", str(path))
    weights = {}
    for row in rows:
        try:
            weights[str(row[id_name])] = float(row["weight"])
        except (TypeError, ValueError):
            raise DataError(
                f"{path}: a weight must be a number; twin {row[id_name]!r} has {row['weight']!r}"
            ) from None
    return weights


def _weighted(twins: ResponseMatrix, weights: Mapping[str, float], path: Path) -> ResponseMatrix:
    lacking = [r for r in twins.respondent_ids if r not in weights]
    if lacking:
        raise AlignmentError(
            f"{path} must have a weight for every twin; {lacking[0]!r} has none ({len(lacking)} twins in all)"
        )
    values = [weights[r] for r in twins.respondent_ids]
    if not sum(values) > 0 and all(v == 0 for v in values):
        raise DataError(f"{path}: at least one twin must have a positive weight; all weights are zero")
    return ResponseMatrix(
        twins.values,
        twins.respondent_ids,
        twins.items,
        values,
        f"{twins.source} weighted by {path}",
        twins.id_name,
    )


def read_groups(path: Path) -> dict[str, str]:
    """The group of each item, from a table with the columns ``item_id`` and ``group`` (or ``block``)."""
    table = read_table(path)
    check_unique(table.column_names, "column", str(path))
    name = next((n for n in ("group", "block") if n in table.column_names), None)
    if "item_id" not in table.column_names or name is None:
        raise DataError(
            f"{path} must have the columns item_id and group; it has {', '.join(table.column_names)}"
        )
    rows = table.select(["item_id", name]).to_pylist()
    check_unique([str(row["item_id"]) for row in rows], "item", str(path))
    empty = [str(row["item_id"]) for row in rows if row[name] in (None, "")]
    if empty:
        raise DataError(f"{path}: every item must have a group; {empty[0]!r} has none")
    return {str(row["item_id"]): str(row[name]) for row in rows}
