"""Hide answers, predict them, score the predictions."""

from truetwin.evaluation.blocks import infer_blocks
from truetwin.evaluation.compare import Evaluation, evaluate
from truetwin.evaluation.metrics import metrics
from truetwin.evaluation.protocols import protocols

__all__ = ["Evaluation", "evaluate", "infer_blocks", "metrics", "protocols"]
