"""Tables 4 and 6 of paper B: judges and models beside people's own labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from truetwin.errors import ParameterError
from truetwin.reproduction.published import published_voice
from truetwin.voice.people.annotator_files import read_annotators
from truetwin.voice.people.blinded_samples import read_key
from truetwin.voice.people.rater_study import Study, accuracy_rows, agreement_rows, make_study
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.scoring.stored_answers import read_outcomes

PEOPLE_TABLES = ("voice-table-4", "voice-table-6")
NEEDS = (
    "the paper published no labels of people; give --key and --annotators of a sample of your own (`truetwin voice "
    "sample`), and --answers of a model or judge"
)
#: Part of a table whose figures a sample of a protocol is compared with.
_PARTS = {
    Protocol.REPLY_VS_DISTRACTORS: "ranking",
    Protocol.MAP_TO_OPTIONS: "ranking",
    Protocol.SCORING: "scoring",
    Protocol.CHOICE: "choice",
}
_NAMES = {
    ("accuracy", "model"): "accuracy, model",
    ("accuracy", "human mean"): "accuracy, people on average",
    ("accuracy", "human vote"): "accuracy, people's vote",
    ("kappa", "human-human"): "kappa, among people",
    ("spearman", "human-human"): "spearman, among people",
}


def reproduce_people(
    table: str,
    key: Path | None = None,
    annotators: Sequence[Path] = (),
    answers: Sequence[Path] = (),
    *,
    resamples: int = 2000,
) -> list[dict[str, Any]]:
    """Compute a table from people's labels, one row a figure; without labels, rows hold the printed figures alone.

    Parameters
    ----------
    table : {"voice-table-4", "voice-table-6"}
        Judges, or models that choose.
    key : Path, optional
        Key of the sample that people labelled.
    annotators : sequence of Path
        Files of the annotators.
    answers : sequence of Path
        Stored answers of models, or verdicts of judges.
    resamples : int, default=2000
        Number of bootstrap resamples.

    Raises
    ------
    ParameterError
        If only one of key and annotators is given, or the sample is of another protocol.
    """
    printed = published_voice()[table]
    if key is None and not annotators:
        return [
            {"table": table, "protocol": part, "what": what, "paper": paper, "unavailable": NEEDS}
            for part, figures in printed.items()
            for what, paper in figures.items()
        ]
    if key is None or not annotators:
        raise ParameterError(f"{table} needs both --key and --annotators")
    sample = read_key(key)
    part = _PARTS[sample.protocol]
    if part not in printed:
        raise ParameterError(
            f"{table} is about {' and '.join(printed)}; the sample {sample.sample!r} is one of {part}"
        )
    study = make_study(sample, read_annotators(annotators, sample), read_outcomes(answers))
    return [_row(table, part, printed[part], found) for found in _figures(study, part, resamples)]


def _figures(study: Study, part: str, resamples: int) -> list[dict[str, Any]]:
    """Compute the figures that the paper gives, named as it does."""
    found = [*accuracy_rows(study, resamples=resamples), *agreement_rows(study, resamples=resamples)]
    judged = "judge" if study.is_judged else "model"
    names = {
        **_NAMES,
        ("kappa", "model-human"): f"kappa, {judged} and people",
        ("spearman", "model-human"): f"spearman, {judged} and people",
    }
    wanted = {"ranking": ("kappa",), "scoring": ("spearman",), "choice": ("accuracy", "kappa")}[part]
    rows = []
    for row in found:
        name = names.get((row["measure"], row["what"]))
        if name is not None and row["measure"] in wanted:
            rows.append({**row, "what": name})
    return [row for row in rows if part == "choice" or not row["what"].startswith("accuracy")]


def _row(table: str, part: str, printed: dict[str, float], found: dict[str, Any]) -> dict[str, Any]:
    paper = printed.get(found["what"])
    return {
        "table": table,
        "protocol": part,
        "what": found["what"],
        "rater": found["rater"],
        **{name: found[name] for name in ("value", "ci_low", "ci_high", "n")},
        "paper": paper,
        "difference": None if paper is None else found["value"] - paper,
    }
