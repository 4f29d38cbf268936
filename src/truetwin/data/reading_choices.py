"""Choices of how tables of answers are read, where a file leaves a question open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answers = Literal["auto", "codes", "labels"]


@dataclass(frozen=True)
class ReadingChoices:
    """Choices of how tables of answers are read.

    Parameters
    ----------
    answers : {"auto", "codes", "labels"}
        Whether digits in cells are codes or labels, where an item's labels look like its codes. "auto" lets the cells
        decide, and refuses tables in which every cell could be either.
    missing_codes : tuple of float or None
        Codes that are read as missing in every item whose scale does not hold them. None lets the rules decide
        (:mod:`truetwin.data.missing_codes`); an empty tuple takes every number for an answer.
    snap : bool
        Move answers between the points of a declared scale to the nearest point.
    match : bool
        Repair ids and item names that do not match between the tables, where a simple change makes them match. In data
        frames only ids are repaired.
    encoding : str, optional
        Text encoding of CSV and TSV files; by default UTF-8, UTF-16 or Windows-1252, as the bytes say.
    unfinished : bool
        Keep respondents of a Qualtrics export who did not finish.
    split_multiple : bool
        Make a 0/1 item of each option of a question with several answers in one cell ("1,3,5").
    """

    answers: Answers = "auto"
    missing_codes: tuple[float, ...] | None = None
    snap: bool = False
    match: bool = False
    encoding: str | None = None
    unfinished: bool = False
    split_multiple: bool = False


AS_USUAL = ReadingChoices()
