"""Say what is wrong with cells that cannot be read as answers, and how to repair them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.data.answer_cells import Cells, as_number, is_decimal_comma
from truetwin.data.item import Item
from truetwin.data.misspelt_labels import meant_label
from truetwin.data.people import shown
from truetwin.data.problems import Problems

#: Most different words in a column for which lines of an item file are suggested.
MOST_LABELS = 12
#: Most groups of columns with unread words, and most columns of a group, that a message lists.
MOST_GROUPS, MOST_COLUMNS = 5, 5
#: What to do about words in the first row only.
SECOND_HEADER = "If this row is a second header line, remove it."
#: Number in another notation: thousands apart, decimal commas, a sign for percent.
_NUMBER = re.compile(r"[-+]?\d[\d.,'’\u202f\xa0]*\s*%?")
#: Words with a code of their own: ``2 = Disagree``, ``(2) Disagree``, ``2. Disagree``, ``A2``.
_CODE = re.compile(r"[(\[]?(?P<front>-?\d+)(?:[)\].:=]|\s*[-–—=:]\s)\D*|[^\W\d]{1,3}(?P<end>\d+)")


@dataclass(frozen=True)
class UnreadColumn:
    """Column with cells that cannot be read, the first of them in ``row`` (from 0)."""

    cells: Cells
    name: str
    row: int
    respondent: str
    item: Item | None = None

    @property
    def id(self) -> str:
        """Id of the item, or name of the column."""
        return self.item.id if self.item else self.name

    @property
    def words(self) -> set[str]:
        """Words that are no numbers."""
        return {word for word in self.cells.unread if as_number(word) is None}

    @property
    def wants_labels(self) -> bool:
        """Whether the words look like labels of a scale, rather than like texts that each person writes."""
        cells, few = self.cells, len(self.cells.unread) <= MOST_LABELS
        declared = self.item is not None and self.item.scale is not None
        return few and (cells.n_unread > len(cells.unread) or declared)


def add_unread(problems: Problems, columns: Sequence[UnreadColumn]) -> None:
    """Add the problem of columns with unread cells. Columns with the same words are one line of a short list."""
    if not columns:
        return
    if len(columns) == 1:
        (one,) = columns
        problems.add("words", unread_cells(one.cells, one.name, one.row, one.respondent, one.item))
        return
    groups = _with_the_same_words(columns)
    lines = [f"answers must be numbers; {len(columns)} columns hold texts:"]
    for group in groups[:MOST_GROUPS]:
        first, cells = group[0], group[0].cells
        more = f" and {cells.n_unread - 1} more" if cells.n_unread > 1 else ""
        lines.append(
            f"- {_some([one.id for one in group])}: {shown(next(iter(cells.first)))}{more} in {first.name!r}, row "
            f"{first.row + 1} (respondent {first.respondent!r})"
        )
    rest = [one.id for group in groups[MOST_GROUPS:] for one in group]
    if rest:
        lines.append(f"- others in {_some(rest)}")
    problems.add("words", *lines, *_advice([group[0] for group in groups]), count=len(columns))


def _advice(columns: Sequence[UnreadColumn]) -> list[str]:
    """Say once for all columns how they are repaired, with lines of an item file to paste."""
    found = list(dict.fromkeys(filter(None, (_notation(next(iter(one.cells.first))) for one in columns))))
    misspelt: dict[str, str] = {}
    words = []
    for one in columns:
        meant = misspelt_labels(one.cells, one.item)
        misspelt |= meant
        if len(meant) < len(one.cells.unread) and not _notation(next(iter(one.cells.first))):
            words.append(one)
    if misspelt:
        found.append(_corrections(misspelt))
    if any(_may_be_header(one.cells, one.row) for one in words):
        found.append(SECOND_HEADER)
    if not words:
        return [*found, "Recode texts, or leave them empty if they are missing."] if misspelt else found
    lines = [label_line(one.id, one.cells, one.item) for one in words if one.wants_labels]
    pasted = [line for line in lines if line.text]
    if not pasted:
        return [*found, "Recode texts, leave them empty if they are missing, or declare the items' labels."]
    order = "" if all(line.has_codes for line in pasted) else ", in the order of its scale (if none, nominal)"
    return [
        *found,
        f"Recode texts, leave them empty if they are missing, or declare labels in an item file (--item-file): one "
        f"line an item{order}, such as",
        "item_id,kind,labels",
        *(line.text for line in pasted[:MOST_GROUPS]),
    ]


def _with_the_same_words(columns: Sequence[UnreadColumn]) -> list[list[UnreadColumn]]:
    """Group columns whose words are those of another one, or some of them; the one with the most words comes first."""
    groups: list[list[UnreadColumn]] = []
    for column in sorted(columns, key=lambda one: -len(one.words)):
        of_same = (g for g in groups if column.wants_labels and column.words and column.words <= g[0].words)
        group = next(of_same, None)
        if group is None:
            groups.append([column])
        else:
            group.append(column)
    return sorted(groups, key=len, reverse=True)


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MOST_COLUMNS} more" if len(ids) > MOST_COLUMNS else ""
    return ", ".join(ids[:MOST_COLUMNS]) + more


def unread_cells(cells: Cells, name: str, row: int, respondent: str, item: Item | None = None) -> str:
    """Describe the unread cells of a column, of which the first is in ``row`` (from 0), as one problem."""
    text = next(iter(cells.first))
    more = f" and {cells.n_unread - 1} more" if cells.n_unread > 1 else ""
    found = (
        f"answers must be numbers; found {shown(text)}{more} in column {name!r}, row {row + 1} (respondent "
        f"{respondent!r})."
    )
    meant = misspelt_labels(cells, item)
    if meant:
        alone = f"Did you mean {meant.get(text)!r}?"
        found += f" {alone if len(cells.unread) == 1 else _corrections(meant)}"
    if len(meant) == len(cells.unread):
        return f"{found} Recode it, or leave it empty if it is missing."
    if _may_be_header(cells, row):
        found += f" {SECOND_HEADER}"
    if _notation(text):
        return f"{found} {_notation(text)}"
    remedy = "Recode it, leave it empty if it is missing, or declare the item's labels"
    if UnreadColumn(cells, name, row, respondent, item).wants_labels:
        line = label_line(item.id if item else name, cells, item)
        which = "the codes that the words have"
        if not line.has_codes:
            which = "in the order of the scale; if there is no order, the kind is nominal"
        remedy += (
            f" in an item file with the lines item_id,kind,labels and {line.text} ({which})"
            if line.text
            else ""
        )
    return f"{found} {remedy}."


def misspelt_labels(cells: Cells, item: Item | None) -> dict[str, str]:
    """Return the declared label of each unread word that is one but for a slip of the pen."""
    scale = None if item is None else item.scale
    labels = [] if scale is None else [*scale.labels.values(), *scale.off_scale.values()]
    return {word: label for word in cells.unread if (label := meant_label(word, labels))}


def _corrections(found: Mapping[str, str]) -> str:
    """Ask about the labels that were meant: ``Did you mean 'Agree' for 'Agreee'?``."""
    pairs = [f"{label!r} for {word!r}" for word, label in found.items()]
    more = f" (and {len(pairs) - MOST_COLUMNS} more)" if len(pairs) > MOST_COLUMNS else ""
    return f"Did you mean {', '.join(pairs[:MOST_COLUMNS])}{more}?"


def _may_be_header(cells: Cells, row: int) -> bool:
    return row == 0 and cells.n_unread == 1


def _notation(text: str) -> str:
    """Say how a number in another notation is to be written; empty if the text is no number."""
    if is_decimal_comma(text):
        return "Write decimals with a point."
    return "Write numbers with digits and a point only, such as 1234.5." if _NUMBER.fullmatch(text) else ""


@dataclass(frozen=True)
class LabelLine:
    """Line of an item file, and whether its codes are those that the words have."""

    text: str
    has_codes: bool = False


def label_line(name: str, cells: Cells, item: Item | None = None) -> LabelLine:
    """Write the line of an item file that declares the words of a column; empty if there is none.

    There is none if nothing tells their codes, or if a word has a ``|``, which parts labels.

    The codes are those that the words begin with (``2 = Disagree``) or end with (``A2``). Words without codes get the
    order in which they occur, which is for the user to correct: a table does not say which answer is higher. Among
    numbers, words without codes have no order.
    """
    scale = None if item is None else item.scale
    known: dict[float, str] = {} if scale is None else dict(scale.labels)
    meant = misspelt_labels(cells, item)
    words = [word for word in cells.unread if as_number(word) is None and word not in meant]
    if any("|" in word for word in words):
        return LabelLine("")
    own = {} if known else _own_codes(words)
    if own:
        line = "|".join(f"{code}={word}" for code, word in sorted(own.items()))
        return LabelLine(f"{_quoted(name)},ordinal,{_quoted(line)}", has_codes=True)
    if not known and np.isfinite(cells.values).any():
        return LabelLine("")
    start = int(max(known, default=0)) + 1
    labels = {**known, **{float(code): word for code, word in enumerate(words, start)}}
    line = "|".join(f"{code:g}={word}" for code, word in labels.items())
    kind = "ordinal" if scale is None or not scale.is_declared else scale.kind
    return LabelLine(f"{_quoted(name)},{kind},{_quoted(line)}")


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
