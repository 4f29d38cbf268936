"""Say what is wrong with cells that cannot be read as answers, and how to repair them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from truetwin.data.answer_cells import Cells, as_number, is_decimal_comma
from truetwin.data.item import Item
from truetwin.data.people import shown

#: Most different words in a column for which lines of an item file are suggested.
MOST_LABELS = 12
#: Number in another notation: thousands apart, decimal commas, a sign for percent.
_NUMBER = re.compile(r"[-+]?\d[\d.,'’\u202f\xa0]*\s*%?")
#: Words with a code of their own: ``2 = Disagree``, ``(2) Disagree``, ``2. Disagree``, ``A2``.
_CODE = re.compile(r"[(\[]?(?P<front>-?\d+)(?:[)\].:=]|\s*[-–—=:]\s)\D*|[^\W\d]{1,3}(?P<end>\d+)")


def unread_cells(cells: Cells, name: str, row: int, respondent: str, item: Item | None = None) -> str:
    """Describe the unread cells of a column, of which the first is in ``row`` (from 0), as one problem."""
    text = next(iter(cells.first))
    more = f" and {cells.n_unread - 1} more" if cells.n_unread > 1 else ""
    found = (
        f"answers must be numbers; found {shown(text)}{more} in column {name!r}, row {row + 1} (respondent "
        f"{respondent!r})."
    )
    if row == 0 and cells.n_unread == 1:
        found += " If this row is a second header line, remove it."
    if is_decimal_comma(text):
        return f"{found} Write decimals with a point."
    if _NUMBER.fullmatch(text):
        return f"{found} Write numbers with digits and a point only, such as 1234.5."
    remedy = "Recode it, leave it empty if it is missing, or declare the item's labels"
    if len(cells.unread) <= MOST_LABELS and (cells.n_unread > len(cells.unread) or (item and item.scale)):
        line = label_line(item.id if item else name, cells, item)
        remedy += f" in an item file with the lines item_id,kind,labels and {line}" if line else ""
    return f"{found} {remedy}."


def label_line(name: str, cells: Cells, item: Item | None = None) -> str:
    """Write the line of an item file that declares the words of a column; empty if nothing tells their codes.

    The codes are those that the words begin with (``2 = Disagree``) or end with (``A2``). Words without codes get the
    order in which they occur, which is for the user to correct: a table does not say which answer is higher. Among
    numbers, words without codes have no order.
    """
    scale = None if item is None else item.scale
    known: dict[float, str] = {} if scale is None else dict(scale.labels)
    words = [word for word in cells.unread if as_number(word) is None]
    own = {} if known else _own_codes(words)
    if own:
        line = "|".join(f"{code}={word}" for code, word in sorted(own.items()))
        return f"{name},ordinal,{_quoted(line)} (the codes that the words have)"
    if not known and np.isfinite(cells.values).any():
        return ""
    start = int(max(known, default=0)) + 1
    labels = {**known, **{float(code): word for code, word in enumerate(words, start)}}
    line = "|".join(f"{code:g}={word}" for code, word in labels.items())
    kind = "ordinal" if scale is None or not scale.is_declared else scale.kind
    return f"{name},{kind},{_quoted(line)} (in the order of the scale; if there is no order, the kind is nominal)"


def _quoted(cell: str) -> str:
    """Quote a cell as a CSV file needs it."""
    return '"' + cell.replace('"', '""') + '"' if re.search(r'[,"\n]', cell) else cell


def _own_codes(words: Sequence[str]) -> dict[int, str]:
    """Return the words by the whole number that each begins or ends with; empty unless each has one of its own."""
    found = [_CODE.fullmatch(word) for word in words]
    codes = {
        int(match["front"] or match["end"]): word for match, word in zip(found, words, strict=True) if match
    }
    return codes if len(codes) == len(words) else {}
