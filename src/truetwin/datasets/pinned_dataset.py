"""Declare, fetch and check a public dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DatasetError
from truetwin.registry import Registry, must_be

MIRROR_VARIABLE = "TRUETWIN_DATA_MIRROR"


@dataclass(frozen=True)
class Repository:
    """Public repository at a pinned commit."""

    name: str
    url: str
    commit: str

    def file_url(self, path: str) -> str:
        """Return the address under which one of its files is served."""
        from urllib.parse import quote

        base = self.url.replace("https://github.com/", "https://raw.githubusercontent.com/")
        return f"{base}/{self.commit}/{quote(path)}"


@dataclass(frozen=True)
class Dataset:
    """Public dataset: where it is, what its content must be, and how to read it.

    Parameters
    ----------
    name : str
        Name on the command line and in results.
    title, licence, citation : str
        Title, licence and citation, which users must know before they use it.
    repository : Repository
        Where the files are, at a pinned commit.
    files : mapping from path to sha256
        Every file that ``load`` may read.
    load : callable
        Reads the files through :meth:`fetch` and returns truetwin's types.
    variants : tuple of str
        Names that ``load`` accepts, such as persona constructions; empty if there is only one variant.
    """

    name: str
    title: str
    licence: str
    citation: str
    repository: Repository
    files: Mapping[str, str]
    load: Callable[..., Any]
    variants: tuple[str, ...] = ()

    def fetch(self, path: str) -> Path:
        """Return a local copy of one file with exactly the pinned content.

        The file is read from ``$TRUETWIN_DATA_MIRROR/<repository>/<path>`` if that variable is set, and otherwise
        downloaded once into the user's cache.

        Raises
        ------
        DatasetError
            If the file is not there, cannot be downloaded, or has another content than the pinned one.
        """
        import pooch

        known_hash = self.files[path]
        mirror = os.environ.get(MIRROR_VARIABLE)
        if mirror:
            local = Path(mirror) / self.repository.name / path
            if not local.is_file():
                raise DatasetError(
                    f"dataset {self.name!r}: {MIRROR_VARIABLE} is set, but there is no file {local}. Unset the "
                    f"variable to download the file, or add it to the mirror."
                )
            if pooch.file_hash(str(local)) != known_hash:
                raise DatasetError(
                    f"dataset {self.name!r}: {local} has not the pinned content (sha256 differs)"
                )
            return local
        cache = Path(pooch.os_cache("truetwin")) / self.repository.name / self.repository.commit
        target = cache / path
        pooch.get_logger().setLevel("WARNING")
        try:
            return Path(
                pooch.retrieve(
                    self.repository.file_url(path), known_hash, fname=target.name, path=str(target.parent)
                )
            )
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"dataset {self.name!r}: cannot fetch {self.repository.file_url(path)} ({error}). Check the "
                f"connection, or set {MIRROR_VARIABLE} to a folder that holds {self.repository.name}/{path}."
            ) from error

    def is_available(self, path: str) -> bool:
        """Test whether the file can be read without a download."""
        import pooch

        mirror = os.environ.get(MIRROR_VARIABLE)
        if mirror:
            return (Path(mirror) / self.repository.name / path).is_file()
        cache = Path(pooch.os_cache("truetwin")) / self.repository.name / self.repository.commit
        return (cache / path).is_file()


SYN_DIGITS = Repository(
    "syn-digits", "https://github.com/yw3453/syn-digits", "db891b6f821c914455b11763a96679864bf4fc48"
)

datasets: Registry[Dataset] = Registry(
    "dataset",
    hint="`truetwin datasets list` shows all.",
    entry_point_group="truetwin.datasets",
    check=must_be(Dataset),
)
