"""Predictions as files: a table with the ids of the input, and a sidecar that says how it was made."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truetwin import __version__
from truetwin.calibration import Calibration
from truetwin.calibration.job import DISCLOSURE
from truetwin.data import Panel
from truetwin.data.frames import Layout
from truetwin.io import dump_json, file_hash, replacing, write_draft


def sidecar_path(output: Path) -> Path:
    """Where the sidecar of a prediction file lies: the same name, ending in .json."""
    return output.with_suffix(".json")


def write_predictions(
    result: Calibration,
    output: Path,
    *,
    id_column: str,
    rounded: bool,
    layout: Layout = "wide",
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
) -> Path:
    """Write predictions and their sidecar, both or neither.

    Parameters
    ----------
    result : Calibration
        What to write.
    output : Path
        CSV, TSV or Parquet, by ending.
    id_column : str
        Name of the column of ids.
    rounded : bool
        Snap predictions to the items' scales.
    layout : {"wide", "long"}
        One column an item, or one row a prediction.
    inputs : mapping from role to Path
        Files that went in; their hashes are recorded.
    settings : mapping
        What the user asked for.

    Returns
    -------
    Path
        Where the sidecar is.
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
    frame = result.frame(rounded=rounded, id_column=id_column, kind="pyarrow", layout=layout)
    metadata = {**(frame.schema.metadata or {}), b"truetwin": DISCLOSURE.encode()}
    with replacing(output, sidecar) as (table_draft, sidecar_draft):
        write_draft(frame.replace_schema_metadata(metadata), table_draft, output.suffix.lower())
        sidecar_draft.write_text(dump_json(content) + "\n", encoding="utf-8")
    return sidecar


def _described(panel: Panel) -> dict[str, Any]:
    """How the two tables overlap, so that nothing is left out unseen."""
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
    """Versions of everything that a result depends on."""
    from importlib.metadata import version

    libraries = ("numpy", "scipy", "scikit-learn", "pyarrow")
    return {
        "truetwin": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }
