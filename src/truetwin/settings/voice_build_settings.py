"""Settings of `truetwin voice build`, stage by stage; the stages read these models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from truetwin.settings.declaration import (
    Argument,
    CommandLineOnly,
    FileOnly,
    Flag,
    MayBeFile,
    MayHoldKey,
    RuleBrokenError,
    Settings,
    Unit,
    Unset,
    setting,
)
from truetwin.settings.shared_settings import Terminal
from truetwin.settings.value_kinds import ColumnNames

Languages = Literal["auto", "lingua", "common-words"]
Distractors = Literal["real", "written", "both"]
Basis = Literal["addressed", "answer", "goes on"]

STAGE = FileOnly(
    "Rarely changed, and too many for a page of help: they stand in a file (--config) or a study."
)
OUTPUT = "A study keeps its results in the folder of its run."


class MatchingOptions(Settings):
    """How distractors (the wrong options of an item) are chosen."""

    length_ratio: float = setting(
        1.4, "How many times longer or shorter than the true reply a distractor may be, in characters.", gt=1
    )
    slack: Annotated[int, Unit("characters")] = setting(
        12, "Characters by which lengths may differ however short the reply is.", ge=0
    )
    nearest: int = setting(
        60, "Candidates kept for an item, half by style and half by likeness to the context.", ge=3
    )
    triples: int = setting(300, "Random triples of candidates that are tried for an item.", ge=1)
    rounds: int = setting(
        4, "How often all items are matched; from the second time on against a style model.", ge=0
    )
    max_uses: int = setting(6, "How often one reply may serve as a distractor.", ge=1)
    most_alike: float = setting(
        0.95, "Options more alike than this (cosine) are not offered together.", gt=0, le=1
    )


class Limits(Settings):
    """How far baselines that know nothing of the persona may be from chance."""

    rule: Annotated[float, Unit("points")] = setting(
        5.0, "Limit of each rule that is not learned, in points."
    )
    style_model: Annotated[float, Unit("points")] = setting(
        10.0, "Limit of the style model, in points, on groups that it has not seen."
    )
    margin: float = setting(
        0.8,
        "Share of these limits within which a build brings its figures, so that other folds do not break "
        "them.",
    )

    def of(self, predictor: str) -> float:
        """Limit of a predictor, in points."""
        return self.style_model if predictor == "style-model" else self.rule


class CannedOptions(Settings):
    """When a message counts as canned, and a user as a bot."""

    repeats: int = setting(8, "So many messages of one template are canned.", ge=2)
    min_words: int = setting(6, "Shorter templates are not judged.", ge=1)
    bot_share: float = setting(
        0.5,
        "A user with a larger share of canned messages, or of messages that open like many of that user's, "
        "is a bot.",
        gt=0,
        le=1,
    )
    bot_messages: int = setting(20, "Users with fewer messages are judged by their name only.", ge=1)


class BuildOptions(Settings):
    """What all builds share."""

    seed: int = setting(0, "Seed of everything random; the same one gives the same bytes.", ge=0)
    limit: int | None = setting(None, "Use at most so many items, drawn by the seed.", ge=1)
    licence: str = setting("not stated", "Licence of the material, for the datasheet.")
    embeddings: str = setting(
        "tfidf", "How texts are compared: tfidf, tfidf-characters, sentence:MODEL or endpoint:MODEL."
    )
    least_share: Annotated[float, STAGE] = setting(
        0.4, "Share of the candidate items that must remain.", gt=0, le=1
    )
    matching: Annotated[MatchingOptions, STAGE] = setting(MatchingOptions(), "How distractors are chosen.")
    limits: Annotated[Limits, STAGE] = setting(Limits(), "How far baselines may be from chance.")


class BuildOutput(Terminal):
    """What the commands of all builds share."""

    output: Annotated[Path, CommandLineOnly(OUTPUT)] = setting(
        ..., "Folder for items.jsonl, datasheet.md and datasheet.json; made if missing."
    )
    config: Annotated[Path | None, CommandLineOnly("A study holds the settings itself.")] = setting(
        None, "YAML file with settings; options on the command line go first."
    )


class BuildModel(Settings):
    """Which model helps with a build."""

    base_url: Annotated[str | None, MayHoldKey()] = setting(
        None, "OpenAI-compatible endpoint of the model, up to and with /v1."
    )


class WrittenDistractors(Settings):
    """Which model writes distractors."""

    model: Annotated[str | None, MayBeFile(), Unset("nobody; distractors are other people's replies")] = (
        setting(None, "Model that writes the distractors.")
    )


class NarrativeOptions(Settings):
    """Which utterances of a novel become items."""

    min_margin: float = setting(
        1.0,
        "How much likelier the speaker must be than the next one, in the units of the attribution's weights.",
        ge=0,
    )
    min_words: Annotated[int, Unit("words")] = setting(4, "Shortest utterance, in words.", ge=1)
    max_words: Annotated[int, Unit("words")] = setting(80, "Longest utterance, in words.", ge=1)
    min_history: int = setting(5, "Earlier utterances that the character must have.", ge=0)
    max_history: int = setting(60, "Earlier utterances that go into an item at most, the latest ones.", ge=1)
    chunk_words: Annotated[int, Unit("words")] = setting(
        250, "Length of a chunk, of which at most one utterance becomes an item, in words.", ge=1
    )
    context_words: Annotated[int, Unit("words")] = setting(
        180, "Words of the book that are shown before the utterance.", ge=1
    )

    @model_validator(mode="after")
    def _shortest_before_longest(self) -> Self:
        if self.max_words < self.min_words:
            raise RuleBrokenError(
                f"{{max_words}} must be at least {{min_words}}; got {self.max_words} and {self.min_words}"
            )
        return self


class NarrativeSettings(Settings):
    """Make items from novels: who says what, in which scene, against other characters' real words."""

    characters: Annotated[str | None, MayBeFile(), Unset("found by rules")] = setting(
        None,
        "File with the characters: published profiles, or JSONL with name, variants, gender, traits, goals,"
        " details.",
    )
    novel: str | None = setting(None, "Which novel of the published profiles it is.")
    encoding: Annotated[str | None, Unset("UTF-8")] = setting(None, "Encoding of the books.")
    items: Annotated[NarrativeOptions, STAGE] = setting(NarrativeOptions(), "Which utterances become items.")
    build: BuildOptions = setting(BuildOptions(), "What all builds share.")
    distractors: Annotated[Distractors, STAGE] = setting(
        "real",
        "Distractors: other characters' real utterances (real), lines that a model writes for the scene "
        "(written), or whichever match (both).",
    )
    language: Annotated[str, STAGE] = setting(
        "en", "ISO 639-1 code of the books' language; the rules of attribution are English."
    )


class NarrativeBuild(NarrativeSettings, BuildModel):
    """A set of items made from novels."""

    books: Annotated[tuple[Path, ...], Argument("BOOK...")] = setting(..., "Plain-text books, one or more.")
    model: Annotated[str | None, MayBeFile(), Unset("nobody")] = setting(
        None, "Model to ask who speaks where the rules are not sure."
    )


class NarrativeCommand(NarrativeBuild, BuildOutput):
    """`truetwin voice build narrative`."""


class ReplyOptions(Settings):
    """How far back a reply is looked for, where the log does not say what a message replies to."""

    window: Annotated[int, Unit("messages")] = setting(
        100,
        "Messages of the channel, for a message that is addressed or that answers one addressed to its user.",
        ge=1,
    )
    own: Annotated[int, Unit("messages")] = setting(
        30, "Messages of the channel, for going on from one's own last message.", ge=1
    )


class HistoryOptions(Settings):
    """What is remembered of a user."""

    least: int = setting(5, "Earlier messages from other channels that an item must have.", ge=0)
    most: int = setting(30, "Earlier messages that an item may have, the latest ones.", ge=1)
    remembered: int = setting(
        100, "Messages of a user in a channel among which these are chosen; of more, so many are drawn.", ge=1
    )
    stimulus_words: Annotated[int, Unit("words")] = setting(
        3, "Words that the message replied to must have.", ge=1
    )

    @model_validator(mode="after")
    def _least_before_most(self) -> Self:
        if self.least > self.most:
            raise RuleBrokenError(f"{{least}} must be in 0..{{most}}; got {self.least} and {self.most}")
        return self


class FunnelOptions(Settings):
    """Which messages pass. The defaults are those of paper B (section 4.1) where it gives any."""

    min_channels: int = setting(3, "Channels that a user must have.", ge=1)
    min_messages: int = setting(500, "Messages that a user must have in all.", ge=1)
    min_per_channel: int = setting(100, "Messages that a user must have in each channel.", ge=1)
    min_tokens: Annotated[int, Unit("words")] = setting(5, "Shortest reply, in words.", ge=1)
    max_characters: Annotated[int, Unit("characters")] = setting(
        2000, "Longest message, in characters; longer ones are pasted, not written.", ge=1
    )
    informative_share: float = setting(
        0.1,
        "Share of the active users' messages that is kept, by mean TF-IDF weight of their words, language "
        "by language.",
        gt=0,
        le=1,
    )
    most_alike: float = setting(
        0.9, "Messages more alike (cosine) than this to an earlier one are left out.", gt=0, le=1
    )
    links: Literal["auto", "explicit", "heuristic"] = setting(
        "auto",
        "What a message replies to: as the log says (explicit), by rules (heuristic), or as the log says if"
        " it says so of any message (auto).",
    )
    bases: tuple[Basis, ...] = setting(
        ("addressed", "answer"), "Rules of the heuristic that are sure enough for an item."
    )
    replies: ReplyOptions = setting(ReplyOptions(), "How far back the heuristic looks.")
    canned: CannedOptions = setting(CannedOptions(), "What a bot is.")
    consistent: bool = setting(True, "Give the same address, link or number the same replacement everywhere.")


class LogFile(Settings):
    """How a log is read."""

    columns: Annotated[ColumnNames, Flag("--column")] = setting(
        {}, "What the file calls something, as user=author; may be repeated."
    )
    encoding: Annotated[str | None, Unset("UTF-8")] = setting(None, "Encoding of the input.")


class DrawnItems(Settings):
    """How many items are drawn, and how they are written."""

    most_items: Annotated[int, STAGE] = setting(
        2500, "Most items, drawn by the seed; build.limit goes first.", ge=1
    )
    most_per_user: Annotated[int, STAGE] = setting(50, "Most items of one user.", ge=1)
    pool: Annotated[int, STAGE] = setting(
        20000, "Replies among which distractors are looked for, drawn by the seed.", ge=1
    )
    languages: Annotated[Languages, STAGE] = setting("auto", "How an item's language is found.")
    salt: Annotated[str | None, STAGE, Unset("one that follows from the files and the seed")] = setting(
        None, "Key of the pseudonyms; only who has it can test names."
    )


class InterpersonalSettings(LogFile, DrawnItems):
    """Make items from messages in several channels: what people reply, with their words elsewhere as memory."""

    funnel: Annotated[FunnelOptions, STAGE] = setting(FunnelOptions(), "Which messages pass.")
    history: Annotated[HistoryOptions, STAGE] = setting(HistoryOptions(), "What is remembered of a user.")
    build: BuildOptions = setting(BuildOptions(), "What all builds share.")

    @property
    def most(self) -> int:
        """Most drafts."""
        return self.build.limit or self.most_items


class InterpersonalBuild(InterpersonalSettings, WrittenDistractors, BuildModel):
    """A set of items made from messages."""

    log: Annotated[Path, Argument("INPUT")] = setting(
        ...,
        "JSONL, CSV or Parquet with a message a row (user, channel, text, and if known id, reply_to, time),"
        " or a folder of IRC logs.",
    )


class InterpersonalCommand(InterpersonalBuild, BuildOutput):
    """`truetwin voice build interpersonal`."""


class UserOptions(Settings):
    """Whose replies become items. The defaults are those of paper B (section 4.1) where it gives any."""

    min_mean_characters: Annotated[float, Unit("characters")] = setting(
        10.0, "Characters that a user's replies must have on average.", ge=0
    )
    ttr_share: float = setting(
        0.2, "Share of users, with the lowest type-token ratio, who are left out.", ge=0, lt=1
    )
    ttr_words: Annotated[int, Unit("words")] = setting(
        500,
        "Words of a user that the ratio is taken of, as it falls with the length of a text; 0 takes all, as"
        " published, and so leaves out those who write most.",
        ge=0,
    )
    min_replies: int = setting(6, "Replies that a user must have.", ge=1)


class SocialSettings(LogFile, DrawnItems):
    """Make items from posts and replies: what a user replied, against what others reply to similar posts."""

    posts: Annotated[str | None, MayBeFile()] = setting(
        None, "File with post_id and post, where the replies have only the id."
    )
    users: Annotated[UserOptions, STAGE] = setting(UserOptions(), "Whose replies become items.")
    canned: Annotated[CannedOptions, STAGE] = setting(CannedOptions(), "What a bot is.")
    build: BuildOptions = setting(BuildOptions(), "What all builds share.")
    ranking: Annotated[Literal["random", "alignment"], STAGE] = setting(
        "random",
        "Which items are taken if there are more than most_items: drawn by the seed (random), or those of "
        "the highest persona-choice alignment, as published (alignment).",
    )
    most_items: Annotated[int, STAGE] = setting(2000, "Most items that are taken.", ge=1)
    most_candidates: Annotated[int, STAGE] = setting(
        8000, "Replies for which distractors are looked for, drawn by the seed; build.limit goes first.", ge=1
    )
    most_per_user: Annotated[int, STAGE] = setting(20, "Most items of one user.", ge=1)
    min_history: Annotated[int, STAGE] = setting(
        5, "Earlier replies (to other posts) that an item must have.", ge=0
    )
    max_history: Annotated[int, STAGE] = setting(30, "Earlier replies that an item may have.", ge=1)
    min_characters: Annotated[int, STAGE, Unit("characters")] = setting(2, "Shortest reply, in characters.")
    max_characters: Annotated[int, STAGE, Unit("characters")] = setting(
        2000, "Longest reply and longest post, in characters.", ge=1
    )
    candidates: Annotated[int, STAGE] = setting(
        24,
        "Replies of like length to the same or the most similar posts, among which an item's distractors "
        "are chosen. Few, as replies to other posts share fewer words with this one.",
        ge=3,
    )
    consistent: Annotated[bool, STAGE] = setting(
        True, "Give the same address, link or number the same replacement everywhere."
    )

    @model_validator(mode="after")
    def _history_in_order(self) -> Self:
        if self.min_history > self.max_history:
            raise RuleBrokenError(f"{{min_history}} must be in 0..{{max_history}}; got {self.min_history}")
        return self


class SocialBuild(SocialSettings, WrittenDistractors, BuildModel):
    """A set of items made from posts and replies."""

    replies: Annotated[Path, Argument("INPUT")] = setting(
        ..., "JSONL, CSV or Parquet with a reply a row: user, reply, and the post or its post_id."
    )


class SocialCommand(SocialBuild, BuildOutput):
    """`truetwin voice build social`."""


class RepairOptions(Settings):
    """Make a repaired release: faults out, distractors matched, places balanced, audited before and after."""

    how: Literal["replace", "subset"] = setting(
        "replace",
        "How: replace (distractors by other people's real replies) or subset (keep the items whose options "
        "are alike).",
    )
    build: BuildOptions = setting(BuildOptions(), "What all builds share.")
    min_history: Annotated[int, STAGE] = setting(1, "Earlier replies that an item must have.", ge=0)


class RepairBuild(RepairOptions):
    """A repaired set of items."""

    source: Annotated[str, Argument("FILE"), MayBeFile()] = setting(
        ..., "A JSONL file of items, or the name of a published dimension."
    )
    profiles: Path | None = setting(None, "Profiles that go with a file of narrative items.")


class RepairCommand(RepairBuild, BuildOutput):
    """`truetwin voice build repair`."""


#: The settings of any build, its raw material included.
AnyBuild = NarrativeBuild | InterpersonalBuild | SocialBuild | RepairBuild


class VoiceBuild(Settings):
    """Benchmark items made from raw material, or a repaired release of an item file."""

    narrative: NarrativeBuild | None = setting(None, "Make items from novels.")
    interpersonal: InterpersonalBuild | None = setting(None, "Make items from messages.")
    social: SocialBuild | None = setting(None, "Make items from posts and replies.")
    repair: RepairBuild | None = setting(None, "Make a repaired release.")

    @property
    def chosen(self) -> AnyBuild:
        """The one build that is asked for."""
        found = [self.narrative, self.interpersonal, self.social, self.repair]
        return next(part for part in found if part is not None)

    @model_validator(mode="after")
    def _one_build(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise RuleBrokenError(
                "a study makes one set of items: one of {narrative}, {interpersonal}, {social} and {repair}; "
                f"got {len(given)}"
            )
        return self
