"""Public datasets for work on marginals, fetched or read from a folder."""

from __future__ import annotations

from pathlib import Path

from truetwin.datasets import movielens_marginals, opinionqa
from truetwin.datasets.movielens_marginals import MarginalData
from truetwin.errors import ParameterError, UnknownNameError
from truetwin.registry import closest

MARGINAL_DATASETS = ("movielens", "opinionqa")


def load_marginal_dataset(name: str, folder: Path | None = None, *, keep_off_scale: bool) -> MarginalData:
    """Load human marginals and twins of a public dataset.

    Parameters
    ----------
    name : str
        One of :data:`MARGINAL_DATASETS`.
    folder : Path, optional
        Folder with the dataset's files, for example an excerpt; by default they are fetched.
    keep_off_scale : bool
        Whether "refused" and the like count as ordinary categories.
    """
    if name not in MARGINAL_DATASETS:
        known = list(MARGINAL_DATASETS)
        raise UnknownNameError(
            f"no marginals dataset named {name!r}.{closest(name, known)} Known are {', '.join(known)}."
        )
    if folder is not None and not folder.is_dir():
        raise ParameterError(f"--folder must be a folder with the files of {name}; {folder} is none")
    if name == "opinionqa":
        if folder is None:
            return opinionqa.load(keep_off_scale=keep_off_scale)
        return opinionqa.read(
            folder / opinionqa.QUESTIONS, folder / opinionqa.ANSWERS, keep_off_scale=keep_off_scale
        )
    if folder is None:
        return movielens_marginals.load()
    return movielens_marginals.read(folder / "top_movies_df.csv", folder / "persona_ratings.csv")
