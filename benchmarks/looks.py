"""Measure how often intervals miss at one of 20 looks or more, and what it costs to look so often.

    python benchmarks/looks.py [--samples 1000]

200 people answer yes or no, and somebody looks after every tenth answer. Printed are the share of samples in which
a 90% interval misses the true share at one look or more, for the confidence sequence and for ordinary intervals
(Jeffreys), and the half width of the sequence over that of an ordinary interval at three looks. Then: after how
many answers the sequence reaches a half width of .05 in a panel of 2,000 people, and how many an ordinary interval,
looked at once, needs.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from truetwin.estimation.confidence_sequence import confidence_sequence
from truetwin.estimation.sample_posterior import SharePrior, jeffreys_interval
from truetwin.estimation.sample_size import people_without_twins
from truetwin.reweighting.share_law import ShareLaw

LOOKS = np.arange(10, 201, 10)
CASES = ((0.5, 0.5), (0.5, 0.8), (0.3, 0.3), (0.1, 0.3), (0.05, 0.05), (0.02, 0.2))
TOGETHER = 100  # samples that are computed at once


def prior_of(expected: float, copies: int) -> SharePrior:
    """The prior of a share that earlier items expect to be so large, for several samples at once."""
    law = ShareLaw("Q", np.array([0.0, 1.0]), np.array([1 - expected, expected]))
    return SharePrior.of(law, np.tile([0.0, 1.0], (copies, 1)))


def looked_at(share: float, expected: float, samples: int) -> tuple[float, float, NDArray[np.float64]]:
    """Return how often the sequence and ordinary intervals miss, and the ratio of half widths by look."""
    missed, ordinary, ratios = [], [], []
    for seed in range(samples // TOGETHER):
        answers = (np.random.default_rng(seed).random((200, TOGETHER)) < share).astype(float)
        found = confidence_sequence(
            prior_of(expected, TOGETHER), answers, precision=0.05, looks=LOOKS.tolist()
        )
        missed.append(((found.low > share) | (found.high < share)).any(axis=0))
        seen = answers.cumsum(axis=0)[LOOKS - 1] / LOOKS[:, None]
        low, high = jeffreys_interval(seen, np.broadcast_to(LOOKS[:, None], seen.shape))
        ordinary.append(((low > share) | (high < share)).any(axis=0))
        ratios.append(found.half_width.mean(axis=1) / ((high - low) / 2).mean(axis=1))
    return float(np.mean(missed)), float(np.mean(ordinary)), np.mean(ratios, axis=0)


def answers_until(share: float, expected: float, precision: float, n_people: int) -> float:
    """Return the mean number of answers at which the sequence is narrow enough, with a look after every tenth."""
    people = (np.arange(n_people) < round(share * n_people)).astype(float)
    rng = np.random.default_rng(0)
    answers = np.array([rng.permutation(people) for _ in range(20)]).T[: n_people // 2]
    looks = list(range(10, len(answers) + 1, 10))
    found = confidence_sequence(
        prior_of(expected, 20), answers, precision=precision, looks=looks, population=n_people
    )
    return float(np.mean([looks[int(np.argmax(column <= precision))] for column in found.half_width.T]))


def main() -> None:
    """Print one line for each true and expected share."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1000, help="samples of each case")
    samples = parser.parse_args().samples
    for share, expected in CASES:
        missed, ordinary, ratio = looked_at(share, expected, samples)
        text = ", ".join(f"{ratio[k]:.2f} (n {LOOKS[k]})" for k in (1, 5, 19))
        print(
            f"share {share:.2f}, expected {expected:.2f}: missed {missed:.3f}, ordinary intervals {ordinary:.3f}; half "
            f"width over ordinary {text}",
            flush=True,
        )
    for share, expected in ((0.5, 0.5), (0.3, 0.5), (0.1, 0.2)):
        once = people_without_twins(
            SharePrior(
                *(np.array([x]) for x in (share, share * (1 - share), 0.0, 1.0)),
                np.array([1e6]),
                np.ones((1, 1)),
            ),
            0.05,
            population=2000,
            level=0.9,
        )
        print(
            f"share {share:.2f}: +-.05 after {answers_until(share, expected, 0.05, 2000):.0f} answers; looked at once "
            f"{once}"
        )


if __name__ == "__main__":
    main()
