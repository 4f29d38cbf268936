"""The verbs in the order of the list of commands, and what is common to all of them."""

from __future__ import annotations

from typing import Annotated

import typer

from truetwin import __version__
from truetwin.cli.verbs import CONTEXT, GroupEntry, VerbEntry, verb_group

#: Each verb: its name, the first line of its help, and where its function is.
VERBS = (
    VerbEntry(
        "calibrate",
        "Predict what people would answer to items that only their twins have answered, and what "
        "new people would answer.",
        "truetwin.cli.calibrate:calibrate_command",
    ),
    VerbEntry(
        "evaluate",
        "Hide answers that people gave, predict them, and compare methods on what was hidden.",
        "truetwin.cli.evaluate:evaluate_command",
    ),
    VerbEntry(
        "reweight",
        "Predict how a population answers items that only its twins have answered.",
        "truetwin.cli.reweight:reweight_command",
    ),
    VerbEntry(
        "evaluate-marginals",
        "Hide marginals that are known, predict them, and compare methods on what was hidden.",
        "truetwin.cli.evaluate_marginals:evaluate_marginals_command",
    ),
    VerbEntry(
        "diagnose",
        "Say how far the twins can be trusted, and give a verdict on each new item.",
        "truetwin.cli.diagnose:diagnose_command",
    ),
    VerbEntry(
        "plan",
        "Choose which new items (or people) to field so that predictions of the rest improve most.",
        "truetwin.cli.plan:plan_command",
    ),
    VerbEntry(
        "reproduce",
        "Compute a table of the papers anew, every cell beside the printed figure; or a figure, with its data.",
        "truetwin.cli.reproduce:reproduce_command",
    ),
    VerbEntry(
        "demo",
        "Do the whole job on a generated population: evaluate methods, predict new items, compare with the truth.",
        "truetwin.cli.demo:demo_command",
    ),
    VerbEntry(
        "methods",
        "List the methods, their settings and what they are for.",
        "truetwin.cli.methods:methods_command",
    ),
    GroupEntry(
        "study",
        "One study from a file: simulate, evaluate, calibrate, diagnose, reweight, report.",
        (
            VerbEntry(
                "init",
                "Write a commented example study with generated data that runs without network or key.",
                "truetwin.cli.study:init_command",
            ),
            VerbEntry(
                "check",
                "Check the study file and everything that it refers to, before anything is computed or paid for.",
                "truetwin.cli.study:check_command",
            ),
            VerbEntry(
                "run",
                "Run the study: every step whose inputs have changed since the last run, and a report at the end.",
                "truetwin.cli.study:run_command",
            ),
            VerbEntry(
                "schema",
                "Print the JSON Schema of study files, for editors that complete and check them.",
                "truetwin.cli.study:schema_command",
            ),
        ),
    ),
    GroupEntry(
        "datasets",
        "List and fetch public datasets.",
        (
            VerbEntry(
                "list",
                "List the datasets with licence, citation and how much of each is on this machine.",
                "truetwin.cli.datasets:list_command",
            ),
            VerbEntry(
                "fetch",
                "Download a dataset's files, or find them in the mirror, and check their content.",
                "truetwin.cli.datasets:fetch_command",
            ),
        ),
    ),
    GroupEntry(
        "personas",
        "Make personas for twins, and files to fine-tune a model on them.",
        (
            VerbEntry(
                "list",
                "List the builders, and the thirteen constructions of the paper that they and `simulate "
                "--construction` make.",
                "truetwin.cli.personas:list_command",
            ),
            VerbEntry(
                "build",
                "Make a persona of every respondent from their own answers and attributes.",
                "truetwin.cli.personas:build_command",
            ),
            VerbEntry(
                "fine-tune",
                "Write files to fine-tune a model on people's own answers, in the chat format of providers.",
                "truetwin.cli.personas:fine_tune_command",
            ),
        ),
    ),
    VerbEntry(
        "simulate",
        "Ask twins survey items through a language model, and keep every reply.",
        "truetwin.cli.simulate:simulate_command",
    ),
    GroupEntry(
        "runs",
        "Look at stored runs of models, and take answers out of them.",
        (
            VerbEntry(
                "show",
                "Say what a run asked, how its calls ended, and what they used; or show one call in full.",
                "truetwin.cli.runs:show_command",
            ),
            VerbEntry(
                "export",
                "Write a run's answers as the table that `calibrate` and `reweight` read.",
                "truetwin.cli.runs:export_command",
            ),
            VerbEntry(
                "reparse",
                "Read every stored reply anew, without a call: after an update that reads better, answers "
                "may become valid.",
                "truetwin.cli.runs:reparse_command",
            ),
            VerbEntry(
                "import",
                "Take in replies to the request files of `simulate --write-requests`, in any order and any "
                "number of files.",
                "truetwin.cli.runs:import_command",
            ),
            VerbEntry(
                "merge",
                "Put the parts of a run that several machines have done into one.",
                "truetwin.cli.runs:merge_command",
            ),
        ),
    ),
    GroupEntry(
        "voice",
        "Measure how well a model speaks as one given person, and audit such benchmarks.",
        (
            VerbEntry(
                "run",
                "Play the benchmark: choose replies, or write them and have them judged; then score.",
                "truetwin.cli.voice.voice_run:run_command",
            ),
            VerbEntry(
                "generate",
                "Have a model write the replies of the personas, to be judged later.",
                "truetwin.cli.voice.voice_generate:generate_command",
            ),
            VerbEntry(
                "judge",
                "Have a model judge free replies, whoever wrote them: two rankings and marks; then score.",
                "truetwin.cli.voice.voice_judge:judge_command",
            ),
            VerbEntry(
                "annotate",
                "Say which of the six capabilities each item tests, by a model or by people; merge that "
                "into the items.",
                "truetwin.cli.voice.voice_annotate:annotate_command",
            ),
            VerbEntry(
                "score",
                "Score stored answers without any model: both denominators, intervals, baselines, "
                "positions, paired tests.",
                "truetwin.cli.voice.voice_score:score_command",
            ),
            VerbEntry(
                "audit",
                "Find what a multiple-choice benchmark gives away without the persona, and what is wrong "
                "with its items.",
                "truetwin.cli.voice.voice_audit:audit_command",
            ),
            VerbEntry(
                "sample",
                "Draw a stratified, blinded sample for people to annotate.",
                "truetwin.cli.voice.voice_sample:sample_command",
            ),
            VerbEntry(
                "agree",
                "Say how far annotators agree with each other and with models, and how often they are right.",
                "truetwin.cli.voice.voice_agree:agree_command",
            ),
            VerbEntry(
                "leaderboard",
                "Order models by their results, beside the best rule that knows no persona; draw their capabilities.",
                "truetwin.cli.voice.voice_leaderboard:leaderboard_command",
            ),
            GroupEntry(
                "build",
                "Make benchmark items from raw material, or a repaired release of an item file.",
                (
                    VerbEntry(
                        "narrative",
                        "Make items from novels: who says what, in which scene, against other characters' real "
                        "words.",
                        "truetwin.cli.voice.voice_build:narrative_command",
                    ),
                    VerbEntry(
                        "interpersonal",
                        "Make items from messages in several channels: what people reply, with their words "
                        "elsewhere as memory.",
                        "truetwin.cli.voice.voice_build:interpersonal_command",
                    ),
                    VerbEntry(
                        "social",
                        "Make items from posts and replies: what a user replied, against what others reply to "
                        "similar posts.",
                        "truetwin.cli.voice.voice_build:social_command",
                    ),
                    VerbEntry(
                        "repair",
                        "Make a repaired release: faults out, distractors matched, places balanced, audited before "
                        "and after.",
                        "truetwin.cli.voice.voice_build:repair_command",
                    ),
                ),
            ),
        ),
    ),
)

app = typer.Typer(
    name="truetwin",
    help="Trustworthy answers from LLM digital twins: calibrate them with human data, and measure the gain.",
    cls=verb_group(VERBS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"truetwin {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    """Options of every verb."""
