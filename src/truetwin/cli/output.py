"""Print tables for people, one JSON object for machines, and progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from truetwin import __version__

#: Narrowest column of texts that are folded.
NARROWEST = 24
#: Rules of a table on a terminal that may know no other characters than those of ASCII.
PLAIN_RULES = "    \n    \n -- \n    \n    \n    \n    \n    \n"


@dataclass(frozen=True)
class Column:
    """Column of a printed table: its field, heading and number format.

    On a narrow terminal an optional column is left out, and a foldable one is folded. A column of names, which commas
    part, is folded between names only; where even that is too wide, it is a table of its own below.
    """

    field: str
    heading: str
    format: str = ""
    optional: bool = False
    foldable: bool = False
    names: bool = False


def print_json(
    command: str, settings: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], **parts: Any
) -> None:
    """Print the JSON object that every verb prints with ``--json``. Fields that do not apply are absent.

    ``parts`` are further tables or figures beside the rows, under their own names.
    """
    from truetwin.io import dump_json

    kept = [{k: v for k, v in row.items() if v is not None} for row in rows]
    text = dump_json(
        {"command": command, "version": __version__, "settings": settings, "rows": kept, **parts}
    )
    ascii_only = not (sys.stdout.encoding or "utf").lower().startswith("utf")
    print("".join(_json_escape(c) if _needs_escape(c, ascii_only) else c for c in text))


def _needs_escape(character: str, ascii_only: bool) -> bool:
    return character != "\n" and (not character.isprintable() or (ascii_only and not character.isascii()))


def _json_escape(character: str) -> str:
    """Escape a character as JSON does; machines read the same text, and a terminal shows no control character."""
    from json import dumps

    return dumps(character)[1:-1]


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, title: str = "") -> None:
    """Print rows as an aligned table. Columns without any value are left out.

    No text is ever cut. On a narrow terminal, optional columns are left out first, and a line says so. Then foldable
    texts are folded. A table that is still too wide is printed as wide as it is.
    """
    from rich.measure import Measurement

    shown = [c for c in columns if any(row.get(c.field) is not None for row in rows)]
    out = console()
    wanted = list(shown)
    table = _table(rows, shown, fold=False)
    while Measurement.get(out, _unlimited(out), table).maximum > out.width and any(c.optional for c in shown):
        last = max(k for k, c in enumerate(shown) if c.optional)
        shown = [c for k, c in enumerate(shown) if k != last]
        table = _table(rows, shown, fold=False)
    measured = table
    if Measurement.get(out, _unlimited(out), table).maximum > out.width and any(c.foldable for c in shown):
        table = _table(rows, shown, fold=True)
        measured = _table([_shortened(row, shown) for row in rows], shown, fold=True)
    needed = Measurement.get(out, _unlimited(out), measured).minimum
    if title:
        print(printable(title))
    below = [c for c in shown[1:] if c.names] if needed > out.width else []
    if below:
        print_table(rows, [c for c in shown if c not in below])
        for c in below:
            named = [
                {**row, c.field: str(row[c.field]).replace(", ", "\n")} for row in rows if row.get(c.field)
            ]
            print_table(named, [shown[0], Column(c.field, c.heading)])
        return
    out.width = max(out.width, needed)
    out.print(table)
    left_out = [_told_apart(c, wanted) for c in wanted if c not in shown]
    if left_out:
        note(f"left out for want of width: {', '.join(left_out)}; --json has everything")


def _told_apart(column: Column, among: Sequence[Column]) -> str:
    """Name a column; one of several with the same heading (SE) is named by the column before it, too."""
    alike = [c for c in among if c.heading == column.heading]
    place = among.index(column)
    return f"{column.heading} of {among[place - 1].heading!r}" if len(alike) > 1 and place else column.heading


def _longest_name(row: Mapping[str, Any], column: Column) -> int:
    from rich.cells import cell_len

    return max((cell_len(part) for part in _cell(row.get(column.field), "").split()), default=0)


def _shortened(row: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """Cut the texts that may be folded, to measure how narrow a table can be: a long word is folded, too.

    Names are not: as much is kept as the longest one has.
    """
    kept = {c.field: max(NARROWEST, _longest_name(row, c)) if c.names else NARROWEST for c in columns}
    return {
        c.field: _cell(row.get(c.field), c.format)[: kept[c.field]] if c.foldable else row.get(c.field)
        for c in columns
    }


def _unlimited(out: Any) -> Any:
    return out.options.update(max_width=100_000)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, fold: bool) -> Any:
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    rules = box.Box(PLAIN_RULES, ascii=True) if console().is_dumb_terminal else box.SIMPLE_HEAD
    table = Table(box=rules, pad_edge=False)
    for c in columns:
        folds = fold and c.foldable
        longest = max(
            cell_len(line)
            for text in (printable(c.heading), *(_cell(row.get(c.field), c.format) for row in rows))
            for line in text.split("\n")
        )
        table.add_column(
            Text(printable(c.heading), no_wrap=True),
            justify="right" if c.format else "left",
            no_wrap=not folds,
            overflow="fold",
            min_width=min(longest, _narrowest(rows, c)) if folds else longest,
        )
    for row in rows:
        table.add_row(*(Text(_cell(row.get(c.field), c.format)) for c in columns))
    return table


def _narrowest(rows: Sequence[Mapping[str, Any]], column: Column) -> int:
    """Return how narrow a column may be that is folded."""
    return max([NARROWEST, *(_longest_name(row, column) for row in rows if column.names)])


def console() -> Any:
    """Open standard output. If it is not a terminal, it is wide enough not to fold tables."""
    from rich.console import Console

    return Console(soft_wrap=False, highlight=False, width=None if sys.stdout.isatty() else 160)


def note(text: str) -> None:
    """Print a line for people on standard error, so that standard output holds results only."""
    print(printable(text), file=sys.stderr)


def print_line(text: object) -> None:
    """Print a result for people on standard output."""
    print(printable(str(text)))


def printable(text: str) -> str:
    """Escape control characters in ``text``, so that text from a file or a model cannot control the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _cell(value: Any, style: str) -> str:
    """Write a cell; whole numbers in columns of fractions stay whole."""
    from truetwin.data.table_cells import cell

    style = (style or ".3f") if isinstance(value, float) else "" if style.endswith("f") else style
    return printable(cell(value, style))


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error while the block runs. Nothing is shown if it is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(printable(label), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
