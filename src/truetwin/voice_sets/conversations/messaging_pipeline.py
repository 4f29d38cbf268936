"""The messaging pipeline: a log of several channels in, benchmark items out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from truetwin.errors import DataError, ParameterError
from truetwin.llm import ChatModel, RunOptions
from truetwin.results.step_cache import digest_of
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice.items.item_faults import gives_away
from truetwin.voice.items.verbatim import stands_in
from truetwin.voice.items.voice_items import Turn, VoicePersona
from truetwin.voice_sets.common.as_published import BEFORE, as_published
from truetwin.voice_sets.common.canned_messages import CannedCounts
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.draft_records import draft_from, draft_record, nothing_left
from truetwin.voice_sets.common.finishing import (
    BuildOptions,
    Built,
    balanced,
    finish_build,
    furnished,
    with_distractors,
)
from truetwin.voice_sets.common.message_language import open_detector
from truetwin.voice_sets.common.model_distractors import written_replies
from truetwin.voice_sets.common.privacy import Pseudonyms
from truetwin.voice_sets.common.similar_contexts import SimilarContexts
from truetwin.voice_sets.common.stages import Progress, Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import open_embedder
from truetwin.voice_sets.conversations.message_funnel import (
    Cleaner,
    FunnelOptions,
    Informative,
    active_users,
    counted,
    distinct,
    placed,
    record_at,
    take_census,
)
from truetwin.voice_sets.conversations.message_logs import open_log
from truetwin.voice_sets.conversations.reply_links import HistoryOptions, Linker, Memories

_HINT = "funnel: min_channels, min_messages, min_per_channel, informative_share; history: least"


@dataclass(frozen=True)
class InterpersonalSettings:
    """Everything a messaging build depends on, the log aside.

    Parameters
    ----------
    funnel : FunnelOptions
        Which messages pass.
    history : HistoryOptions
        What is remembered of a user.
    build : BuildOptions
        What all builds share.
    columns : mapping from str to str
        What the file calls user, text, channel, id, reply_to and time.
    encoding : str, optional
        Of the file; UTF-8 by default.
    most_items : int, default=2500
        Drafts that are furnished with distractors, drawn by the seed; ``build.limit`` goes first.
    most_per_user : int, default=50
        Of these, at most so many of one user.
    pool : int, default=20000
        Other replies among which distractors are looked for, drawn by the seed.
    languages : {"auto", "lingua", "common-words"}, default="auto"
        How an item's language is found.
    salt : str, optional
        Key of the pseudonyms; by default one that follows from the log and the seed, so that only who has the log can
        test names.
    """

    funnel: FunnelOptions = field(default_factory=FunnelOptions)
    history: HistoryOptions = field(default_factory=HistoryOptions)
    build: BuildOptions = field(default_factory=BuildOptions)
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    most_items: int = 2500
    most_per_user: int = 50
    pool: int = 20000
    languages: str = "auto"
    salt: str | None = None

    def __post_init__(self) -> None:
        for name in ("most_items", "most_per_user", "pool"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be at least 1; got {getattr(self, name)}")

    @property
    def most(self) -> int:
        """Most drafts."""
        return self.build.limit or self.most_items


def build_interpersonal(
    log: Path,
    output: Path,
    settings: InterpersonalSettings | None = None,
    *,
    model: ChatModel | None = None,
    run_options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make benchmark items from a log of messages in several channels (paper B, section 4.1).

    Stages: "census" (who writes where; bots), "users" (active ones), "messages" (clean ones, pseudonymised),
    "informative", "distinct", "replies" (what each replies to), "drafts" (with history from other channels), "as
    published" (unmatched distractors, for comparison), "distractors", "balance"; then the gate. All stream: memory
    grows with users and with what passes, not with the log.

    Parameters
    ----------
    log : Path
        JSONL, CSV or Parquet with one message a row, in the order of writing; or a folder of IRC logs.
    output : Path
        Folder for ``items.jsonl``, ``datasheet.md`` and ``datasheet.json``.
    settings : InterpersonalSettings, optional
        How.
    model : ChatModel, optional
        Writes distractors; without one they are real replies of others in similar contexts.
    run_options : RunOptions, optional
        How it is asked.
    progress : callable, optional
        Called with (stage, done, total); a total of 0 is one that is not known.

    Raises
    ------
    FileFormatError, DataError
        If the log cannot be read, or nothing passes.
    GateError
        If the built set does not pass its gate.
    """
    settings = settings or InterpersonalSettings()
    return _InterpersonalBuild(log, output, settings, model, run_options, progress).run()


class _InterpersonalBuild:
    def __init__(
        self,
        log: Path,
        output: Path,
        settings: InterpersonalSettings,
        model: ChatModel | None,
        run_options: RunOptions | None,
        progress: Progress | None,
    ) -> None:
        self.settings, self.output, self.model, self.run_options = settings, output, model, run_options
        self.log = open_log(log, settings.columns, settings.encoding)
        self.sources = self.log.sources()
        digest = digest_of(self.sources)
        inputs = {
            "log": digest,
            "seed": str(settings.build.seed),
            "columns": digest_of(dict(settings.columns)),
        }
        salt = settings.salt or f"{digest}/{settings.build.seed}"
        inputs["salt"] = hashlib.sha256(salt.encode()).hexdigest()
        self.pseudonyms = Pseudonyms(salt)
        self.stages = Stages(output, inputs, progress)
        self.languages = open_detector(settings.languages)
        self._counts: CannedCounts | None = None

    def run(self) -> Built:
        settings, stages = self.settings, self.stages
        census, users, messages = self._people_and_messages()
        active = frozenset(record["user"] for record in users.records())
        funnel = asdict(settings.funnel)
        informative = stages.run(
            "informative",
            lambda tally: Informative(messages, active, settings.funnel, tally).records(),
            funnel,
        )
        embedder = open_embedder(settings.build.embeddings)
        different = stages.run(
            "distinct",
            lambda tally: distinct(informative, settings.funnel, embedder, tally),
            {"embeddings": dict(embedder.describe()), "most_alike": settings.funnel.most_alike},
        )
        linked = stages.run(
            "replies",
            lambda tally: Linker(messages, different, settings.funnel, settings.history, tally).records(),
            {"history": asdict(settings.history)},
        )
        chosen = {
            "most": settings.most,
            "per user": settings.most_per_user,
            "min history": settings.history.least,
        }
        drafts = stages.run(
            "drafts",
            lambda tally: self._drafts(messages, linked, tally),
            {**chosen, "languages": dict(self.languages.describe())},
        )
        if not drafts.n_out:
            raise DataError(nothing_left(stages.rows(), _HINT))
        return self._finished(census, linked, drafts)

    def _people_and_messages(self) -> tuple[Stage, Stage, Stage]:
        settings, stages = self.settings, self.stages
        census = stages.run("census", self._census, {"canned": asdict(settings.funnel.canned)})
        needed = {k: v for k, v in asdict(settings.funnel).items() if k.startswith("min_")}
        users = stages.run(
            "users", lambda tally: active_users(census.records(), settings.funnel, tally), needed
        )
        if not users.n_out:
            raise DataError(nothing_left(stages.rows(), _HINT))
        cleaning = {"longest": settings.funnel.max_characters, "consistent": settings.funnel.consistent}
        messages = stages.run("messages", lambda tally: self._clean(census, tally), cleaning)
        return census, users, messages

    def _census(self, tally: Tally) -> Iterator[Mapping[str, Any]]:
        self._counts = CannedCounts(self.settings.funnel.canned)
        return take_census(self.log, self._counts, self.pseudonyms, tally)

    def _clean(self, census: Stage, tally: Tally) -> Iterator[Mapping[str, Any]]:
        counts = self._counts or counted(self.log, CannedCounts(self.settings.funnel.canned))
        return Cleaner(self.log, census, counts, self.settings.funnel, self.pseudonyms, tally).records()

    def _drafts(self, messages: Stage, linked: Stage, tally: Tally) -> Iterator[Mapping[str, Any]]:
        """Active users' replies, drawn by the seed until there are enough with a history."""
        settings = self.settings
        places, users = self._by_active_users(linked)
        tally.noted["by others, for distractors"] = linked.n_out - len(places)
        memories = Memories(messages, users, settings.funnel, settings.history, settings.build.seed)
        memories.read(tally)
        of_user: Counter[str] = Counter()
        drafts: dict[int, Draft] = {}
        for place in np.random.default_rng([settings.build.seed, 11]).permutation(places).tolist():
            if len(drafts) == settings.most:
                tally.keep("more than were asked for")
                continue
            record = record_at(linked, place)
            if of_user[record["u"]] == settings.most_per_user:
                tally.keep(f"more than {settings.most_per_user} of one user")
                continue
            draft = self._draft(record, memories)
            reason = None
            if stands_in(record["x"], record["y"]):
                reason = "stands in what it replies to"
            elif len(draft.history) < settings.history.least:
                reason = f"fewer than {settings.history.least} earlier messages in other channels"
            if tally.keep(reason):
                drafts[place] = draft
                of_user[record["u"]] += 1
        for place in sorted(drafts):
            yield draft_record(drafts[place])

    def _by_active_users(self, linked: Stage) -> tuple[list[int], frozenset[str]]:
        """Where the active users' replies are, and whose these are."""
        places, users = [], set()
        for place, record in placed(linked):
            if record["a"]:
                places.append(place)
                users.add(record["u"])
        return places, frozenset(users)

    def _draft(self, record: Mapping[str, Any], memories: Memories) -> Draft:
        turns = []
        for text, context, place in memories.before(record):
            turn = Turn(text, context, f"{place:012d}")
            if not gives_away(record["x"], turn):
                turns.append(turn)
        found = self.languages.of(f"{record['y']} {record['x']}")
        return Draft(
            item_id=f"{record['c']}-{record['at']:012d}",
            dimension="interpersonal",
            language=found,
            persona=VoicePersona(record["u"]),
            stimulus=record["y"],
            reply=record["x"],
            history=tuple(turns),
            group=record["c"],
            scope=record["l"],
            own=frozenset({record["u"], record["to_user"]}),
            provenance={"channel": record["c"], "link": record["b"], "informativeness": record["s"]},
        )

    def _finished(self, census: Stage, linked: Stage, drafts: Stage) -> Built:
        settings = self.settings

        def read() -> list[Draft]:
            return [draft_from(record) for record in drafts.records()]

        where = "real replies of others in similar contexts"
        embedder = open_embedder(settings.build.embeddings)
        naive = as_published(self.stages, read, lambda: self._pool(linked), embedder, settings.build.seed)
        if self.model is None:
            similar = SimilarContexts(matching=settings.build.matching)
            found = with_distractors(
                self.stages, read, lambda: self._pool(linked), embedder, settings.build, candidates=similar
            )
            items = balanced(self.stages, found, settings.build)
        else:
            where = "written by a model"
            written = written_replies(
                self.stages, read(), self.model, self.output / "written", self.run_options
            )
            items = furnished(self.stages, read, written.pool, embedder, settings.build)
        shown = {k: v for k, v in asdict(settings).items() if k not in ("build", "salt")}
        return finish_build(
            self.stages,
            items,
            self.output,
            settings.build,
            title="Interpersonal items from messages",
            sources=self.sources,
            settings={**shown, "language detector": dict(self.languages.describe())},
            n_candidates=drafts.n_out,
            min_history=settings.history.least,
            before=audit(naive) if naive else None,
            notes=[BEFORE, f"Distractors are {where}.", _links_told(linked)],
        )

    def _pool(self, linked: Stage) -> list[PoolReply]:
        """Everybody's replies that passed the funnel, or as many as asked for, drawn by the seed."""
        n = linked.n_out
        chosen = np.arange(n)
        if n > self.settings.pool:
            rng = np.random.default_rng([self.settings.build.seed, 17])
            chosen = np.sort(rng.choice(n, self.settings.pool, replace=False))
        wanted = set(chosen.tolist())
        return [
            PoolReply(r["x"], r["u"], r["l"], r["y"]) for k, r in enumerate(linked.records()) if k in wanted
        ]


def _links_told(linked: Stage) -> str:
    if linked.noted.get("links by the heuristic"):
        return "What a message replies to is found by rules (who addresses whom), as the log does not say."
    return "What a message replies to is what the log says."
