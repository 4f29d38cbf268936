"""Make the parts of a study's report that are about its experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from truetwin.data.contrast import Contrast
from truetwin.io.experiment_files import read_contrasts
from truetwin.report.page import Section
from truetwin.study.experiment_steps import CALIBRATED, EFFECTS, OPTIONS, SCORES, wanted_steps
from truetwin.study.step_records import read_record
from truetwin.study.step_work import Work

FILES = {"calibrate": CALIBRATED, "rank": OPTIONS, "effects": EFFECTS, "evaluate": SCORES}


@dataclass(frozen=True)
class ExperimentReport:
    """Sections on an experiment, its first effect and its best option in a sentence each, and its size in words."""

    sections: list[Section]
    answer: str
    ranking: str
    size: str


def experiment_report(work: Work) -> ExperimentReport | None:
    """Make the sections on the experiment from the files of its steps; None if the study has none."""
    from truetwin.report.sections import experiment_section as made

    steps = wanted_steps(work.study)
    if not steps:
        return None
    makers = {
        "calibrate": made.calibrated_section,
        "rank": made.options_section,
        "effects": made.effects_section,
        "evaluate": made.judged_section,
    }
    records = {
        name: read_record((work.folder / file).with_suffix(".json"))
        for name, file in FILES.items()
        if name in steps
    }
    assert work.study.inputs.contrasts is not None
    contrasts = read_contrasts(work.study.inputs.contrasts).contrasts
    studies = {one.study for one in contrasts}
    return ExperimentReport(
        [makers[name](record) for name, record in records.items()],
        _answer(records, contrasts),
        made.options_in_words(records["rank"]) if "rank" in records else "",
        f"{len(contrasts)} contrasts of {len(studies)} {'studies' if len(studies) > 1 else 'study'}",
    )


def _answer(records: dict[str, dict[str, Any]], contrasts: tuple[Contrast, ...]) -> str:
    """Say the first headline effect: calibrated, or else as it is among people or twins."""
    from truetwin.report.sections.experiment_section import calibrated_in_words, effects_in_words

    if "calibrate" in records:
        return calibrated_in_words(
            records["calibrate"], [one.contrast_id for one in contrasts if one.headline]
        )
    if "effects" in records:
        return effects_in_words(records["effects"])
    return "The effects of left-out studies were predicted."
