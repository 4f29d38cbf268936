"""Read and write SPSS and Stata files.

Value labels become scales, and user-missing codes become off-scale codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.data import Item, Scale
from truetwin.data.missing_codes import LabelledCodes, divide_labels, doubt_note
from truetwin.errors import MissingExtraError
from truetwin.io.readable_files import check_is_file, reading
from truetwin.io.text_tables import check_width

if TYPE_CHECKING:
    import pyarrow as pa

#: Formats of dates and times in SPSS and Stata.
_DATE = re.compile(r"(?:[AEJSQ]?DATE|DATETIME|D?TIME|MOYR|QYR|WKYR|YMDHMS|MTIME|%-?t|%-?d)", re.IGNORECASE)
#: Most steps between the ends of an ordinal scale with labels.
_LONGEST = 100
#: Size, in bytes, from which a file may have too many columns; its metadata are read first.
_MAY_BE_WIDE = 2**19


def read_survey_file(path: Path) -> tuple[pa.Table, dict[str, Item], list[str]]:
    """Read a ``.sav``, ``.zsav`` or ``.dta`` file: its table, its items, and notes for the user.

    Variable labels become item texts. Off-scale codes, which are read as missing and counted, are user-missing codes
    (SPSS) and codes that the rules of :mod:`truetwin.data.missing_codes` find by their labels, such as 88 = "Don't
    know". Extended missing values (Stata) are missing. The other value labels become a scale if they name every answer
    that occurs: nominal if the file says so, ordinal otherwise. Dates become texts.
    """
    import pyarrow as pa

    pyreadstat = _pyreadstat(f"reading {path.suffix} files")
    check_is_file(path)
    with reading(
        path, f"a {path.suffix} file", "Save it again in the program that wrote it, or export it as CSV."
    ):
        stata = path.suffix.lower() == ".dta"
        read, options = (pyreadstat.read_dta, {}) if stata else (pyreadstat.read_sav, {"user_missing": True})
        if path.stat().st_size > _MAY_BE_WIDE:
            check_width(read(str(path), metadataonly=True)[1].number_columns, path)
        frame, meta = read(str(path), disable_datetime_conversion=True, **options)
        columns, items, divided, blanked = [], {}, {}, {}
        for k, name in enumerate(meta.column_names):
            values = frame.iloc[:, k]
            # pandas holds whole numbers beside extended missing values as objects
            is_text = meta.readstat_variable_types.get(name) == "string"
            numeric = None if is_text else np.asarray(values, dtype=float)
            if numeric is None:
                texts, blanked[name] = _texts(values, meta.missing_ranges.get(name, []))
                columns.append(pa.array(texts, pa.string()))
            elif _DATE.match(str(meta.original_variable_types.get(name, ""))):
                columns.append(
                    pa.array([f"date {v:.15g}" if np.isfinite(v) else None for v in numeric], pa.string())
                )
            else:
                columns.append(pa.array(numeric, from_pandas=True))
                items[name], divided[name] = _item(name, numeric, meta)
    table = pa.table(columns, names=[str(n) for n in meta.column_names])
    notes = doubt_note(str(path), divided)
    if sum(blanked.values()):
        first = next(name for name, count in blanked.items() if count)
        notes.append(
            f"{path}: {sum(blanked.values())} texts of columns such as {first!r} are read as missing, as missing "
            "values of the file say"
        )
    return table, items, notes


def _texts(values: Any, missing_ranges: Sequence[Mapping[str, Any]]) -> tuple[list[str | None], int]:
    """Return the texts of a column, without those that the file declares as missing, and how many these were."""
    declared = {str(r["lo"]).strip() for r in missing_ranges}
    given = values.astype(object).where(values.notna(), None).tolist()
    kept = [None if text is not None and text.strip() in declared else text for text in given]
    return kept, sum(text is not None for text in given) - sum(text is not None for text in kept)


def _item(name: str, values: np.ndarray[Any, np.dtype[np.float64]], meta: Any) -> tuple[Item, LabelledCodes]:
    labels = {
        float(code): str(text)
        for code, text in meta.variable_value_labels.get(name, {}).items()
        if isinstance(code, int | float)
    }
    seen = np.unique(values[np.isfinite(values)])
    missing_ranges = meta.missing_ranges.get(name, [])
    user_missing = {
        code: labels.get(code, "user-missing")
        for code in sorted({*seen.tolist(), *labels})
        if any(_at_least(r["lo"], code) and _at_least(code, r["hi"]) for r in missing_ranges)
    }
    answers = [code for code in seen.tolist() if code not in user_missing]
    found = divide_labels({c: t for c, t in labels.items() if c not in user_missing}, answers)
    off = dict(sorted({**found.off, **user_missing}.items()))
    answers = [code for code in answers if code not in off]
    text = meta.column_names_to_labels.get(name) or ""
    scale = _scale(found.on, answers, off, meta.variable_measure.get(name, "unknown"))
    return Item(name, text, scale), found


def _at_least(low: Any, high: Any) -> bool:
    """Compare the ends of a range of missing values; texts, which mark missing texts, are no codes."""
    return isinstance(low, int | float) and isinstance(high, int | float) and low <= high


def _scale(
    labels: dict[float, str], answers: list[float], off: dict[float, str], measure: str
) -> Scale | None:
    codes = sorted(labels)
    if codes and set(answers) <= set(codes) and measure == "nominal":
        return Scale.nominal(codes, labels=labels, off_scale=off)
    whole = all(float(c).is_integer() for c in (*codes, *answers))
    inside = not answers or (bool(codes) and codes[0] <= min(answers) and max(answers) <= codes[-1])
    if codes and whole and inside:
        if codes[-1] - codes[0] > _LONGEST and set(answers) <= set(codes):
            return Scale.nominal(codes, labels=labels, off_scale=off)  # codes of countries, occupations ...
        # Often only the end points carry labels: every whole number between them is an answer.
        return Scale.ordinal(codes[0], codes[-1], labels=labels, off_scale=off)
    return Scale.undeclared(off, labels) if off or labels else None


def write_survey_file(
    table: pa.Table, draft: Path, ending: str, *, items: Mapping[str, Item], note: str = ""
) -> dict[str, str]:
    """Write a ``.sav`` or ``.dta`` file with wordings and value labels.

    Item ids that these formats do not accept as variable names are changed. The wording, or else the id itself,
    becomes the variable's label, so that nothing is lost.

    Parameters
    ----------
    table : pyarrow.Table
        One column of ids, one column an item (or a long table).
    draft : Path
        Where to write; the name's ending does not matter.
    ending : {".sav", ".dta"}
        The format.
    items : mapping from item id to Item
        Wordings and scales, where known.
    note : str
        A remark stored in the file.

    Returns
    -------
    dict
        Variable name of each column whose name was changed, by column name.
    """
    import shutil
    import tempfile

    pyreadstat = _pyreadstat(f"writing {ending} files")
    names = variable_names(table.column_names, 64 if ending == ".sav" else 32)
    frame = table.rename_columns([names[n] for n in table.column_names]).to_pandas()
    columns = {
        names[n]: _label(n, items.get(n), changed=names[n] != n, most=250 if ending == ".sav" else 80)
        for n in table.column_names
    }
    values = {
        names[n]: dict(items[n].scale.labels)  # type: ignore[union-attr]
        for n in table.column_names
        if n in items
        and items[n].scale is not None
        and items[n].scale.labels  # type: ignore[union-attr]
        and (ending == ".sav" or all(float(c).is_integer() for c in items[n].scale.labels))  # type: ignore[union-attr]
    }
    # pyreadstat goes by the name's ending, and the draft has another one.
    with tempfile.TemporaryDirectory(dir=draft.parent) as folder:
        named = Path(folder) / f"table{ending}"
        common = {"column_labels": columns, "file_label": "Model-based predictions" if note else ""}
        if ending == ".sav":
            notes = [note[k : k + 80] for k in range(0, len(note), 80)]
            pyreadstat.write_sav(
                frame, str(named), variable_value_labels=values, note=notes or None, **common
            )
        else:
            whole = {n: {int(c): t for c, t in found.items()} for n, found in values.items()}
            kept = {n: found for n, found in whole.items() if _all_whole(frame[n])}
            pyreadstat.write_dta(frame, str(named), variable_value_labels=kept, **common)
        shutil.copyfile(named, draft)
    return {n: v for n, v in names.items() if n != v}


def variable_names(columns: Sequence[str], most: int) -> dict[str, str]:
    """Make names that SPSS and Stata accept, all different: letters, digits and underscores, starting with a letter.

    Examples
    --------
    >>> variable_names(["Q1", "1_Q295", "False Cons. 1", "False-Cons. 1"], 32)
    {'Q1': 'Q1', '1_Q295': 'v1_Q295', 'False Cons. 1': 'False_Cons_1', 'False-Cons. 1': 'False_Cons_1_2'}
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        plain = (
            re.sub(r"[^A-Za-z0-9]+", "_", column) if not re.fullmatch(r"\w+", column, re.ASCII) else column
        )
        plain = plain.strip("_") if plain != column else plain
        plain = plain if re.match(r"[A-Za-z]", plain) else f"v{plain}"
        name, count = plain[:most], 1
        while name.lower() in taken:
            count += 1
            tail = f"_{count}"
            name = plain[: most - len(tail)] + tail
        taken.add(name.lower())
        given[column] = name
    return given


def _label(column: str, item: Item | None, *, changed: bool, most: int) -> str:
    wording = item.text if item else ""
    full = f"{column}: {wording}" if changed and wording else wording or (column if changed else "")
    return full[:most]


def _all_whole(values: Any) -> bool:
    seen = values.dropna()
    return bool((seen == seen.round()).all())


def _pyreadstat(purpose: str) -> Any:
    try:
        import pyreadstat
    except ImportError:
        raise MissingExtraError("pyreadstat", "survey", purpose) from None
    return pyreadstat
