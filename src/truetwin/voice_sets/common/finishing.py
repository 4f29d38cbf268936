"""The last steps of every build: distractors, balance, gate, files. Each pipeline ends here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from truetwin.errors import ParameterError
from truetwin.io import file_hash
from truetwin.io.atomic import replacing
from truetwin.voice.auditing.benchmark_audit import AuditReport
from truetwin.voice.items.voice_items import VoiceItem, write_voice_items
from truetwin.voice_sets.common.datasheet import Datasheet
from truetwin.voice_sets.common.distractor_matching import MatchingOptions
from truetwin.voice_sets.common.distractors import (
    Candidates,
    Draft,
    Furnished,
    Limits,
    PoolReply,
    balance,
    furnish,
)
from truetwin.voice_sets.common.release_gate import GateError, Verdict, judge
from truetwin.voice_sets.common.stages import Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import Embedder

ITEMS = "items.jsonl"
#: Every problem with the ids of all items concerned, where a set does not pass.
PROBLEMS = "problems.json"


@dataclass(frozen=True)
class BuildOptions:
    """What all builds share.

    Parameters
    ----------
    seed : int, default=0
        Everything random follows from it; the same seed gives the same bytes.
    limit : int, optional
        Most drafts that are used, drawn by the seed.
    least_share : float, default=0.4
        Share of the candidate items that must remain.
    matching : MatchingOptions
        How distractors are chosen.
    limits : Limits
        How far baselines may be from chance.
    licence : str, default="not stated"
        For the datasheet.
    embeddings : str, default="tfidf"
        See :func:`truetwin.voice_sets.common.text_similarity.open_embedder`.
    """

    seed: int = 0
    limit: int | None = None
    least_share: float = 0.4
    matching: MatchingOptions = field(default_factory=MatchingOptions)
    limits: Limits = field(default_factory=Limits)
    licence: str = "not stated"
    embeddings: str = "tfidf"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ParameterError(f"the seed must not be negative; got {self.seed}")
        if self.limit is not None and self.limit < 1:
            raise ParameterError(f"the limit must be at least 1 item; got {self.limit}")
        if not 0 < self.least_share <= 1:
            raise ParameterError(f"least_share must be in (0, 1]; got {self.least_share}")

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Built:
    """A finished build."""

    folder: Path
    items: list[VoiceItem]
    n_candidates: int
    stages: list[dict[str, Any]]
    verdict: Verdict
    before: AuditReport | None = None

    @property
    def share_kept(self) -> float:
        """Items over candidates."""
        return len(self.items) / self.n_candidates


def limited(drafts: Sequence[Draft], options: BuildOptions) -> list[Draft]:
    """At most ``limit`` drafts, drawn by the seed, in their order."""
    if options.limit is None or len(drafts) <= options.limit:
        return list(drafts)
    import numpy as np

    chosen = np.random.default_rng([options.seed, 11]).choice(len(drafts), options.limit, replace=False)
    return [drafts[k] for k in sorted(chosen)]


def furnished(
    stages: Stages,
    drafts: Callable[[], Sequence[Draft]],
    pool: Callable[[], Sequence[PoolReply]],
    embedder: Embedder,
    options: BuildOptions,
) -> list[VoiceItem]:
    """Stages "distractors" and "balance": items from drafts. Inputs are only read if a stage has to be done."""
    return balanced(stages, with_distractors(stages, drafts, pool, embedder, options), options)


def with_distractors(
    stages: Stages,
    drafts: Callable[[], Sequence[Draft]],
    pool: Callable[[], Sequence[PoolReply]],
    embedder: Embedder,
    options: BuildOptions,
    *,
    candidates: Candidates | None = None,
) -> Stage:
    """Stage "distractors": three of the pool's replies for each draft; ``candidates`` says where to look for them."""

    def give(tally: Tally) -> Iterator[Mapping[str, Any]]:
        found: Furnished = furnish(
            drafts(),
            pool(),
            embedder,
            options.matching,
            seed=options.seed,
            progress=tally.tick,
            candidates=candidates,
        )
        yield from _counted(found.items, found.refused, tally)

    settings = {
        "matching": asdict(options.matching),
        "embeddings": dict(embedder.describe()),
        "limit": options.limit,
        **({"candidates": repr(candidates)} if candidates else {}),
    }
    return stages.run("distractors", give, settings)


def balanced(stages: Stages, furnished: Stage, options: BuildOptions) -> list[VoiceItem]:
    """Stage "balance": the items without those by which a persona-free baseline is too good."""

    def even(tally: Tally) -> Iterator[Mapping[str, Any]]:
        items = [VoiceItem.from_record(r) for r in furnished.records()]
        if not items:
            return
        kept, out = balance(items, options.limits, least_share=options.least_share, seed=options.seed)
        yield from _counted(kept, out, tally)

    last = stages.run("balance", even, {"limits": asdict(options.limits), "share": options.least_share})
    return [VoiceItem.from_record(r) for r in last.records()]


def finish_build(
    stages: Stages,
    items: Sequence[VoiceItem],
    folder: Path,
    options: BuildOptions,
    *,
    title: str,
    sources: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    n_candidates: int,
    min_history: int,
    before: AuditReport | None = None,
    notes: Sequence[str] = (),
) -> Built:
    """Judge the items, and write them with their datasheet if they pass.

    Raises
    ------
    GateError
        If they do not pass; then ``problems.json`` is written, no items are, and stages stay for the next try.
    """
    verdict = judge(items, options.limits, min_history=min_history)
    report = folder / PROBLEMS
    if verdict.problems:
        with replacing(report) as (draft,):
            rows = [problem.row() for problem in verdict.problems]
            draft.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        raise GateError(verdict.problems)
    report.unlink(missing_ok=True)
    path = folder / ITEMS
    write_voice_items(path, items)
    sheet = Datasheet(
        title=title,
        sources=sources,
        licence=options.licence,
        stages=stages.rows(),
        settings={**settings, "build": options.record()},
        after=verdict.report,
        before=before,
        n_candidates=n_candidates,
        outputs={ITEMS: file_hash(path)},
        notes=[*notes, *verdict.notes],
    )
    sheet.write(folder)
    return Built(folder, list(items), n_candidates, stages.rows(), verdict, before)


def _counted(
    items: Iterable[VoiceItem], refused: Mapping[str, str], tally: Tally
) -> Iterator[Mapping[str, Any]]:
    for reason in refused.values():
        tally.keep(reason)
    for item in items:
        tally.keep(None)
        yield item.to_record()
