"""Reporting checklist: what a publication on twins must say, filled in from the records that files leave behind.

The topics are those of the field's reporting guidelines for language models in research (GUIDE-LLM): models, prompts,
sampling, data, validation, uncertainty, limits, data protection. What no file knows is listed for the author to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from truetwin.report.page import Field, Section, Table

Record = Mapping[str, Any]
ONLY_THE_AUTHOR = "only you can say"
FIELDS = (
    Field("topic", "topic"),
    Field("question", "to report"),
    Field("answer", "answer"),
    Field("source", "from"),
)


@dataclass(frozen=True)
class Entry:
    """Answer to one question of the checklist, with the file that it is taken from; both empty if no file knows."""

    topic: str
    question: str
    answer: str = ""
    source: str = ""

    def row(self) -> dict[str, str]:
        """Return the entry as a row of a table."""
        return {
            "topic": self.topic,
            "question": self.question,
            "answer": self.answer or ONLY_THE_AUTHOR,
            "source": self.source,
        }


@dataclass(frozen=True)
class Known:
    """Records of one kind, by the name of their file."""

    simulations: Mapping[str, Record]
    predictions: Mapping[str, Record]
    estimates: Mapping[str, Record]
    evaluations: Mapping[str, Record]
    diagnoses: Mapping[str, Record]
    audits: Mapping[str, Record]
    effects: Mapping[str, Record]
    calibrated_effects: Mapping[str, Record]
    effect_scores: Mapping[str, Record]
    steps: Mapping[str, Record]

    @classmethod
    def among(cls, records: Mapping[str, Record]) -> Known:
        """Sort records by what they hold; others are left out."""
        kinds: Mapping[str, Callable[[Record], bool]] = {
            "simulations": lambda r: "survey" in r and "states" in r,
            "predictions": lambda r: "method" in r and "targets" in r,
            "estimates": lambda r: "crosstabs" in r and "items" in r,
            "evaluations": lambda r: isinstance(r.get("settings"), Mapping) and "protocol" in r["settings"],
            "diagnoses": lambda r: ("verdicts" in r and "alignments" in r) or bool(_verdicts(r)),
            "audits": lambda r: "which_twin_for_what" in r,
            "effects": lambda r: "effects" in r and "learned" not in r,
            "calibrated_effects": lambda r: "effects" in r and "learned" in r,
            "effect_scores": lambda r: "ceiling" in r and "differences" in r,
            "steps": lambda r: (
                bool(r) and all(isinstance(v, Mapping) and "finished" in v for v in r.values())
            ),
        }
        return cls(**{kind: {n: r for n, r in records.items() if fits(r)} for kind, fits in kinds.items()})

    def __bool__(self) -> bool:
        people = (self.simulations, self.predictions, self.estimates, self.evaluations, self.diagnoses)
        return any((*people, *self.of_experiments))

    @property
    def of_experiments(self) -> tuple[Mapping[str, Record], ...]:
        """Records of effects as they are, of calibrated ones, and of how good these are."""
        return self.effects, self.calibrated_effects, self.effect_scores

    @property
    def with_results(self) -> dict[str, Record]:
        """Records of what is published: estimates, predictions and effects."""
        return {**self.estimates, **self.predictions, **self.effects, **self.calibrated_effects}


def checklist(known: Known) -> list[Entry]:
    """Answer the questions of the checklist, in their order, as far as the records know."""
    return [
        Entry("purpose", "What were twins used for, and why not people alone?"),
        *_many(
            "models", "Which models answered, in which version, by which service?", known.simulations, _model
        ),
        *_many("models", "When were they asked?", known.steps, _dates),
        *_many("prompts", "Which instructions did they get?", known.simulations, _prompts),
        *_many("sampling", "How were replies sampled?", known.simulations, _sampling),
        *_many("personas", "What did twins know of their people?", known.simulations, _personas),
        *_many("exclusions", "Which replies were left out, and why?", known.simulations, _replies),
        *_many("human data", "Which human data were used?", _with_people(known), _human),
        Entry("human data", "How were the people recruited, and whom do they stand for?"),
        *_many(
            "calibration",
            "How were twins calibrated?",
            {**known.predictions, **known.calibrated_effects},
            _method,
        ),
        *_many(
            "validation",
            "How was it checked against people?",
            {**known.evaluations, **known.effect_scores},
            _validation,
        ),
        *_many(
            "validation", "How far can the twins be trusted?", {**known.diagnoses, **known.audits}, _trust
        ),
        *_many("uncertainty", "Which intervals are given?", known.with_results, _intervals),
        *_many("limits", "Which limits are known?", known.with_results, _limits),
        *_many("software", "Which software, in which version?", _with_versions(known), _versions),
        Entry(
            "data protection",
            "Did people agree that their answers go to a model, and where were they processed?",
        ),
        Entry(
            "data protection", "Is sensitive information in personas, and is it removed from what is shared?"
        ),
        Entry("availability", "Where are prompts, replies, code and data?"),
        Entry("oversight", "Who checked the replies, and who is responsible for the conclusions?"),
    ]


def checklist_section(known: Known) -> Section:
    """Show the checklist as a part of a page."""
    entries = checklist(known)
    left = sum(not entry.answer for entry in entries)
    text = (
        "What a publication should say of the use of language models, as far as the files know. "
        f"{left} points are left for the author."
    )
    return Section("Reporting checklist", (text,), (Table("Checklist", FIELDS, [e.row() for e in entries]),))


def checklist_markdown(entries: Sequence[Entry]) -> str:
    """Write the checklist as Markdown: what is known, then what only the author can say."""
    lines = ["# Reporting checklist", "", "## Known from the files"]
    topic = question = ""
    for entry in (e for e in entries if e.answer):
        if entry.topic != topic:
            topic = entry.topic
            lines += ["", f"### {topic.capitalize()}"]
        if entry.question != question:
            question = entry.question
            lines += ["", f"*{question}*", ""]
        lines.append(f"- {_escaped(entry.answer)} ({_escaped(entry.source)})")
    lines += ["", "## For you to answer", ""]
    lines += [f"- [ ] **{e.topic.capitalize()}.** {e.question}" for e in entries if not e.answer]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Keep a text from being read as HTML or as a mark of Markdown."""
    for mark in ("\\", "`", "*", "_", "[", "]", "<", ">", "#"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _many(
    topic: str, question: str, records: Mapping[str, Record], answer: Callable[[Record], str]
) -> Iterator[Entry]:
    """Make an entry for every different answer; one without answer if there is none.

    A record that another version wrote, and that lacks what is looked for, knows nothing.
    """
    found: dict[str, list[str]] = {}
    for name, record in records.items():
        text = ""
        with suppress(KeyError, TypeError, AttributeError, ValueError):
            text = answer(record)
        if text:
            found.setdefault(text, []).append(name)
    for text, names in found.items():
        yield Entry(topic, question, text, ", ".join(names))
    if not found:
        yield Entry(topic, question)


def _model(record: Record) -> str:
    model, settings = record.get("model", {}), record.get("settings", {})
    parts = [f"{model.get('name', 'unknown')}"]
    if not model.get("language_model", True):
        parts.append("no language model but a statistical stand-in or a script")
    reported = [name for name in record.get("reported_models", ()) if name != model.get("name")]
    if reported:
        parts.append(f"reported by the service as {', '.join(map(str, reported))}")
    where = settings.get("base_url")
    parts.append(f"at {where}" if where else f"by {model.get('engine', 'an unknown service')}")
    return "; ".join(parts)


def _dates(record: Record) -> str:
    done = record.get("simulate")
    return f"by {done['finished']}" if done else ""


def _prompts(record: Record) -> str:
    prompts = record["survey"].get("prompts", {})
    own = record.get("settings", {}).get("prompts")
    listed = "; ".join(f"{name} ({version})" for name, version in prompts.items())
    return f"{'own prompts' if own else 'the prompts of truetwin'}: {listed}" if listed else ""


def _sampling(record: Record) -> str:
    survey = record["survey"]
    design = survey.get("design", {})
    chosen = {k: v for k, v in survey.get("sampling", {}).items() if v not in (None, {}, [])}
    listed = ", ".join(f"{k} {v}" for k, v in chosen.items()) or "the service's defaults"
    return (
        f"{listed}; {design.get('elicit', 'answer')} elicited as {design.get('reply', 'code')}, "
        f"{design.get('per_call', 1)} items a call, order {design.get('order', 'fixed')}, "
        f"{design.get('replicates', 1)} replies a question, seed {design.get('seed', 0)}"
    )


def _personas(record: Record) -> str:
    personas = record["survey"].get("personas", {})
    return (
        f"{personas['count']} personas (digest {str(personas.get('digest', ''))[:12]})"
        if "count" in personas
        else ""
    )


def _replies(record: Record) -> str:
    states = {state: n for state, n in record["states"].items() if n}
    valid = record.get("valid_share")
    listed = ", ".join(f"{state} {n:,}" for state, n in states.items())
    return f"{valid:.1%} of the replies are valid: {listed}" if valid is not None else listed


def _human(record: Record) -> str:
    panel, inputs = record.get("panel", {}), record.get("inputs", {})
    files = ", ".join(f"{role} {one['file']} (sha256 {one['sha256'][:12]})" for role, one in inputs.items())
    if "respondents" not in panel:
        return files
    people, items = panel["respondents"], panel["items"]
    return (
        f"{people['in_both'] + people['human_only']} people, {items['in_both'] + items['human_only']} items that they "
        f"answered, {items['twin_only']} that only twins answered; {files}"
    )


def _with_people(known: Known) -> Mapping[str, Record]:
    """Return the records that say which human data were used."""
    return known.predictions or known.estimates or next(filter(None, known.of_experiments), {})


def _method(record: Record) -> str:
    if "learned" in record:
        return _past_studies(record["learned"])
    settings = record.get("settings", {})
    chosen = f", preset {settings['preset']}" if settings.get("preset") else ""
    targets = record["targets"]
    return f"method {record['method']}{chosen}, for {len(targets)} targets"


def _past_studies(learned: Record) -> str:
    """Say what effects were calibrated with."""
    studies = learned["past_studies"]
    if not learned["calibrated"]:
        return "effects of twins are not calibrated, for want of past studies"
    return f"effects of twins, as {len(studies)} past studies teach: {', '.join(map(str, studies))}"


def _validation(record: Record) -> str:
    if "ceiling" in record:
        studies = len({row["study"] for row in record["predictions"]})
        return (
            f"each of {studies} studies was left out and its effects predicted from the others "
            f"({len(record['predictions'])} effects)"
        )
    settings = record["settings"]
    return (
        f"{settings['protocol']} ({settings.get('n_folds', '?')} folds), beside {settings.get('baseline', 'twin')}; "
        f"standard errors clustered by {settings.get('clustered_by', 'item')}"
    )


def _trust(record: Record) -> str:
    if "answer" in record:
        return str(record["answer"])
    counts: dict[str, int] = {}
    for verdict in _verdicts(record):
        counts[verdict] = counts.get(verdict, 0) + 1
    return "verdicts on new items: " + ", ".join(f"{k} {n}" for k, n in counts.items()) if counts else ""


def _verdicts(record: Record) -> list[str]:
    """Find the verdicts in the record of a study's step, or among the items beside the table of `diagnose`."""
    rows = record.get("verdicts", record.get("items"))
    if not isinstance(rows, list):
        return []
    found = [row.get("verdict") for row in rows if isinstance(row, Mapping)]
    return [verdict for verdict in found if isinstance(verdict, str)]


def _intervals(record: Record) -> str:
    if "effects" in record:
        what = "calibrated effects" if "learned" in record else "effects"
        return f"{record['settings']['level']:.0%} intervals of {what}"
    level = record.get("level") or record.get("interval", {}).get("level")
    if level is None:
        return ""
    what = "estimates" if "crosstabs" in record else "predictions of single answers"
    return f"{level:.0%} intervals of {what}"


def _limits(record: Record) -> str:
    notes = [*record.get("notes", ()), *record.get("panel", {}).get("notes", ())]
    return " ".join([str(record["disclosure"]), *map(str, notes)])


def _with_versions(known: Known) -> Mapping[str, Record]:
    every = {**known.simulations, **known.with_results, **known.effect_scores}
    return {name: record for name, record in every.items() if "versions" in record}


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {version}" for name, version in record["versions"].items())
