"""Fetch public datasets, pinned by content; generate a population with known truth."""

from truetwin.datasets import movielens, movielens_marginals, opinionqa, twin_2k_500, twinvoice
from truetwin.datasets.generated_population import GeneratedPopulation, generate_population
from truetwin.datasets.pinned_dataset import Dataset, Repository, datasets

__all__ = [
    "Dataset",
    "GeneratedPopulation",
    "Repository",
    "datasets",
    "generate_population",
    "movielens",
    "movielens_marginals",
    "opinionqa",
    "twin_2k_500",
    "twinvoice",
]
