"""`truetwin voice build`: benchmark items from raw material, and repaired releases of item files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.shared_options import Json

if TYPE_CHECKING:
    from truetwin.llm import ChatModel
    from truetwin.voice_sets.common.finishing import BuildOptions, Built

app = typer.Typer(
    help="Make benchmark items from raw material, or a repaired release of an item file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Output = Annotated[
    Path, typer.Option(help="Folder for items.jsonl, datasheet.md and datasheet.json; made if missing.")
]
Config = Annotated[
    Path | None, typer.Option(help="YAML file with settings; options on the command line go first.")
]
Seed = Annotated[int | None, typer.Option(help="Seed; the same one gives the same bytes. [default: 0]")]
Limit = Annotated[int | None, typer.Option(help="Use at most so many items, drawn by the seed.")]
Licence = Annotated[str | None, typer.Option(help="Licence of the material, for the datasheet.")]
Embeddings = Annotated[
    str | None,
    typer.Option(help="tfidf, tfidf-characters, sentence:MODEL or endpoint:MODEL. [default: tfidf]"),
]


Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help="What the file calls something: user=author. May be given several times."),
]
LogEncoding = Annotated[str | None, typer.Option(help="Of the input. [default: UTF-8]")]
Writer = Annotated[
    str | None,
    typer.Option(
        help="Model that writes the distractors. [default: nobody; they are other people's replies]"
    ),
]
BaseUrl = Annotated[str | None, typer.Option(help="OpenAI-compatible endpoint of the model, with /v1.")]


@app.callback()
def build() -> None:
    """Make benchmark items from raw material, or a repaired release of an item file."""


@app.command("narrative")
def narrative_command(
    books: Annotated[list[Path], typer.Argument(help="Plain-text books, one or more.", metavar="BOOK...")],
    output: Output,
    config: Config = None,
    characters: Annotated[
        Path | None,
        typer.Option(
            help="The characters: published profiles, or JSONL with name, variants, gender, traits, goals, details. "
            "[default: found by rules]"
        ),
    ] = None,
    novel: Annotated[str | None, typer.Option(help="Which novel of the published profiles it is.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the books. [default: UTF-8]")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Model to ask who speaks where the rules are not sure. [default: nobody]"),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible endpoint of the model, with /v1.")
    ] = None,
    seed: Seed = None,
    limit: Limit = None,
    licence: Licence = None,
    embeddings: Embeddings = None,
    json: Json = False,
) -> None:
    """Make items from novels: who says what, in which scene, against other characters' real words."""
    from truetwin.voice_sets.common.build_settings import read_config, settings_from
    from truetwin.voice_sets.novels.novel_pipeline import NarrativeSettings, build_narrative

    settings = settings_from(NarrativeSettings, read_config(config), "the configuration")
    settings = replace(
        settings,
        build=_with_options(settings.build, seed, limit, licence, embeddings),
        characters=str(characters) if characters else settings.characters,
        novel=novel or settings.novel,
        encoding=encoding or settings.encoding,
    )
    _folder(output)
    asked = _model(model, base_url)
    with _progress() as progress:
        built = build_narrative(books, output, settings, model=asked, progress=progress)
    _report("voice build narrative", built, json)


@app.command("interpersonal")
def interpersonal_command(
    log: Annotated[
        Path,
        typer.Argument(
            help="JSONL, CSV or Parquet with a message a row (user, channel, text, and if known id, reply_to, time), "
            "or a folder of IRC logs.",
            metavar="INPUT",
        ),
    ],
    output: Output,
    config: Config = None,
    columns: Columns = None,
    encoding: LogEncoding = None,
    model: Writer = None,
    base_url: BaseUrl = None,
    seed: Seed = None,
    limit: Limit = None,
    licence: Licence = None,
    embeddings: Embeddings = None,
    json: Json = False,
) -> None:
    """Make items from messages in several channels: what people reply, with their words elsewhere as memory."""
    from truetwin.voice_sets.common.build_settings import read_config, settings_from
    from truetwin.voice_sets.conversations.messaging_pipeline import (
        InterpersonalSettings,
        build_interpersonal,
    )

    settings = settings_from(InterpersonalSettings, read_config(config), "the configuration")
    settings = replace(
        settings,
        build=_with_options(settings.build, seed, limit, licence, embeddings),
        columns={**settings.columns, **_named(columns)},
        encoding=encoding or settings.encoding,
    )
    _folder(output)
    asked = _model(model, base_url)
    with _progress() as progress:
        built = build_interpersonal(log, output, settings, model=asked, progress=progress)
    _report("voice build interpersonal", built, json)


@app.command("social")
def social_command(
    replies: Annotated[
        Path,
        typer.Argument(
            help="JSONL, CSV or Parquet with a reply a row: user, reply, and the post or its post_id.",
            metavar="INPUT",
        ),
    ],
    output: Output,
    config: Config = None,
    posts: Annotated[
        Path | None, typer.Option(help="File with post_id and post, where the replies have only the id.")
    ] = None,
    columns: Columns = None,
    encoding: LogEncoding = None,
    model: Writer = None,
    base_url: BaseUrl = None,
    seed: Seed = None,
    limit: Limit = None,
    licence: Licence = None,
    embeddings: Embeddings = None,
    json: Json = False,
) -> None:
    """Make items from posts and replies: what a user replied, against what others reply to similar posts."""
    from truetwin.voice_sets.common.build_settings import read_config, settings_from
    from truetwin.voice_sets.conversations.social_pipeline import SocialSettings, build_social

    settings = settings_from(SocialSettings, read_config(config), "the configuration")
    settings = replace(
        settings,
        build=_with_options(settings.build, seed, limit, licence, embeddings),
        posts=str(posts) if posts else settings.posts,
        columns={**settings.columns, **_named(columns)},
        encoding=encoding or settings.encoding,
    )
    _folder(output)
    asked = _model(model, base_url)
    with _progress() as progress:
        built = build_social(replies, output, settings, model=asked, progress=progress)
    _report("voice build social", built, json)


@app.command("repair")
def repair_command(
    source: Annotated[
        str,
        typer.Argument(help="A JSONL file of items, or the name of a published dimension.", metavar="FILE"),
    ],
    output: Output,
    config: Config = None,
    how: Annotated[
        str | None,
        typer.Option(
            help="replace (distractors by other people's real replies) or subset (items whose options are alike). "
            "[default: replace]"
        ),
    ] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="Profiles that go with a file of narrative items.")
    ] = None,
    seed: Seed = None,
    limit: Limit = None,
    licence: Licence = None,
    embeddings: Embeddings = None,
    json: Json = False,
) -> None:
    """Make a repaired release: faults out, distractors matched, places balanced, audited before and after."""
    from truetwin.voice_sets.common.build_settings import read_config, settings_from
    from truetwin.voice_sets.common.set_repair import RepairOptions, repair

    values = read_config(config)
    settings = settings_from(RepairOptions, {**values, **({"how": how} if how else {})}, "the configuration")
    settings = replace(settings, build=_with_options(settings.build, seed, limit, licence, embeddings))
    _folder(output)
    with _progress() as progress:
        built = repair(source, output, settings, profiles=profiles, progress=progress)
    _report("voice build repair", built, json)


def _with_options(
    build: BuildOptions, seed: int | None, limit: int | None, licence: str | None, embeddings: str | None
) -> BuildOptions:
    named = {"seed": seed, "limit": limit, "licence": licence, "embeddings": embeddings}
    changed: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    return replace(build, **changed)


def _named(columns: list[str] | None) -> dict[str, str]:
    from truetwin.errors import ParameterError

    named = {}
    for entry in columns or ():
        ours, mark, theirs = entry.partition("=")
        if not (ours and mark and theirs):
            raise ParameterError(f"--column must be given as OURS=THEIRS, such as user=author; got {entry!r}")
        named[ours] = theirs
    return named


def _folder(output: Path) -> None:
    from truetwin.errors import OutputError
    from truetwin.io import check_writable

    if output.exists() and not output.is_dir():
        raise OutputError(f"--output must be a folder; {output} is a file")
    check_writable(output / "items.jsonl" if output.is_dir() else output)


def _model(name: str | None, base_url: str | None) -> ChatModel | None:
    """The model behind a name, or None."""
    if name is None:
        return None
    from truetwin.llm import open_model

    return open_model(name, base_url=base_url)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """One bar after the other, a stage each."""
    from truetwin.cli.output import progress_bar

    open_bar: dict[str, Any] = {"name": "", "bar": None, "show": None}

    def close() -> None:
        if open_bar["bar"] is not None:
            open_bar["bar"].__exit__(None, None, None)
            open_bar["bar"] = None

    def show(stage: str, done: int, total: int) -> None:
        if stage != open_bar["name"] or open_bar["bar"] is None:
            close()
            open_bar["name"], open_bar["bar"] = stage, progress_bar(stage)
            open_bar["show"] = open_bar["bar"].__enter__()
        open_bar["show"](done, total or None)  # 0: not known yet

    try:
        yield show
    finally:
        close()


def _report(command: str, built: Built, json: bool) -> None:
    from truetwin.cli.output import note, print_json

    rows = _audit_rows(built)
    if json:
        settings = {"output": str(built.folder), "unit": "percent"}
        print_json(
            command,
            settings,
            rows,
            n_items=len(built.items),
            n_candidates=built.n_candidates,
            share_kept=built.share_kept,
            stages=built.stages,
            notes=list(built.verdict.notes),
        )
        return
    _print_built(built, rows)
    for text in built.verdict.notes:
        note(f"note: {text}")
    note(f"written: {built.folder / 'items.jsonl'}, datasheet.md, datasheet.json")


def _audit_rows(built: Built) -> list[dict[str, Any]]:
    before = {r["predictor"]: r for r in built.before.rows()} if built.before else {}
    rows = []
    for row in built.verdict.report.rows():
        kept = {k: row[k] for k in ("predictor", "n", "accuracy", "ci_low", "ci_high", "persona_free")}
        rows.append({**kept, "before": before.get(row["predictor"], {}).get("accuracy")})
    return rows


def _print_built(built: Built, rows: list[dict[str, Any]]) -> None:
    from truetwin.cli.output import Column, print_table

    people = built.verdict.report.n_personas
    print(
        f"{len(built.items)} items of {people} personas, {built.share_kept:.0%} of {built.n_candidates} candidates\n"
    )
    stages = [
        {
            **stage,
            "why": "; ".join(f"{reason} {n}" for reason, n in stage["dropped"].items() if n),
            "found": "; ".join(f"{what} {n}" for what, n in stage["noted"].items() if n),
        }
        for stage in built.stages
    ]
    columns = [
        Column("stage", "stage"),
        Column("n_in", "in", "d"),
        Column("n_out", "out", "d"),
        Column("why", "left out", foldable=True),
        Column("found", "noted", optional=True),
    ]
    print_table(stages, columns, title="What was done")
    audited = [{**r, "interval": f"{r['ci_low']:.1f} to {r['ci_high']:.1f}"} for r in rows if r["n"]]
    columns = [
        Column("predictor", "baseline"),
        Column("before", "before", ".1f"),
        Column("accuracy", "after", ".1f"),
        Column("interval", "95%"),
        Column("n", "n", "d"),
    ]
    free = [row for row in audited if row["persona_free"]]
    print_table(free, columns, title="Baselines that know nothing of the persona, in percent (guessing: 25)")
