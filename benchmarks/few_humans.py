"""Measure estimates of new items when 20, 60 or 200 people have answered them.

    python benchmarks/few_humans.py [--only NAME] [--protocol new] [--draws 40] [--step 1]

Every answered item with 2 to 12 answers in use and at least 400 answers is hidden, with its battery (new) or with a
tenth of all items (known). Its shares are predicted by the pool, everybody's answer by the method auto. Then
samples are drawn:

random    simply at random, without replacement;
weights   with replacement, a person's chance proportional to exp(.7 (.4 z + .9 e)), with z the standardised answer and
          e noise; the weight is one over the chance;
clusters  people are sorted by .45 z + .9 e and cut into clusters of 5 (n < 60) or 10; whole clusters are drawn.

Printed are, for the mean and for the shares of all categories: the coverage of 90% intervals of the posterior and
of the sample alone (classical: Hajek's mean with a linearised variance and Student's t; Jeffreys for shares), the
mean width over the classical one, and how many more people a classical estimate would need for the same squared
error.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.base import with_blocks
from truetwin.data import Panel
from truetwin.datasets import generate_world, movielens, twin_2k_500
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.estimation.sample_posterior import SamplePosterior, SharePrior, sample_posterior
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.reweighting.panel_shares import left_out_shares
from truetwin.reweighting.share_law import ShareLaw
from truetwin.solvers.tilting import tilt_to_means

Array = NDArray[np.float64]
DESIGNS = ("random", "weights", "clusters")
SIZES = (20, 60, 200)
LEAST_ANSWERS, MOST_CATEGORIES = 400, 12


@dataclass
class Figures:
    """What is counted of the mean (first column) and of the shares."""

    covered: list[Array] = field(default_factory=list)
    width: list[Array] = field(default_factory=list)
    squares: list[Array] = field(default_factory=list)
    alone_covered: list[Array] = field(default_factory=list)
    alone_width: list[Array] = field(default_factory=list)
    alone_squares: list[Array] = field(default_factory=list)

    def add(self, found: SamplePosterior, truth: Array, scale: float) -> None:
        """Count one sample; widths and errors of the mean are in standard deviations of the answers."""
        unit = np.concatenate([[scale], np.ones(len(truth) - 1)])
        for covered, width, squares, value, low, high in (
            (self.covered, self.width, self.squares, found.estimate, found.low, found.high),
            (
                self.alone_covered,
                self.alone_width,
                self.alone_squares,
                found.classical,
                found.classical_low,
                found.classical_high,
            ),
        ):
            inside = (low <= truth + 1e-9) & (truth <= high + 1e-9)
            for part, numbers in (
                (covered, inside.astype(float)),
                (width, (high - low) / unit),
                (squares, ((value - truth) / unit) ** 2),
            ):
                part.append(np.array([numbers[0], numbers[1:].mean()]))


@dataclass(frozen=True, eq=False)
class Case:
    """One hidden item: its law of shares, and the functions of everybody's answer with their predictions."""

    prior: SharePrior
    functions: Array  # (N, 1 + K): the code, and the indicators of the categories
    predicted: Array
    answers: Array


def cases(panel: Panel, protocol: str, step: int) -> list[Case]:
    """Hide and predict the items."""
    blocks, _ = resolve_blocks(panel, None)
    wanted = [
        item
        for j, item in enumerate(panel.item_ids)
        if np.isfinite(panel.human_values[:, j]).sum() >= LEAST_ANSWERS
        and 2
        <= np.unique(panel.human_values[np.isfinite(panel.human_values[:, j]), j]).size
        <= MOST_CATEGORIES
        and panel.scales[item].kind == "ordinal"
        and len(panel.scales[item].categories) <= MOST_CATEGORIES
    ][::step]
    laws = left_out_shares(panel, protocol, blocks, wanted)  # type: ignore[arg-type]
    points = predict_hidden(panel, with_blocks(Auto(), blocks), blocks, new_battery=protocol == "new")
    return [_case(panel, item, laws[item], points[:, panel.item_ids.index(item)]) for item in wanted]


def _case(panel: Panel, item: str, law: ShareLaw, point: Array) -> Case:
    answers = panel.human_values[:, panel.item_ids.index(item)]
    who = np.isfinite(answers)
    y = answers[who]
    f = np.where(np.isfinite(point[who]), point[who], law.mean_of(law.codes))
    values = np.vstack([law.codes, np.eye(law.codes.size)])
    place = np.array([int(np.argmin(np.abs(law.codes - a))) for a in y])
    chances = tilt_to_means(np.tile(law.shares, (y.size, 1)), law.codes, f)
    predicted = chances @ values.T
    predicted[:, 0] = f
    return Case(SharePrior.of(law, values), values.T[place], predicted, y)


def sampled(design: str, n: int, z: Array, rng: np.random.Generator) -> tuple[NDArray[np.intp], SurveyDesign]:
    """Draw a sample. Returns whom, and how."""
    noise = rng.normal(size=z.size)
    if design == "random":
        return rng.permutation(z.size)[:n], SurveyDesign.of(n)
    if design == "weights":
        chance = np.exp(0.7 * (0.4 * z + 0.9 * noise))
        chance /= chance.sum()
        here = rng.choice(z.size, n, p=chance)
        return here, SurveyDesign.of(n, 1 / chance[here])
    size = 5 if n < 60 else 10
    order = np.argsort(0.45 * z + 0.9 * noise)
    drawn = rng.permutation(z.size // size)[: n // size]
    here = np.concatenate([order[g * size : (g + 1) * size] for g in drawn])
    return here, SurveyDesign.of(len(here), clusters=np.repeat(np.arange(len(drawn)), size))


def measure(found: list[Case], draws: int) -> dict[tuple[str, int], Figures]:
    """Draw all samples of all items."""
    figures = {(design, n): Figures() for design in DESIGNS for n in SIZES}
    for k, case in enumerate(found):
        z = (case.answers - case.answers.mean()) / case.answers.std()
        truth, scale = case.functions.mean(axis=0), float(case.answers.std())
        for draw in range(draws):
            rng = np.random.default_rng((k, draw))
            for (design, n), counted in figures.items():
                here, how = sampled(design, n, z, rng)
                posterior = sample_posterior(
                    case.prior,
                    case.functions[here],
                    how,
                    predicted=case.predicted[here],
                    everybody=case.predicted,
                )
                counted.add(posterior, truth, scale)
    return figures


def show(name: str, figures: dict[tuple[str, int], Figures], n_items: int) -> None:
    """Print one line for each design and size."""
    print(f"{name}: {n_items} items")
    for (design, n), part in figures.items():
        texts = []
        for column, label in enumerate(("mean", "shares")):
            mean = {key: np.mean(np.array(rows)[:, column]) for key, rows in vars(part).items()}
            texts.append(
                f"{label}: covered {mean['covered']:.3f} (alone {mean['alone_covered']:.3f}), width / alone "
                f"{mean['width'] / mean['alone_width']:.3f}, worth "
                f"{n * (mean['alone_squares'] / mean['squares'] - 1):+5.0f}"
            )
        print(f"  {design:9} n {n:3d}  {'  | '.join(texts)}", flush=True)


def panels() -> dict[str, Panel]:
    """Published data that can be read here, and worlds with useless, good and partly inverted twins."""
    names = [
        name
        for name in twin_2k_500.available_constructions()
        if name
        in (twin_2k_500.DEFAULT_CONSTRUCTION, "Text Persona - Gemini-Flash2.5", "JSON Persona - GPT4.1")
    ]
    worlds = {
        f"World {twins}": generate_world(twins, 900, 40, n_new_items=0).panel
        for twins in ("noise", "good", "inverted")
    }
    published = {f"Twin-2K-500 {name}": twin_2k_500.load(name) for name in names}
    return published | {"MovieLens": movielens.load()} | worlds


def main() -> None:
    """Run all panels and print their tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="data sets whose name holds this text")
    parser.add_argument("--protocol", default="new", choices=("new", "known"), help="what is hidden")
    parser.add_argument("--draws", type=int, default=40, help="samples of each item, design and size")
    parser.add_argument("--step", type=int, default=1, help="take every STEP-th item only")
    arguments = parser.parse_args()
    for name, panel in panels().items():
        if arguments.only in name:
            found = cases(panel, arguments.protocol, arguments.step)
            show(f"{name}, {arguments.protocol}", measure(found, arguments.draws), len(found))


if __name__ == "__main__":
    main()
