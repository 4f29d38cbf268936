"""Find metrics by name: those that score every target, and those that score the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truetwin.errors import ParameterError, UnknownNameError
from truetwin.evaluation.law_metrics import LAW_METRICS
from truetwin.evaluation.table_metrics import TableMetric, table_metrics
from truetwin.evaluation.target_metrics import Metric, Need, metrics
from truetwin.registry import closest

for _metric in LAW_METRICS:
    metrics.add(_metric.name, _metric)


@dataclass(frozen=True)
class Metrics:
    """Metrics of targets, and metrics of whole tables."""

    of_targets: tuple[Metric, ...]
    of_tables: tuple[TableMetric, ...]

    def need(self, what: Need) -> bool:
        """Tell whether some metric needs something beside predictions."""
        return any(what in metric.needs for metric in self.of_targets)

    def check(self, *, has_retest: bool, has_groups: bool) -> None:
        """Raise :class:`ParameterError` if a metric lacks what it needs."""
        for metric in self.of_targets:
            if "retest" in metric.needs and not has_retest:
                raise ParameterError(
                    f"the metric {metric.name!r} needs people's answers when they were asked again; give them with "
                    f"--retest (in a study inputs.retest, in Python retest=...)"
                )
        for table in self.of_tables:
            if table.needs_groups and not has_groups:
                raise ParameterError(
                    f"the metric {table.name!r} needs groups of people; name a column with --by (in a study "
                    f"inputs.by, in Python by=...)"
                )


def metrics_named(names: str | Sequence[str]) -> Metrics:
    """Look metrics up by name.

    Raises
    ------
    UnknownNameError
        If there is no such metric. The message names the most similar one.

    Examples
    --------
    >>> [m.name for m in metrics_named(["pearson", "gap-error"]).of_tables]
    ['gap-error']
    """
    listed = list(dict.fromkeys([names] if isinstance(names, str) else names))
    known = [*metrics.names(), *table_metrics.names()]
    for name in listed:
        if name not in metrics and name not in table_metrics:
            raise UnknownNameError(
                f"no metric named {name!r}.{closest(name, known)} Known: {', '.join(known)}."
            )
    return Metrics(
        tuple(metrics[n] for n in listed if n in metrics),
        tuple(table_metrics[n] for n in listed if n not in metrics),
    )


def meaning_of(name: str) -> str:
    """Say in one line what a metric measures; nothing if it belongs to a package that is not installed any more.

    Examples
    --------
    >>> meaning_of("mae")
    'mean absolute error'
    """
    if name in table_metrics:
        return table_metrics[name].summary
    return metrics[name].summary if name in metrics else ""
