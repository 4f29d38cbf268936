"""Write a blinded sample for annotators: a CSV table, and one HTML page that saves JSON."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from truetwin.io import replacing
from truetwin.voice.people.annotator_files import FORMAT
from truetwin.voice.people.blinded_samples import Sample, SampleTask, write_key
from truetwin.voice.protocols.outcomes import Protocol

RUBRIC = (
    (
        "5",
        "Same stance, same reasons and facts, same way of saying it: the person could have written either.",
    ),
    ("4", "Stance, reasons and facts are all there; only the style differs slightly."),
    ("3", "The stance is right; details of the reasoning or of the style are lost."),
    ("2", "Related, but stance, reasoning or style clearly fails."),
    ("1", "Beside the point, or says the opposite."),
)
_RANKING = (
    "You see a reference and candidates. Decide which candidate is closest to the reference: in tone, words and "
    "phrases, sentence structure, sentiment and topic.",
    "How something is said counts as much as what is said. If two are close, take the better one; there is always "
    "exactly one answer.",
)


@dataclass(frozen=True)
class _Words:
    """Texts of a form for one kind of task."""

    title: str
    question: str
    instructions: tuple[str, ...]
    keys: str = ""
    stimulus: str = "What the reply answers"
    reference: str = "Reference"
    written: str = "Text to mark"


_WORDS = {
    Protocol.CHOICE: _Words(
        "Which reply is this person's?",
        "Which of these would this person have written?",
        (
            "You see earlier replies of one person, and something new that this person replied to. One of the "
            "candidates is the real reply. Choose the one that you think it is.",
            "Look for habits: favourite words, greetings and marks, usual length, mood, opinions, how the person "
            "argues. Put yourself in this person's place. If in doubt, choose the likeliest.",
        ),
        stimulus="New: what is to be replied to",
    ),
    Protocol.REPLY_VS_DISTRACTORS: _Words(
        "Which text is closest?", "Which candidate is closest to the reference?", _RANKING
    ),
    Protocol.MAP_TO_OPTIONS: _Words(
        "Which text is closest?", "Which candidate is closest to the reference?", _RANKING
    ),
    Protocol.SCORING: _Words(
        "How well does one reply stand for another?",
        "How well does the text stand for the reference?",
        (
            "You see earlier replies of one person, something that the person replied to, the person's real reply (the "
            "reference), and a text. Say how well the text stands for the reference, from 1 to 5.",
            "Look at three things: the opinion or feeling; the reasoning and the facts; the style, that is words, tone "
            "and sentences. Judge all texts by the same measure.",
        ),
        keys="1 to 5",
    ),
}


def write_sample(folder: str | Path, sample: Sample) -> dict[str, Path]:
    """Write ``tasks.csv``, ``form.html`` and ``key.json`` to an existing folder, all or none.

    Annotators get the table or the form. The key, which says what is right, must not be given to them.

    Returns
    -------
    dict
        Paths of the files under ``"table"``, ``"form"`` and ``"key"``.
    """
    folder = Path(folder)
    paths = {"table": folder / "tasks.csv", "form": folder / "form.html", "key": folder / "key.json"}
    with replacing(paths["table"], paths["form"]) as (table, form):
        _write_table(table, sample)
        form.write_text(form_page(sample), encoding="utf-8")
        write_key(paths["key"], sample.key)
    return paths


def form_page(sample: Sample) -> str:
    """Render the sample as one self-contained HTML page.

    It needs no network, keeps progress in the browser, works by keyboard, and saves a JSON file that
    :func:`~truetwin.voice.people.annotator_files.read_annotators` reads. Texts are inserted as text, never as HTML.
    """
    import jinja2

    words = _WORDS[sample.key.protocol]
    marks = RUBRIC if sample.key.protocol is Protocol.SCORING else ()
    data = {
        "format": FORMAT,
        "sample": sample.key.sample,
        "question": words.question,
        "names": {"stimulus": words.stimulus, "reference": words.reference, "written": words.written},
        "marks": list(marks) or None,
        "shows_history": sample.key.protocol in (Protocol.CHOICE, Protocol.SCORING),
        "tasks": [asdict(task) for task in sample.tasks],
    }
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(
        files(__package__).joinpath("annotation_form.html").read_text(encoding="utf-8")
    )
    keys = words.keys or f"A to {sample.key.letters[-1]}"
    return template.render(title=words.title, instructions=words.instructions, keys=keys, data=data)


def _write_table(path: Path, sample: Sample) -> None:
    """Write one row a task with empty columns ``annotator``, ``label`` and ``comment``.

    The file begins with a byte-order mark, so that spreadsheets read it as UTF-8.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        columns = (
            "task_id",
            "language",
            "persona",
            "history",
            "stimulus",
            "reference",
            "written",
            *sample.key.letters,
        )
        writer.writerow([*columns, "annotator", "label", "comment"])
        for task in sample.tasks:
            writer.writerow([*(_inert(cell) for cell in _cells(task, sample.key.letters)), "", "", ""])


def _cells(task: SampleTask, letters: tuple[str, ...]) -> list[str]:
    texts = {c.letter: c.text for c in task.candidates}
    turns = "\n".join(
        f"- {context}\n  > {reply}" if context else f"> {reply}" for context, reply in task.history
    )
    return [
        task.task_id, task.language, task.persona, turns, task.stimulus, task.reference, task.written,
        *(texts.get(letter, "") for letter in letters),
    ]  # fmt: skip


def _inert(cell: str) -> str:
    """Make a cell safe: no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
