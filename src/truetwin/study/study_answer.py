"""Find the answer that a study's report opens with: of the kind that its question asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from truetwin.errors import DataError
from truetwin.report.headline import Headline
from truetwin.report.sections.item_headlines import (
    estimate_headlines,
    headlines_in_words,
    people_headlines,
)
from truetwin.settings.study_settings import Ask, Study
from truetwin.study.experiment_report import ExperimentReport
from truetwin.study.experiment_steps import wanted_steps
from truetwin.study.step_work import ESTIMATES, Work

#: Sections of a study that answer each kind of question; one of them is enough.
ANSWERED_BY: Mapping[Ask, tuple[str, ...]] = {
    "shares": ("estimate",),
    "means": ("estimate",),
    "people": ("calibrate", "evaluate"),
    "effects": ("experiment.calibrate", "experiment.effects", "experiment.evaluate"),
    "ranking": ("experiment.rank",),
}


@dataclass(frozen=True)
class StudyAnswer:
    """Answer in a sentence, the verdict on it, the answer item by item, and how it is known."""

    answer: str
    verdict: str = ""
    headlines: Sequence[Headline] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Told:
    """What the steps of a study can say in a sentence each; empty for what was not done.

    Attributes
    ----------
    gain : str
        What calibration gained on hidden answers.
    verdicts : str
        How many new items got which verdict.
    audit : str
        Whether the twins can be trusted.
    voice : str
        Which model leads.
    """

    gain: str = ""
    verdicts: str = ""
    audit: str = ""
    voice: str = ""


def asked(study: Study) -> Ask | None:
    """Return what the question of a study is about; None if it is about none of the kinds.

    Raises
    ------
    DataError
        If the study has no step that answers the question.
    """
    steps = {f"experiment.{name}" for name in wanted_steps(study)}
    steps |= {name for name in ("estimate", "calibrate", "evaluate") if getattr(study, name) is not None}
    if study.ask is not None:
        needed = ANSWERED_BY[study.ask]
        if not steps & set(needed):
            raise DataError(f"ask: {study.ask} needs the section {' or '.join(needed)}, which is missing")
        return study.ask
    order: tuple[Ask, ...] = ("effects", "ranking", "shares", "people")
    return next((kind for kind in order if steps & set(ANSWERED_BY[kind])), None)


def study_answer(
    work: Work,
    told: Told,
    experiment: ExperimentReport | None,
    estimates: Mapping[str, Any] | None,
    predictions: Mapping[str, Any] | None,
    verdicts: Sequence[Mapping[str, Any]],
) -> StudyAnswer:
    """Answer the question of a study from what its steps have written.

    Parameters
    ----------
    work : Work
    told : Told
    experiment : ExperimentReport, optional
    estimates, predictions : mapping, optional
        The sidecars that `estimate` and `calibrate` write.
    verdicts : sequence of mapping
        Verdicts of the diagnosis, if there is one.
    """
    ask = asked(work.study)
    if ask in ("effects", "ranking") and experiment is not None:
        answer = experiment.ranking if ask == "ranking" else experiment.answer
        return StudyAnswer(answer, told.verdicts, (), told.gain)
    if ask in ("shares", "means") and estimates is not None and work.study.estimate is not None:
        statistic = "share" if ask == "shares" else "mean"
        items = {i: work.panel.items[i] for i in work.panel.item_ids}
        file = f"{ESTIMATES}.{work.study.estimate.format}"
        found = estimate_headlines(estimates, statistic, items, work.panel.scales, file)
        if found:
            answer, verdict = headlines_in_words(found, estimates)
            return StudyAnswer(answer, verdict, found, " ".join(filter(None, (told.gain, told.verdicts))))
    if ask is not None and told.gain:
        items = {i: work.panel.items[i] for i in work.panel.item_ids}
        return StudyAnswer(
            told.gain, told.verdicts, people_headlines(predictions or {}, verdicts, items), told.audit
        )
    answer = told.audit or told.voice or "The steps of this study gave no evaluation."
    return StudyAnswer(answer, told.verdicts)
