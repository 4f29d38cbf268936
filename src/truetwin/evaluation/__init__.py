"""Hide answers, predict them, score the predictions."""

from truetwin.evaluation.blocks import infer_blocks
from truetwin.evaluation.compare import Evaluation, evaluate
from truetwin.evaluation.metrics import metrics
from truetwin.evaluation.population import (
    inter_item_correlation_error,
    interval_coverage,
    subgroup_gap_error,
)
from truetwin.evaluation.protocols import protocols

__all__ = [
    "Evaluation",
    "evaluate",
    "infer_blocks",
    "inter_item_correlation_error",
    "interval_coverage",
    "metrics",
    "protocols",
    "subgroup_gap_error",
]
