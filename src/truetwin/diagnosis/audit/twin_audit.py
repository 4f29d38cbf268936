"""Audit sources of twins: every check on every source, what each source is fit for, and which to use for what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.marginals import Marginals
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.diagnosis.audit.answer_spread import spread_checks
from truetwin.diagnosis.audit.audit_check import Check, decided
from truetwin.diagnosis.audit.factor_congruence import factor_check
from truetwin.diagnosis.audit.ghost_correlations import correlation_checks
from truetwin.diagnosis.audit.group_equity import equity_checks
from truetwin.diagnosis.audit.group_gaps import gap_check, groups_of
from truetwin.diagnosis.audit.pair_moments import PairMoments
from truetwin.diagnosis.audit.paired_answers import PairedAnswers, TooFewAnswersError
from truetwin.diagnosis.audit.regression_coefficients import regression_checks
from truetwin.diagnosis.audit.response_habits import habit_checks
from truetwin.diagnosis.audit.source_verdict import SourceAudit
from truetwin.diagnosis.audit.topline_memory import memory_checks
from truetwin.diagnosis.audit.twin_ceilings import ceiling_checks
from truetwin.diagnosis.audit.twin_leaks import OwnAnswers, leak_checks, own_answers, predicted_from_twins
from truetwin.diagnosis.audit.which_twin import Choice, Compared, choose_sources
from truetwin.diagnosis.audit.wording_variants import variant_check
from truetwin.errors import ParameterError
from truetwin.instrument.battery_evidence import resolve_blocks

Array = NDArray[np.float64]

#: Main columns of a summary.
SHOWN = (
    Shown("source", "source"),
    Shown("name", "check"),
    Shown("value", "figure", ".3f"),
    Shown("baseline", "against", ".3f"),
    Shown("p_adjusted", "p (corrected)", ".3f"),
    Shown("flagged", "fault", words=lambda row: "yes" if row["flagged"] else ""),
)


@dataclass(frozen=True, eq=False)
class TwinAudit:
    """Result of :func:`audit_twins`.

    Attributes
    ----------
    sources : dict of str to SourceAudit
        Audit of each source by its name.
    choices : list of Choice
        For each purpose, how the sources compare; empty with one source.
    settings : dict
        Settings and sizes.
    not_audited : dict of str to str
        Why a source could not be audited, by its name.
    """

    sources: Mapping[str, SourceAudit]
    choices: Sequence[Choice]
    settings: Mapping[str, Any] = field(default_factory=dict)
    not_audited: Mapping[str, str] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """Whether the twins can be trusted, and where not, in one sentence."""
        audits = list(self.sources.values())
        if len(audits) == 1:
            return audits[0].answer
        clean = [a.source for a in audits if not a.faults]
        if clean:
            return (
                f"{', '.join(clean)}: no fault found. Other sources have faults ({len(audits) - len(clean)})."
            )
        fewest = min(audits, key=lambda a: len(a.faults))
        return (
            f"None of {len(audits)} sources is without faults. Fewest ({len(fewest.faults)}): {fewest.answer}"
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return every check of every source, one row each, without figures by item."""
        return [
            {"source": name, **{k: v for k, v in check.record().items() if k != "rows"}}
            for name, audit in self.sources.items()
            for check in audit.checks
        ]

    def record(self) -> dict[str, Any]:
        """Return the audit as JSON values."""
        return {
            "answer": self.answer,
            "settings": dict(self.settings),
            "sources": {name: audit.record() for name, audit in self.sources.items()},
            "which_twin_for_what": [choice.record() for choice in self.choices],
            "not_audited": dict(self.not_audited),
        }

    def summary(self) -> SummaryTable:
        """List every check of every source, one row each, under the answer and the faults found."""
        return SummaryTable(self.rows(), SHOWN, title=self.in_words())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def in_words(self) -> str:
        """Return the answer, and the faults of each source, as text."""
        lines = [self.answer]
        for audit in self.sources.values():
            lines += ["", f"{audit.source}:", *(f"- {c.finding}" for c in audit.faults)]
        return "\n".join([*lines, *self.not_audited.values()])


def audit_twins(
    panel: Panel,
    *,
    by: Sequence[str] = (),
    persona_items: Collection[str] | Mapping[str, Collection[str]] | None = None,
    retest: ResponseMatrix | None = None,
    published: Marginals | None = None,
    trained_until: str | Mapping[str, str] | None = None,
    weights: PersonWeights | None = None,
    clusters: str | None = None,
    blocks: Mapping[str, str] | None = None,
    min_cell: int = 20,
    random_state: int = 0,
) -> TwinAudit:
    """Audit every source of twins of a panel.

    Each check has a figure, a baseline beside it, and a flag that a stated test decides; over all checks of a source,
    twins without faults are flagged in one audit of twenty at most (Holm).

    Parameters
    ----------
    panel : Panel
        Answers of people and of one or several sources of twins.
    by : sequence of str
        Columns of the people table with groups of people.
    persona_items : collection of item ids, or mapping from source to such, optional
        Items whose answers the personas showed to the model.
    retest : ResponseMatrix, optional
        Answers of the same people when they were asked again.
    published : Marginals, optional
        Published toplines that a model may remember.
    trained_until : str or mapping from source to str, optional
        Date of the last texts that the model was trained on, such as ``2024-06``.
    weights : str or array of shape (n,), optional
        Survey weights of people.
    clusters : str, optional
        Column of the people table with the clusters of the sample.
    blocks : mapping from item id to battery, optional
        Batteries; by default as declared with the items, or as the ids suggest.
    min_cell : int, default=20
        Smallest group of people that is looked at.
    random_state : int, default=0
        Seed of the groups of people that are left out, and of halves.

    Raises
    ------
    TooFewAnswersError
        If no source has two items and twenty people to compare.
    ParameterError
        If a mapping by source names none.

    Examples
    --------
    >>> from truetwin.datasets.worlds import generate_world
    >>> found = audit_twins(generate_world("base", 200, 20, n_new_items=0).panel)
    >>> found.sources["twin"].check("spread").flagged
    True
    """
    for given in (persona_items, trained_until):
        strange = [name for name in given if name not in panel.sources] if isinstance(given, Mapping) else []
        if strange:
            raise ParameterError(
                f"there must be a source named {strange[0]!r}; sources are {', '.join(panel.source_names)}"
            )
    batteries = resolve_blocks(panel, blocks)[0]
    grids = dict(zip(panel.source_names, panel.source_values, strict=True))
    scales = [panel.scales[i] for i in panel.item_ids]
    shares = _published_shares(panel, published)
    weight = None if weights is None else person_weights(panel, weights)
    again = None if retest is None else retest.on_grid(panel.respondent_ids, panel.item_ids)
    own: OwnAnswers | None = None
    audits: dict[str, SourceAudit] = {}
    groups = None if clusters is None else panel.person_groups(clusters).tolist()
    people = {column: panel.person_groups(column) for column in by}
    not_audited: dict[str, str] = {}
    compared: dict[str, Compared] = {}
    for name, values in grids.items():
        try:
            paired = PairedAnswers.of(
                panel.human_values,
                values,
                panel.item_ids,
                scales,
                weights=weight,
                clusters=groups,
                people=people,
                retest=again,
                random_state=random_state,
                source=f"the source {name!r}" if len(grids) > 1 else "twins",
            )
        except TooFewAnswersError as error:
            not_audited[name] = str(error)
            continue
        if own is None:
            with_themselves = PairedAnswers.of(
                panel.human_values,
                panel.human_values,
                panel.item_ids,
                scales,
                weights=weight,
                clusters=groups,
            )
            own = own_answers(with_themselves, random_state=random_state)
        predicted = predicted_from_twins(paired)
        moments = PairMoments.of(paired, random_state=random_state)
        checks = [
            *leak_checks(paired, _of_source(persona_items, name), own, predicted),
            *_flattening(paired, moments, min_cell),
            variant_check(panel.human_values, values, {i: panel.items[i] for i in panel.item_ids}),
            *equity_checks(paired, groups_of(paired, min_cell)),
            *ceiling_checks(paired),
            *memory_checks(
                panel.human_values,
                values,
                {i: panel.items[i] for i in panel.item_ids},
                panel.scales,
                published=shares,
                trained_until=_of_source(trained_until, name),
                batteries=batteries,
                random_state=random_state,
            ),
        ]
        compared[name] = Compared.of(paired, predicted, moments)
        audits[name] = SourceAudit(
            name,
            tuple(decided(checks)),
            n_people=paired.human.shape[0],
            n_items=len(paired.items),
            left_out=paired.left_out,
        )
    if not audits:
        raise TooFewAnswersError("; ".join(not_audited.values()))
    return TwinAudit(
        audits,
        choose_sources(audits, compared, batteries) if len(compared) > 1 else [],
        {
            "n_sources": len(audits),
            "by": list(by),
            "weights": weights if isinstance(weights, str) else weights is not None,
            "clusters": clusters,
            "min_cell": min_cell,
            "random_state": random_state,
        },
        not_audited,
    )


def _flattening(paired: PairedAnswers, moments: PairMoments, min_cell: int) -> list[Check]:
    return [
        *spread_checks(paired),
        *correlation_checks(paired, moments),
        factor_check(moments),
        *regression_checks(paired, moments),
        gap_check(paired, groups_of(paired, min_cell)),
        *habit_checks(paired),
    ]


def _of_source(given: Any, name: str) -> Any:
    """Return what is declared for a source, by its name or for all."""
    return given.get(name) if isinstance(given, Mapping) else given


def _published_shares(panel: Panel, published: Marginals | None) -> dict[str, Array] | None:
    """Return published shares in the order of the categories of each item's scale in the panel."""
    if published is None:
        return None
    found = {}
    marginals = published.by_population[published.populations[0]]
    for item in (i for i in panel.item_ids if i in marginals):
        marginal, codes = marginals[item], panel.scales[item].categories
        if marginal.item.scale is not None and codes:
            known = dict(zip(marginal.item.scale.categories, marginal.shares, strict=True))
            if set(known) <= set(codes):
                found[item] = np.array([known.get(code, 0.0) for code in codes])
    return found
