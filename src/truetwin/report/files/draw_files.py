"""Write draws (completed data sets) as one long table, with a sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truetwin.calibration import Calibration
from truetwin.calibration.draws import Draws
from truetwin.results.disclosure import DRAWN_ANSWERS, disclosed
from truetwin.results.sidecars import TableFile, hashed, versions, write_with_sidecar

#: The file of a study's draws.
STUDY_DRAWS = "draws.parquet"


def write_draws(
    result: Calibration,
    draws: Draws,
    output: Path,
    *,
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    disclosure_column: bool = False,
) -> Path:
    """Write draws and their sidecar, both or neither.

    Parameters
    ----------
    result : Calibration
        What the draws were made from.
    draws : Draws
        The completed data sets.
    output : Path
        CSV, TSV, Parquet, SPSS or Stata, by ending; one row an answer (``draw, respondent_id, item_id, value``).
    inputs : mapping from role to Path
        Files that went in; their hashes are recorded.
    settings : mapping
        Settings that the user chose.
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based; other formats say it in any case.

    Returns
    -------
    Path
        Path of the sidecar.
    """
    ending = output.suffix.lower() if disclosure_column else ""
    table = disclosed(draws.to_frame("pyarrow"), DRAWN_ANSWERS, column_for=ending)
    content = {
        "disclosure": DRAWN_ANSWERS,
        "method": result.method,
        "parameters": {axis: model.get_params() for axis, model in result.calibrators.items()},
        "settings": settings,
        "versions": versions(),
        "inputs": hashed(inputs),
        "draws": {
            "n_draws": len(draws),
            "seed": draws.seed,
            "n_respondents": len(draws.rows),
            "n_items": len(draws.columns),
            "n_drawn_answers": draws.drawn.shape[1],
            "drawn_items": sorted({draws.panel.item_ids[c] for c in draws.cells[1]}),
            "left_out": draws.left_out,
        },
    }
    return write_with_sidecar([TableFile(output, table, note=DRAWN_ANSWERS)], content)
