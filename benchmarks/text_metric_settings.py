"""Try settings of METEOR, and BERTScore with a small local model, on the published narrative replies of Qwen2.5-14B.

    python benchmarks/text_metric_settings.py [--results build/reproduction] [--bert-model FOLDER --bert-layer 6]

Paper B does not say how it computed METEOR (11.92 in table 5). This script computes it with several ways of splitting
words, with and without stems and synonyms, and with the parameters of METEOR's versions. The figures are kept in the
results folder, where `reproduction.py` finds them for the page. BERTScore needs a folder with a model (extra
`bertscore`); figures of two models cannot be compared.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
PAPER = 11.92
Split = Callable[[str], list[str]]


def pairs() -> list[Any]:
    """Read the stored replies, each beside the true one."""
    from truetwin.datasets.twinvoice import ANSWERS, twinvoice
    from truetwin.voice.scoring.stored_answers import read_answers
    from truetwin.voice.scoring.text_metrics import reply_pairs

    (file,) = [f for f in ANSWERS if (f.kind, f.dimension) == ("reply", "narrative")]
    answers = read_answers(twinvoice.fetch(file.path))
    return reply_pairs(answers.outcomes, answers.items or ())


def meteor_rows(found: Sequence[Any]) -> list[dict[str, Any]]:
    """Compute the mean METEOR in each setting, one row each."""
    from nltk.stem.porter import PorterStemmer
    from nltk.tokenize import TreebankWordTokenizer, wordpunct_tokenize
    from nltk.translate.meteor_score import single_meteor_score

    from truetwin.voice.scoring.wordnet import load_wordnet

    wordnet, stemmer = load_wordnet(), PorterStemmer()
    straight = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")
    treebank = TreebankWordTokenizer().tokenize
    ours: Split = re.compile(r"\w+|[^\w\s]").findall

    def mean(split: Split = ours, *, swap: bool = False, **settings: Any) -> float:
        scores = []
        for pair in found:
            written, true = split(pair.written.lower()), split(pair.true.lower())
            first, second = (written, true) if swap else (true, written)
            scores.append(
                single_meteor_score(first, second, **{"wordnet": wordnet, "stemmer": stemmer, **settings})
            )
        return 100 * float(np.mean(scores))

    tried: list[tuple[str, Callable[[], float]]] = [
        ("as here: words and marks, stems, synonyms, .9, 3, .5", mean),
        ("words at spaces", lambda: mean(str.split)),
        ("words without marks", lambda: mean(re.compile(r"\w+").findall)),
        ("runs of marks whole", lambda: mean(wordpunct_tokenize)),
        ("Penn Treebank", lambda: mean(treebank)),
        ("Penn Treebank, straight quotes", lambda: mean(lambda text: treebank(text.translate(straight)))),
        ("words and marks, straight quotes", lambda: mean(lambda text: ours(text.translate(straight)))),
        ("written and true reply exchanged", lambda: mean(swap=True)),
        ("no stems, no synonyms", lambda: mean(wordnet=_Nothing(), stemmer=_Nothing())),
        ("parameters of METEOR 0.7 (.81, .83, .28)", lambda: mean(alpha=0.81, beta=0.83, gamma=0.28)),
        ("parameters of METEOR 1.0 (.82, 1, .21)", lambda: mean(alpha=0.82, beta=1.0, gamma=0.21)),
        ("parameters of METEOR 1.5 (.85, .2, .6)", lambda: mean(alpha=0.85, beta=0.2, gamma=0.6)),
        ("no penalty for word order (.9, 3, 0)", lambda: mean(gamma=0.0)),
    ]
    rows = []
    for setting, compute in tried:
        value = compute()
        rows.append({"setting": setting, "mean": value, "difference": value - PAPER})
        print(f"{setting}: {value:.2f}", flush=True)
    return rows


class _Nothing:
    """Stand in for WordNet and for the stemmer: words have no synonyms and stay as they are."""

    def synsets(self, word: str) -> list[Any]:
        return []

    def stem(self, word: str) -> str:
        return word


def bert_row(found: Sequence[Any], model: Path, layer: int) -> dict[str, Any]:
    """Compute BERTScore with a model in a folder, which is named by its folder alone."""
    from truetwin.voice.scoring.bert_score import bert_score

    scored = bert_score(found, model=str(model), layer=layer, resamples=500)
    interval = scored.raw.interval
    print(f"BERTScore, {model.name}, layer {layer}: {interval.value:.2f}", flush=True)
    return {
        "model": model.name,
        "layer": layer,
        "package": scored.package,
        "mean": interval.value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "n": interval.n,
    }


def main() -> None:
    """Compute what is asked for and keep it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "reproduction")
    parser.add_argument("--bert-model", type=Path, help="folder with a model")
    parser.add_argument("--bert-layer", type=int, default=6)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    found = pairs()
    if options.bert_model:
        record = bert_row(found, options.bert_model, options.bert_layer)
        (options.results / "bertscore.json").write_text(json.dumps(record), encoding="utf-8")
    else:
        (options.results / "meteor.json").write_text(json.dumps(meteor_rows(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
