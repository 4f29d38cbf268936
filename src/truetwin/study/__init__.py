"""One study, from a configuration file to a report: every step resumable, every result on disk."""

from truetwin.settings.study_settings import Study
from truetwin.study.study_file import read_study
from truetwin.study.study_run import StudyRun, run_study

__all__ = ["Study", "StudyRun", "read_study", "run_study"]
