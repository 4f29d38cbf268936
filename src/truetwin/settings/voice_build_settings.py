"""Settings of `truetwin voice build`, one model for each stage. The stages read these models.

An item shows a person's earlier replies and asks which of four options the person replied. The wrong options are called
distractors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

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
from truetwin.settings.value_kinds import ColumnNames, listed_alone
from truetwin.settings.voice_settings import ProfilesFile

Languages = Literal["auto", "lingua", "common-words"]
Distractors = Literal["real", "written", "both"]
Profiles = Literal["listed", "extracted"]
Basis = Literal["addressed", "answer", "goes on"]

STAGE = FileOnly(
    "It is rarely changed and has no option, to keep the help short; set it in a file (--config) or a study."
)
OUTPUT = "A study keeps its results in the folder of its run."


class MatchingOptions(Settings):
    """Choice of the distractors (the wrong options of an item), so that they match the true reply."""

    length_ratio: float = setting(
        1.4,
        "Most times that a distractor (wrong option) may be longer or shorter than the true reply, in characters.",
        gt=1,
    )
    slack: Annotated[int, Unit("characters")] = setting(
        12,
        "Difference in length that is always allowed, in characters, however short the true reply is.",
        ge=0,
    )
    nearest: int = setting(
        60,
        "Number of candidate distractors kept for an item: half by similar style, half by similarity to the context.",
        ge=3,
    )
    triples: int = setting(300, "Number of random sets of three candidates that are tried for an item.", ge=1)
    rounds: int = setting(
        4,
        "Number of times that all items are matched. From the second time on, a style model that tries to spot the "
        "true reply is matched against.",
        ge=0,
    )
    max_uses: int = setting(6, "Most times that one reply may serve as a distractor.", ge=1)
    most_alike: float = setting(0.95, "Greatest similarity (cosine) of two options of one item.", gt=0, le=1)


class Limits(Settings):
    """Limits on how far baselines that know nothing of the person may be from guessing."""

    rule: Annotated[float, Unit("points")] = setting(
        5.0,
        "Most percentage points by which each fixed rule, such as 'the longest option', may differ from guessing.",
    )
    style_model: Annotated[float, Unit("points")] = setting(
        10.0,
        "Most percentage points by which the learned style model may differ from guessing, on groups that it has "
        "not seen.",
    )
    margin: float = setting(
        0.8,
        "Share of these limits that a build aims to stay within, so that the limits hold in other folds too.",
    )

    def of(self, predictor: str) -> float:
        """Return the limit of a predictor, in percentage points."""
        return self.style_model if predictor == "style-model" else self.rule


class CannedOptions(Settings):
    """Rules for canned messages (of a template) and for bots."""

    repeats: int = setting(8, "Number of messages of one template from which they count as canned.", ge=2)
    min_words: int = setting(
        6, "Words that a template must have; messages of shorter templates never count as canned.", ge=1
    )
    bot_share: float = setting(
        0.5,
        "Share of canned messages, or of messages that begin like many others of the same user, above which a user "
        "counts as a bot.",
        gt=0,
        le=1,
    )
    bot_messages: int = setting(
        20, "Messages that a user must have for that; with fewer, only the user's name can show a bot.", ge=1
    )


class BuildOptions(Settings):
    """Settings of every build."""

    seed: int = setting(0, "Random seed of the build; the same seed gives the same files.", ge=0)
    limit: int | None = setting(None, "Most items to use, drawn at random.", ge=1)
    licence: str = setting("not stated", "Licence of the material, for the datasheet.")
    embeddings: str = setting(
        "tfidf",
        "Measure of how similar texts are: tfidf, tfidf-characters, sentence:MODEL or endpoint:MODEL (vectors of a "
        "model).",
    )
    least_share: Annotated[float, STAGE] = setting(
        0.4, "Least share of the candidate items that must remain at the end.", gt=0, le=1
    )
    matching: Annotated[MatchingOptions, STAGE] = setting(
        MatchingOptions(), "Choice of the distractors (wrong options)."
    )
    limits: Annotated[Limits, STAGE] = setting(
        Limits(), "Limits on how far baselines that know nothing of the person may be from guessing."
    )


class BuildOutput(Terminal):
    """Output options of the commands that build items."""

    output: Annotated[Path, CommandLineOnly(OUTPUT)] = setting(
        ..., "Folder for items.jsonl, datasheet.md and datasheet.json; created if it is missing."
    )
    config: Annotated[Path | None, CommandLineOnly("A study holds the settings itself.")] = setting(
        None, "YAML file with settings of the build; options on the command line override it."
    )


class BuildModel(Settings):
    """Endpoint of the model that helps with a build."""

    base_url: Annotated[str | None, MayHoldKey()] = setting(
        None, "Address of the model's OpenAI-compatible endpoint, up to and including /v1."
    )


class WrittenDistractors(Settings):
    """Model that writes distractors."""

    model: Annotated[
        str | None, MayBeFile(), Unset("none; the wrong options are other people's real replies")
    ] = setting(None, "Language model that writes the distractors (wrong options).")


class NarrativeOptions(Settings):
    """Choice of the utterances of a novel that become items."""

    min_margin: float = setting(
        1.0,
        "Least lead of the likeliest speaker of an utterance over the next one, in the score of the rules that find "
        "speakers.",
        ge=0,
    )
    min_words: Annotated[int, Unit("words")] = setting(4, "Shortest utterance, in words.", ge=1)
    max_words: Annotated[int, Unit("words")] = setting(80, "Longest utterance, in words.", ge=1)
    min_history: int = setting(5, "Least number of earlier utterances of the character.", ge=0)
    max_history: int = setting(
        60, "Most earlier utterances of the character in an item; the latest ones are taken.", ge=1
    )
    chunk_words: Annotated[int, Unit("words")] = setting(
        250,
        "Length of the chunks that a book is cut into, in words. At most one utterance of a chunk becomes an item.",
        ge=1,
    )
    context_words: Annotated[int, Unit("words")] = setting(
        180, "Number of words of the book that are shown before the utterance.", ge=1
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
    novel: str | None = setting(None, "Name of the novel in a file with the profiles of several novels.")
    encoding: Annotated[str | None, Unset("UTF-8")] = setting(None, "Text encoding of the books.")
    items: Annotated[NarrativeOptions, STAGE] = setting(
        NarrativeOptions(), "Choice of the utterances that become items."
    )
    build: BuildOptions = setting(BuildOptions(), "Settings of every build.")
    distractors: Annotated[Distractors, STAGE] = setting(
        "real",
        "Source of the distractors (wrong options): other characters' real utterances (real), lines that a model "
        "writes for the scene (written), or those of both that match best (both).",
    )
    profiles: Annotated[Profiles, STAGE] = setting(
        "listed",
        "Source of what is told of characters (traits, goals, motives): the file of characters (listed), or for those "
        "who have nothing there, what the build's model draws from their lines in the book (extracted).",
    )
    language: Annotated[str, STAGE] = setting(
        "en", "ISO 639-1 code of the books' language. The rules that find speakers are made for English."
    )


class NarrativeBuild(NarrativeSettings, BuildModel):
    """Set of items made from novels."""

    books: Annotated[tuple[Path, ...], Argument("BOOK...")] = setting(
        ..., "Books as plain text files, one or more."
    )
    model: Annotated[str | None, MayBeFile(), Unset("none")] = setting(
        None,
        "Language model to ask who speaks if the rules are not sure, and for profiles and written distractors where "
        "these are chosen.",
    )


class NarrativeCommand(NarrativeBuild, BuildOutput):
    """Settings of the command `truetwin voice build narrative`."""


class ReplyOptions(Settings):
    """Limits on how far back rules search for the message that is replied to, if the log does not name it."""

    window: Annotated[int, Unit("messages")] = setting(
        100,
        "Number of messages of the channel to search if the message addresses somebody, or answers a message "
        "addressed to its user.",
        ge=1,
    )
    own: Annotated[int, Unit("messages")] = setting(
        30,
        "Number of messages of the channel to search for an earlier message of the same user that this one continues.",
        ge=1,
    )


class HistoryOptions(Settings):
    """Earlier messages of a user that an item shows."""

    least: int = setting(5, "Least number of earlier messages from other channels in an item.", ge=0)
    most: int = setting(30, "Most earlier messages in an item; the latest ones are taken.", ge=1)
    remembered: int = setting(
        100,
        "Number of messages of a user in a channel among which these are chosen. If there are more, this many are "
        "drawn at random.",
        ge=1,
    )
    stimulus_words: Annotated[int, Unit("words")] = setting(
        3, "Least number of words of the message that is replied to.", ge=1
    )

    @model_validator(mode="after")
    def _least_before_most(self) -> Self:
        if self.least > self.most:
            raise RuleBrokenError(f"{{least}} must be in 0..{{most}}; got {self.least} and {self.most}")
        return self


class FunnelOptions(Settings):
    """Filters that messages must pass. The defaults are those of paper B (section 4.1) if it gives any."""

    min_channels: int = setting(3, "Least number of channels in which a user writes.", ge=1)
    min_messages: int = setting(500, "Least number of messages of a user in all.", ge=1)
    min_per_channel: int = setting(100, "Least number of messages of a user in each channel.", ge=1)
    min_tokens: Annotated[int, Unit("words")] = setting(5, "Shortest reply, in words.", ge=1)
    max_characters: Annotated[int, Unit("characters")] = setting(
        2000, "Longest message, in characters. Longer ones were probably pasted and are left out.", ge=1
    )
    informative_share: float = setting(
        0.1,
        "Share of the active users' messages that is kept: in each language, the messages with the most distinctive "
        "words (highest mean TF-IDF weight).",
        gt=0,
        le=1,
    )
    most_alike: float = setting(
        0.9,
        "Greatest similarity (cosine) of a message to an earlier one; more similar messages are left out.",
        gt=0,
        le=1,
    )
    links: Literal["auto", "explicit", "heuristic"] = setting(
        "auto",
        "Source of the links between a reply and the message that it replies to: the log (explicit), rules "
        "(heuristic), or the log if it has any link and else rules (auto).",
    )
    bases: Annotated[tuple[Basis, ...], BeforeValidator(listed_alone)] = setting(
        ("addressed", "answer"),
        "Rules whose links are used for items: the message names the other user (addressed), it answers a message "
        "addressed to its user (answer), it continues its user's own message (goes on).",
    )
    replies: ReplyOptions = setting(
        ReplyOptions(), "How far back the rules search for the message that is replied to."
    )
    canned: CannedOptions = setting(CannedOptions(), "Rules for canned messages and bots.")
    consistent: bool = setting(
        True, "Replace the same address, link or number by the same substitute everywhere."
    )


class LogFile(Settings):
    """Columns and encoding of the input file."""

    columns: Annotated[ColumnNames, Flag("--column")] = setting(
        {},
        "Name of a column in the file, as OURS=THEIRS, such as user=author if the column 'author' holds users; may be "
        "repeated.",
    )
    encoding: Annotated[str | None, Unset("UTF-8")] = setting(None, "Text encoding of the input.")


class DrawnItems(Settings):
    """Number of items that are drawn, their languages and their pseudonyms."""

    most_items: Annotated[int, STAGE] = setting(
        2500, "Most items, drawn at random. build.limit, if given, replaces this.", ge=1
    )
    most_per_user: Annotated[int, STAGE] = setting(50, "Most items of one user.", ge=1)
    pool: Annotated[int, STAGE] = setting(
        20000,
        "Number of replies, drawn at random, among which distractors (wrong options) are chosen.",
        ge=1,
    )
    languages: Annotated[Languages, STAGE] = setting(
        "auto",
        "Way to find the language of an item: with the package lingua, by common words, or with lingua if it is "
        "installed (auto).",
    )
    salt: Annotated[str | None, STAGE, Unset("one computed from the files and the seed")] = setting(
        None,
        "Secret key of the pseudonyms. Only a person who has it can test which name a pseudonym stands for.",
    )


class InterpersonalSettings(LogFile, DrawnItems):
    """Make items from messages in several channels: what people reply, with their words elsewhere as memory."""

    funnel: Annotated[FunnelOptions, STAGE] = setting(FunnelOptions(), "Filters that messages must pass.")
    history: Annotated[HistoryOptions, STAGE] = setting(
        HistoryOptions(), "Earlier messages of a user that an item shows."
    )
    build: BuildOptions = setting(BuildOptions(), "Settings of every build.")

    @property
    def most(self) -> int:
        """Most items that are drafted."""
        return self.build.limit or self.most_items


class InterpersonalBuild(InterpersonalSettings, WrittenDistractors, BuildModel):
    """Set of items made from messages."""

    log: Annotated[Path, Argument("INPUT")] = setting(
        ...,
        "Log of messages: JSONL, CSV or Parquet with one row for each message (user, channel, text, and if known id, "
        "reply_to, time), or a folder of IRC logs.",
    )


class InterpersonalCommand(InterpersonalBuild, BuildOutput):
    """Settings of the command `truetwin voice build interpersonal`."""


class UserOptions(Settings):
    """Filters for users. The defaults are those of paper B (section 4.1) if it gives any."""

    min_mean_characters: Annotated[float, Unit("characters")] = setting(
        10.0, "Least mean length of a user's replies, in characters.", ge=0
    )
    ttr_share: float = setting(
        0.2,
        "Share of users who are left out because their vocabulary is the least varied (lowest type-token ratio: "
        "different words divided by all words).",
        ge=0,
        lt=1,
    )
    ttr_words: Annotated[int, Unit("words")] = setting(
        500,
        "Number of a user's words from which this ratio is computed, because it falls with the length of a text. 0 "
        "takes all words, as published, and so leaves out the users who write most.",
        ge=0,
    )
    min_replies: int = setting(6, "Least number of replies of a user.", ge=1)


class SocialSettings(LogFile, DrawnItems):
    """Make items from posts and replies: what a user replied, against what others reply to similar posts."""

    posts: Annotated[str | None, MayBeFile()] = setting(
        None, "File with columns post_id and post, if the file of replies has only the id of the post."
    )
    users: Annotated[UserOptions, STAGE] = setting(UserOptions(), "Filters for users.")
    canned: Annotated[CannedOptions, STAGE] = setting(CannedOptions(), "Rules for canned messages and bots.")
    build: BuildOptions = setting(BuildOptions(), "Settings of every build.")
    ranking: Annotated[Literal["random", "alignment"], STAGE] = setting(
        "random",
        "Choice of items if there are more than most_items: at random (random), or those whose true reply fits the "
        "person's history best (persona-choice alignment), as published (alignment).",
    )
    most_items: Annotated[int, STAGE] = setting(2000, "Most items in the set.", ge=1)
    most_candidates: Annotated[int, STAGE] = setting(
        8000,
        "Most replies for which distractors (wrong options) are searched, drawn at random. build.limit, if given, "
        "replaces this.",
        ge=1,
    )
    most_per_user: Annotated[int, STAGE] = setting(20, "Most items of one user.", ge=1)
    min_history: Annotated[int, STAGE] = setting(
        5, "Least number of earlier replies to other posts in an item.", ge=0
    )
    max_history: Annotated[int, STAGE] = setting(30, "Most earlier replies in an item.", ge=1)
    min_characters: Annotated[int, STAGE, Unit("characters")] = setting(2, "Shortest reply, in characters.")
    max_characters: Annotated[int, STAGE, Unit("characters")] = setting(
        2000, "Longest reply and longest post, in characters.", ge=1
    )
    candidates: Annotated[int, STAGE] = setting(
        24,
        "Number of replies of similar length, to the same or the most similar posts, among which an item's "
        "distractors are chosen. It is small because replies to less similar posts share fewer words with this post.",
        ge=3,
    )
    consistent: Annotated[bool, STAGE] = setting(
        True, "Replace the same address, link or number by the same substitute everywhere."
    )

    @model_validator(mode="after")
    def _history_in_order(self) -> Self:
        if self.min_history > self.max_history:
            raise RuleBrokenError(f"{{min_history}} must be in 0..{{max_history}}; got {self.min_history}")
        return self


class SocialBuild(SocialSettings, WrittenDistractors, BuildModel):
    """Set of items made from posts and replies."""

    replies: Annotated[Path, Argument("INPUT")] = setting(
        ...,
        "Replies: JSONL, CSV or Parquet with one row for each reply (user, reply, and the post or its post_id).",
    )


class SocialCommand(SocialBuild, BuildOutput):
    """Settings of the command `truetwin voice build social`."""


class RepairOptions(Settings):
    """Make a repaired release: faults out, distractors matched, places balanced, audited before and after."""

    how: Literal["replace", "subset"] = setting(
        "replace",
        "Way of repairing: replace (put other people's real replies in place of the wrong options) or subset (keep "
        "only items whose options are alike in length and style).",
    )
    build: BuildOptions = setting(BuildOptions(), "Settings of every build.")
    min_history: Annotated[int, STAGE] = setting(1, "Least number of earlier replies in an item.", ge=0)


class RepairBuild(RepairOptions, ProfilesFile):
    """Repaired set of items."""

    source: Annotated[str, Argument("FILE"), MayBeFile()] = setting(
        ...,
        "JSONL file of items, or the name of a published part of the benchmark: social or narrative.",
    )


class RepairCommand(RepairBuild, BuildOutput):
    """Settings of the command `truetwin voice build repair`."""


#: Settings of any build, including its raw material.
AnyBuild = NarrativeBuild | InterpersonalBuild | SocialBuild | RepairBuild


class VoiceBuild(Settings):
    """Benchmark items made from raw material, or a repaired release of an item file."""

    narrative: NarrativeBuild | None = setting(None, "Make items from novels.")
    interpersonal: InterpersonalBuild | None = setting(None, "Make items from messages.")
    social: SocialBuild | None = setting(None, "Make items from posts and replies.")
    repair: RepairBuild | None = setting(None, "Make a repaired release.")

    @property
    def chosen(self) -> AnyBuild:
        """Build that the settings ask for."""
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
