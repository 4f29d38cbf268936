"""Measure predicted shares of hidden items, on items of known batteries and of new ones.

    python benchmarks/shares.py [--seeds 1] [--studies FOLDER] [--opinionqa FOLDER] [--only NAME]...

For each data set: mean Kullback-Leibler divergence of the best null option (the twins' shares, the mean of the known
shares, their mixture) and of the pool, with the difference and its standard error clustered by battery; the error of
means in standard deviations of people's answers (RMSE); how often 90% intervals of means cover, in the average item and
in the average battery, and their mean width in units of the scale's range, beside conformal intervals; the same for
single shares; and how many people, drawn at random, would have given shares with the same total variation.

Items of known batteries are hidden at random, a tenth at a time; new batteries are hidden whole. Needs the public data
(TRUETWIN_DATA_MIRROR or the network); `--studies` is a folder with human.csv, twin.csv and items.csv of further
studies, `--opinionqa` one with the files or an excerpt of OpinionQA.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from truetwin.data import Panel
from truetwin.data.marginals import Marginals
from truetwin.data.responses import ResponseMatrix
from truetwin.datasets import movielens, movielens_marginals, opinionqa, twin_2k_500
from truetwin.evaluation.mean_scores import clustered_mean
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_items, read_responses
from truetwin.reweighting.item_means import centre, has_mean
from truetwin.reweighting.marginal_inputs import align
from truetwin.reweighting.panel_table import PanelTable
from truetwin.reweighting.pool import Pool, smoothed
from truetwin.reweighting.pool_rule import PoolRule
from truetwin.reweighting.share_law import interval_of, worth_of_distance
from truetwin.reweighting.situations import situations
from truetwin.reweighting.splits import group_folds, random_folds
from truetwin.reweighting.twin_table import TwinTable

LEVEL = 0.9
Floats = np.ndarray


@dataclass(frozen=True)
class Data:
    """Items with known shares: twins' answers, people's shares, their true mean and spread in units of the scale."""

    table: TwinTable
    human: Floats
    bases: Floats
    means: Floats
    spreads: Floats


def of_panel(panel: Panel, batteries: dict[str, str]) -> Data:
    """Count the shares of a panel's items that at least 20 people have answered."""
    found = PanelTable.of(panel, batteries)
    rows = np.flatnonzero(found.bases >= 20)
    means, spreads = [], []
    for r in rows:
        answers = panel.human_values[:, panel.item_ids.index(found.table.item_ids[r])]
        codes = found.categories[r].codes
        low, span = codes.min(), max(float(np.ptp(codes)), 1e-12)
        means.append((np.nanmean(answers) - low) / span)
        spreads.append(np.nanstd(answers) / span)
    return Data(
        found.table.take(rows), found.human[rows], found.bases[rows], np.array(means), np.array(spreads)
    )


def of_marginals(twins: ResponseMatrix, marginals: Marginals, batteries: dict[str, str]) -> Data:
    """Take items with published shares."""
    table = align(twins, marginals, predict=()).table
    table = TwinTable.build(
        table.codes,
        table.n_categories,
        item_ids=table.item_ids,
        ordered=table.ordered,
        prior=table.prior,
        texts=table.texts,
        batteries=[batteries[i] for i in table.item_ids],
    )
    human = marginals.shares(table.item_ids, width=table.width)
    means = centre(human, table)
    spreads = np.sqrt((human * table.places**2).sum(axis=1) - means**2)
    return Data(table, human, marginals.base_sizes(table.item_ids), means, spreads)


def data_sets(studies: Path | None, opinions: Path | None) -> Iterator[tuple[str, Data]]:
    """Load every data set that is available."""
    for name in twin_2k_500.available_constructions():
        panel = twin_2k_500.load(name)
        yield f"Twin-2K {name}", of_panel(panel, resolve_blocks(panel, "auto")[0])
    if studies is not None:
        declared = read_items(studies / "items.csv")
        human, twin = (
            read_responses(studies / f"{who}.csv", id_column="TWIN_ID").with_items(declared)
            for who in ("human", "twin")
        )
        panel = Panel(human, twin)
        yield "later studies", of_panel(panel, dict(panel.declared_blocks))
    panel = movielens.load()
    yield "MovieLens panel", of_panel(panel, {i: i for i in panel.item_ids})
    ratings = movielens_marginals.load()
    yield "MovieLens marginals", of_marginals(ratings.twins, ratings.marginals, ratings.groups["year"])
    if opinions is not None:
        found = opinionqa.read(opinions / opinionqa.QUESTIONS, opinions / opinionqa.ANSWERS)
        yield "OpinionQA excerpt", of_marginals(found.twins, found.marginals, found.groups["wave"])


@dataclass
class Scores:
    """Scores of hidden items, one list entry each."""

    battery: list[str]
    columns: dict[str, list[float]]

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self.columns.setdefault(name, []).append(float(value))

    def of(self, name: str) -> Floats:
        return np.array(self.columns[name])

    def by_battery(self, name: str) -> float:
        """Mean over batteries of the mean over their items."""
        names, member = np.unique(np.asarray(self.battery), return_inverse=True)
        values = self.of(name)
        fine = np.isfinite(values)
        n = np.bincount(member[fine], minlength=names.size)
        sums = np.bincount(member[fine], weights=values[fine], minlength=names.size)
        return float((sums[n > 0] / n[n > 0]).mean())


def kl(human: Floats, predicted: Floats) -> Floats:
    """Divergence of each item; predictions are clipped at 1e-6, as in the published tables."""
    ratio = np.where(human > 0, human, 1.0) / np.maximum(predicted, 1e-6)
    return np.asarray((human * np.log(ratio)).sum(axis=1))


def hide(data: Data, protocol: str, seed: int, scores: Scores) -> None:
    """Hide a tenth of the items, or of the batteries, at a time; predict and score them."""
    table, model = data.table, Pool()
    batteries = list(table.batteries or ())
    n = table.n_items
    parts = random_folds(n, 10, seed=seed) if protocol == "known" else group_folds(batteries, 10, seed=seed)
    for hidden in parts:
        training = np.setdiff1d(np.arange(n), hidden)
        known, new, human = table.take(training), table.take(hidden), data.human[training]
        for part in situations(known.batteries, new.batteries, training.size, hidden.size, 5, seed):
            chosen = model.cross_validate(known, human, part.folds)
            fitted = model.fit(known, human, chosen.setting)
            precision = part.precision(known, human, chosen, data.bases[training])
            rows, items = hidden[part.rows], new.take(part.rows)
            predicted = fitted.predict(items)
            laws = precision.laws(items, predicted)
            ordered = has_mean(known)
            off = np.abs(centre(human, known) - centre(chosen.predictions, known))[ordered]
            half = conformal_of_batteries(off, [(known.batteries or ())[j] for j in np.flatnonzero(ordered)])
            _score(
                scores,
                data,
                rows,
                items,
                predicted,
                laws,
                _nulls(fitted, chosen.setting["rule"], items),
                half,
            )


def conformal_of_batteries(errors: Floats, batteries: list[str]) -> float:
    """Conformal half-width in which each battery has the same weight; the whole scale with too few batteries."""
    names, member = np.unique(np.asarray(batteries), return_inverse=True)
    weights = 1.0 / np.bincount(member)[member] / (names.size + 1)
    order = np.argsort(errors)
    enough = np.flatnonzero(np.cumsum(weights[order]) >= LEVEL)
    return float(errors[order][enough[0]]) if enough.size else 1.0


def _nulls(fitted: object, rule: PoolRule, items: TwinTable) -> dict[str, Floats]:
    """Predictions of the null options."""
    parts = {name: part.predict(items) for name, part in fitted.parts.items()}  # type: ignore[attr-defined]
    found = rule.nulls(smoothed(parts, items))
    return {**found, "twins": parts["twins"]}


def _score(scores, data, rows, items, predicted, laws, nulls, half) -> None:  # type: ignore[no-untyped-def]
    human = data.human[rows]
    found = {name: kl(human, shares) for name, shares in {**nulls, "pool": predicted}.items()}
    means = centre(predicted, items)
    ends = interval_of(laws, [law.codes for law in laws], LEVEL)
    each = interval_of(laws, [law.indicators() for law in laws], LEVEL)
    for k, row in enumerate(rows):
        ordered = bool(has_mean(items)[k])
        truth, law = data.means[row], laws[k]
        P = human[k, : law.n_categories]
        scores.battery.append((items.batteries or ())[k])
        scores.add(
            **{f"kl {name}": values[k] for name, values in found.items()},
            error=(means[k] - truth) / data.spreads[row] if ordered else np.nan,
            twin_error=(centre(nulls["twins"], items)[k] - truth) / data.spreads[row] if ordered else np.nan,
            covered=ends[k][0] <= truth <= ends[k][1] if ordered else np.nan,
            width=ends[k][1] - ends[k][0] if ordered else np.nan,
            conformal=abs(means[k] - truth) <= half if ordered else np.nan,
            conformal_width=min(means[k] + half, 1.0) - max(means[k] - half, 0.0) if ordered else np.nan,
            share_covered=np.mean(np.abs(np.clip(P, *each[k]) - P) < 1e-9),
            share_width=np.mean(each[k][1] - each[k][0]),
            tv=0.5 * np.abs(human[k] - predicted[k]).sum(),
            twin_tv=0.5 * np.abs(human[k] - nulls["twins"][k]).sum(),
        )


def summary(scores: Scores, data: Data) -> dict[str, float | str]:
    """Summarise scores: the columns of the table."""
    best = min(("twins", "mean", "mix"), key=lambda null: scores.of(f"kl {null}").mean())
    change = scores.of("kl pool") - scores.of(f"kl {best}")
    return {
        "null": best,
        "KL": scores.of(f"kl {best}").mean(),
        "pool": scores.of("kl pool").mean(),
        "diff": change.mean(),
        "s.e.": clustered_mean(change, scores.battery).standard_error,
        "RMSE": np.sqrt(np.nanmean(scores.of("error") ** 2)),
        "twins": np.sqrt(np.nanmean(scores.of("twin_error") ** 2)),
        "cover": np.nanmean(scores.of("covered")),
        "batt.": scores.by_battery("covered"),
        "width": np.nanmean(scores.of("width")),
        "conf.": scores.by_battery("conformal"),
        "c.width": np.nanmean(scores.of("conformal_width")),
        "shares": scores.of("share_covered").mean(),
        "s.batt.": scores.by_battery("share_covered"),
        "s.width": scores.of("share_width").mean(),
        "worth": worth_of_distance(data.human, float(scores.of("tv").mean())),
        "w.twins": worth_of_distance(data.human, float(scores.of("twin_tv").mean())),
    }


def report(name: str, data: Data, seeds: int, *, with_header: bool) -> None:
    """Print one line for each protocol."""
    for protocol in ("known", "new"):
        if protocol == "known" and len(set(data.table.batteries or ())) == data.table.n_items:
            continue  # no item has a sibling: every battery is new
        scores, begun = Scores([], {}), time.process_time()
        for seed in range(seeds):
            hide(data, protocol, seed, scores)
        cells = {**summary(scores, data), "CPU s": (time.process_time() - begun) / seeds}
        if with_header:
            print(f"{'data':44s}{'':6s}{'items':>6s}" + "".join(f"{title:>8s}" for title in cells))
            with_header = False
        shown = "".join(f"{v:>8s}" if isinstance(v, str) else f"{v:8.3f}" for v in cells.values())
        print(f"{name[:43]:44s}{protocol:6s}{data.table.n_items:6d}{shown}", flush=True)


def main() -> None:
    """Measure all data sets and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1, help="divisions of the items that are averaged")
    parser.add_argument("--studies", type=Path)
    parser.add_argument("--opinionqa", type=Path)
    parser.add_argument("--only", action="append", help="data sets whose name holds this")
    arguments = parser.parse_args()
    with_header = True
    with threadpool_limits(1):
        for name, data in data_sets(arguments.studies, arguments.opinionqa):
            if not arguments.only or any(part in name for part in arguments.only):
                report(name, data, arguments.seeds, with_header=with_header)
                with_header = False


if __name__ == "__main__":
    main()
