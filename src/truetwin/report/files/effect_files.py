"""Write effects of experiments as tables, with a sidecar that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from truetwin.io.excel_files import WRITTEN_WORKBOOK, Sheet
from truetwin.io.tables import DISCLOSURE_COLUMN
from truetwin.report.files.estimate_files import check_estimate_ending
from truetwin.results.disclosure import EFFECTS, EFFECTS_AS_THEY_ARE, disclosed
from truetwin.results.sidecars import (
    TableFile,
    companion_path,
    hashed,
    sidecar_path,
    versions,
    write_with_sidecar,
)

if TYPE_CHECKING:
    from truetwin.experiments.calibrated_effects import CalibratedEffects
    from truetwin.experiments.effects import Effects
    from truetwin.experiments.experiment_judging import EffectJudgement
    from truetwin.experiments.experiment_ranking import Choice

#: What the column of disclosure says of effects that are not calibrated.
MEASURED, OF_TWINS = "measured on people", "effect in language-model twins, not calibrated"
Records = Sequence[Mapping[str, Any]]


def check_effect_output(output: Path, inputs: Sequence[Path | None], further: Sequence[str] = ()) -> None:
    """Check before any work that the tables can be written: ending, folder, sidecar, and no input overwritten.

    ``further`` names the tables beside the first one.
    """
    from truetwin.io import check_outputs
    from truetwin.results.sidecars import check_sidecar

    check_estimate_ending(output)
    check_outputs([output, sidecar_path(output), *_companions(output, further).values()], inputs)
    check_sidecar(output)


@dataclass(frozen=True)
class Origin:
    """Where effects come from, for the sidecar: files by role and settings; and where the disclosure goes."""

    inputs: Mapping[str, Path]
    settings: Mapping[str, Any]
    disclosure_column: bool = False


def write_effect_tables(
    output: Path,
    tables: Mapping[str, Records],
    *,
    found: Mapping[str, Any],
    origin: Origin,
    disclosure: str = EFFECTS,
) -> list[Path]:
    """Write tables and sidecar: all of them or none.

    Parameters
    ----------
    output : Path
        CSV, TSV, Parquet or Excel, by ending.
    tables : mapping from name to records
        The first goes to ``output``; further ones to files beside it, or into sheets of the workbook.
    found : mapping
        What the sidecar says beside settings, versions and hashes of the inputs.
    origin : Origin
        Files and settings for the sidecar, and whether every row of a CSV or TSV file says that its values are
        model-based.

    Returns
    -------
    list of Path
        All files, the sidecar last.
    """
    (first, rows), *others = tables.items()
    record = {
        "disclosure": disclosure,
        "settings": dict(origin.settings),
        "versions": versions(),
        "inputs": hashed(origin.inputs),
        **found,
        **{name: list(records) for name, records in tables.items()},
    }
    ending = output.suffix.lower() if origin.disclosure_column else ""
    main = disclosed(records_table(rows), disclosure, column_for=ending)
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        sheets = [Sheet.from_records(name, records) for name, records in others if records]
        files = [TableFile(output, main, name=first, sheets=sheets, note=disclosure)]
    else:
        paths = _companions(output, [name for name, records in others if records])
        files = [TableFile(output, main, note=disclosure)]
        files += [
            TableFile(
                paths[name], disclosed(records_table(records), disclosure, column_for=ending), note=disclosure
            )
            for name, records in others
            if records
        ]
    sidecar = write_with_sidecar(files, record)
    return [*(each.path for each in files), sidecar]


def write_effects(output: Path, effects: Effects, origin: Origin) -> list[Path]:
    """Write effects among people and twins. Returns all files.

    A column of disclosure says of each row whether its effect was measured on people.
    """
    from truetwin.experiments.effects import HUMAN

    rows = effects.to_frame("pyarrow").to_pylist()
    if origin.disclosure_column:
        rows = [{**row, DISCLOSURE_COLUMN: MEASURED if row["side"] == HUMAN else OF_TWINS} for row in rows]
    return write_effect_tables(
        output,
        {"effects": rows},
        found={"notes": list(effects.notes), "summary": effects.in_words()},
        origin=replace(origin, disclosure_column=False),
        disclosure=EFFECTS_AS_THEY_ARE,
    )


def write_calibrated(output: Path, result: CalibratedEffects, origin: Origin) -> list[Path]:
    """Write calibrated effects, and beside them the slopes that were learned. Returns all files."""
    learned = result.learned_record()
    return write_effect_tables(
        output,
        {"effects": result.table_rows(), "slopes": learned.get("slopes", [])},
        found={"notes": list(result.notes), "learned": learned, "sentences": result.sentences()},
        origin=origin,
    )


def write_judgement(output: Path, judged: EffectJudgement, origin: Origin) -> list[Path]:
    """Write scores of predicted effects, and beside them predictions and paired differences. Returns all files."""
    return write_effect_tables(
        output,
        {
            "scores": judged.rows(),
            "predictions": judged.predictions.records(),
            "differences": judged.scores.differences,
        },
        found={
            "notes": list(judged.notes),
            "ceiling": judged.ceiling_record(),
            "weights": judged.predictions.weights,
            "level": judged.scores.level,
        },
        origin=origin,
    )


def write_choices(
    output: Path, choices: Sequence[Choice], result: CalibratedEffects, origin: Origin
) -> list[Path]:
    """Write ranked options, and beside them the expected losses of ways to choose. Returns all files."""
    return write_effect_tables(
        output,
        {
            "options": [row for choice in choices for row in choice.records()],
            "losses": [choice.losses() for choice in choices],
        },
        found={"notes": list(result.notes), "learned": result.learned_record()},
        origin=origin,
    )


def records_table(records: Records) -> pa.Table:
    """Make a table of records; a column that a record lacks is empty there."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return pa.table({name: pa.array([_plain(record.get(name)) for record in records]) for name in names})


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _companions(output: Path, names: Sequence[str]) -> dict[str, Path]:
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        return {}
    return {name: companion_path(output, name) for name in names}
