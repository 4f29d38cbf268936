"""Compute text metrics of stored replies, as rows beside the scores (paper B, table 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from truetwin.errors import MissingExtraError, ParameterError
from truetwin.registry import Registry
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.outcomes import Outcome, Protocol
from truetwin.voice.scoring.accuracy import grouped
from truetwin.voice.scoring.stored_answers import Answers
from truetwin.voice.scoring.text_metrics import ReplyPair, TextScore, bleu_1, meteor, reply_pairs

#: From the replies that a model wrote, each beside the true one, to one or several figures.
Metric = Callable[[Sequence[ReplyPair]], list[TextScore]]


def _check_metric(entry: Any) -> None:
    if not callable(entry):
        raise ParameterError(f"it must be called with pairs of replies; it is {entry!r:.80}")


voice_metrics: Registry[Metric] = Registry(
    "metric of replies",
    hint="Known: {names}.",
    entry_point_group="truetwin.voice_metrics",
    check=_check_metric,
)


def text_rows(
    answers: Sequence[Answers],
    *,
    items: Sequence[VoiceItem] | None = None,
    with_bert_score: bool = False,
    bert_model: str | None = None,
    bert_layer: int | None = None,
) -> list[dict[str, Any]]:
    """Compute one row for every file, model and metric, from the replies that models wrote.

    Replies that failed have no score: ``n_failed`` counts them. A metric whose package is not installed is a row with
    the reason under ``unavailable`` and without a figure; it is never approximated. Files without replies, and
    replies whose items are not known, give no rows.

    Parameters
    ----------
    answers : sequence of Answers
        Stored answers.
    items : sequence of VoiceItem, optional
        The items that the replies are to; by default those that the files themselves repeat.
    with_bert_score : bool, default=False
        Also BERTScore, raw and rescaled, each language on its own; needs the extra ``bertscore`` and a model.
    bert_model, bert_layer : str and int, optional
        As ``model`` and ``layer`` of :func:`~truetwin.voice.scoring.bert_score.bert_score`.
    """
    bert = partial(_bert_scores, model=bert_model, layer=bert_layer) if with_bert_score else None
    rows = []
    for file in answers:
        known = {item.item_id: item for item in (items if items is not None else file.items or ())}
        for (dimension, model, protocol, _), found in grouped(file.outcomes).items():
            to_known = [o for o in found if o.item_id in known]
            if protocol is not Protocol.REPLY or not to_known:
                continue
            pairs = reply_pairs(to_known, known.values())
            head = {
                "file": str(file.path),
                "dimension": dimension,
                "model": model,
                "n_failed": len(to_known) - len(pairs),
            }
            rows += [{**head, **row} for row in _rows(pairs, bert)]
    return rows


def has_unscored_replies(answers: Iterable[Answers], items: Sequence[VoiceItem] | None) -> bool:
    """Test whether there are replies whose items are not known, so that no metric can be computed."""
    return any(
        _is_reply(outcome)
        for file in answers
        if items is None and not file.items
        for outcome in file.outcomes
    )


def _is_reply(outcome: Outcome) -> bool:
    return outcome.protocol is Protocol.REPLY and bool(outcome.reply)


def _rows(pairs: Sequence[ReplyPair], bert: Metric | None) -> Iterable[dict[str, Any]]:
    if not pairs:
        return
    for name, compute in voice_metrics.items():
        yield from _row(name, compute, pairs)
    for name, why in voice_metrics.faults().items():
        yield {"metric": name, "unavailable": why}
    if bert is not None:
        by_language: dict[str, list[ReplyPair]] = {}
        for pair in pairs:
            by_language.setdefault(pair.language, []).append(pair)
        for language, some in by_language.items():
            for row in _row("bertscore", bert, some):
                yield {**row, "language": language}


def _row(name: str, compute: Metric, pairs: Sequence[ReplyPair]) -> list[dict[str, Any]]:
    try:
        return [score.to_row() for score in compute(pairs)]
    except MissingExtraError as error:
        return [{"metric": name, "unavailable": str(error)}]


def _bleu_1(pairs: Sequence[ReplyPair]) -> list[TextScore]:
    return [bleu_1(pairs)]


def _meteor(pairs: Sequence[ReplyPair]) -> list[TextScore]:
    return [meteor(pairs)]


def _bert_scores(pairs: Sequence[ReplyPair], model: str | None, layer: int | None) -> list[TextScore]:
    from truetwin.voice.scoring.bert_score import bert_score

    found = bert_score(pairs, model=model, layer=layer)
    return [found.raw, *([found.rescaled] if found.rescaled else [])]


voice_metrics.add("bleu-1", _bleu_1)
voice_metrics.add("meteor", _meteor)
