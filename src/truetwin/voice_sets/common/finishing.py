"""Do the last steps of every build: distractors, balance, gate, files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.io import file_hash
from truetwin.io.atomic import replacing
from truetwin.settings.voice_build_settings import BuildOptions
from truetwin.voice.auditing.benchmark_audit import AuditReport
from truetwin.voice.items.voice_items import VoiceItem, write_voice_items
from truetwin.voice_sets.common.datasheet import About, Datasheet
from truetwin.voice_sets.common.distractors import Candidates, Draft, Furnished, PoolReply, balance, furnish
from truetwin.voice_sets.common.release_gate import GateError, Verdict, judge
from truetwin.voice_sets.common.stages import Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import Embedder

ITEMS = "items.jsonl"
#: Every problem with the ids of all items concerned, where a set does not pass.
PROBLEMS = "problems.json"


@dataclass(frozen=True)
class Built:
    """Result of a build: the folder, the items, and what was counted."""

    folder: Path
    items: list[VoiceItem]
    n_candidates: int
    stages: list[dict[str, Any]]
    verdict: Verdict
    before: AuditReport | None = None

    @property
    def share_kept(self) -> float:
        """Share of the candidates that became items."""
        return len(self.items) / self.n_candidates


ItemRecord = dict[str, Any]


def stored_items(stage: Stage[ItemRecord]) -> list[VoiceItem]:
    """Read the items of a stage."""
    return [VoiceItem.from_record(record) for record in stage.records()]


def furnished(
    stages: Stages,
    drafts: Callable[[], Sequence[Draft]],
    pool: Callable[[], Sequence[PoolReply]],
    embedder: Embedder,
    options: BuildOptions,
) -> list[VoiceItem]:
    """Do the stages "distractors" and "balance". Drafts and pool are only read if a stage has to be done."""
    return balanced(stages, with_distractors(stages, drafts, pool, embedder, options), options)


def with_distractors(
    stages: Stages,
    drafts: Callable[[], Sequence[Draft]],
    pool: Callable[[], Sequence[PoolReply]],
    embedder: Embedder,
    options: BuildOptions,
    *,
    candidates: Candidates | None = None,
) -> Stage[ItemRecord]:
    """Do the stage "distractors": three of the pool's replies for each draft, from ``candidates`` if given."""

    def give(tally: Tally) -> Iterator[ItemRecord]:
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
        "matching": options.matching.model_dump(),
        "embeddings": dict(embedder.describe()),
        "limit": options.limit,
        **({"candidates": repr(candidates)} if candidates else {}),
    }
    return stages.run("distractors", give, settings)


def balanced(stages: Stages, furnished: Stage[ItemRecord], options: BuildOptions) -> list[VoiceItem]:
    """Do the stage "balance": leave out items by which a persona-free baseline is too good."""

    def even(tally: Tally) -> Iterator[ItemRecord]:
        items = stored_items(furnished)
        if not items:
            return
        kept, out = balance(items, options.limits, least_share=options.least_share, seed=options.seed)
        yield from _counted(kept, out, tally)

    settings = {"limits": options.limits.model_dump(), "share": options.least_share}
    return stored_items(stages.run("balance", even, settings))


def finish_build(
    stages: Stages,
    items: Sequence[VoiceItem],
    folder: Path,
    options: BuildOptions,
    about: About,
    *,
    n_candidates: int,
    min_history: int,
    before: AuditReport | None = None,
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
    about = replace(
        about,
        settings={**about.settings, "build": options.model_dump()},
        notes=[*about.notes, *verdict.notes],
    )
    sheet = Datasheet(
        about,
        licence=options.licence,
        stages=stages.rows(),
        after=verdict.report,
        before=before,
        n_candidates=n_candidates,
        outputs={ITEMS: file_hash(path)},
    )
    sheet.write(folder)
    return Built(folder, list(items), n_candidates, stages.rows(), verdict, before)


def _counted(items: Iterable[VoiceItem], refused: Mapping[str, str], tally: Tally) -> Iterator[ItemRecord]:
    """Give the items as records, and count these and the others in the tally."""
    for reason in refused.values():
        tally.keep(reason)
    for item in items:
        tally.keep(None)
        yield item.to_record()
