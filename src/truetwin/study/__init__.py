"""Carry out a whole study, from a configuration file to a report. Every result is kept on disk and can be reused."""

from truetwin.settings.study_settings import Study
from truetwin.study.study_file import read_study
from truetwin.study.study_run import StudyRun, run_study

__all__ = ["Study", "StudyRun", "read_study", "run_study"]
