r"""Text metrics of written replies against the true ones: BLEU-1, METEOR and BERTScore, with intervals.

Source: paper B, section 5.4.3 and table 5. Its BLEU-1 is the mean over replies of *sentence* BLEU-1,

.. math:: 100 \cdot \min(1, e^{1 - r/c}) \cdot \frac{\text{clipped unigram matches}}{c},

with :math:`c` and :math:`r` the tokens of the written and of the true reply, lower-cased, punctuation split off. (The
BLEU of a whole corpus, which libraries give by default, is another number.)
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from truetwin.errors import AlignmentError, DataError, MissingExtraError
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.outcomes import Outcome
from truetwin.voice.scoring.tokens import Tokenizer, resolve_tokenizer, tokenize
from truetwin.voice.stats.resampling import Interval, bootstrap_mean

_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "en": "porter", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish",
}  # fmt: skip


@dataclass(frozen=True)
class ReplyPair:
    """Written reply beside the true one.

    ``persona`` is the cluster that bootstraps draw whole; ``language`` is an ISO 639-1 code.
    """

    written: str
    true: str
    language: str = "en"
    persona: Hashable = ""


@dataclass(frozen=True)
class TextScore:
    """Score of many replies by one metric, in percent.

    Attributes
    ----------
    metric : str
        Name of the metric.
    interval : Interval
        Mean over the scored replies with its bootstrap interval, personas drawn whole.
    scores : tuple of float
        Score of each reply; NaN where the metric is undefined.
    n_unscored : int
        Number of replies whose score is undefined, because the true reply has no token.
    settings : str
        Settings on which the score depends.
    """

    metric: str
    interval: Interval
    scores: tuple[float, ...]
    n_unscored: int
    settings: str

    def to_row(self) -> dict[str, Any]:
        """Convert the score to one row of a table."""
        found = self.interval
        return {
            "metric": self.metric, "mean": found.value, "ci_low": found.low, "ci_high": found.high, "n": found.n,
            "n_unscored": self.n_unscored, "n_personas": found.n_clusters, "settings": self.settings,
        }  # fmt: skip


def reply_pairs(outcomes: Iterable[Outcome], items: Iterable[VoiceItem]) -> list[ReplyPair]:
    """Pair written replies with the true ones; outcomes without a reply are left out, for the caller to count.

    Raises
    ------
    AlignmentError
        If a reply's item is not among the items.
    """
    known = {item.item_id: item for item in items}
    pairs = []
    for outcome in outcomes:
        if not outcome.reply.strip():
            continue
        item = known.get(outcome.item_id)
        if item is None:
            raise AlignmentError(f"every reply's item must be among the items; {outcome.item_id!r} is not")
        pairs.append(
            ReplyPair(outcome.reply, item.true_option.text, item.language, item.persona.id or item.item_id)
        )
    return pairs


def bleu_1(
    pairs: Sequence[ReplyPair],
    *,
    tokenizer: Tokenizer = "auto",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> TextScore:
    """Mean sentence BLEU-1 in the setting of paper B, table 5; the module's docstring has the formula.

    A reply without any token scores 0; without a token in the true reply the score is undefined.

    Raises
    ------
    DataError
        If there are no pairs.
    MissingExtraError
        If sacrebleu (extra ``voice``) is not installed.

    Examples
    --------
    >>> score = bleu_1([ReplyPair("Come in!", "Do come in!", persona="a"), ReplyPair("Why?", "Why?", persona="b")])
    >>> [round(s, 1) for s in score.scores]
    [71.7, 100.0]
    """
    _check(pairs)
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "voice", "BLEU-1") from error
    metric = BLEU(max_ngram_order=1, tokenize="none", smooth_method="none", effective_order=True, force=True)
    scores = []
    for pair in pairs:
        written, true = (tokenize(text, pair.language, tokenizer) for text in (pair.written, pair.true))
        scores.append(metric.sentence_score(" ".join(written), [" ".join(true)]).score if true else math.nan)
    settings = (
        f"mean of sentence BLEU-1 with brevity penalty, lower case, {_tokens_of(pairs, tokenizer)}; "
        f"sacrebleu {version('sacrebleu')}"
    )
    return _score("bleu-1", pairs, scores, settings, level, resamples, seed)


def meteor(
    pairs: Sequence[ReplyPair],
    *,
    tokenizer: Tokenizer = "auto",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> TextScore:
    """Mean METEOR with NLTK's parameters (alpha .9, beta 3, gamma .5): matched words, then stems, then synonyms.

    Stems are those of the pair's language where NLTK has a stemmer for it; synonyms are WordNet's, which is English.
    Paper B does not give its settings. On the narrative replies that it published, this function gives 11.0, and the
    paper prints 11.92.

    Raises
    ------
    DataError
        If there are no pairs.
    MissingExtraError
        If NLTK (extra ``voice``) or WordNet is missing. METEOR is then not available; it is never approximated.
    """
    _check(pairs)
    from truetwin.voice.scoring.wordnet import load_wordnet

    wordnet = load_wordnet()
    from nltk.translate.meteor_score import single_meteor_score

    scores = []
    for pair in pairs:
        written, true = (tokenize(text, pair.language, tokenizer) for text in (pair.written, pair.true))
        english = _code(pair.language) == "en"
        scores.append(
            100.0
            * single_meteor_score(
                true, written, stemmer=_stemmer(pair.language), wordnet=wordnet if english else _NoSynonyms()
            )
            if true
            else math.nan
        )
    settings = (
        f"alpha 0.9, beta 3, gamma 0.5, lower case, {_tokens_of(pairs, tokenizer)}, {_stems_of(pairs)}; "
        f"WordNet {wordnet.get_version()}, nltk {version('nltk')}"
    )
    return _score("meteor", pairs, scores, settings, level, resamples, seed)


class _NoSynonyms:
    """Substitute for WordNet in languages that it does not cover: no word has synonyms."""

    def synsets(self, word: str) -> list[Any]:
        return []


class _NoStems:
    """Substitute for a stemmer in languages that have none: words stay as they are."""

    def stem(self, word: str) -> str:
        return word


def _stemmer(language: str) -> Any:
    from nltk.stem.porter import PorterStemmer
    from nltk.stem.snowball import SnowballStemmer

    name = _STEMMERS.get(_code(language))
    if name is None:
        return _NoStems()
    return PorterStemmer() if name == "porter" else SnowballStemmer(name)


def _stems_of(pairs: Sequence[ReplyPair]) -> str:
    languages = sorted({_code(pair.language) for pair in pairs})
    known = [f"{language} ({_STEMMERS[language]})" for language in languages if language in _STEMMERS]
    parts = [f"stems of {', '.join(known)}"] if known else []
    without = [language for language in languages if language not in _STEMMERS]
    parts += [f"no stems of {', '.join(without)}"] if without else []
    foreign = [language for language in languages if language != "en"]
    return "; ".join(parts + ([f"no synonyms of {', '.join(foreign)}"] if foreign else []))


def _tokens_of(pairs: Sequence[ReplyPair], tokenizer: Tokenizer) -> str:
    used = sorted({resolve_tokenizer(pair.language, tokenizer) for pair in pairs})
    names = {"words": "words and marks", "characters": "letters of unspaced scripts, words and marks"}
    return "tokens: " + " / ".join(names.get(name, name) for name in used)


def _score(
    metric: str,
    pairs: Sequence[ReplyPair],
    scores: Sequence[float],
    settings: str,
    level: float,
    resamples: int,
    seed: int,
) -> TextScore:
    personas = [pair.persona for pair in pairs]
    interval = bootstrap_mean(scores, clusters=personas, level=level, resamples=resamples, seed=seed)
    return TextScore(metric, interval, tuple(scores), len(scores) - interval.n, settings)


def _check(pairs: Sequence[ReplyPair]) -> None:
    if not pairs:
        raise DataError("a text metric needs at least one written reply beside its true one; there are none")


def _code(language: str) -> str:
    return language.lower().split("-")[0]
