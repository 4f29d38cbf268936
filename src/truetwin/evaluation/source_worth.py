"""Measure what each source of twin answers is worth: alone, left out, and as a further model or a further replicate.

All figures are means over the same hidden targets; differences are paired, with errors clustered as the protocol says.
An undefined score counts as 0, as everywhere that methods are ranked.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel
from truetwin.data.twin_sources import family_of
from truetwin.errors import ParameterError
from truetwin.evaluation.comparison import evaluate
from truetwin.evaluation.mean_scores import ClusteredMean, clustered_mean

Array = NDArray[np.float64]
#: Most pairs of sources of each kind that are tried.
MOST_PAIRS = 6
#: What a pair adds: another model (or prompt), or another answer of the same one.
ANOTHER, REPLICATE = "another source", "another replicate"


@dataclass(frozen=True, eq=False)
class SourceWorth:
    """Scores of one method on several choices of sources.

    Attributes
    ----------
    panel : Panel
        The panel with all sources.
    scores : dict of tuple of str to ndarray of shape (n_targets,)
        Correlation of each target, by the sources that were used; undefined ones are 0.
    twins : dict of str to ndarray of shape (n_targets,)
        The same for each source's own answers, as they are.
    clusters : tuple of str
        Cluster of each target.
    method, protocol : str
    costs : dict of str to float
        What each source costs, in any unit.
    leaks : tuple of dict
        Why scores say nothing, if twins were shown what is hidden (``settings["leaks"]`` of an evaluation).
    """

    panel: Panel
    scores: Mapping[tuple[str, ...], Array]
    twins: Mapping[str, Array]
    clusters: tuple[str, ...]
    method: str
    protocol: str
    costs: Mapping[str, float]
    leaks: tuple[dict[str, Any], ...] = ()

    def mean(self, sources: Sequence[str]) -> ClusteredMean:
        """Mean score with these sources."""
        return clustered_mean(self.scores[tuple(sources)], self.clusters)

    def gain(self, sources: Sequence[str], over: Sequence[str]) -> ClusteredMean:
        """Paired difference between two choices of sources."""
        return clustered_mean(self.scores[tuple(sources)] - self.scores[tuple(over)], self.clusters)

    def rows(self) -> list[dict[str, Any]]:
        """One row for all sources together, then one a source.

        ``twin`` is the source as it is, ``alone`` the method with this source only, ``gain`` what the source adds to
        all others (paired), each with its standard error; ``gain_per_cost`` divides by the source's cost.
        """
        names = self.panel.source_names
        whole = self.mean(names)
        found: list[dict[str, Any]] = [
            {"source": "all", "alone": whole.value, "alone_standard_error": whole.standard_error}
        ]
        for name in names:
            twin, alone = clustered_mean(self.twins[name], self.clusters), self.mean([name])
            row = {
                "source": name,
                "twin": twin.value,
                "twin_standard_error": twin.standard_error,
                "alone": alone.value,
                "alone_standard_error": alone.standard_error,
                "cost": self.costs[name],
            }
            if len(names) > 1:
                added = self.gain(names, [n for n in names if n != name])
                row |= {
                    "gain": added.value,
                    "gain_standard_error": added.standard_error,
                    "gain_per_cost": added.value / self.costs[name] if self.costs[name] else None,
                }
            found.append(row)
        return found

    def steps(self) -> list[dict[str, Any]]:
        """List what a second source adds to a first one, by kind, and what the last one adds to all others.

        ``kind`` is "another source" or "another replicate" (of the same source); ``from`` and ``to`` are numbers of
        sources. Each step is the mean over the choices that were tried, paired by target. Of a pair, either source
        may be the first one.
        """
        found = []
        n = len(self.panel.source_names)
        for kind in (ANOTHER, REPLICATE):
            pairs = [pair for pair in self.scores if len(pair) == 2 and kind_of(pair) == kind]
            found += self._step(kind, 1, [((first,), pair) for pair in pairs for first in pair])
            if n > 2:
                found += self._step(kind, n - 1, self._last(kind))
        return found

    def _last(self, kind: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Leave out each source that is the only one of its family, or that is not."""
        names = self.panel.source_names
        families = [family_of(name) for name in names]
        chosen = [
            n for n, f in zip(names, families, strict=True) if (families.count(f) > 1) == (kind == REPLICATE)
        ]
        return [(tuple(n for n in names if n != name), names) for name in chosen]

    def _step(
        self, kind: str, start: int, choices: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]
    ) -> list[dict[str, Any]]:
        if not choices:
            return []
        gains = np.mean([self.scores[more] - self.scores[fewer] for fewer, more in choices], axis=0)
        added = [next(iter(set(more) - set(fewer))) for fewer, more in choices]
        cost = float(np.mean([self.costs[name] for name in added]))
        mean = clustered_mean(gains, self.clusters)
        low, high = mean.interval()
        return [
            {
                "kind": kind,
                "from": start,
                "to": start + 1,
                "gain": mean.value,
                "standard_error": mean.standard_error,
                "low": low,
                "high": high,
                "gain_per_cost": mean.value / cost if cost else None,
                "n_choices": len(choices),
            }
        ]

    def in_words(self) -> list[str]:
        """Say what a second source, and one more than there are now, would add.

        A source that is not there yet is expected to add at most what the last one of its kind has added.
        """
        lines = []
        n = len(self.panel.source_names)
        for step in self.steps():
            what = "model or prompt" if step["kind"] == ANOTHER else "replicate of the same"
            number = "second" if step["from"] == 1 else "last"
            gain, low, high = (_signed(step[name]) for name in ("gain", "low", "high"))
            text = f"a {number} {what}: {gain} (95%: {low} to {high})"
            if step["to"] == n:
                text += f"; one more than the {n} there are will hardly add more than that"
            lines.append(text)
        return lines


def kind_of(pair: Sequence[str]) -> str:
    """Tell whether two sources are replicates of one.

    Examples
    --------
    >>> kind_of(["gpt/1", "gpt/2"]), kind_of(["gpt/1", "gemini"])
    ('another replicate', 'another source')
    """
    return REPLICATE if family_of(pair[0]) == family_of(pair[1]) else ANOTHER


def source_worth(
    panel: Panel,
    method: str = "auto",
    protocol: str = "leave-one-item-out",
    *,
    costs: Mapping[str, float] | None = None,
    max_folds: int | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> SourceWorth:
    """Score a method with each source alone, without each source, and with pairs of them.

    Parameters
    ----------
    panel : Panel
        Human answers and at least two sources of twin answers.
    method : str, default="auto"
        Name of a method.
    protocol : str, default="leave-one-item-out"
        What is hidden at a time.
    costs : mapping from source to number, optional
        What each source costs, in any unit; by default each costs 1.
    max_folds, n_jobs, options
        See :func:`truetwin.evaluation.evaluate`, which is called once for each choice of sources.
    progress : callable, optional
        Called with the number of finished and of all choices.

    Raises
    ------
    ParameterError
        If there is one source only, or a cost is negative or of a source that does not exist.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> one = generate_population(60, 12, n_new_items=0).panel
    >>> both = Panel(one.human, {"a": one.twin, "b": one.twin})
    >>> [round(row.get("gain", 0.0), 6) for row in source_worth(both, "twin").rows()]
    [0.0, 0.0, 0.0]
    """
    names = panel.source_names
    if len(names) < 2:
        raise ParameterError(
            "comparing sources needs at least two of them; this panel has one. Give them as --twin NAME=FILE, repeated."
        )
    price = _checked_costs(costs, names)
    choices = _choices(names)
    found: dict[tuple[str, ...], Array] = {}
    twins: dict[str, Array] = {}
    clusters: Sequence[str] = ()
    targets: Sequence[str] = ()
    leaks: Sequence[dict[str, Any]] = ()
    for done, chosen in enumerate(choices, 1):
        part = Panel(panel.human, {n: panel.sources[n] for n in chosen}, panel.in_context, panel.people)
        methods = list(dict.fromkeys(["twin", method]))
        result = evaluate(part, methods, protocol, max_folds=max_folds, n_jobs=n_jobs, **options)
        if chosen == names:
            clusters, targets = result.clusters or result.target_ids, result.target_ids
            leaks = result.settings.get("leaks", ())
        at = {target: k for k, target in enumerate(result.target_ids)}
        scores = {
            m: np.array([_score(result.scores[m, "pearson"], at.get(t)) for t in targets]) for m in methods
        }
        found[chosen] = scores[method]
        if len(chosen) == 1:
            twins[chosen[0]] = scores["twin"]
        if progress:
            progress(done, len(choices))
    return SourceWorth(panel, found, twins, tuple(clusters), method, protocol, price, tuple(leaks))


def _score(scores: Array, at: int | None) -> float:
    """Return a target's score; 0 if it is undefined, or if the sources have no answers to the target."""
    return 0.0 if at is None or not np.isfinite(scores[at]) else float(scores[at])


def _choices(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """List the choices of sources to try, all of them first: each alone, each left out, and some pairs of each kind."""
    found = [names, *((n,) for n in names), *(tuple(n for n in names if n != name) for name in names)]
    pairs = sorted(combinations(names, 2), key=lambda pair: zlib.crc32("\n".join(sorted(pair)).encode()))
    for kind in (ANOTHER, REPLICATE):
        found += [pair for pair in pairs if kind_of(pair) == kind][:MOST_PAIRS]
    return list(dict.fromkeys(found))


def _checked_costs(costs: Mapping[str, float] | None, names: Sequence[str]) -> dict[str, float]:
    price = dict.fromkeys(names, 1.0) | dict(costs or {})
    for name, cost in price.items():
        if name not in names:
            raise ParameterError(
                f"costs must be of sources that exist; there is no {name!r} among {', '.join(names)}"
            )
        if not (np.isfinite(cost) and cost >= 0):
            raise ParameterError(f"a cost must be a number >= 0; that of {name!r} is {cost!r}")
    return price


def _signed(value: float) -> str:
    if value != value:
        return "undefined"
    text = f"{value:+.3f}"
    return "+.000" if text in ("-0.000", "+0.000") else text.replace("0.", ".", 1)
