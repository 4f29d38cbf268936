"""Repair an existing item file: faults out, distractors replaced by others' real replies, audited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from truetwin.errors import DataError
from truetwin.results.step_cache import digest_of
from truetwin.settings.voice_build_settings import BuildOptions, RepairOptions
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice.auditing.matched_subset import matched_subset, repaired_release
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.items.verbatim import words_of
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice_sets.common.datasheet import About
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.draft_records import limited
from truetwin.voice_sets.common.finishing import Built, ItemRecord, finish_build, furnished, stored_items
from truetwin.voice_sets.common.stages import Progress, Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import open_embedder

How = Literal["replace", "subset"]


def repair(
    source: str,
    output: Path,
    options: RepairOptions | None = None,
    *,
    profiles: Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make a repaired release of an item file (or of a published dimension, by name).

    Duplicates, placeholders and items without history are left out; what gives the true reply away is cut out; then the
    distractors are replaced by real replies of other people of the same group (novel, channel), matched in length,
    style and likeness to the context. The share that is kept is of the items of the file.

    Raises
    ------
    FileFormatError, DataError
        If the file is not what it must be.
    GateError
        If the release does not pass its gate.
    """
    options = options or RepairOptions()
    loaded = load_source(source, profiles=profiles, remove_leaks=False)
    records = digest_of([item.to_record() for item in loaded.items])
    inputs = {"items": records, "seed": str(options.build.seed), "how": options.how}
    stages = Stages(output, inputs, progress)
    settings = {"how": options.how, "min_history": options.min_history}
    clean = stages.run("faults", partial(_without_faults, loaded.items, options), settings)
    if not clean.n_out:
        raise DataError(f"{source} must have at least one item without faults; it has none")
    items = _furnished(stages, clean, options) if options.how == "replace" else _subset(stages, clean)
    done = {"order": "balanced", "seed": options.build.seed, "distractors": options.how}
    items = [replace(i, provenance={**i.provenance, "repaired": done}) for i in items]
    name = Path(source).name if Path(source).is_file() else source
    origin = {"sha256": records, "layout": loaded.layout, "items": len(loaded.items)}
    return finish_build(
        stages,
        items,
        output,
        options.build,
        About(f"Repaired release of {name}", [{"name": name, **origin}], settings),
        n_candidates=len(loaded.items),
        min_history=options.min_history,
        before=audit(loaded.items),
    )


def _without_faults(items: Sequence[VoiceItem], options: RepairOptions, tally: Tally) -> Iterator[ItemRecord]:
    found = repaired_release(items, seed=options.build.seed)
    for what, reason in (("duplicate dropped", "duplicate"), ("no true reply, dropped", "no true reply")):
        for _ in found.done[what]:
            tally.keep(reason)
    tally.noted["leak cut out of the stimulus"] = len(found.done["leak cut out of the stimulus"])
    tally.noted["history turns dropped in items"] = len(
        found.done["history turns with the true reply dropped"]
    )
    for item in found.items:
        if tally.keep("too little history" if len(item.history) < options.min_history else None):
            yield item.to_record()


def _furnished(stages: Stages, clean: Stage[ItemRecord], options: RepairOptions) -> list[VoiceItem]:
    drafts, pool = partial(_drafts, clean, options.build), partial(_pool, clean)
    return furnished(stages, drafts, pool, open_embedder(options.build.embeddings), options.build)


def _drafts(clean: Stage[ItemRecord], options: BuildOptions) -> list[Draft]:
    return limited([_draft(item) for item in stored_items(clean)], options.limit, options.seed)


def _pool(clean: Stage[ItemRecord]) -> list[PoolReply]:
    return pool_of(stored_items(clean))


def pool_of(items: Sequence[VoiceItem]) -> list[PoolReply]:
    """Collect the real replies of a file, those in histories included.

    Each is there once for a person and a scope (:func:`scope_of`).
    """
    found: dict[tuple[str, str, str], PoolReply] = {}
    for item in items:
        scope, person = scope_of(item), item.persona.id
        for text in (item.true_option.text, *(turn.reply for turn in item.history)):
            found.setdefault((scope, person, " ".join(words_of(text))), PoolReply(text, person, scope))
    return list(found.values())


def scope_of(item: VoiceItem) -> str:
    """Say where an item's distractors may come from: its group, or its language where there is none."""
    return item.group or f"language {item.language}"


def _draft(item: VoiceItem) -> Draft:
    names = [word for word in item.persona.name.lower().split() if len(word) > 3]
    return Draft(
        item.item_id,
        item.dimension,
        item.language,
        item.persona,
        item.stimulus,
        item.true_option.text,
        item.history,
        item.group,
        scope_of(item),
        (item.persona.name.lower(), *names),
        provenance=item.provenance,
    )


def _subset(stages: Stages, clean: Stage[ItemRecord]) -> list[VoiceItem]:
    def choose(tally: Tally) -> Iterator[ItemRecord]:
        items = stored_items(clean)
        kept = {item.item_id for item in matched_subset(items)}
        for item in items:
            if tally.keep(None if item.item_id in kept else "options differ in length or style"):
                yield item.to_record()

    return stored_items(stages.run("subset", choose))
