"""Find the prompt files of surveys and portraits."""

from __future__ import annotations

from pathlib import Path

from truetwin.llm.prompts import PromptFiles


class PromptSet(PromptFiles):
    """Prompts of a simulation, some of them replaced by a user's files of the same names.

    Parameters
    ----------
    folder : Path, optional
        Folder with the files that replace prompts; each must keep the placeholders of its prompt.

    Examples
    --------
    >>> PromptSet()["instruction-default-code"].text
    'Reply with the answer code only: nothing before it, nothing after it.'
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__("truetwin.simulation", folder)
