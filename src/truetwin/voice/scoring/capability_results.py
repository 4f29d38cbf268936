"""Score models by capability: which of the six an item tests, and how models do (paper B, figure 3, appendix D)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from truetwin.errors import AlignmentError, DataError, FileFormatError, ParameterError
from truetwin.io.json_lines import read_json_lines
from truetwin.settings.declaration import default_of
from truetwin.settings.voice_settings import CountedBy, VoiceLeaderboard
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.outcomes import FOUR_WAY, SCORE_RANGE, Outcome, Protocol, Status
from truetwin.voice.scoring.accuracy import chance_of, cluster_of
from truetwin.voice.stats.resampling import LEVEL, RESAMPLES, Array

RANKINGS = (Protocol.REPLY_VS_DISTRACTORS, Protocol.MAP_TO_OPTIONS)
COMBINED = "combined"


@dataclass(frozen=True)
class Annotation:
    """Capabilities that one item tests: one primary, and each of the six true or false."""

    item_id: str
    primary: str
    labels: Mapping[str, bool]

    @classmethod
    def from_record(cls, record: Any) -> Annotation:
        """Read ``{"item_id", "primary", "labels": {six booleans}}``; anything else raises :class:`DataError`."""
        if not isinstance(record, Mapping):
            raise DataError("an annotation must be a JSON object")
        item_id, primary, labels = (record.get(name) for name in ("item_id", "primary", "labels"))
        if not isinstance(item_id, str) or not item_id:
            raise DataError(f"an annotation must name its item in 'item_id'; got {item_id!r}")
        if not isinstance(labels, Mapping) or set(labels) != set(CAPABILITIES):
            raise DataError(f"'labels' of item {item_id!r} must hold exactly {', '.join(CAPABILITIES)}")
        wrong = [name for name, value in labels.items() if not isinstance(value, bool)]
        if wrong:
            raise DataError(
                f"labels must be true or false; {wrong[0]!r} of item {item_id!r} is {labels[wrong[0]]!r}"
            )
        if primary not in CAPABILITIES:
            raise DataError(
                f"'primary' of item {item_id!r} must be one of {', '.join(CAPABILITIES)}; got {primary!r}"
            )
        if not labels[primary]:
            raise DataError(
                f"the primary capability must be true itself; {primary!r} of item {item_id!r} is not"
            )
        return cls(item_id, primary, {name: labels[name] for name in CAPABILITIES})


def read_annotations(path: str | Path) -> dict[str, Annotation]:
    """Read annotations by item id, from JSONL of annotations, or of items that carry them.

    Items without an annotation are left out. A bad line or a repeated item is an error that names the line.
    """
    path = Path(path)
    found: dict[str, Annotation] = {}
    for number, record in read_json_lines(path):
        if isinstance(record, Mapping) and "options" in record:
            if not isinstance(carried := record.get("capabilities"), Mapping):
                continue
            record = {"item_id": record.get("item_id"), **carried}
        try:
            annotation = Annotation.from_record(record)
        except DataError as error:
            raise FileFormatError(f"{path}, line {number}: not an annotation: {error}") from error
        if annotation.item_id in found:
            raise DataError(f"{path}, line {number}: item {annotation.item_id!r} is annotated twice")
        found[annotation.item_id] = annotation
    if not found:
        raise DataError(f"{path} must hold at least one annotation; it has none")
    return found


def merge_annotations(items: Sequence[VoiceItem], annotations: Mapping[str, Annotation]) -> list[VoiceItem]:
    """Add annotations to items; items without one stay as they were.

    Raises
    ------
    AlignmentError
        If an annotation belongs to none of the items, which means that it belongs to another file.
    """
    known = {item.item_id for item in items}
    strange = [item_id for item_id in annotations if item_id not in known]
    if strange:
        raise AlignmentError(
            f"every annotation must be of an item; {strange[0]!r} is of none ({len(strange)} such annotations)"
        )
    return [
        replace(item, capabilities={"primary": a.primary, "labels": dict(a.labels)})
        if (a := annotations.get(item.item_id))
        else item
        for item in items
    ]


def capability_results(
    outcomes: Sequence[Outcome],
    annotations: Mapping[str, Annotation],
    *,
    by: CountedBy = default_of(VoiceLeaderboard, "by"),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Compute each model's result on the items of each capability, by dimension and protocol and over protocols.

    A value is in percent: the share of right answers (failed and unreadable ones count as wrong), or the mean mark
    put on 0 to 100 over the marked replies. ``combined`` averages choice, one ranking and scoring, as in paper B,
    figure 3; it needs all three. The two rankings are different estimands, so each has a combination of its own.
    Intervals come from a cluster bootstrap: personas are drawn whole, jointly for all protocols.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Outcomes of one or more models.
    annotations : mapping from item id to Annotation
        Capabilities of the items.
    by : {"labels", "primary"}
        Whether an item counts for every capability that is true of it (appendix D) or only for its primary one.

    Returns
    -------
    list of dict
        ``{"model", "dimension", "capability", "protocol", "ranking", "value", "ci_low", "ci_high", "n", "n_answered",
        "n_personas", "chance"}``; the value of a capability without items is NaN.

    Raises
    ------
    AlignmentError
        If no outcome is of an annotated item.
    DataError
        If a model has several outcomes of an item under one protocol and run (of several files or judges): averaged
        together they would be no result of anything.
    """
    if by not in get_args(CountedBy):
        raise ParameterError(f"'by' must be 'labels' or 'primary'. Got {by!r} instead.")
    groups: dict[tuple[str, str], dict[Protocol, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        if outcome.item_id in annotations and outcome.protocol is not Protocol.REPLY:
            groups[outcome.model, outcome.dimension][outcome.protocol].append(outcome)
    if not groups:
        raise AlignmentError(
            f"at least one outcome must be of an annotated item; none of {len(outcomes)} outcomes is"
        )
    rows = []
    for (model, dimension), by_protocol in groups.items():
        for protocol, found in by_protocol.items():
            _check_once(model, protocol, found)
        for capability in CAPABILITIES:
            chosen = {
                protocol: [o for o in found if _counts(annotations[o.item_id], capability, by)]
                for protocol, found in by_protocol.items()
            }
            about = {"model": model, "dimension": dimension, "capability": capability}
            rows += [about | row for row in _rows(chosen, resamples, seed)]
    return rows


def _check_once(model: str, protocol: Protocol, outcomes: Sequence[Outcome]) -> None:
    times = Counter((o.item_id, o.run) for o in outcomes)
    again = [item for (item, _), n in times.items() if n > 1]
    if again:
        raise DataError(
            f"results by capability need one outcome an item and run; model {model!r} has several of item {again[0]!r} "
            f"under {protocol.value!r} ({len(again)} such cases). Give the files of one run and one judge at a time."
        )


def _counts(annotation: Annotation, capability: str, by: str) -> bool:
    return annotation.primary == capability if by == "primary" else annotation.labels[capability]


def _rows(chosen: Mapping[Protocol, Sequence[Outcome]], resamples: int, seed: int) -> list[dict[str, Any]]:
    rows = [_row(protocol.value, [found], resamples, seed) for protocol, found in chosen.items()]
    for ranking in RANKINGS:
        parts = [chosen.get(p) for p in (Protocol.CHOICE, ranking, Protocol.SCORING)]
        present = [part for part in parts if part is not None]
        if len(present) == len(parts):
            rows.append(_row(COMBINED, present, resamples, seed) | {"ranking": ranking.value})
    return rows


def _row(name: str, parts: Sequence[Sequence[Outcome]], resamples: int, seed: int) -> dict[str, Any]:
    people = sorted({cluster_of(o) for part in parts for o in part})
    place = {person: k for k, person in enumerate(people)}
    tables = [_by_person(part, place) for part in parts]
    drawn = np.random.default_rng(seed).multinomial(
        len(people), np.full(len(people), 1 / max(len(people), 1)), size=resamples
    ) if len(people) > 1 else np.empty((0, len(people)))  # fmt: skip
    value = _mean_of_means(tables, np.ones((1, len(people))))[0]
    draws = _mean_of_means(tables, drawn.astype(np.float64))
    draws = draws[np.isfinite(draws)]
    enough = draws.size * 2 > resamples and not math.isnan(value)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if enough else (math.nan, math.nan)
    return {
        "protocol": name,
        "value": float(value),
        "ci_low": float(low),
        "ci_high": float(high),
        "n": len({o.item_id for part in parts for o in part}),
        "n_answered": len({o.item_id for part in parts for o in part if o.is_answered}),
        "n_personas": len(people),
        "chance": 100 * chance_of(parts[0]) if len(parts) == 1 else math.nan,
    }


def _by_person(outcomes: Sequence[Outcome], place: Mapping[str, int]) -> Array:
    """Compute sum and number of values of each persona, shape (2, n_personas)."""
    table = np.zeros((2, len(place)))
    for outcome in outcomes:
        value = _value(outcome)
        if value is not None:
            table[:, place[cluster_of(outcome)]] += (value, 1.0)
    return table


def _value(outcome: Outcome) -> float | None:
    if outcome.protocol in FOUR_WAY:
        return 100.0 * (outcome.status is Status.CORRECT)
    low, high = SCORE_RANGE
    return None if outcome.score is None else 100.0 * (outcome.score - low) / (high - low)


def _mean_of_means(tables: Sequence[Array], drawn: Array) -> Array:
    """Average each resample's mean over protocols; NaN where a protocol has no values."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [(drawn @ table[0]) / (drawn @ table[1]) for table in tables]
    return np.asarray(np.mean(means, axis=0), dtype=np.float64)
