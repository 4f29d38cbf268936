"""Verb `truetwin voice agree`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.voice_settings import VoiceAgreeCommand

if TYPE_CHECKING:
    from truetwin.voice.people.rater_study import Study


@verb(VoiceAgreeCommand)
def agree_command(settings: VoiceAgreeCommand) -> None:
    """Measure how far annotators agree with each other and with models, and how often they are right.

    If --answers has a judge's verdicts on all replies that the sample was drawn from, the judge's mean score is
    corrected by the people's labels (prediction-powered inference).
    """
    from truetwin.cli.output import print_json
    from truetwin.voice.people.annotator_files import read_annotators
    from truetwin.voice.people.blinded_samples import read_key
    from truetwin.voice.people.rater_study import accuracy_rows, agreement_rows, corrected_rows, make_study
    from truetwin.voice.scoring.stored_answers import read_outcomes

    resamples, seed = settings.resamples, settings.seed
    key = read_key(settings.key)
    outcomes = read_outcomes(settings.answers)
    study = make_study(key, read_annotators(settings.files, key), outcomes)
    agreement = agreement_rows(study, resamples=resamples, seed=seed)
    accuracy = accuracy_rows(study, resamples=resamples, seed=seed)
    corrected = corrected_rows(study, outcomes) if outcomes and study.is_judged else []
    if settings.as_json:
        described = study.describe() | {"seed": seed}
        print_json("voice agree", described, [*agreement, *accuracy, *corrected])
        return
    _print(study, agreement, accuracy, corrected)


def _print(
    study: Study,
    agreement: Sequence[Mapping[str, Any]],
    accuracy: Sequence[Mapping[str, Any]],
    corrected: Sequence[Mapping[str, Any]],
) -> None:
    from truetwin.cli.output import Column, note, print_table

    interval = [Column("ci_low", "low", ".3f"), Column("ci_high", "high", ".3f")]
    about = study.describe()
    title = f"{about['protocol']}: {about['n_tasks']} tasks, {len(study.annotators)} annotators"
    columns = [
        Column("what", "between"), Column("rater", "rater"), Column("measure", "measure"),
        Column("value", "agreement", ".3f"), *interval, Column("n", "n", "d"),
        Column("n_undefined_pairs", "undefined", "d", optional=True),
    ]  # fmt: skip
    if agreement:
        print_table(agreement, columns, title=f"{title}; agreement (95% bootstrap over items)")
    else:
        note(f"{title}: agreement needs two annotators, or answers of a model (--answers)")
    if accuracy:
        columns = [
            Column("what", "who"), Column("rater", "name"), Column("value", "answered", ".3f"), *interval,
            Column("n", "n", "d"), Column("value_all", "all", ".3f"), Column("n_unanswered", "unanswered", "d"),
            Column("n_tied", "tied", "d", optional=True),
        ]  # fmt: skip
        print_table(
            accuracy,
            columns,
            title=f"share right, over answered tasks and over all (guessing: {study.key.chance:.3f})",
        )
    if corrected:
        columns = [
            Column("model", "model"), Column("judge", "judge", optional=True),
            Column("judge_mean", "judge says", ".3f"), Column("value", "corrected", ".3f"), *interval,
            Column("people_mean", "people say", ".3f", optional=True),
            Column("bias", "bias", "+.3f"), Column("n", "people", "d"), Column("n_population", "of", "d"),
            Column("n_unscored", "unscored", "d", optional=True),
        ]  # fmt: skip
        print_table(
            corrected,
            columns,
            title="mean verdict of the judge, corrected by people (bias: judge minus people on the same replies)",
        )
