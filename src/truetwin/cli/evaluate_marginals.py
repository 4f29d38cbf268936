"""Verb `truetwin evaluate-marginals`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli.panel_inputs import marginals_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.evaluate_marginals_settings import EvaluateMarginalsCommand

if TYPE_CHECKING:
    from truetwin.data import ResponseMatrix
    from truetwin.data.marginals import Marginals


@verb(EvaluateMarginalsCommand)
def evaluate_marginals_command(settings: EvaluateMarginalsCommand) -> None:
    """Hide known marginals (shares of each answer), predict them, and compare methods on what was hidden."""
    from truetwin.cli.marginal_score_tables import print_marginal_scores
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.cli.score_tables import plural
    from truetwin.evaluation.marginal_evaluation import evaluate_marginals
    from truetwin.evaluation.marginal_metrics import resolve_metric
    from truetwin.reweighting import DISCREPANCIES, MARGINAL_METHODS

    wanted = [MARGINAL_METHODS.resolve(name) for name in settings.methods]
    trained = [DISCREPANCIES.resolve(name) for name in settings.discrepancy]
    scored = [resolve_metric(name) for name in settings.metrics or ()] or None
    human, twins, known = _data(settings)
    with progress_bar("evaluating") as progress:
        result = evaluate_marginals(
            twins,
            human,
            wanted,
            n_splits=settings.splits,
            groups=_groups(settings.groups, known),
            metrics=scored,
            discrepancies=trained,
            level=settings.level,
            progress=progress,
        )
    rows = result.summary()
    if settings.as_json:
        asked = {
            **result.settings,
            "dataset": settings.dataset,
            "groups": settings.groups,
            **weights_record(settings),
            "notes": list(result.notes),
        }
        print_json("evaluate-marginals", {k: v for k, v in asked.items() if v is not None}, rows)
        return
    for text in result.notes:
        note(f"note: {text}")
    # A terminal has room for four discrepancies. --metrics chooses them; --json has all.
    shown = scored or list(dict.fromkeys([*trained, "tv", "ks", "cdf-l1"]))[:4]
    count = "1 split" if settings.splits == 1 else f"{settings.splits} splits"
    print_marginal_scores(
        rows,
        shown,
        f"{count}; hidden: {result.settings['held_out']}; smaller is better\n"
        f"band, whole band, bound: share of items inside, nominal {settings.level:g}; variance kept: 1 is right",
    )
    counts = sorted({row["n_clusters"] for row in rows})
    note(f"standard errors (SE) are clustered by {plural(result.settings['clustered_by'], counts[-1])}")


def _data(
    settings: EvaluateMarginalsCommand,
) -> tuple[Marginals, dict[str, ResponseMatrix] | Marginals, dict[str, dict[str, str]]]:
    """Read human marginals, answers of twins, and the groupings that come with a public dataset."""
    from truetwin.data.twin_sources import LONE
    from truetwin.datasets.marginal_sources import load_marginal_dataset
    from truetwin.io.marginal_data import with_weights

    if settings.dataset is None:
        return (*marginals_of(settings), {})
    loaded = load_marginal_dataset(settings.dataset, settings.folder, keep_off_scale=settings.keep_off_scale)
    twins = with_weights({LONE: loaded.twins}, settings.twin_weights)
    return loaded.marginals, twins, loaded.groups


def _groups(asked: str | None, known: dict[str, dict[str, str]]) -> dict[str, str] | None:
    from truetwin.errors import ParameterError
    from truetwin.io.marginal_data import read_groups

    if asked is None:
        return None
    if asked in known:
        return known[asked]
    if asked in ("wave", "year") and not Path(asked).exists():
        here = (
            f"it has {', '.join(map(repr, known))}"
            if known
            else "files of your own need a table item_id,group"
        )
        raise ParameterError(f"--groups {asked} is a grouping of another dataset; {here}")
    return read_groups(Path(asked))
