"""Define the program: its verbs in the order of the list of commands, and the options of all verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from truetwin import __version__
from truetwin.cli.verbs import CONTEXT, GroupEntry, VerbEntry, verb_group

#: Verbs of the program. Each entry has a name, the first line of its help, and the place of its function.
VERBS = (
    VerbEntry(
        "calibrate",
        "Predict what people would answer to items that only their twins have answered, and what "
        "new people would answer.",
        "truetwin.cli.calibrate:calibrate_command",
    ),
    VerbEntry(
        "estimate",
        "Estimate shares, means and gaps of new items, over everybody and by group, with intervals.",
        "truetwin.cli.estimate:estimate_command",
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
        "Hide known marginals (shares of each answer), predict them, and compare methods on what was hidden.",
        "truetwin.cli.evaluate_marginals:evaluate_marginals_command",
    ),
    VerbEntry(
        "diagnose",
        "Judge how far the twins can be trusted, and give a verdict on each new item.",
        "truetwin.cli.diagnose:diagnose_command",
    ),
    VerbEntry(
        "audit-twins",
        "Audit the twins, source by source: leaks, flattening, equity, ceilings and memory.",
        "truetwin.cli.audit_twins:audit_twins_command",
    ),
    VerbEntry(
        "disclose",
        "Fill in the reporting checklist of a study from its files, and list what only you can answer.",
        "truetwin.cli.disclose:disclose_command",
    ),
    VerbEntry(
        "plan",
        "Choose the new items (or people) to ask next so that predictions of the rest improve most.",
        "truetwin.cli.plan:plan_command",
    ),
    VerbEntry(
        "update",
        "Append answers to a new item, show how the estimate narrows, and say when to stop asking.",
        "truetwin.cli.update:update_command",
    ),
    VerbEntry(
        "reproduce",
        "Recompute a table of the papers, each cell beside the published one; or a figure, with its data.",
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
        "experiment",
        "Estimate the effects of treatments on people and on their twins, and calibrate them.",
        (
            VerbEntry(
                "effects",
                "Estimate the effects of an experiment among people and among their twins.",
                "truetwin.cli.experiment_effects:experiment_effects_command",
            ),
            VerbEntry(
                "calibrate",
                "Predict the human effects of new studies from twin effects, as past studies teach.",
                "truetwin.cli.experiment_calibrate:experiment_calibrate_command",
            ),
            VerbEntry(
                "evaluate",
                "Leave out each study, predict its human effects from twin effects, and score the predictions.",
                "truetwin.cli.experiment_evaluate:experiment_evaluate_command",
            ),
            VerbEntry(
                "rank",
                "Say which arm is probably best, and what choosing by twins, by a pilot, or by both loses on average.",
                "truetwin.cli.experiment_rank:experiment_rank_command",
            ),
        ),
    ),
    GroupEntry(
        "study",
        "Carry out a whole study from one file: simulate, evaluate, calibrate, diagnose, reweight, report.",
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
                "List the persona builders, and the paper's thirteen constructions (ways of making twins) "
                "for `simulate`.",
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
        "Show stored runs of language models, and export their answers.",
        (
            VerbEntry(
                "show",
                "Show what a run asked, how its calls ended, and the tokens they used; or show one call in full.",
                "truetwin.cli.runs:show_command",
            ),
            VerbEntry(
                "export",
                "Write a run's answers as the table that `calibrate` and `reweight` read.",
                "truetwin.cli.runs:export_command",
            ),
            VerbEntry(
                "reparse",
                "Read every stored reply again, without a call: a newer version may read answers that an "
                "older one missed.",
                "truetwin.cli.runs:reparse_command",
            ),
            VerbEntry(
                "check",
                "Check whether a stored run is damaged, and say what of it can be saved.",
                "truetwin.cli.damaged_runs:check_command",
            ),
            VerbEntry(
                "recover",
                "Save what can be read of a damaged run in a new folder.",
                "truetwin.cli.damaged_runs:recover_command",
            ),
            VerbEntry(
                "release",
                "Free the calls that processes which are gone hold, and say what may be paid twice.",
                "truetwin.cli.held_cells:release_command",
            ),
            VerbEntry(
                "import",
                "Store replies to the request files of `simulate --write-requests`, in any order.",
                "truetwin.cli.runs:import_command",
            ),
            VerbEntry(
                "merge",
                "Merge the parts of a run that several machines have done (`simulate --shard`) into one run.",
                "truetwin.cli.runs:merge_command",
            ),
        ),
    ),
    GroupEntry(
        "voice",
        "Measure how well a language model speaks as one given person, and audit such benchmarks.",
        (
            VerbEntry(
                "run",
                "Have a model play the persons of a benchmark: it chooses replies, or writes them for a "
                "judge; then score.",
                "truetwin.cli.voice.voice_run:run_command",
            ),
            VerbEntry(
                "generate",
                "Have a model write the replies of the personas, to be judged later.",
                "truetwin.cli.voice.voice_generate:generate_command",
            ),
            VerbEntry(
                "judge",
                "Have a model judge written replies, whoever wrote them: two rankings and marks; then score.",
                "truetwin.cli.voice.voice_judge:judge_command",
            ),
            VerbEntry(
                "annotate",
                "Annotate which of the six capabilities each item tests, by a model or by people; merge "
                "that into the items.",
                "truetwin.cli.voice.voice_annotate:annotate_command",
            ),
            VerbEntry(
                "score",
                "Score stored answers without any model: accuracies with intervals, baselines, positions, "
                "paired tests.",
                "truetwin.cli.voice.voice_score:score_command",
            ),
            VerbEntry(
                "audit",
                "Find out how well a benchmark can be solved without knowing the person, and what is wrong "
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
                "Measure how far annotators agree with each other and with models, and how often they are right.",
                "truetwin.cli.voice.voice_agree:agree_command",
            ),
            VerbEntry(
                "leaderboard",
                "Rank models by results, beside the best rule that does not know the person; draw their "
                "capabilities.",
                "truetwin.cli.voice.voice_leaderboard:leaderboard_command",
            ),
            VerbEntry(
                "report",
                "Show runs on one page: leaderboard, comparisons, capabilities, and every item to look at.",
                "truetwin.cli.voice.voice_report:report_command",
            ),
            GroupEntry(
                "items",
                "Make benchmark items of multiple-choice questions that you have.",
                (
                    VerbEntry(
                        "convert",
                        "Convert your own multiple-choice questions to benchmark items.",
                        "truetwin.cli.voice.voice_convert:convert_command",
                    ),
                ),
            ),
            GroupEntry(
                "build",
                "Make benchmark items from raw material, or a repaired release of an item file.",
                (
                    VerbEntry(
                        "narrative",
                        "Make items from novels and plays: what a character says in a scene, against other "
                        "characters' real words.",
                        "truetwin.cli.voice.voice_build:narrative_command",
                    ),
                    VerbEntry(
                        "interpersonal",
                        "Make items from messages in several channels: what people reply, with their "
                        "messages elsewhere as memory.",
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
                        "Repair a set of items: remove faults, match distractors, balance positions, and "
                        "audit before and after.",
                        "truetwin.cli.voice.voice_build:repair_command",
                    ),
                ),
            ),
        ),
    ),
)

#: Words of the help that a newcomer does not know, explained below the list of commands.
WORDS = (
    "Words: a twin is a language model that answers in the place of one person; a target is what is predicted; "
    "donors are the answered items it is predicted from; a battery (block) is a set of items asked together. "
    "docs/glossary.md explains the rest."
)

app = typer.Typer(
    name="truetwin",
    help="Trustworthy answers from LLM digital twins: calibrate them with human data, and measure the gain.",
    epilog=WORDS,
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
    """Read the options that come before every verb."""
