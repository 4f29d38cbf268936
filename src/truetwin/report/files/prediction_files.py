"""Write predictions as a table with the ids of the input, and intervals beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.calibration import Calibration
from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.data import Panel
from truetwin.data.frames import Layout, id_array
from truetwin.data.twin_sources import LONE
from truetwin.io.excel_files import WRITTEN_WORKBOOK, Sheet
from truetwin.results.disclosure import PREDICTED_ANSWERS, disclosed
from truetwin.results.sidecars import TableFile, companion_path, hashed, versions, write_with_sidecar

if TYPE_CHECKING:
    import pyarrow as pa


def intervals_path(output: Path) -> Path:
    """The place of the intervals of a prediction file: ``NAME.intervals.ENDING``, or the workbook itself."""
    return output if output.suffix.lower() == WRITTEN_WORKBOOK else companion_path(output, "intervals")


def probability_column(code: float) -> str:
    """Name the column with the probability of a category, so that every statistics program takes it.

    Examples
    --------
    >>> probability_column(2.0), probability_column(0.5), probability_column(-1.0)
    ('p_2', 'p_0_5', 'p_m1')
    """
    return f"p_{code:.15g}".replace(".", "_").replace("-", "m").replace("+", "")


def _long_intervals(result: Calibration, level: float, id_column: str) -> pa.Table:
    """Build a table with one row a prediction: respondent, item, prediction, lower, upper, probabilities.

    There is one column of probabilities for each code that a predicted item has; it is empty where an item lacks the
    code. Nominal items have no lower and upper ends.
    """
    import numpy as np
    import pyarrow as pa

    panel = result.panel
    row_of = {r: k for k, r in enumerate(panel.respondent_ids)}
    codes = sorted({code for item in result.laws for code in panel.scales[item].categories})
    people: list[str] = []
    items: list[str] = []
    blocks = []
    for item, law in result.laws.items():
        scale, rows = panel.scales[item], [row_of[r] for r in law.respondent_ids]
        points = result.grid[rows, panel.item_ids.index(item)]
        there = np.isfinite(points)
        block = np.full((len(rows), 3 + len(codes)), np.nan)
        block[:, 0] = points
        if scale.kind != "nominal":
            block[:, 1], block[:, 2] = law.interval(level)
        if isinstance(law, CategoryLaw):
            block[:, [3 + codes.index(c) for c in law.codes]] = law.probabilities()
        blocks.append(block[there])
        people += [r for r, known in zip(law.respondent_ids, there, strict=True) if known]
        items += [item] * int(there.sum())
    names = ["prediction", "lower", "upper", *map(probability_column, codes)]
    values = np.concatenate(blocks) if blocks else np.empty((0, len(names)))
    columns = {name: pa.array(values[:, k], mask=np.isnan(values[:, k])) for k, name in enumerate(names)}
    return pa.table({id_column: id_array(people, panel.human.id_type), "item_id": items, **columns})


def expected_correlations(sidecar: Mapping[str, Any]) -> dict[str, float]:
    """Read the expected correlation of each new item off the sidecar of predictions."""
    laws = sidecar.get("laws", {}).items()
    return {item: law["expected_correlation"][1] for item, law in laws if law.get("expected_correlation")}


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
        CSV, TSV, Parquet, Excel, SPSS or Stata, by ending.
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
        Also write intervals of this level, and the probability of each category where there are any, to a long table
        beside OUTPUT; see :func:`intervals_path`.
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based; other formats say it in any case.

    Returns
    -------
    Path
        Path of the sidecar.
    """
    ending = output.suffix.lower() if disclosure_column else ""
    frame = result.frame(rounded=rounded, id_column=id_column, kind="pyarrow", layout=layout)
    tables = {output: frame}
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        return _write_workbook(
            result, output, frame, id_column, _record(result, output, inputs, settings, interval), interval
        )
    if interval is not None:
        tables[intervals_path(output)] = _long_intervals(result, interval, id_column)
    return write_with_sidecar(
        [
            TableFile(
                path,
                disclosed(table, PREDICTED_ANSWERS, column_for=ending),
                result.panel.items,
                PREDICTED_ANSWERS,
            )
            for path, table in tables.items()
        ],
        _record(result, output, inputs, settings, interval),
    )


def _write_workbook(
    result: Calibration,
    output: Path,
    frame: pa.Table,
    id_column: str,
    record: Mapping[str, Any],
    interval: float | None,
) -> Path:
    """Write predictions, intervals with probabilities, targets, items and notes as sheets of one workbook."""
    sheets = []
    if interval is not None:
        sheets.append(Sheet.from_table("intervals", _long_intervals(result, interval, id_column)))
    sheets.append(Sheet.from_records("targets", result.notes()))
    scales = [
        {"item": i, "scale": s.describe(), "inferred": s.inferred, "text": result.panel.items[i].text}
        for i, s in result.panel.scales.items()
    ]
    sheets.append(Sheet.from_records("items", scales))
    notes = [{"note": text} for text in record["panel"]["notes"]]
    if notes:
        sheets.append(Sheet.from_records("notes", notes))
    main = TableFile(output, frame, result.panel.items, PREDICTED_ANSWERS, "predictions", sheets)
    return write_with_sidecar([main], record)


def _record(
    result: Calibration,
    output: Path,
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    interval: float | None,
) -> dict[str, Any]:
    """Collect the content of the sidecar."""
    content = {
        "disclosure": PREDICTED_ANSWERS,
        "method": result.method,
        "parameters": {axis: model.get_params() for axis, model in result.calibrators.items()},
        "settings": settings,
        "versions": versions(),
        "inputs": hashed(inputs),
        "panel": _described(result.panel),
        "targets": result.notes(),
    }
    if interval is not None:
        content["interval"] = {"level": interval, "file": intervals_path(output).name}
    if interval is not None or result.reshared:
        content["laws"] = {i: result.describe(i) for i in result.laws if i in result.panel.new_items}
    return content


def _source(panel: Panel, name: str) -> dict[str, Any]:
    """Describe one of several sources: its size, and what it has in common with the human table."""
    source = panel.sources[name]
    return {
        "table": Path(source.source).name,
        "n_respondents": len(source.respondent_ids),
        "n_items": len(source.item_ids),
        "n_respondents_in_both": len(set(source.respondent_ids) & set(panel.human.respondent_ids)),
        "n_items_in_both": len(set(source.item_ids) & set(panel.human.item_ids)),
        "n_missing": source.n_missing,
        "n_off_scale_read_as_missing": source.n_off_scale,
    }


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
    if panel.source_names != (LONE,):
        described["sources"] = {name: _source(panel, name) for name in panel.source_names}
    described["inferred_scales"] = {i: s.describe() for i, s in panel.scales.items() if s.inferred}
    described["notes"] = list(dict.fromkeys((*panel.human.notes, *panel.twin.notes)))
    return described
