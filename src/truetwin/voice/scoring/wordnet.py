"""Find WordNet for METEOR: in NLTK's data, or where the operating system's package puts it."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from truetwin.errors import MissingExtraError

SYSTEM_FOLDERS = (
    Path("/usr/share/wordnet"),
    Path("/usr/local/share/wordnet"),
    Path("/opt/homebrew/share/wordnet"),
)
_PARTS = ("adj", "adv", "noun", "verb")
# The lexicographer files of WordNet 3.0 in the order of their numbers, manual page lexnames(5WN). Distributions leave
# this list out, because only programs that print the names of topics need it.
_TOPICS = {
    "adj": ("all", "pert"),
    "adv": ("all",),
    "noun": (
        "Tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication", "event", "feeling",
        "food", "group", "location", "motive", "object", "person", "phenomenon", "plant", "possession", "process",
        "quantity", "relation", "shape", "state", "substance", "time",
    ),
    "verb": (
        "body", "change", "cognition", "communication", "competition", "consumption", "contact", "creation",
        "emotion", "motion", "perception", "possession", "social", "stative", "weather",
    ),
}  # fmt: skip
_NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}


class WordNetMissingError(MissingExtraError):
    """WordNet's files are not installed, so that METEOR is not available."""

    def __init__(self) -> None:
        Exception.__init__(
            self,
            "METEOR needs WordNet, which is neither in NLTK's data nor in "
            + ", ".join(str(folder) for folder in SYSTEM_FOLDERS)
            + ". Install the system package 'wordnet-base', or run: python -m nltk.downloader wordnet",
        )


@cache
def load_wordnet() -> Any:
    """Return NLTK's reader of WordNet.

    Looks into NLTK's data folders, then where distributions install WordNet 3. Nothing is downloaded.

    Raises
    ------
    MissingExtraError
        If NLTK is not installed.
    WordNetMissingError
        If there are no WordNet files.
    """
    try:
        import nltk.data
    except ImportError as error:
        raise MissingExtraError("nltk", "voice", "METEOR") from error
    try:
        return _reader(nltk.data.find("corpora/wordnet"))
    except LookupError:
        pass
    try:
        return _reader(nltk.data.find("corpora/wordnet.zip/wordnet/"))
    except LookupError:
        pass
    for folder in SYSTEM_FOLDERS:
        if all((folder / f"{kind}.{part}").is_file() for kind in ("data", "index") for part in _PARTS):
            return _from_system(folder)
    raise WordNetMissingError


def _reader(root: Any) -> Any:
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about other languages, which METEOR does not use
        reader = WordNetCorpusReader(root, None)
        reader.synsets("word")
    return reader


def _from_system(folder: Path) -> Any:
    """Read a distribution's files from a temporary folder that adds the two small files NLTK expects beside them."""
    import nltk.data

    with tempfile.TemporaryDirectory(prefix="truetwin-wordnet-") as name:
        root = Path(name, "corpora", "wordnet")  # where NLTK's reader looks, too
        root.mkdir(parents=True)
        for path in folder.iterdir():
            if path.is_file():
                shutil.copyfile(path, root / path.name)
        (root / "lexnames").write_text(lexnames(), encoding="ascii")
        (root / "index.sense").touch()
        nltk.data.path.append(name)  # NLTK opens files below these folders only
        try:
            reader = _reader(str(root))
            for part in ("a", "r", "n", "v"):  # open files outlive their names
                reader._data_file(part)
        finally:
            nltk.data.path.remove(name)
    return reader


def lexnames() -> str:
    """Build the content of WordNet's file ``lexnames``: number, name and part of speech of each lexicographer file.

    Examples
    --------
    >>> lexnames().splitlines()[3].split()
    ['03', 'noun.Tops', '1']
    """
    names = [(f"{part}.{topic}", _NUMBERS[part]) for part, topics in _TOPICS.items() for topic in topics]
    names.append(("adj.ppl", _NUMBERS["adj"]))
    return "".join(f"{k:02d}\t{name}\t{number}\n" for k, (name, number) in enumerate(names))
