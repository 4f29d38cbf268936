"""Fetch public datasets, pinned by content; generate populations and worlds with known truth."""

from truetwin.datasets import movielens, movielens_marginals, opinionqa, twin_2k_500, twinvoice
from truetwin.datasets.generated_experiments import GeneratedExperiments, generate_experiments
from truetwin.datasets.generated_population import GeneratedPopulation, generate_population
from truetwin.datasets.pinned_dataset import Dataset, Repository, datasets
from truetwin.datasets.worlds import World, generate_world

__all__ = [
    "Dataset",
    "GeneratedExperiments",
    "GeneratedPopulation",
    "Repository",
    "World",
    "datasets",
    "generate_experiments",
    "generate_population",
    "generate_world",
    "movielens",
    "movielens_marginals",
    "opinionqa",
    "twin_2k_500",
    "twinvoice",
]
