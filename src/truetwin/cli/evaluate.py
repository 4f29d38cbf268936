"""Verb `truetwin evaluate`."""

from __future__ import annotations

from pathlib import Path

from truetwin.cli.panel_inputs import blocks_given, panel_of, shown_items, weights_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.evaluate_settings import EvaluateCommand


@verb(EvaluateCommand)
def evaluate_command(settings: EvaluateCommand) -> None:
    """Hide answers that people gave, predict them, and compare methods on what was hidden."""
    from truetwin.calibration.imputation_rank import prepared_at
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.cli.score_tables import print_evaluation
    from truetwin.data.people_columns import names_among
    from truetwin.diagnosis.audit.protocol_leaks import leak_in_words
    from truetwin.evaluation import evaluate
    from truetwin.evaluation.comparison import usual_methods
    from truetwin.evaluation.domain_words import about_other_domains
    from truetwin.evaluation.group_scores import spread_rows
    from truetwin.evaluation.hiding_protocols import protocols
    from truetwin.evaluation.metric_names import metrics_named
    from truetwin.io import write_table
    from truetwin.io.panel_files import read_retest

    if settings.estimates:
        from truetwin.cli.scored_estimates import evaluate_estimates

        _check_output(settings)
        evaluate_estimates(settings)
        return
    if settings.by_source:
        from truetwin.cli.source_worth_tables import evaluate_by_source

        evaluate_by_source(settings)
        return
    metrics_named(settings.metric).check(has_retest=settings.retest is not None, has_groups=bool(settings.by))
    _check_output(settings)
    panel = panel_of(settings)
    with progress_bar("evaluating") as progress:
        result = evaluate(
            panel,
            settings.methods or usual_methods(protocols[settings.protocol].axis),
            settings.protocol,
            metric=settings.metric,
            baseline=settings.baseline,
            blocks=blocks_given(settings.blocks),
            preset=settings.preset,
            parameters=settings.parameters,
            preprocessing=prepared_at(settings.imputation_rank, panel),
            max_folds=settings.max_folds,
            by=names_among(settings.by, tuple(panel.people.columns)) if panel.people else (),
            min_cell=settings.min_cell,
            weights=weights_of(settings, panel),
            retest=read_retest(settings.retest, panel, id_column=settings.id_column, choices=settings.reading)
            if settings.retest
            else None,
            persona_items=shown_items(settings, panel, protocols[settings.protocol].axis) or (),
            n_jobs=settings.n_jobs,
            progress=progress,
        )
    for leak in result.settings.get("leaks", ()):
        note(f"warning: {leak_in_words(leak, settings.protocol)}")
    if settings.per_target:
        import pyarrow as pa

        write_table(pa.Table.from_pylist(result.per_target()), settings.per_target)
        note(f"scores of every target: {settings.per_target}")
    if settings.as_json:
        groups = {"groups": result.by_group(), "spreads": spread_rows(result)} if result.group_scores else {}
        asked = {**result.settings, "weights": None, "margins": None, **weights_record(settings)}
        print_json("evaluate", asked, result.summary(), **groups)
        return
    print_evaluation(result)
    if settings.protocol == "leave-domain-out" and (text := about_other_domains(result)):
        note(text)
    if settings.protocol == "leave-block-out":
        note(f"hidden together: {result.settings['n_folds']} blocks; {result.settings['blocks']}")


def _check_output(settings: EvaluateCommand) -> None:
    """Check before any work that the scores can be written."""
    from truetwin.io import check_output_ending, check_outputs

    if settings.per_target:
        check_output_ending(settings.per_target)
        blocks = Path(settings.blocks) if settings.blocks else None
        check_outputs([settings.per_target], [*settings.files.values(), blocks])
