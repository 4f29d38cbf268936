"""Read the cells of a column as answers: codes, labels, marks and words of missing answers.

Each cell is translated once, against one map of the item's labels. Labels may look like codes (1 = "0", 2 = "1"). A
table is then read as codes or as labels as a whole: cells that allow one reading only decide (:func:`digit_reading`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.no_answer_words import declines_to_answer, says_no_answer
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MISSING_MARKS = ("", "NA", "N/A", "NaN", "nan", "#N/A", "#NULL!", "null", "NULL", "None", ".")
#: Whether digits in cells are codes or labels of items whose labels look like codes.
Digits = Literal["codes", "labels"]
_TRUTH = {"true": 1.0, "false": 0.0}
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a column, read.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Numbers; NaN where missing or not readable.
    no_answer : dict of text to int
        Words that say "no answer", and how often they occur.
    declined : dict of text to int
        Replies in which a language model declines to answer, and how often they occur.
    unread : dict of text to int
        Texts that are neither, and how often they occur.
    first : dict of text to int
        Row of the first cell of each text that is not read.
    """

    values: NDArray[np.float64]
    no_answer: Mapping[str, int] = field(default_factory=dict)
    declined: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_in_words(self) -> int:
        """Number of cells that say in words that there is no answer."""
        return sum(self.no_answer.values()) + sum(self.declined.values())

    @property
    def n_unread(self) -> int:
        """Number of cells that cannot be read."""
        return sum(self.unread.values())


def read_cells(column: pa.ChunkedArray, item: Item | None = None, digits: Digits = "codes") -> Cells:
    """Read a column of texts or numbers as answers to an item.

    Raises
    ------
    TypeError
        If the column holds something else, such as dates.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = plain_column(column)
    if pa.types.is_null(column.type):
        return Cells(np.full(len(column), np.nan))
    if not pa.types.is_string(column.type):
        return Cells(np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64))
    trimmed = pc.utf8_trim_whitespace(column)
    labels = _Labels(item) if item is not None and item.scale is not None else None
    if labels is None or not labels.code_of:
        missing = pc.is_in(trimmed, value_set=pa.array(MISSING_MARKS))
        try:
            numbers = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed).cast(pa.float64())
            return Cells(np.array(numbers.to_numpy(), dtype=np.float64))
        except pa.ArrowInvalid:
            pass
    encoded = pc.dictionary_encode(trimmed).combine_chunks()
    texts = encoded.dictionary.to_pylist()
    where = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return _translated(texts, np.asarray(where, dtype=np.int64), labels, digits)


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as texts or numbers.

    Raises
    ------
    TypeError
        If it holds something else, such as dates.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    readable = (pa.types.is_string, pa.types.is_null, pa.types.is_integer, pa.types.is_floating,
                pa.types.is_boolean, pa.types.is_decimal)  # fmt: skip
    if not any(test(kind) for test in readable):
        raise TypeError(f"holds {kind}")
    return column


def _translated(
    texts: Sequence[str], where: NDArray[np.int64], labels: _Labels | None, digits: Digits
) -> Cells:
    """Translate each different text once."""
    counts = np.bincount(where[where >= 0], minlength=len(texts))
    codes = np.full(len(texts) + 1, np.nan)  # the last one is for null cells
    no_answer, declined, unread = {}, {}, {}
    given = [t for t in texts if t not in MISSING_MARKS]
    truth = bool(given) and all(t.casefold() in _TRUTH for t in given)
    for k, text in enumerate(texts):
        code = labels.code(text, digits) if labels else None
        code = as_number(text) if code is None else code
        if code is not None:
            codes[k] = code
        elif text in MISSING_MARKS:
            pass
        elif truth:
            codes[k] = _TRUTH[text.casefold()]
        elif says_no_answer(text):
            no_answer[text] = int(counts[k])
        elif declines_to_answer(text):
            declined[text] = int(counts[k])
        else:
            unread[text] = int(counts[k])
    first = {}
    if unread:
        at = {texts.index(text): text for text in list(unread)[:50]}
        rows = {k: int(np.argmax(where == k)) for k in at}
        first = {at[k]: row for k, row in sorted(rows.items(), key=lambda pair: pair[1])}
    return Cells(codes[where], no_answer, declined, unread, first)


def as_number(text: str) -> float | None:
    """Read a text as a number, or return None."""
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def is_decimal_comma(text: str) -> bool:
    """Test whether a text is a number with a decimal comma."""
    return bool(_DECIMAL_COMMA.fullmatch(text))


class _Labels:
    """Map from the labels of an item to codes."""

    def __init__(self, item: Item) -> None:
        scale = item.scale
        assert scale is not None
        pairs = [*scale.off_scale.items(), *scale.labels.items()]
        self.codes = {*scale.categories, *scale.off_scale, *scale.labels}
        exact: dict[str, set[float]] = {}
        folded: dict[str, set[float]] = {}
        for code, label in pairs:
            exact.setdefault(label.strip(), set()).add(code)
            folded.setdefault(_folded(label), set()).add(code)
        off = set(scale.off_scale)
        single = {text: _the_one(found, off) for text, found in {**folded, **exact}.items()}
        self.code_of = {text: code for text, code in single.items() if code is not None}
        self.shared = {text for text, code in single.items() if code is None}

    def as_label(self, text: str) -> float | None:
        code = self.code_of.get(text)
        return self.code_of.get(_folded(text)) if code is None and text not in self.shared else code

    def as_code(self, text: str) -> float | None:
        number = as_number(text)
        return number if number is not None and number in self.codes else None

    def code(self, text: str, digits: Digits) -> float | None:
        if not text:
            return None
        label = self.as_label(text)
        if label is None or as_number(text) is None:
            return label
        return label if digits == "labels" else as_number(text)


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _the_one(codes: set[float], off_scale: set[float]) -> float | None:
    """Return the code of a label; of a label that several off-scale codes share, any."""
    return next(iter(codes)) if len(codes) == 1 or codes <= off_scale else None


def digit_reading(columns: Iterable[tuple[Item, pa.ChunkedArray]], source: str) -> Digits:
    """Decide whether digits in a table's cells are codes or labels, where labels of an item look like its codes.

    Cells that allow one reading only decide for all items of the table.

    Raises
    ------
    DataError
        If no cell decides, or cells contradict each other. The message names an item.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    evidence: dict[Digits, str] = {}
    open_cells: list[str] = []
    for item, column in columns:
        if item.scale is None or not _looks_like_codes(item):
            continue
        try:
            column = plain_column(column)
        except TypeError:
            continue
        if not pa.types.is_string(column.type):
            continue  # numbers are codes
        labels = _Labels(item)
        for text in pc.unique(pc.utf8_trim_whitespace(column)).to_pylist():
            if not text or text in MISSING_MARKS:
                continue
            label, code, number = labels.as_label(text), labels.as_code(text), as_number(text)
            shown = f"{text!r} of item {item.id!r}"
            if label is not None and code is not None and label != code:
                open_cells.append(shown)
            elif label is not None and code is None:
                evidence.setdefault("labels", shown)
            elif label is None and number is not None:
                evidence.setdefault("codes", shown)
    if not open_cells:
        return "codes"
    if len(evidence) == 1:
        return next(iter(evidence))
    if evidence:
        why = f"cell {evidence['codes']} is a code only, and cell {evidence['labels']} is a label only"
    else:
        why = "every cell could be either"
    raise DataError(
        f"{source}: cells must be codes or labels of their items; cell {open_cells[0]} is a code and also the label of "
        f"another code, and {why}. Say which it is: --answers codes, or --answers labels."
    )


def _looks_like_codes(item: Item) -> bool:
    assert item.scale is not None
    pairs = {**item.scale.off_scale, **item.scale.labels}
    return any((number := as_number(label.strip())) is not None and number != code and number in
               {*item.scale.categories, *pairs} for code, label in pairs.items())  # fmt: skip
