"""SPSS and Stata files: value labels become scales, user-missing codes become off-scale codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.data import Item, Scale
from truetwin.errors import FileFormatError, MissingExtraError
from truetwin.io.tables import check_is_file

if TYPE_CHECKING:
    import pyarrow as pa


def read_survey_file(path: Path) -> tuple[pa.Table, dict[str, Item]]:
    """Read a ``.sav``, ``.zsav`` or ``.dta`` file.

    Variable labels become item texts. User-missing codes (SPSS) become off-scale codes, which are read as missing and
    counted; extended missing values (Stata) are missing. Value labels become a scale if they name every answer that
    occurs: nominal if the file says so, ordinal otherwise.
    """
    import pyarrow as pa

    try:
        import pyreadstat
    except ImportError:
        raise MissingExtraError("pyreadstat", "survey", f"reading {path.suffix} files") from None
    check_is_file(path)
    try:
        if path.suffix.lower() == ".dta":
            frame, meta = pyreadstat.read_dta(str(path))
        else:
            frame, meta = pyreadstat.read_sav(str(path), user_missing=True)
    except (pyreadstat.ReadstatError, OSError, UnicodeDecodeError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be read as a {path.suffix} file: {error}") from error
    columns = [pa.array(frame[name], from_pandas=True) for name in frame.columns]
    table = pa.table(columns, names=[str(n) for n in frame.columns])
    items = {}
    for name in meta.column_names:
        values = frame[name]
        numeric = np.asarray(values, dtype=float) if values.dtype.kind in "iuf" else None
        if numeric is not None:
            items[name] = _item(name, numeric, meta)
    return table, items


def _item(name: str, values: np.ndarray[Any, np.dtype[np.float64]], meta: Any) -> Item:
    labels = {
        float(code): str(text)
        for code, text in meta.variable_value_labels.get(name, {}).items()
        if isinstance(code, int | float)
    }
    seen = np.unique(values[np.isfinite(values)])
    missing_ranges = meta.missing_ranges.get(name, [])
    candidates = {*seen.tolist(), *labels}
    off = {
        code: labels.get(code, "user-missing")
        for code in sorted(candidates)
        if any(float(r["lo"]) <= code <= float(r["hi"]) for r in missing_ranges)
    }
    on_labels = {code: text for code, text in labels.items() if code not in off}
    answers = [code for code in seen.tolist() if code not in off]
    text = meta.column_names_to_labels.get(name) or ""
    return Item(name, text, _scale(on_labels, answers, off, meta.variable_measure.get(name, "unknown")))


def _scale(
    labels: dict[float, str], answers: list[float], off: dict[float, str], measure: str
) -> Scale | None:
    codes = sorted(labels)
    if codes and set(answers) <= set(codes) and measure == "nominal":
        return Scale.nominal(codes, labels=labels, off_scale=off)
    whole = all(float(c).is_integer() for c in (*codes, *answers))
    if codes and whole and (not answers or (codes[0] <= min(answers) and max(answers) <= codes[-1])):
        # Often only the end points carry labels: every whole number between them is an answer.
        return Scale.ordinal(codes[0], codes[-1], labels=labels, off_scale=off)
    return Scale.numeric(off_scale=off) if off else None
