"""BERTScore: how near replies are to the true ones in a language model's vectors. Needs the extra ``bertscore``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from truetwin.errors import DataError, MissingExtraError, ParameterError
from truetwin.voice.scoring.text_metrics import ReplyPair, TextScore
from truetwin.voice.stats.resampling import Array, bootstrap_mean

_NO_LIMIT = 10**6  # tokenizers without a limit of tokens have a larger one
_USUAL_LIMIT = 512


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

    The score of a pair is undefined, and counted, if its true reply is empty. An empty written reply scores 0.

    Parameters
    ----------
    pairs : sequence of ReplyPair
        Written and true replies.
    model : str, optional
        Name of the model, or folder that holds it; by default the package's own choice for the language. A model with
        a name is fetched by the package, unless it is in its cache.
    layer : int, optional
        Layer whose vectors are compared, from 1; by default the package's choice for the model. A model that the
        package does not know needs one.

    Raises
    ------
    DataError
        If there are no pairs, their languages differ (baselines are per language), or the model cannot be loaded.
    ParameterError
        If the model has no such layer, or the package knows no layer for it and none is given.
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
    if model is not None and layer is None and model not in package.utils.model2layers:
        raise ParameterError(
            f"BERTScore must be told which layer of {_shown(model)!r} to compare, because its package does not know "
            "the model: --bert-layer (layer=)"
        )
    scorer = _scorer(package, name, layer, pairs[0].language)
    name = _shown(name)
    raw = np.array([0.0 if pair.true.strip() else np.nan for pair in pairs])
    kept = [k for k, pair in enumerate(pairs) if pair.true.strip() and pair.written.strip()]
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


def _scorer(package: Any, name: str, layer: int | None, language: str) -> Any:
    """Load the model."""
    looks_like_folder = name.startswith((".", "/", "~")) or "\\" in name
    if looks_like_folder and not Path(name).expanduser().is_dir():
        raise DataError(f"the model of BERTScore must be a name or a folder; there is no folder {name!r}")
    where = str(Path(name).expanduser()) if looks_like_folder else name
    try:
        scorer = package.BERTScorer(model_type=where, num_layers=layer, lang=language)
    except AssertionError as error:
        raise ParameterError(
            f"the layer of BERTScore must be one of the model's {_shown(name)!r}: {error}"
        ) from error
    except (OSError, ValueError) as error:
        said = (str(error).splitlines() or [""])[0][:300]
        raise DataError(f"the model {_shown(name)!r} of BERTScore cannot be loaded: {said}") from error
    _limit_lengths(scorer)
    return scorer


def _limit_lengths(scorer: Any) -> None:
    """Have texts cut where the model ends. Tokenizers that state no limit stand for one that cannot be a number."""
    tokenizer, model = getattr(scorer, "_tokenizer", None), getattr(scorer, "_model", None)
    most = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    if tokenizer is not None and getattr(tokenizer, "model_max_length", 0) > _NO_LIMIT:
        tokenizer.model_max_length = most if isinstance(most, int) and most > 0 else _USUAL_LIMIT


def _shown(name: str) -> str:
    """Return how a model is named in results: a folder by its last part, as paths tell of machines."""
    return Path(name).expanduser().resolve().name if Path(name).expanduser().is_dir() else name


def _baseline(scorer: Any) -> float | None:
    """Return the F1 that unrelated texts get from this model and layer; None if the package does not know it."""
    try:
        return float(scorer.baseline_vals[2])
    except ValueError:
        return None
