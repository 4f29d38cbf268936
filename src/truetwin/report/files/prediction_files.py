"""Write predictions: a table with the ids of the input, and a sidecar that says how it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin import __version__
from truetwin.calibration import Calibration
from truetwin.calibration.calibration import DISCLOSURE
from truetwin.data import Panel
from truetwin.data.frames import Layout, id_array
from truetwin.errors import OutputError
from truetwin.io import dump_json, file_hash, replacing, write_draft
from truetwin.io.tables import DISCLOSURE_COLUMN, TEXT_ENDINGS

if TYPE_CHECKING:
    import pyarrow as pa

#: Without a comma: a text file with one in it has all its texts quoted.
DISCLOSURE_CELL = "model-based prediction"


def sidecar_path(output: Path) -> Path:
    """Return the path of the sidecar of a prediction file: the same name, ending in .json."""
    return output.with_suffix(".json")


def intervals_path(output: Path) -> Path:
    """Return the path of the intervals of a prediction file: ``NAME.intervals.ENDING``."""
    return output.with_name(f"{output.stem}.intervals{output.suffix}")


def _long_intervals(result: Calibration, level: float, id_column: str) -> pa.Table:
    """Build a table with one row a prediction: respondent, item, prediction, lower, upper, probabilities.

    Probabilities are ``category:probability`` pairs; only ordinal new items have them.
    """
    import numpy as np
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        name: [] for name in (id_column, "item_id", "prediction", "lower", "upper", "probabilities")
    }
    panel, parts = result.panel, {part.axis for part in result.parts}

    def add(row: int, column: int, lower: float, upper: float, shares: str | None) -> None:
        cells = (
            panel.respondent_ids[row],
            panel.item_ids[column],
            float(result.grid[row, column]),
            lower,
            upper,
            shares,
        )
        for name, cell in zip(columns, cells, strict=True):
            columns[name].append(cell)

    for item, (lower, upper) in result.intervals(level, "item").items() if "item" in parts else ():
        scale = panel.scales[item]
        shares = result.probabilities(item) if scale.kind == "ordinal" else None
        for k in np.flatnonzero(np.isfinite(lower)):
            text = None
            if shares is not None:
                text = " ".join(f"{c:g}:{q:.4f}" for c, q in zip(scale.categories, shares[k], strict=True))
            add(int(k), panel.item_ids.index(item), float(lower[k]), float(upper[k]), text)
    people = result.intervals(level, "respondent") if "respondent" in parts else {}
    for person, (lower, upper) in people.items():
        for k in np.flatnonzero(np.isfinite(lower)):
            add(panel.respondent_ids.index(person), int(k), float(lower[k]), float(upper[k]), None)
    ids = id_array(columns.pop(id_column), panel.human.id_type)
    return pa.table({id_column: ids, **columns})


def disclosed(table: pa.Table, ending: str, text: str = DISCLOSURE, *, column: bool) -> pa.Table:
    """Add to a table the remark that it is predicted: as metadata, and if asked as a column of a text file.

    A text file has no metadata; its sidecar has the remark in any case. SPSS and Stata files get a note when they are
    written.
    """
    import pyarrow as pa

    if column and ending in TEXT_ENDINGS and DISCLOSURE_COLUMN not in table.column_names:
        remark = pa.array([DISCLOSURE_CELL] * table.num_rows, pa.string())
        table = table.append_column(DISCLOSURE_COLUMN, remark)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), b"truetwin": text.encode()})


def check_sidecar(output: Path) -> None:
    """Refuse to overwrite a file with the name of the sidecar of ``output`` that is no sidecar of truetwin.

    Raises
    ------
    OutputError
        If there is such a file.
    """
    sidecar = sidecar_path(output)
    if not sidecar.exists():
        return
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "disclosure" not in content:
        raise OutputError(
            f"beside {output} goes its sidecar {sidecar.name}; a file of that name exists and is no sidecar of "
            "truetwin. Move it, or choose another output."
        )


def write_predictions(
    result: Calibration,
    output: Path,
    *,
    id_column: str,
    rounded: bool,
    layout: Layout = "wide",
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    interval: float | None = None,
    disclosure_column: bool = False,
) -> Path:
    """Write predictions and their sidecar, both or neither.

    Parameters
    ----------
    result : Calibration
        Predictions to write.
    output : Path
        CSV, TSV, Parquet, SPSS or Stata, by ending.
    id_column : str
        Name of the column of ids.
    rounded : bool
        Snap predictions to the items' scales.
    layout : {"wide", "long"}
        One column an item, or one row a prediction.
    inputs : mapping from role to Path
        Files that went in; their hashes are recorded.
    settings : mapping
        Settings that the user chose.
    interval : float, optional
        Also write intervals of this level, and for ordinal items the probability of each category, to a long table
        beside OUTPUT; see :func:`intervals_path`.
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based; other formats say it in any case.

    Returns
    -------
    Path
        Path of the sidecar.
    """
    sidecar = sidecar_path(output)
    content = {
        "disclosure": DISCLOSURE,
        "method": result.method,
        "parameters": {axis: model.get_params() for axis, model in result.calibrators.items()},
        "settings": settings,
        "versions": versions(),
        "inputs": {
            role: {"file": path.name, "sha256": file_hash(path)} for role, path in inputs.items() if path
        },
        "panel": _described(result.panel),
        "targets": result.notes(),
    }
    if interval is not None:
        content["interval"] = {"level": interval, "file": intervals_path(output).name}
        laws = result.laws if "item" in result.calibrators else {}
        content["laws"] = {item: law.describe() for item, law in laws.items()}
    frame = result.frame(rounded=rounded, id_column=id_column, kind="pyarrow", layout=layout)
    tables = [frame] if interval is None else [frame, _long_intervals(result, interval, id_column)]
    companions = [intervals_path(output)][: len(tables) - 1]
    with replacing(output, *companions, sidecar) as (*drafts, sidecar_draft):
        for table, draft in zip(tables, drafts, strict=True):
            write_draft(
                disclosed(table, output.suffix.lower(), column=disclosure_column),
                draft,
                output.suffix.lower(),
                items=result.panel.items,
                note=DISCLOSURE,
            )
        sidecar_draft.write_text(dump_json(content) + "\n", encoding="utf-8")
    return sidecar


def _described(panel: Panel) -> dict[str, Any]:
    """Describe how the two tables overlap, so that nothing is left out unseen."""
    described: dict[str, Any] = {}
    for what, human, twin in (
        ("respondents", panel.human.respondent_ids, panel.twin.respondent_ids),
        ("items", panel.human.item_ids, panel.twin.item_ids),
    ):
        both = set(human) & set(twin)
        described[what] = {
            "in_both": len(both),
            "human_only": len(human) - len(both),
            "twin_only": len(twin) - len(both),
        }
    for name, source in (("human", panel.human), ("twin", panel.twin)):
        described[name] = {"n_missing": source.n_missing, "n_off_scale_read_as_missing": source.n_off_scale}
    return described


def versions() -> dict[str, str]:
    """Return the versions of everything that a result depends on."""
    from importlib.metadata import version

    libraries = ("numpy", "scipy", "scikit-learn", "pyarrow")
    return {
        "truetwin": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }
