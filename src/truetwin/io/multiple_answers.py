"""Make 0/1 items of questions with several answers in one cell, such as "1,3,5"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from truetwin.data import Item, Scale
from truetwin.data.answer_cells import MISSING_MARKS, as_number

if TYPE_CHECKING:
    from truetwin.io.answer_tables import AnswerTable

_SEVERAL = re.compile(r"[-+]?\d+(?:\s*[,;|]\s*[-+]?\d+)*")
#: Most options of a question.
_MOST = 100


def split_multiple(opened: AnswerTable) -> AnswerTable:
    """Replace each column of cells such as "1,3,5" by a 0/1 item for each option: ``Q20_1``, ``Q20_3``, ``Q20_5``.

    An empty cell is missing in all of them. They are one battery, under the name of the question.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table, declared, made = opened.table, dict(opened.declared), []
    for name, (column, item) in opened.columns().items():
        if not pa.types.is_string(column.type):
            continue
        texts = [t.strip() for t in pc.unique(column).to_pylist() if t and t.strip() not in MISSING_MARKS]
        several = [t for t in texts if _SEVERAL.fullmatch(t) and as_number(t) is None]
        if not several or not all(_SEVERAL.fullmatch(t) for t in texts):
            continue
        chosen = [_options(t) for t in column.to_pylist()]
        options = sorted({code for each in chosen if each for code in each})
        if len(options) > _MOST:
            continue
        labels = dict(item.scale.labels) if item.scale is not None else {}
        table = table.drop_columns([name])
        for code in options:
            option = f"{name}_{code}"
            cells = [None if each is None else float(code in each) for each in chosen]
            table = table.append_column(option, pa.array(cells, pa.float64()))
            text = " ".join(part for part in (item.text, labels.get(code, "")) if part)
            declared[option] = Item(option, text, Scale.nominal([0, 1], labels={0: "no", 1: "yes"}), name)
        made.append(name)
    if not made:
        return opened
    note = f"{opened.source}: made 0/1 items of the options of {', '.join(made)} (--split-multiple)"
    return replace(opened, table=table, declared=declared, notes=(*opened.notes, note))


def _options(cell: str | None) -> set[int] | None:
    if cell is None or cell.strip() in MISSING_MARKS:
        return None
    return {int(part) for part in re.split(r"[,;|]", cell)}
