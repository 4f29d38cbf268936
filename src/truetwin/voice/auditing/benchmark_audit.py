"""Audit a multiple-choice benchmark: what it gives away, and what is wrong with it, before any model is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from truetwin.errors import DataError
from truetwin.voice.auditing.predictors import Guesses, best_persona_free, guess_all
from truetwin.voice.auditing.style import answer_index
from truetwin.voice.items.item_faults import Finding, find_faults
from truetwin.voice.items.voice_items import LETTERS, VoiceItem, chance
from truetwin.voice.stats.rates import percent, wilson


@dataclass(frozen=True)
class Balance:
    """Positions of the right answers among the options.

    ``p`` is the p-value of a chi-square test against equal shares, among items with as many options.
    """

    counts: tuple[int, ...]
    p: float

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a position, shares in percent."""
        n = sum(self.counts)
        rows = []
        for place, count in enumerate(self.counts):
            low, high = wilson(count / n, n)
            rows.append(
                {
                    "position": LETTERS[place],
                    "n": count,
                    "share": 100 * count / n,
                    "ci_low": 100 * low,
                    "ci_high": 100 * high,
                }
            )
        return rows


@dataclass(frozen=True)
class AuditReport:
    """Result of an audit.

    Attributes
    ----------
    n_items, n_personas, n_groups : int
        Number of items, of distinct personas, and of distinct groups (0 if items have none).
    guesses : tuple of Guesses
        Guesses of every registered predictor, the most accurate first.
    findings : tuple of Finding
        Faults of single items, with their ids.
    balance : Balance
        Positions of the right answers as stored.
    chance : float
        Share of items that guessing gets right.
    """

    n_items: int
    n_personas: int
    n_groups: int
    guesses: tuple[Guesses, ...]
    findings: tuple[Finding, ...]
    balance: Balance
    chance: float

    @property
    def best(self) -> Guesses | None:
        """Most accurate predictor that knows nothing of the persona."""
        return best_persona_free(self.guesses)

    def finding(self, name: str) -> Finding:
        """Return a finding by name."""
        return next(f for f in self.findings if f.name == name)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a predictor, in percent.

        Where a predictor cannot be applied, ``n`` is 0 and the accuracy is missing.
        """
        return [predictor_row(found, self.chance) for found in self.guesses]

    def finding_rows(self) -> list[dict[str, Any]]:
        """Return one row a finding, shares in percent."""
        return [
            {
                "finding": found.name,
                "n": found.n,
                "share": 100 * found.n / found.n_items,
                "ci_low": 100 * found.interval[0],
                "ci_high": 100 * found.interval[1],
                "description": found.description,
                "item_ids": list(found.item_ids),
            }
            for found in self.findings
        ]


def audit(items: Sequence[VoiceItem], *, histories_known: bool = True) -> AuditReport:
    """Audit items of a multiple-choice benchmark.

    Load published items with their leaks in place (``remove_leaks=False``), or none will be found. If the histories
    of the items are not in the file, pass ``histories_known=False``. Otherwise every item counts as one with an empty
    history.

    Raises
    ------
    DataError
        If there are no items.

    Examples
    --------
    >>> from truetwin.voice.items.voice_items import Option, VoicePersona
    >>> options = tuple(Option(f"o{k}", "a" * (k + 1)) for k in range(4))
    >>> items = [VoiceItem(f"i{k}", "social", "en", VoicePersona("p"), "Hi", options, "o0") for k in range(3)]
    >>> report = audit(items)
    >>> report.finding("duplicate").n, report.balance.counts
    (2, (3, 0, 0, 0))
    """
    if not items:
        raise DataError("an audit needs at least one item; there is none")
    counts = Counter(map(answer_index, items))
    sizes = Counter(len(item.options) for item in items)
    places = tuple(counts[k] for k in range(max(sizes)))
    expected = [sum(n / size for size, n in sizes.items() if size > k) for k in range(max(sizes))]
    return AuditReport(
        n_items=len(items),
        n_personas=len({item.persona.id for item in items}),
        n_groups=len({item.group for item in items} - {""}),
        guesses=tuple(guess_all(items)),
        findings=tuple(find_faults(items, histories_known=histories_known)),
        balance=Balance(places, _equal_shares_p(places, expected)),
        chance=chance(items),
    )


def predictor_row(found: Guesses, chance: float) -> dict[str, Any]:
    """Return a predictor's figures in percent, with both intervals; undefined figures are None."""
    r = found.rate
    return {
        "predictor": found.predictor.name,
        "n": r.n,
        "accuracy": percent(r.value),
        "ci_low": percent(r.low),
        "ci_high": percent(r.high),
        "cluster_ci_low": percent(r.cluster_low),
        "cluster_ci_high": percent(r.cluster_high),
        "chance": 100 * chance,
        "uses": found.predictor.uses,
        "persona_free": found.predictor.is_persona_free,
        "description": found.predictor.description,
    }


def _equal_shares_p(counts: Sequence[int], expected: Sequence[float]) -> float:
    from scipy.stats import chisquare

    return float(chisquare(counts, expected).pvalue)
