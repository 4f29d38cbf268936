"""The social pipeline: posts and replies in, benchmark items out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from truetwin.errors import DataError, ParameterError
from truetwin.llm import ChatModel, RunOptions
from truetwin.results.step_cache import digest_of
from truetwin.voice.auditing.benchmark_audit import AuditReport, audit
from truetwin.voice.items.item_faults import gives_away
from truetwin.voice.items.verbatim import stands_in
from truetwin.voice.items.voice_items import Turn, VoiceItem, VoicePersona
from truetwin.voice_sets.common.as_published import BEFORE, as_published
from truetwin.voice_sets.common.canned_messages import CannedOptions
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.draft_records import draft_from, draft_record, nothing_left
from truetwin.voice_sets.common.finishing import BuildOptions, Built, balanced, finish_build, with_distractors
from truetwin.voice_sets.common.message_language import CommonWords, open_detector
from truetwin.voice_sets.common.model_distractors import written_replies
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Progress, Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import open_embedder
from truetwin.voice_sets.conversations.choice_alignment import compare_selections, select
from truetwin.voice_sets.conversations.message_funnel import placed, record_at
from truetwin.voice_sets.conversations.post_replies import (
    ReplyTable,
    UserOptions,
    clean_replies,
    kept_users,
    take_census,
)


@dataclass(frozen=True)
class SocialSettings:
    """Everything a social build depends on, the files aside.

    Parameters
    ----------
    users : UserOptions
        Whose replies become items.
    canned : CannedOptions
        What a bot is.
    build : BuildOptions
        What all builds share.
    posts : str, optional
        File with the posts, if the replies have only their ids.
    columns : mapping from str to str
        What the files call user, reply, post, post_id, topic and time.
    encoding : str, optional
        Of the files; UTF-8 by default.
    ranking : {"random", "alignment"}, default="random"
        Which items are taken if there are more than ``most_items``: drawn by the seed, or those of the highest
        persona-choice alignment, as published.
    most_items : int, default=2000
        Items that are taken.
    most_candidates : int, default=8000
        Replies for which distractors are looked for, drawn by the seed; ``build.limit`` goes first.
    most_per_user : int, default=20
        Of these, at most so many of one user.
    min_history, max_history : int, default=5 and 30
        Earlier replies (to other posts) that an item must have, and may have.
    min_characters, max_characters : int, default=2 and 2000
        Of the reply; the upper limit also of the post.
    candidates : int, default=24
        Replies of like length to the same or the most similar posts, among which an item's distractors are chosen. Few,
        as replies to other posts share fewer words with this one.
    pool : int, default=20000
        Replies among which distractors are looked for, drawn by the seed.
    languages : {"auto", "lingua", "common-words"}, default="auto"
        How an item's language is found.
    consistent : bool, default=True
        Whether the same address, link or number gets the same replacement.
    salt : str, optional
        Key of the pseudonyms; by default one that follows from the files and the seed.
    """

    users: UserOptions = field(default_factory=UserOptions)
    canned: CannedOptions = field(default_factory=CannedOptions)
    build: BuildOptions = field(default_factory=BuildOptions)
    posts: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    ranking: Literal["random", "alignment"] = "random"
    most_items: int = 2000
    most_candidates: int = 8000
    most_per_user: int = 20
    min_history: int = 5
    max_history: int = 30
    min_characters: int = 2
    max_characters: int = 2000
    candidates: int = 24
    pool: int = 20000
    languages: str = "auto"
    consistent: bool = True
    salt: str | None = None

    def __post_init__(self) -> None:
        for name in (
            "most_items",
            "most_candidates",
            "most_per_user",
            "max_history",
            "pool",
            "max_characters",
        ):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be at least 1; got {getattr(self, name)}")
        if self.candidates < 3:
            raise ParameterError(f"candidates must be at least 3; got {self.candidates}")
        if not 0 <= self.min_history <= self.max_history:
            raise ParameterError(f"min_history must be in 0..max_history; got {self.min_history}")
        if self.ranking not in ("random", "alignment"):
            raise ParameterError(f"ranking must be 'random' or 'alignment'; got {self.ranking!r}")


def build_social(
    replies: Path,
    output: Path,
    settings: SocialSettings | None = None,
    *,
    model: ChatModel | None = None,
    run_options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make benchmark items from posts and replies (paper B, section 4.1: the PCCD filters).

    Stages: "census" (bots), "replies" (clean ones, pseudonymised), "users" (length, type-token ratio, number of
    replies), "drafts" (with earlier replies as history), "as published" (unmatched distractors, for comparison),
    "distractors" (others' replies to the same or similar posts, matched), "selection" (by the seed, or by alignment),
    "balance"; then the gate. The datasheet says what either selection does to the baselines.

    Raises
    ------
    FileFormatError, DataError
        If the files cannot be read, or nothing passes.
    GateError
        If the built set does not pass its gate.
    """
    return _SocialBuild(replies, output, settings or SocialSettings(), model, run_options, progress).run()


class _SocialBuild:
    def __init__(
        self,
        replies: Path,
        output: Path,
        settings: SocialSettings,
        model: ChatModel | None,
        run_options: RunOptions | None,
        progress: Progress | None,
    ) -> None:
        self.settings, self.output, self.model, self.run_options = settings, output, model, run_options
        posts = Path(settings.posts) if settings.posts else None
        self.table = ReplyTable(replies, posts, dict(settings.columns), settings.encoding)
        self.sources = self.table.sources()
        digest = digest_of(self.sources)
        salt = settings.salt or f"{digest}/{settings.build.seed}"
        self.pseudonyms = Pseudonyms(salt)
        inputs = {
            "files": digest,
            "seed": str(settings.build.seed),
            "columns": digest_of(dict(settings.columns)),
            "salt": hashlib.sha256(salt.encode()).hexdigest(),
        }
        self.stages = Stages(output, inputs, progress)
        self.detector, self.quick = open_detector(settings.languages), CommonWords()

    def run(self) -> Built:
        settings, stages = self.settings, self.stages
        canned = asdict(settings.canned)
        census = stages.run(
            "census",
            lambda tally: take_census(self.table, settings.canned, self.pseudonyms, tally),
            {"canned": canned, "encoding": settings.encoding},
        )
        replies = stages.run(
            "replies",
            lambda tally: clean_replies(
                self.table,
                census,
                settings.canned,
                self.pseudonyms,
                tally,
                max_characters=settings.max_characters,
                consistent=settings.consistent,
            ),
            {"longest": settings.max_characters, "consistent": settings.consistent},
        )
        users = stages.run(
            "users", lambda tally: kept_users(replies, settings.users, tally), asdict(settings.users)
        )
        drafts = stages.run(
            "drafts", lambda tally: self._drafts(replies, users, tally), self._draft_settings()
        )
        if not drafts.n_out:
            raise DataError(nothing_left(stages.rows(), "users: min_replies, ttr_share; min_history"))
        return self._finished(replies, drafts)

    def _draft_settings(self) -> dict[str, Any]:
        names = ("most_candidates", "most_per_user", "min_history", "max_history", "min_characters")
        found = {name: getattr(self.settings, name) for name in names}
        return {**found, "limit": self.settings.build.limit, "languages": dict(self.detector.describe())}

    def _drafts(self, replies: Stage, users: Stage, tally: Tally) -> Iterator[Mapping[str, Any]]:
        """Kept users' replies with enough earlier ones, in an order drawn by the seed until there are enough."""
        settings = self.settings
        known = {record["user"] for record in users.records()}
        by_user: dict[str, list[tuple[float, int]]] = {}
        owners: list[str] = []
        places: list[int] = []
        times: list[float] = []
        for place, record in placed(replies):
            if record["u"] in known:
                when = record.get("t", float(place))
                by_user.setdefault(record["u"], []).append((when, place))
                owners.append(record["u"])
                places.append(place)
                times.append(when)
        for entries in by_user.values():
            entries.sort()
        most = settings.build.limit or settings.most_candidates
        of_user: Counter[str] = Counter()
        drafts: dict[int, Draft] = {}
        for k in np.random.default_rng([settings.build.seed, 11]).permutation(len(places)).tolist():
            if len(drafts) == most:
                tally.keep("more than were asked for")
                continue
            if of_user[owners[k]] == settings.most_per_user:
                tally.keep(f"more than {settings.most_per_user} of one user")
                continue
            record = record_at(replies, places[k])
            earlier = [place for when, place in by_user[owners[k]] if when < times[k]]
            draft = self._draft(
                record, places[k], [record_at(replies, p) for p in earlier[-2 * settings.max_history :]]
            )
            if tally.keep(self._fault(draft)):
                drafts[places[k]] = draft
                of_user[owners[k]] += 1
                tally.tick(len(drafts), most)
        for place in sorted(drafts):
            yield draft_record(drafts[place])

    def _fault(self, draft: Draft) -> str | None:
        if len(draft.reply) < self.settings.min_characters:
            return f"reply of fewer than {self.settings.min_characters} characters"
        if stands_in(draft.reply, draft.stimulus):
            return "stands in its post"
        if len(draft.history) < self.settings.min_history:
            return f"fewer than {self.settings.min_history} earlier replies to other posts"
        return None

    def _draft(self, record: Mapping[str, Any], place: int, earlier: list[dict[str, Any]]) -> Draft:
        turns = [
            Turn(old["x"], old["y"], f"{k:06d}") for k, old in enumerate(earlier) if old["p"] != record["p"]
        ]
        turns = [turn for turn in turns if not gives_away(record["x"], turn)][-self.settings.max_history :]
        return Draft(
            item_id=f"{record['u']}-{place:012d}",
            dimension="social",
            language=self.detector.of(f"{record['y']} {record['x']}"),
            persona=VoicePersona(record["u"]),
            stimulus=record["y"],
            reply=record["x"],
            history=tuple(turns),
            group=record.get("topic") or record["p"],
            scope=self.quick.of(f"{record['y']} {record['x']}"),
            own=frozenset({record["u"]}),
            provenance={"post": record["p"], **({"topic": record["topic"]} if "topic" in record else {})},
        )

    def _pool(self, replies: Stage) -> list[PoolReply]:
        settings, n = self.settings, replies.n_out
        wanted = set(range(n))
        if n > settings.pool:
            rng = np.random.default_rng([settings.build.seed, 17])
            wanted = set(rng.choice(n, settings.pool, replace=False).tolist())
        return [
            PoolReply(r["x"], r["u"], self.quick.of(f"{r['y']} {r['x']}"), r["y"])
            for k, r in enumerate(replies.records())
            if k in wanted
        ]

    def _finished(self, replies: Stage, drafts: Stage) -> Built:
        settings = self.settings
        embedder = open_embedder(settings.build.embeddings)

        def read() -> list[Draft]:
            return [draft_from(record) for record in drafts.records()]

        pool = lambda: self._pool(replies)  # noqa: E731
        naive = as_published(self.stages, read, pool, embedder, settings.build.seed)
        where = "real replies of others to the same or similar posts"
        similar: SimilarContexts | None = SimilarContexts(settings.candidates, settings.build.matching)
        if self.model is not None:
            where, similar = "written by a model", None
            written = written_replies(
                self.stages, read(), self.model, self.output / "written", self.run_options
            )
            pool = written.pool
        furnished = with_distractors(self.stages, read, pool, embedder, settings.build, candidates=similar)
        notes = [BEFORE, f"Distractors are {where}.", *self._compared(furnished)]
        items = balanced(self.stages, self._selected(furnished), settings.build)
        shown = {k: v for k, v in asdict(settings).items() if k not in ("build", "salt", "posts")}
        return finish_build(
            self.stages,
            items,
            self.output,
            settings.build,
            title="Social items from posts and replies",
            sources=self.sources,
            settings={**shown, "language detector": dict(self.detector.describe())},
            n_candidates=min(drafts.n_out, settings.most_items),
            min_history=settings.min_history,
            before=audit(naive) if naive else None,
            notes=notes,
        )

    def _selected(self, furnished: Stage) -> Stage:
        settings = self.settings

        def choose(tally: Tally) -> Iterator[Mapping[str, Any]]:
            items = [VoiceItem.from_record(record) for record in furnished.records()]
            embedder = open_embedder(settings.build.embeddings)
            seed = settings.build.seed
            kept = set(select(items, settings.most_items, settings.ranking, embedder, seed=seed))
            why = "less aligned" if settings.ranking == "alignment" else "not drawn"
            for k, item in enumerate(items):
                if tally.keep(None if k in kept else why):
                    yield item.to_record()

        return self.stages.run(
            "selection", choose, {"ranking": settings.ranking, "most": settings.most_items}
        )

    def _compared(self, furnished: Stage) -> list[str]:
        """What either selection of half of the items (or of as many as are asked for) does to the baselines."""
        items = [VoiceItem.from_record(record) for record in furnished.records()]
        if len(items) < 2:
            return []
        settings = self.settings
        most = settings.most_items if len(items) > settings.most_items else len(items) // 2
        embedder = open_embedder(settings.build.embeddings)
        found = compare_selections(items, most, embedder, seed=settings.build.seed)
        names = {"all": f"all {len(items)}", "random": f"{most} drawn", "alignment": f"{most} by alignment"}
        return [f"Before balancing, {names[key]}: {_accuracies(report)}." for key, report in found.items()]


def _accuracies(report: AuditReport) -> str:
    rows = [row for row in report.rows() if row["accuracy"] is not None]
    return ", ".join(f"{row['predictor']} {row['accuracy']:.1f}%" for row in rows)
