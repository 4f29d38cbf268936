"""Evaluate methods: hide answers, predict them, score the predictions.

*Hidden* answers are known, but no method sees them.
"""

from truetwin.evaluation.comparison import evaluate
from truetwin.evaluation.evaluation_result import Evaluation
from truetwin.evaluation.hiding_protocols import protocols
from truetwin.evaluation.population_scores import (
    inter_item_correlation_error,
    interval_coverage,
    subgroup_gap_error,
)
from truetwin.evaluation.table_metrics import table_metrics
from truetwin.evaluation.target_metrics import metrics
from truetwin.instrument.batteries import infer_blocks

__all__ = [
    "Evaluation",
    "evaluate",
    "infer_blocks",
    "inter_item_correlation_error",
    "interval_coverage",
    "metrics",
    "protocols",
    "subgroup_gap_error",
    "table_metrics",
]
