"""Predict the distribution of answers in a population, from twins' answers and known human marginals.

A *marginal* is the distribution of answers to one item. Items with a known human marginal are the training items.
"""

from truetwin.reweighting.discrepancies import DISCREPANCIES, Discrepancy, discrepancy
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.marginal_methods import MARGINAL_METHODS, marginal_method
from truetwin.reweighting.reweighting import Reweighting, reweight
from truetwin.reweighting.twin_table import TwinTable

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
