"""BERTScore: how near replies are to the true ones in a language model's vectors. Needs the extra ``bertscore``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from truetwin.errors import DataError, MissingExtraError
from truetwin.voice.scoring.text_metrics import ReplyPair, TextScore
from truetwin.voice.stats.resampling import Array, bootstrap_mean


@dataclass(frozen=True)
class BertScores:
    """BERTScore F1 as it comes from the model, and rescaled by the model's baseline.

    Attributes
    ----------
    raw : TextScore
        Raw scores in percent. Those of one model lie in a narrow range, whatever the text.
    rescaled : TextScore, optional
        In percent of the way from unrelated text (0) to the same text (100); None if the package has no baseline for
        this model and language.
    model, layer, package : str, int, str
        Name of the model, layer, and version of bert-score, on which the numbers depend.
    """

    raw: TextScore
    rescaled: TextScore | None
    model: str
    layer: int
    package: str


def bert_score(
    pairs: Sequence[ReplyPair],
    *,
    model: str | None = None,
    layer: int | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> BertScores:
    """Compute BERTScore F1 of all pairs, which must share one language (paper B, table 5, gives raw values).

    The score of a pair is undefined, and counted, if its true reply is empty.

    Parameters
    ----------
    pairs : sequence of ReplyPair
        Written and true replies.
    model : str, optional
        Name of the model; by default the package's own choice for the language. It is fetched by the package, unless
        it is in its cache.
    layer : int, optional
        Layer whose vectors are compared; by default the package's choice for the model.

    Raises
    ------
    DataError
        If there are no pairs, or their languages differ: baselines are per language.
    MissingExtraError
        If the package bert-score is not installed.
    """
    languages = {pair.language for pair in pairs}
    if len(languages) != 1:
        raise DataError(
            f"BERTScore needs replies of one language, because baselines are per language; got "
            f"{', '.join(sorted(languages)) or 'no replies'}. Score each language on its own."
        )
    try:
        import bert_score as package
    except ImportError as error:
        raise MissingExtraError("bert-score", "bertscore", "BERTScore") from error
    name = model or package.utils.lang2model[languages.pop()]
    scorer = package.BERTScorer(model_type=name, num_layers=layer, lang=pairs[0].language)
    kept = [k for k, pair in enumerate(pairs) if pair.true.strip()]
    raw = np.full(len(pairs), np.nan)
    if kept:
        found = scorer.score([pairs[k].written for k in kept], [pairs[k].true for k in kept])[2]
        raw[kept] = np.asarray(found.tolist(), dtype=np.float64)
    depth, built = int(scorer.num_layers), version("bert-score")
    personas = [pair.persona for pair in pairs]

    def scored(metric: str, values: Array, how: str) -> TextScore:
        interval = bootstrap_mean(values, clusters=personas, level=level, resamples=resamples, seed=seed)
        settings = f"F1, {name}, layer {depth}, {how}; bert-score {built}"
        return TextScore(metric, interval, tuple(values.tolist()), len(pairs) - interval.n, settings)

    baseline = _baseline(scorer)
    rescaled = None
    if baseline is not None:
        values = 100 * (raw - baseline) / (1 - baseline)
        rescaled = scored("bertscore-rescaled", values, f"rescaled by baseline {baseline:.4f}")
    return BertScores(scored("bertscore", 100 * raw, "not rescaled"), rescaled, name, depth, built)


def _baseline(scorer: Any) -> float | None:
    """Return the F1 that unrelated texts get from this model and layer; None if the package does not know it."""
    try:
        return float(scorer.baseline_vals[2])
    except ValueError:
        return None
