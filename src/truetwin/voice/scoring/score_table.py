"""Score table: stored answers of any number of files, every score with its counts, intervals and baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from truetwin.errors import AlignmentError
from truetwin.solvers.adjusted_p_values import adjusted
from truetwin.voice.auditing.predictors import Guesses, best_persona_free, guess_all
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.outcomes import FOUR_WAY, Outcome, Protocol
from truetwin.voice.scoring.accuracy import Score, chance_of, compare, grouped, item_values, score_one
from truetwin.voice.scoring.stored_answers import Answers, with_items
from truetwin.voice.stats.rates import PairedTest, Rate, paired_test, percent


@dataclass(frozen=True)
class Entry:
    """Entry of a score table: one model under one protocol in one file.

    Attributes
    ----------
    file : str
        File with the answers.
    score : Score
        Scores.
    outcomes : tuple of Outcome
        Outcomes from which the scores are computed.
    baseline : Guesses, optional
        The best guess that knows nothing of the persona, on the same items; None if the items are not known.
    over_baseline : PairedTest, optional
        Paired test of the model against that guess, item by item; unreadable and failed answers count as wrong.
    n_missing : int
        Number of items given by the caller that have no outcome.
    """

    file: str
    score: Score
    outcomes: tuple[Outcome, ...]
    baseline: Guesses | None = None
    over_baseline: PairedTest | None = None
    n_missing: int = 0

    def row(self) -> dict[str, Any]:
        """Return the entry for tables and JSON: shares in percent, undefined or inapplicable figures None.

        ``accuracy_all`` counts every outcome, ``accuracy_answered`` those with a readable answer. ``ci_low`` and
        ``ci_high`` are the interval of ``accuracy_all``: Wilson's, or a bootstrap over personas where an item was run
        several times.
        """
        s = self.score
        repeated = s.rotations is not None
        row: dict[str, Any] = {
            "file": self.file,
            "dimension": s.dimension or None,
            "model": s.model,
            "protocol": s.protocol.value,
            "judge": s.judge or None,
            "n": s.n,
            "n_items": s.n_items,
            "n_answered": s.n_answered,
            "n_malformed": s.n_malformed,
            "n_failed": s.n_failed,
            "n_unscored": s.n_unscored,
            "n_missing": self.n_missing or None,
            "accuracy_answered": _value(s.answered),
            "accuracy_all": _value(s.all),
            **_ends("", s.all, clustered=repeated),
            "ci_method": None if s.all is None else ("bootstrap by persona" if repeated else "wilson"),
            **_ends("answered_", s.answered, clustered=repeated),
            **_ends("cluster_", s.all, clustered=True),
            "standard_error": percent(s.all.standard_error) if s.all else None,
            "n_personas": next((r.n_clusters for r in (s.all, s.marks) if r), None),
            "chance": percent(chance_of(self.outcomes)),
        }
        return {**row, **self._baseline_fields(), **self._position_fields(), **self._mark_fields()}

    def _baseline_fields(self) -> dict[str, Any]:
        if self.baseline is None:
            return {}
        test = self.over_baseline
        over = (
            {}
            if test is None
            else {
                "over_baseline": percent(test.difference),
                "over_baseline_ci_low": percent(test.low),
                "over_baseline_ci_high": percent(test.high),
                "over_baseline_p": None if test.cluster_p != test.cluster_p else test.cluster_p,
            }
        )
        return {
            **over,
            "baseline": self.baseline.predictor.name,
            "baseline_accuracy": percent(self.baseline.rate.value),
            **_ends("baseline_", self.baseline.rate, clustered=False),
        }

    def _position_fields(self) -> dict[str, Any]:
        s = self.score
        fields: dict[str, Any] = {}
        if s.positions:
            fields["recall_by_position"] = [percent(v) for v in s.positions.recall]
            fields["picked_by_position"] = [percent(v) for v in s.positions.picked]
            fields["true_by_position"] = [percent(v) for v in s.positions.true]
        if s.rotations:
            fields["runs"] = s.rotations.runs
            fields["flip_rate"] = percent(s.rotations.flip_rate)
            fields["vote_accuracy"] = percent(s.rotations.vote_accuracy)
        return fields

    def _mark_fields(self) -> dict[str, Any]:
        marks = self.score.marks
        if marks is None or not marks.n:
            return {}
        return {
            "mean_score": self.score.mean_mark,
            "normalised_score": percent(marks.value),
            "normalised_ci_low": percent(marks.cluster_low),
            "normalised_ci_high": percent(marks.cluster_high),
            "n_scored": marks.n,
        }


@dataclass(frozen=True)
class Scoreboard:
    """Entries, paired comparisons of models, and notes for the reader."""

    entries: tuple[Entry, ...]
    comparisons: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an entry."""
        return [entry.row() for entry in self.entries]


def score_answers(
    answers: Sequence[Answers],
    *,
    items: Sequence[VoiceItem] | None = None,
    with_baseline: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scoreboard:
    """Score stored answers.

    Parameters
    ----------
    answers : sequence of Answers
        Answers from :func:`truetwin.voice.scoring.stored_answers.read_answers`.
    items : sequence of VoiceItem, optional
        Items that count. Answers to other items are left out and counted in a note; items without an answer are
        counted as missing. By default all answers count, and the items are those that the files themselves repeat.
    with_baseline : bool, default=True
        Compute the best guess without persona, which takes about a second per thousand items.
    progress : callable
        Called with the number of files done and in all.

    Raises
    ------
    AlignmentError
        If no answer of a file belongs to any of the items.
    """
    entries: list[Entry] = []
    notes: list[str] = []
    cache: dict[tuple[tuple[str, ...], ...], Guesses | None] = {}
    for done, file in enumerate(answers, 1):
        if file.broken_lines:
            shown = ", ".join(map(str, file.broken_lines[:5])) + (
                ", ..." if len(file.broken_lines) > 5 else ""
            )
            notes.append(
                f"{file.path}: {len(file.broken_lines)} damaged lines count as failed items (lines {shown})"
            )
        outcomes = file.outcomes
        if items is not None:
            outcomes, note = _only(file, items)
            notes += note
        known = {item.item_id: item for item in (items if items is not None else file.items or ())}
        for key, found in grouped(outcomes).items():
            concerned = [known[i] for i in dict.fromkeys(o.item_id for o in found) if i in known]
            baseline = None
            if with_baseline and key[2] is Protocol.CHOICE:
                baseline = _baseline(concerned, cache)
            missing = len(known) - len(concerned) if items is not None else 0
            if missing:
                notes.append(
                    f"{file.path}: {missing} of {len(known)} items have no answer ({key[1]}, {key[2].value}); "
                    f"no figure counts them"
                )
            over = _over(baseline, concerned, found)
            score = score_one(key, found)
            entries.append(Entry(str(file.path), score, tuple(found), baseline, over, missing))
        progress(done, len(answers))
    return Scoreboard(tuple(entries), tuple(_comparisons(entries)), tuple(notes))


def _only(file: Answers, items: Sequence[VoiceItem]) -> tuple[list[Outcome], list[str]]:
    wanted = {item.item_id for item in items}
    broken = {f"line {number}" for number in file.broken_lines}
    kept = [o for o in file.outcomes if o.item_id in wanted or o.item_id in broken]
    if not any(o.item_id in wanted for o in kept):
        raise AlignmentError(
            f"{file.path}: at least one answer must be to one of the {len(wanted)} items; none is. Item ids look like "
            f"{file.outcomes[0].item_id!r} in the answers and {items[0].item_id!r} in the items."
        )
    left = len(file.outcomes) - len(kept)
    note = [f"{file.path}: {left} answers to other items are left out"] if left else []
    return with_items(kept, items), note


def _baseline(
    items: Sequence[VoiceItem], cache: dict[tuple[tuple[str, ...], ...], Guesses | None]
) -> Guesses | None:
    """Compute the best persona-free guess; models that were given the same items share one computation."""
    if not items:
        return None
    key = tuple((item.item_id, item.answer, *(option.text for option in item.options)) for item in items)
    if key not in cache:
        cache[key] = best_persona_free(guess_all(items))
    return cache[key]


def _over(
    baseline: Guesses | None, items: Sequence[VoiceItem], outcomes: Sequence[Outcome]
) -> PairedTest | None:
    """Compare the model with the baseline on the same items."""
    if baseline is None or baseline.credit is None:
        return None
    values = item_values(outcomes)
    return paired_test(
        [values[item.item_id] for item in items], baseline.credit, [item.persona.id for item in items]
    )


def _comparisons(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    labels = _labels(entries)
    rows = []
    for one, other in combinations(range(len(entries)), 2):
        first, second = entries[one].score, entries[other].score
        if first.protocol is Protocol.REPLY or (first.dimension, first.protocol, first.judge) != (
            second.dimension,
            second.protocol,
            second.judge,
        ):
            continue
        found = compare(entries[one].outcomes, entries[other].outcomes)
        if found is None:
            continue
        test, four_way = found.test, first.protocol in FOUR_WAY
        rows.append(
            {
                "first": labels[one],
                "second": labels[other],
                "dimension": first.dimension or None,
                "protocol": first.protocol.value,
                "n": test.n,
                "difference": 100 * test.difference,
                "ci_low": percent(test.low),
                "ci_high": percent(test.high),
                "only_first_right": test.only_first if four_way else None,
                "only_second_right": test.only_second if four_way else None,
                "mcnemar_p": test.mcnemar_p if four_way and test.mcnemar_p == test.mcnemar_p else None,
                "cluster_p": None if test.cluster_p != test.cluster_p else test.cluster_p,
                "same_pick": percent(found.same_pick),
            }
        )
    p_values = np.array([np.nan if row["cluster_p"] is None else row["cluster_p"] for row in rows])
    for row, p in zip(rows, adjusted(p_values, "holm").tolist(), strict=True):
        if row["cluster_p"] is not None:
            row["cluster_p_holm"] = p
    return rows


def _labels(entries: Sequence[Entry]) -> list[str]:
    times = Counter((e.score.model, e.score.dimension, e.score.protocol, e.score.judge) for e in entries)
    return [
        e.score.model
        if times[e.score.model, e.score.dimension, e.score.protocol, e.score.judge] == 1
        else f"{e.score.model} ({e.file})"
        for e in entries
    ]


def _value(rate: Rate | None) -> float | None:
    return percent(rate.value) if rate else None


def _ends(prefix: str, rate: Rate | None, *, clustered: bool) -> Mapping[str, float | None]:
    if rate is None:
        return {}
    low, high = (rate.cluster_low, rate.cluster_high) if clustered else (rate.low, rate.high)
    return {f"{prefix}ci_low": percent(low), f"{prefix}ci_high": percent(high)}
