"""Distribution level: from twins' answers and known human marginals to the marginals of new items."""

from truetwin.reweighting.discrepancies import DISCREPANCIES, Discrepancy, discrepancy
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.job import Reweighting, reweight
from truetwin.reweighting.methods import MARGINAL_METHODS, marginal_method
from truetwin.reweighting.table import TwinTable

__all__ = [
    "DISCREPANCIES",
    "MARGINAL_METHODS",
    "Discrepancy",
    "Ensemble",
    "Reweighting",
    "TwinTable",
    "discrepancy",
    "marginal_method",
    "reweight",
]
