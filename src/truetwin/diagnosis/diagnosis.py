"""Diagnose twins: everything that can be known of them before anybody trusts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from truetwin.calibration.nominal.indicators import in_two
from truetwin.data import Panel
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.data.plots import Plots
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.diagnosis.alignment import Alignment, Space, alignment
from truetwin.diagnosis.bounds import item_bounds, moment_distance, share_bounds
from truetwin.diagnosis.faults import item_faults
from truetwin.diagnosis.method_expectations import method_expectations
from truetwin.diagnosis.spectrum import MAX_RANK, Spectrum, spectrum
from truetwin.diagnosis.standardised_panel import Prepared, completed, demeaned, prepare
from truetwin.diagnosis.verdicts import hidden_verdicts, item_verdicts, record_summary
from truetwin.instrument.suspicious_answers import suspicious_codes

MAX_ITEMS_HIDDEN = 400
_SPACES: tuple[Space, ...] = ("row", "column")


SHOWN = (
    Shown("item", "new item"),
    Shown("verdict", "verdict"),
    Shown("expected_calibrated", "expected r, calibrated", ".2f"),
    Shown("expected_twin", "as the twin is", ".2f"),
    Shown("reasons", "why"),
)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Result of :func:`diagnose`.

    Attributes
    ----------
    panel : Panel
        What was diagnosed.
    spectra : dict of str to Spectrum
        "human" and "twin".
    alignments : dict of str to Alignment
        "row" (items) and "column" (respondents).
    faults, verdicts, record, bounds, shares : list of dict
        Tables with one row an item. ``faults``: faults of the twins. ``verdicts``: verdict on each new item.
        ``record``: the verdict that each answered item would have got, beside its true outcome. ``bounds`` and
        ``shares``: terms of theorems 4.1 and 7.1.
    moments : dict of str to float
        Spectral norms of the item correlations of humans, twins and of their difference.
    settings : dict
        Settings of the diagnosis.
    """

    panel: Panel
    spectra: Mapping[str, Spectrum]
    alignments: Mapping[str, Alignment]
    faults: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    record: list[dict[str, Any]]
    bounds: list[dict[str, Any]]
    shares: list[dict[str, Any]]
    moments: Mapping[str, float]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_ranks(self) -> int:
        """Number of directions that were compared: the human effective rank + 2."""
        return self.alignments["row"].n_ranks

    def rows(self) -> list[dict[str, Any]]:
        """Join everything by item, one row each: verdict, expectations, faults and bounds, where there are any."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.faults:
            found[row["item"]] = {k: v for k, v in row.items() if k not in ("unused",)}
        for part, names in (
            (self.verdicts, None),
            (self.bounds, ("sigma_min", "condition", "estimation", "residual", "mismatch", "bound", "error")),
        ):
            for row in part:
                kept = {k: v for k, v in row.items() if names is None or k in names}
                found.setdefault(row["item"], {"item": row["item"]}).update(kept)
        for row in self.shares:
            found[row["item"]] |= {
                "span_inflation": row["inflation"],
                "mixture_distance": row["distance"],
                "sampling_term": row["sampling"],
            }
        return [found[i] for i in self.panel.item_ids if i in found]

    plot = Plots("verdicts", "spectra", "alignment", "faults")

    def summary(self) -> SummaryTable:
        """Return the verdict on each new item, with the correlations that are expected."""
        n = len(self.verdicts)
        title = f"verdicts on {n} new item{'s' * (n != 1)}"
        return SummaryTable(self.verdicts, SHOWN, title=title, frame_kind=self.panel.human.frame_kind)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def record_summary(self) -> list[dict[str, Any]]:
        """Average the correlations of the answered items by the verdict that they would have got."""
        return record_summary(self.record)

    def frame(self, name: str = "items") -> Any:
        """Return one table, in the kind of frame that the human answers came in.

        Parameters
        ----------
        name : {"items", "verdicts", "record", "faults", "bounds", "shares", "alignment", "spectrum"}
            Name of the table; "items" has everything by item.
        """
        import pyarrow as pa

        from truetwin.data.frames import as_kind

        parts: dict[str, list[dict[str, Any]]] = {
            "items": self.rows(),
            "verdicts": self.verdicts,
            "record": self.record,
            "faults": self.faults,
            "bounds": self.bounds,
            "shares": self.shares,
            "alignment": [row for a in self.alignments.values() for row in a.records()],
            "spectrum": self.spectrum_records(),
        }
        if name not in parts:
            from truetwin.errors import UnknownNameError
            from truetwin.registry import closest

            raise UnknownNameError(f"no part named {name!r}.{closest(name, list(parts))}")
        names = list(dict.fromkeys(k for row in parts[name] for k in row))
        columns = {k: [row.get(k) for row in parts[name]] for k in names}
        return as_kind(pa.table(columns), self.panel.human.frame_kind)

    def spectrum_records(self) -> list[dict[str, Any]]:
        """Return one row a source and rank: cumulative variance, and validation error relative to rank 0."""
        return spectrum_records(self.spectra)

    def warnings(self) -> list[str]:
        """Return sentences that a reader must know first."""
        found = []
        if not self.verdicts:
            found.append("no new item: humans have answered every item, so that there is no verdict to give")
        found += suspicious_codes(self.panel)[:10]
        seen = {row["verdict"] for row in self.record}
        given = {row["verdict"] for row in self.verdicts}
        untested = [name for name in ("use the twin", "do not trust") if name in given - seen]
        if untested and self.record:
            found.append(
                f"no answered item would have got the verdict {' or '.join(map(repr, untested))}, so that it is "
                f"untested on these data"
            )
        row = self.alignments["row"]
        chance = min(row.distances["gaussian"][-1], row.distances["shuffled"][-1])
        if row.distances["twin"][-1] > chance - 2 * max(
            row.distance_errors["gaussian"][-1], row.distance_errors["shuffled"][-1]
        ):
            found.append("twins' leading directions among items are no closer to people's than chance")
        constant = [r["item"] for r in self.faults if r["constant"]]
        if constant:
            found.append(f"{_some(constant)}: all twins gave the same answer")
        scored = [r for r in self.bounds if r["bound"] is not None and r["error"]]
        if scored:
            ratio = float(np.median([r["bound"] / r["error"] for r in scored]))
            if ratio > 10:
                found.append(
                    f"the bounds on errors are {ratio:.0f} times the errors found (median): they rank items and are "
                    f"no guarantee"
                )
        return found


def diagnose(
    panel: Panel,
    *,
    blocks: Mapping[str, str] | None = None,
    max_rank: int = MAX_RANK,
    scaled: bool = True,
    method: str | None = "auto",
    scores: Mapping[str, float] | None = None,
    battery_scores: Mapping[str, float] | None = None,
    expected: Mapping[str, float] | None = None,
    weights: PersonWeights | None = None,
    random_state: int = 0,
) -> Diagnosis:
    """Say how far the twins of a panel can be trusted, and for which new items.

    A nominal item is described by whether people chose the category that divides the twins most evenly, or another.

    Parameters
    ----------
    panel : Panel
        Human and twin answers.
    blocks : mapping from item id to block name, optional
        Batteries (items asked together); by default as declared with the items, or else guessed from the ids.
    max_rank : int, default=12
        Largest rank tried for the effective rank.
    scaled : bool, default=True
        Divide items by their sds before spectra and alignment; if False, columns are demeaned only, and an item
        answered in hundreds outweighs the others.
    method : str or None, default="auto"
        Method that the verdicts judge, unless scores or expected correlations are given. They state the correlations
        that :func:`truetwin.calibrate` expects with it. None judges conditional expectations given other items, which
        do as well as the paper's fit-and-transfer methods and are faster. The record of the answered items is always
        about these.
    scores : mapping from item id to correlation, optional
        Scores of the method that will be used, on the answered items, each hidden in turn (`evaluate` computes them).
        The verdicts and the record are then about that method.
    battery_scores : mapping from item id to correlation, optional
        Scores with whole batteries hidden ("leave-block-out"); verdicts on items of new batteries rest on these.
    expected : mapping from item id to correlation, optional
        Expected correlations of predictions that have been made (``result.expected_correlations()``); verdicts then
        state and judge these.
    weights : str or array of shape (n,), optional
        Survey weights of people: a column of the people table, or one number for each respondent. Faults of level and
        spread, the categories that people choose and no twin does, and the correlations with people's answers that
        verdicts rest on, are then those of the weighted people.
        Structure (spectra, alignment, bounds) is that of the people in the table.
    random_state : int, default=0
        Seed of hidden entries, baselines and bootstraps.

    Returns
    -------
    Diagnosis

    Raises
    ------
    AlignmentError, DataError
        If fewer than two items or three respondents have answers from both sources.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> found = diagnose(generate_population(120, 16, n_new_items=2).panel)
    >>> [row["item"] for row in found.verdicts]
    ['Q15', 'Q16']
    """
    split, categories = in_two(panel)
    weighted = None if weights is None else person_weights(panel, weights)
    prepared = prepare(split, blocks, weighted)
    reached, reached_blocks = (
        None if given is None else np.array([given.get(i, np.nan) for i in panel.item_ids], dtype=float)
        for given in (scores, battery_scores)
    )
    if expected is None and scores is None and method is not None:
        expected = method_expectations(panel, method, blocks=blocks, weights=weights)
    human, _ = prepared.pair(scaled=scaled)
    spectra, alignments = structure(prepared, scaled=scaled, max_rank=max_rank, random_state=random_state)
    many = prepared.donors.size > MAX_ITEMS_HIDDEN
    return Diagnosis(
        panel,
        spectra,
        alignments,
        item_faults(panel, weighted),
        [
            _named(row, panel, categories)
            for row in item_verdicts(prepared, reached, reached_blocks, expected)
        ],
        [] if many else hidden_verdicts(prepared, reached),
        item_bounds(prepared, random_state=random_state),
        share_bounds(replace(prepared, panel=panel), random_state=random_state),
        moment_distance(prepared),
        {
            "n_respondents": int(human.shape[0]),
            "n_items": int(prepared.donors.size),
            "n_new_items": int(prepared.new.size),
            "n_blocks": int(np.unique(prepared.groups).size),
            "scaled": scaled,
            "max_rank": max_rank,
            "random_state": random_state,
        },
    )


def _named(row: dict[str, Any], panel: Panel, categories: Mapping[str, float]) -> dict[str, Any]:
    """Say in the verdict on a nominal item which category it is about."""
    category = categories.get(row["item"])
    if category is None:
        return row
    label = panel.scales[row["item"]].labels.get(category, f"{category:g}")
    return row | {"reasons": [*row["reasons"], f"a nominal item, judged by who chose {label}"]}


def structure(
    prepared: Prepared, *, scaled: bool = True, max_rank: int = MAX_RANK, random_state: int = 0
) -> tuple[dict[str, Spectrum], dict[str, Alignment]]:
    """Compute both sources' spectra, and how close their leading directions are (paper A, sections 4.2, 6, A.1).

    The number of directions compared is the human effective rank plus two.
    """
    human, twin = prepared.pair(scaled=scaled)
    spectra = {
        name: spectrum(values, max_rank=max_rank, random_state=random_state)
        for name, values in (("human", human), ("twin", twin))
    }
    rank = spectra["human"].effective_rank
    full = [demeaned(completed(v)) for v in (human, twin)]
    alignments: dict[str, Alignment] = {
        space: alignment(full[0], full[1], rank + 2, space, random_state=random_state) for space in _SPACES
    }
    return spectra, alignments


def spectrum_records(spectra: Mapping[str, Spectrum]) -> list[dict[str, Any]]:
    """Return one row a source and rank: cumulative variance, and validation error relative to rank 0."""
    rows: list[dict[str, Any]] = []
    for source, found in spectra.items():
        errors = found.validation_error.mean(axis=1)
        for k, share in enumerate(found.cumulative_variance, 1):
            row = {"source": source, "rank": k, "cumulative_variance": float(share)}
            tried = k < errors.size and np.isfinite(errors[k])
            row["validation_error"] = float(errors[k]) if tried else None
            rows.append(row)
    return rows


def _some(ids: Iterable[str]) -> str:
    listed = list(ids)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
