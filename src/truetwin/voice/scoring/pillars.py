"""Average a judge's verdicts on the three pillars of a mark: opinion, logic and style (paper B, appendix A.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from truetwin.voice.protocols.outcomes import Outcome

#: Columns by pillar.
PILLAR_COLUMNS = {
    "opinion_consistency": "opinion",
    "logical_factual_fidelity": "logic",
    "stylistic_similarity": "style",
}
#: What a verdict counts: those of our own judges in thirds, those of the published ones as they are graded.
VERDICT_VALUES = {
    "match": 1.0, "minor": 2 / 3, "major": 1 / 3, "none": 0.0,
    "consistent": 1.0, "inconsistent": 0.0, "faithful": 1.0, "unfaithful": 0.0,
    "high": 1.0, "medium": 0.5, "moderate": 0.5, "low": 0.0,
}  # fmt: skip


def pillar_means(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Average the verdicts on each pillar, 0 to 1, over the replies that a judge gave one on; others are left out.

    Examples
    --------
    >>> from truetwin.voice.protocols.outcomes import Protocol, Status
    >>> details = {"verdicts": {"opinion_consistency": "match", "stylistic_similarity": "low"}}
    >>> pillar_means([Outcome("i", Protocol.SCORING, Status.DONE, score=3.0, details=details)])
    {'opinion': 1.0, 'style': 0.0}
    """
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        verdicts = outcome.details.get("verdicts")
        if not isinstance(verdicts, Mapping):
            continue
        for pillar, column in PILLAR_COLUMNS.items():
            verdict = verdicts.get(pillar)
            value = VERDICT_VALUES.get(verdict.strip().lower()) if isinstance(verdict, str) else None
            if value is not None:
                found.setdefault(column, []).append(value)
    return {column: sum(values) / len(values) for column, values in found.items()}
