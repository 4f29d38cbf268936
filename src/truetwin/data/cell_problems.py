"""Say what is wrong with cells that cannot be read as answers, and how to repair them."""

from __future__ import annotations

from truetwin.data.answer_cells import Cells, as_number, is_decimal_comma
from truetwin.data.item import Item
from truetwin.data.people import shown

#: Most different words in a column for which lines of an item file are suggested.
MOST_LABELS = 12


def unread_cells(cells: Cells, name: str, row: int, respondent: str, item: Item | None = None) -> str:
    """Describe the unread cells of a column, of which the first is in ``row`` (from 0), as one problem."""
    text = next(iter(cells.first))
    more = f" and {cells.n_unread - 1} more" if cells.n_unread > 1 else ""
    hint = " Write decimals with a point." if is_decimal_comma(text) else ""
    remedy = "Recode it, leave it empty if it is missing, or declare the item's labels"
    if len(cells.unread) <= MOST_LABELS and (cells.n_unread > len(cells.unread) or (item and item.scale)):
        line = label_line(item.id if item else name, cells, item)
        remedy += f" in an item file with the lines item_id,labels and {line}"
    return (
        f"answers must be numbers; found {shown(text)}{more} in column {name!r}, row {row + 1} (respondent "
        f"{respondent!r}).{hint} {remedy}."
    )


def label_line(name: str, cells: Cells, item: Item | None = None) -> str:
    """Write the line of an item file that declares the words of a column, in the order in which they occur.

    The order is for the user to correct: a table does not say which answer is higher.
    """
    scale = None if item is None else item.scale
    known: dict[float, str] = {} if scale is None else dict(scale.labels)
    start = int(max(known, default=0)) + 1
    words = [word for word in cells.unread if as_number(word) is None]
    labels = {**known, **{float(code): word for code, word in enumerate(words, start)}}
    line = "|".join(f"{code:g}={word}" for code, word in labels.items())
    return (
        f"{name},{line} (in the order of the scale; if there is no order, add a column kind with 'nominal')"
    )
