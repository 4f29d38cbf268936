"""Old names of version 0.1: import paths and hooks that still work in this version.

Every use of an old name warns (``DeprecationWarning``) and names the new one. The next version drops this module.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

#: Old module to new module, both under ``truetwin``.
MOVED = {
    "calibration._orient": "calibration.orientation",
    "calibration.adaptive": "calibration.paper.adaptive_transfer",
    "calibration.baselines": "calibration.paper.baselines",
    "calibration.batteries": "calibration.base",
    "calibration.completion": "calibration.paper.completion",
    "calibration.conditional": "calibration.auto.conditional_expectations",
    "calibration.intervals": "calibration.laws.error_record",
    "calibration.item_links": "calibration.auto.item_links",
    "calibration.job": "calibration.calibration",
    "calibration.levels": "calibration.auto.levels",
    "calibration.methods": "calibration.calibrators",
    "calibration.network": "calibration.paper.network",
    "calibration.new_items": "calibration.auto.new_items",
    "calibration.new_people": "calibration.auto.new_people",
    "calibration.online": "calibration.online_items",
    "calibration.people_intervals": "calibration.laws.people_errors",
    "calibration.prior": "calibration.paper.synthetic_prior",
    "calibration.pseudo_targets": "calibration.auto.pseudo_targets",
    "calibration.residuals": "calibration.error_conditioning",
    "calibration.stack": "calibration.auto.stacking",
    "calibration.transfer": "calibration.paper.fit_and_transfer",
    "calibration.tuning": "calibration.paper.tuning",
    "data.block_evidence": "instrument.battery_evidence",
    "data.blocks": "instrument.batteries",
    "data.suspicious": "instrument.suspicious_answers",
    "datasets.generated": "datasets.generated_population",
    "datasets.spec": "datasets.pinned_dataset",
    "diagnosis.expectation": "calibration.laws.item_expectation",
    "diagnosis.job": "diagnosis.diagnosis",
    "diagnosis.plan": "diagnosis.asking_plan",
    "diagnosis.prepare": "diagnosis.standardised_panel",
    "diagnosis.record": "diagnosis.track_record",
    "diagnosis.records": "diagnosis.diagnosis_record",
    "diagnosis.verdict": "diagnosis.verdicts",
    "evaluation.blocks": "instrument.batteries",
    "evaluation.compare": "evaluation.comparison",
    "evaluation.marginals": "evaluation.marginal_evaluation",
    "evaluation.metrics": "evaluation.target_metrics",
    "evaluation.population": "evaluation.population_scores",
    "evaluation.protocols": "evaluation.hiding_protocols",
    "evaluation.records": "evaluation.evaluation_record",
    "evaluation.thresholds": "evaluation.threshold_sweep",
    "io.files": "io.readable_files",
    "io.items": "io.item_files",
    "io.marginals": "io.marginal_files",
    "io.panels": "io.panel_files",
    "io.personas": "io.persona_files",
    "llm.batch_api": "llm.batches.batch_api",
    "llm.batch_files": "llm.batches.batch_files",
    "llm.budget": "llm.running.budget",
    "llm.chat_format": "llm.providers.chat_format",
    "llm.connection": "llm.providers.connection",
    "llm.context": "llm.running.context_limit",
    "llm.embeddings": "llm.providers.embedding_endpoint",
    "llm.forecast": "llm.running.forecast",
    "llm.gate": "llm.running.request_gate",
    "llm.http_failures": "llm.providers.http_failures",
    "llm.inspect_engine": "llm.providers.inspect_engine",
    "llm.interrupts": "llm.running.interrupts",
    "llm.merge": "llm.store.merging",
    "llm.models": "llm.providers.model_names",
    "llm.openai_client": "llm.providers.openai_client",
    "llm.options": "llm.running.run_options",
    "llm.pricing": "llm.running.pricing",
    "llm.progress": "llm.running.run_progress",
    "llm.run_file": "llm.store.run_file",
    "llm.runner": "llm.running.runner",
    "llm.scripted": "llm.providers.scripted",
    "llm.sessions": "llm.store.sessions",
    "llm.settings": "llm.store.settings_comparison",
    "llm.shards": "llm.running.shards",
    "llm.stored": "llm.store.stored_call",
    "llm.templates": "llm.prompts",
    "llm.waiting": "llm.running.waiting",
    "report.answers": "report.files.answer_files",
    "report.calibration_figures": "report.figures.calibration_figures",
    "report.diagnosis_figures": "report.figures.diagnosis_figures",
    "report.evaluation_figures": "report.figures.evaluation_figures",
    "report.marginal_figures": "report.figures.marginal_figures",
    "report.marginals": "report.files.predicted_marginals",
    "report.paper_figures": "report.figures.paper_figures",
    "report.predictions": "report.files.prediction_files",
    "report.sections.calibration": "report.sections.calibration_section",
    "report.sections.diagnosis": "report.sections.diagnosis_section",
    "report.sections.evaluation": "report.sections.evaluation_section",
    "report.sections.marginals": "report.sections.marginals_section",
    "report.sections.simulation": "report.sections.simulation_section",
    "report.sections.voice": "report.sections.voice_section",
    "report.theme": "report.figures.theme",
    "report.threshold_figure": "report.figures.threshold_figure",
    "report.voice_figures": "report.figures.voice_figures",
    "report.voice_leaderboard": "report.files.leaderboard_files",
    "reproduction.adaptive": "reproduction.adaptive_sweep",
    "reproduction.individual": "reproduction.individual_tables",
    "reproduction.marginal_figures": "reproduction.marginal_examples",
    "reproduction.marginals": "reproduction.marginal_tables",
    "reproduction.voice": "reproduction.voice_tables",
    "reweighting.align": "reweighting.marginal_inputs",
    "reweighting.auto": "reweighting.pool",
    "reweighting.base": "reweighting.marginal_method",
    "reweighting.baselines": "reweighting.marginal_baselines",
    "reweighting.job": "reweighting.reweighting",
    "reweighting.methods": "reweighting.marginal_methods",
    "reweighting.similarity": "reweighting.item_similarity",
    "reweighting.table": "reweighting.twin_table",
    "simulation.answers": "simulation.survey.survey_answers",
    "simulation.design": "simulation.questions.survey_design",
    "simulation.distributions": "simulation.reading.distributions",
    "simulation.fine_tuning": "simulation.survey.fine_tuning",
    "simulation.generated": "simulation.survey.statistical_twin",
    "simulation.job": "simulation.survey.simulation",
    "simulation.leaks": "simulation.personas.leaks",
    "simulation.numbers": "simulation.reading.numbers",
    "simulation.portraits": "simulation.survey.portraits",
    "simulation.questionnaire": "simulation.survey.questionnaire",
    "simulation.replies": "simulation.reading.reply_formats",
    "simulation.rereading": "simulation.survey.rereading",
    "simulation.templates": "simulation.survey.prompt_set",
    "study.check": "study.study_check",
    "study.config": "study.study_file",
    "study.example": "study.example_study",
    "study.examples": "study.hidden_examples",
    "study.ledger": "results.step_cache",
    "study.report": "study.study_report",
    "study.run": "study.study_run",
    "study.simulating": "study.simulation_step",
    "study.steps": "study.study_steps",
    "study.work": "study.step_work",
    "voice.agreement": "voice.people.rater_agreement",
    "voice.annotations": "voice.people.annotator_files",
    "voice.audit": "voice.auditing.benchmark_audit",
    "voice.bert_score": "voice.scoring.bert_score",
    "voice.build": "voice_sets",
    "voice.build.as_published": "voice_sets.common.as_published",
    "voice.build.canned": "voice_sets.common.canned_messages",
    "voice.build.contexts": "voice_sets.common.similar_contexts",
    "voice.build.datasheet": "voice_sets.common.datasheet",
    "voice.build.distractors": "voice_sets.common.distractors",
    "voice.build.drafting": "voice_sets.common.draft_records",
    "voice.build.embeddings": "voice_sets.common.text_similarity",
    "voice.build.finish": "voice_sets.common.finishing",
    "voice.build.gate": "voice_sets.common.release_gate",
    "voice.build.interpersonal": "voice_sets.conversations",
    "voice.build.interpersonal.funnel": "voice_sets.conversations.message_funnel",
    "voice.build.interpersonal.links": "voice_sets.conversations.reply_links",
    "voice.build.interpersonal.logs": "voice_sets.conversations.message_logs",
    "voice.build.interpersonal.pipeline": "voice_sets.conversations.interpersonal_build",
    "voice.build.interpersonal.replies": "voice_sets.conversations.reply_guessing",
    "voice.build.languages": "voice_sets.common.message_language",
    "voice.build.matching": "voice_sets.common.distractor_matching",
    "voice.build.narrative": "voice_sets.novels",
    "voice.build.narrative.attribution": "voice_sets.novels.attribution",
    "voice.build.narrative.book": "voice_sets.novels.book",
    "voice.build.narrative.characters": "voice_sets.novels.characters",
    "voice.build.narrative.clues": "voice_sets.novels.clues",
    "voice.build.narrative.drafts": "voice_sets.novels.novel_drafts",
    "voice.build.narrative.pipeline": "voice_sets.novels.novel_pipeline",
    "voice.build.narrative.quotes": "voice_sets.novels.quotations",
    "voice.build.narrative.speakers": "voice_sets.novels.speaker_questions",
    "voice.build.narrative.words": "voice_sets.novels.word_classes",
    "voice.build.narrative.written": "voice_sets.novels.character_distractors",
    "voice.build.near_duplicates": "voice_sets.common.near_duplicates",
    "voice.build.people": "voice_sets.common.log_people",
    "voice.build.privacy": "voice_sets.common.privacy",
    "voice.build.repair": "voice_sets.common.set_repair",
    "voice.build.rows": "voice_sets.common.raw_rows",
    "voice.build.sketch": "voice_sets.common.count_min_sketch",
    "voice.build.social": "voice_sets.conversations",
    "voice.build.social.alignment": "voice_sets.conversations.choice_alignment",
    "voice.build.social.pipeline": "voice_sets.conversations.social_build",
    "voice.build.social.replies": "voice_sets.conversations.post_replies",
    "voice.build.stages": "voice_sets.common.stages",
    "voice.build.written": "voice_sets.common.model_distractors",
    "voice.capabilities": "voice.protocols.capability_annotation",
    "voice.capability_results": "voice.scoring.capability_results",
    "voice.choose": "voice.protocols.choosing",
    "voice.controls": "voice.items.controls",
    "voice.dimensions": "voice.items.dimensions",
    "voice.dimensions.interpersonal": "voice.items.dimensions.interpersonal",
    "voice.dimensions.loading": "voice.items.dimensions.loading",
    "voice.dimensions.narrative": "voice.items.dimensions.narrative",
    "voice.dimensions.social": "voice.items.dimensions.social",
    "voice.findings": "voice.items.item_faults",
    "voice.forms": "voice.people.annotation_forms",
    "voice.generate": "voice.protocols.free_replies",
    "voice.inspect_tasks": "voice.protocols.inspect_tasks",
    "voice.judge": "voice.protocols.judging",
    "voice.language": "voice.items.script_language",
    "voice.leaderboard": "voice.scoring.leaderboard",
    "voice.outcomes": "voice.protocols.outcomes",
    "voice.play": "voice.protocols.playing",
    "voice.predictors": "voice.auditing.predictors",
    "voice.rates": "voice.stats.rates",
    "voice.reading": "voice.protocols.judgement_reading",
    "voice.rendering": "voice.protocols.item_rendering",
    "voice.repair": "voice.auditing.matched_subset",
    "voice.replay": "voice.scoring.stored_answers",
    "voice.resampling": "voice.stats.resampling",
    "voice.samples": "voice.people.blinded_samples",
    "voice.scoreboard": "voice.scoring.score_table",
    "voice.scores": "voice.scoring.accuracy",
    "voice.selecting": "voice.protocols.item_selection",
    "voice.sources": "voice.items.item_sources",
    "voice.study": "voice.people.rater_study",
    "voice.style": "voice.auditing.style",
    "voice.task": "voice.protocols.voice_task",
    "voice.text_metrics": "voice.scoring.text_metrics",
    "voice.text_scores": "voice.scoring.stored_reply_metrics",
    "voice.tokens": "voice.scoring.tokens",
    "voice.verbatim": "voice.items.verbatim",
    "voice.wordnet": "voice.scoring.wordnet",
}

#: Modules that are rooms now, with the module in which their names are today.
NOW_ROOMS = {
    "calibration.auto": (
        "calibration.auto.auto_calibrator",
        "Auto",
    ),
    "llm.store": (
        "llm.store.run_store",
        "Store",
    ),
    "simulation.personas": (
        "simulation.personas.persona_builders",
        "DEMOGRAPHICS DISTINCTIVE_ANSWERS Answer PersonaSource PersonaBuilder BUILDERS build_personas as_text as_json",
    ),
    "simulation.questions": (
        "simulation.questions.question",
        "Order Markers Option Question ask turn_of wordings_like_codes check_items written plain answer_text",
    ),
    "simulation.reading": (
        "simulation.reading.reply_reading",
        "read_text read_value read_objects is_refusal",
    ),
    "simulation.survey": (
        "simulation.survey.survey_task",
        "CONTEXT_TOKENS LIKELIEST_TOKENS SurveyTask digest_of_personas",
    ),
    "voice.items": (
        "voice.items.voice_items",
        "Dimension N_OPTIONS VoicePersona Turn Option VoiceItem read_voice_items write_voice_items",
    ),
}


class OldModules:
    """Imports a module by its old path as the very module that is at the new path."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module's specification if ``fullname`` is an old path; it has the new path as its origin."""
        package, _, rest = fullname.partition(".")
        if package != "truetwin" or rest not in MOVED:
            return None
        new = f"truetwin.{MOVED[rest]}"
        warnings.warn(_said(fullname, new), DeprecationWarning, stacklevel=2)
        parent, _, child = fullname.rpartition(".")
        if child in vars(sys.modules[parent]):
            sys.modules[parent].__class__ = _KeepsItsNames
        return ModuleSpec(fullname, cast("Loader", self), origin=new)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module at the new path."""
        module = import_module(str(spec.origin))
        self._specs[module.__name__] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own specification back: the import system has just set that of the old path."""
        module.__spec__ = self._specs.pop(module.__name__)


class _KeepsItsNames(ModuleType):
    """A package that exports a thing by the name of an old module, as ``truetwin.diagnosis`` does with ``plan``.

    Importing the old module would put the module in the place of the thing.
    """

    def __setattr__(self, name: str, value: object) -> None:
        replaced = isinstance(value, ModuleType) and value.__name__ != f"{self.__name__}.{name}"
        if not (replaced and name in vars(self)):
            super().__setattr__(name, value)


def names_of_old_module(room: str) -> Callable[[str], Any]:
    """The module-level ``__getattr__`` of a room that was a module: its old names, from where they are today."""
    place, names = NOW_ROOMS[room.removeprefix("truetwin.")]
    new = f"truetwin.{place}"

    def __getattr__(name: str) -> Any:
        if name not in names.split():
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        warnings.warn(_said(f"{room}.{name}", f"{new}.{name}"), DeprecationWarning, stacklevel=2)
        return getattr(import_module(new), name)

    return __getattr__


def adopt_old_hooks(cls: type, renamed: Mapping[str, str]) -> None:
    """Let a class define hooks by their old names, and be called by them.

    Parameters
    ----------
    cls : type
        A class that has just been defined.
    renamed : mapping from old to new name
    """
    for old, new in renamed.items():
        if old in vars(cls) and new not in vars(cls):
            hook = vars(cls)[old]
            said = _said(f"{cls.__qualname__}.{old}", f"{cls.__qualname__}.{new}")
            if code := getattr(
                hook, "__code__", None
            ):  # how far up the class statement is depends on its metaclass
                warnings.warn_explicit(
                    said, DeprecationWarning, code.co_filename, code.co_firstlineno, cls.__module__
                )
            else:
                warnings.warn(said, DeprecationWarning, stacklevel=3)
            setattr(cls, new, hook)
        elif new in vars(cls):  # a subclass written for 0.1 may call super() by the old name
            setattr(cls, old, vars(cls)[new])


def _said(old: str, new: str) -> str:
    return f"{old} is now {new}; the old name goes with the next version"
