"""BERTScore: how near replies come to the true ones in a language model's vectors. Needs the extra ``bertscore``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from truetwin.errors import DataError, MissingExtraError
from truetwin.voice.resampling import bootstrap_mean
from truetwin.voice.text_metrics import ReplyPair, TextScore


@dataclass(frozen=True)
class BertScores:
    """BERTScore F1 as it comes out of the model, and beside it the value rescaled by the model's baseline.

    Attributes
    ----------
    raw, rescaled : TextScore
        In percent. Raw values of one model lie in a narrow band whatever the text; the rescaled ones put unrelated
        text near 0.
    model, layer, package : str, int, str
        What the numbers depend on.
    """

    raw: TextScore
    rescaled: TextScore
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
    """BERTScore F1 of all pairs, which must share one language (paper B, table 5, gives raw values).

    Parameters
    ----------
    pairs : sequence of ReplyPair
    model : str, optional
        Name or folder of the model; by default the package's own choice for the language.
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
    (language,) = languages
    scorer = package.BERTScorer(model_type=model, num_layers=layer, lang=language, rescale_with_baseline=True)
    written, true = [pair.written for pair in pairs], [pair.true for pair in pairs]
    rescaled = scorer.score(written, true)[2].tolist()
    scorer.rescale_with_baseline = False
    raw = scorer.score(written, true)[2].tolist()
    name, depth, built = str(scorer.model_type), int(scorer.num_layers), version("bert-score")
    settings = f"F1, {name}, layer {depth}; bert-score {built}"

    def scored(metric: str, values: Sequence[Any], how: str) -> TextScore:
        scores = tuple(100.0 * value for value in values)
        found = bootstrap_mean(
            scores, clusters=[p.persona for p in pairs], level=level, resamples=resamples, seed=seed
        )
        return TextScore(metric, found, scores, len(scores) - found.n, f"{settings}, {how}")

    return BertScores(
        scored("bertscore", raw, "not rescaled"),
        scored("bertscore-rescaled", rescaled, "rescaled by baseline"),
        name,
        depth,
        built,
    )
