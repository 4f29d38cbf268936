"""Compare the cost of survey errors with that of the package svy: shares, weights, clusters, strata.

    python benchmarks/survey_peer.py [--people 20000] [--items 20]

Both compute the shares of five categories with their covariances, item by item, for the same people.
"""

from __future__ import annotations

import argparse

import numpy as np
import polars
import svy

from truetwin.estimation.survey_variance import SurveyDesign, hajek_mean, linearised_covariance
from yardstick import cost

K = 5


def population(n: int, m: int) -> dict[str, np.ndarray]:
    """Make answers to ``m`` items, ten strata, and clusters of about twenty people within them."""
    rng = np.random.default_rng(0)
    stratum = np.sort(rng.integers(0, 10, n))
    people = {"stratum": stratum, "cluster": stratum * n + rng.integers(0, n // 200, n)}
    people["weight"] = rng.uniform(0.5, 2.0, n)
    return people | {f"Q{j}": rng.integers(1, K + 1, n) for j in range(m)}


def ours(people: dict[str, np.ndarray], m: int) -> list[np.ndarray]:
    design = SurveyDesign.of(
        people["weight"].size, people["weight"], clusters=people["cluster"], strata=people["stratum"]
    )
    found = []
    for j in range(m):
        indicators = (people[f"Q{j}"][:, None] == np.arange(1, K + 1)).astype(float)
        hajek_mean(indicators, design.weights)
        found.append(linearised_covariance(indicators, design))
    return found


def theirs(people: dict[str, np.ndarray], m: int) -> list[np.ndarray]:
    sample = svy.Sample(polars.DataFrame(people), svy.Design(stratum="stratum", psu="cluster", wgt="weight"))
    return [sample.estimation.prop(f"Q{j}").covariance for j in range(m)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=20)
    asked = parser.parse_args()
    people = population(asked.people, asked.items)
    np.testing.assert_allclose(ours(people, asked.items), theirs(people, asked.items), rtol=1e-6, atol=1e-12)
    mine = cost(lambda: ours(people, asked.items), repeats=3)
    peer = cost(lambda: theirs(people, asked.items), repeats=3)
    print(f"truetwin: {mine}\nsvy:      {peer}\nratio:    {mine.ratio / peer.ratio:.2f}")
