"""Do the steps `reweight` and `evaluate_marginals` of a study, which need shares of human answers only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from truetwin.data import ResponseMatrix
from truetwin.data.human_marginals import beside_twins
from truetwin.data.marginals import Marginals
from truetwin.data.twin_sources import items_of
from truetwin.io import read_blocks, write_json, write_table
from truetwin.io.marginal_data import read_groups, read_marginal_data, with_weights
from truetwin.results.plain_rows import plain_rows
from truetwin.settings.declaration import study_record
from truetwin.settings.shared_settings import TwinAnswers
from truetwin.settings.value_kinds import ids_among
from truetwin.study.step_work import (
    MARGINAL_SCORES,
    Work,
)


def reweight_twins(work: Work) -> list[Path]:
    """Predict shares by reweighting twins. Returns the files."""
    from truetwin.report.files.predicted_marginals import write_marginals
    from truetwin.reweighting import reweight

    part = work.study.reweight
    assert part is not None
    human, twins = _marginal_data(work, part)
    result = reweight(
        twins,
        human,
        method=part.method,
        discrepancy=part.discrepancy,
        variant=part.variant,
        items=ids_among(part.items, items_of(twins)),
        groups=_groups(work, {*items_of(twins), *human.item_ids}),
        level=part.level,
    )
    output, weights = work.folder / "shares.csv", None
    if result.weights:
        weights = work.folder / "weights.csv"
    sidecar = write_marginals(
        result,
        output,
        weights,
        inputs=marginal_files(work),
        settings=study_record(part),
        disclosure_column=True,
    )
    return [output, sidecar, *([weights] if weights else [])]


def evaluate_shares(work: Work) -> list[Path]:
    """Score predicted shares on hidden items. Returns the files."""
    import pyarrow as pa

    from truetwin.evaluation.marginal_evaluation import evaluate_marginals

    part = work.study.evaluate_marginals
    assert part is not None
    human, twins = _marginal_data(work, part)
    result = evaluate_marginals(
        twins,
        human,
        part.methods,
        n_splits=part.splits,
        groups=_groups(work, {*items_of(twins), *human.item_ids}),
        metrics=part.metrics,
        discrepancies=part.discrepancy,
        level=part.level,
        progress=work.progress,
    )
    path = work.folder / MARGINAL_SCORES
    write_json({**result.settings, "notes": list(result.notes), "rows": result.summary()}, path)
    table = path.with_suffix(".csv")
    write_table(pa.Table.from_pylist(plain_rows(result.summary())), table)
    return [path, table]


def _marginal_data(work: Work, part: TwinAnswers) -> tuple[Marginals, dict[str, ResponseMatrix] | Marginals]:
    """Read human marginals, or count them from people's answers if the study has no file of marginals."""
    inputs = work.study.inputs
    if inputs.marginals is None:
        human, twins = beside_twins(work.panel, work.weights)
        return human, with_weights(twins, part.twin_weights)
    return read_marginal_data(
        inputs.marginals,
        work.twin,
        item_file=inputs.items,
        id_column=inputs.id_column,
        keep_off_scale=part.keep_off_scale,
        twin_weights=part.twin_weights,
        choices=inputs.reading,
    )


def _groups(work: Work, item_ids: Iterable[str]) -> dict[str, str] | None:
    """Return the group of each item: as ``inputs.groups`` says, or else the batteries of ``inputs.blocks``."""
    inputs = work.study.inputs
    if inputs.groups:
        return read_groups(inputs.groups)
    if not inputs.blocks or inputs.blocks == "auto":
        return None
    named = read_blocks(Path(inputs.blocks))
    return {item: named.get(item, item) for item in item_ids}


def marginal_files(work: Work) -> dict[str, Path]:
    """Return the files that shares are predicted from."""
    inputs = work.study.inputs
    found = {
        "marginals": inputs.marginals,
        "items": inputs.items,
        "groups": inputs.groups,
        **work.twin_files(),
    }
    if inputs.marginals is None:
        found |= work.tables()
    return {role: path for role, path in found.items() if path is not None}
