"""Declare the settings of every job. Each is declared once: type, default, bounds, unit and a sentence of help.

A job is one model, such as :class:`~truetwin.settings.calibrate_settings.Calibrate`; its command, such as
:class:`~truetwin.settings.calibrate_settings.CalibrateCommand`, adds what only a terminal needs. Command-line options,
the keys of a study file, the checks of keyword arguments, the reference pages and a JSON Schema are all read from these
models.
"""
