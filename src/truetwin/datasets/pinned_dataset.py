"""Declare, fetch and check a public dataset."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DatasetError
from truetwin.registry import Registry, must_be

MIRROR_VARIABLE = "TRUETWIN_DATA_MIRROR"
#: Length of a pin that is a git blob id; the others are sha256.
_BLOB_LENGTH = 40
_PIECE = 1 << 20


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
    files : mapping from path to pin
        Every file that ``load`` may read. A pin is the sha256 of the content, or its git blob id (40 digits), by which
        a repository's own index names it.
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
        mirror = os.environ.get(MIRROR_VARIABLE)
        if mirror:
            local = Path(mirror) / self.repository.name / path
            if not local.is_file():
                raise DatasetError(
                    f"dataset {self.name!r}: {path} is not in this mirror ({MIRROR_VARIABLE} is set to {mirror}). It "
                    f"is published at {self.repository.file_url(path)}. Unset the variable to download it, or add it "
                    f"to the mirror as {local}."
                )
        else:
            local = self._download(path)
        pin = self.files[path]
        if not has_pin(local, pin):
            kind = "git blob id" if len(pin) == _BLOB_LENGTH else "sha256"
            raise DatasetError(
                f"dataset {self.name!r}: {local} has not the pinned content ({kind} differs). Remove it; the published "
                f"file is at {self.repository.file_url(path)}."
            )
        return local

    def _download(self, path: str) -> Path:
        """Download a file into the cache, unless it is there; another content than the pinned one is removed."""
        import pooch

        cache = Path(pooch.os_cache("truetwin")) / self.repository.name / self.repository.commit
        target = cache / path
        if target.is_file() and not has_pin(target, self.files[path]):
            target.unlink()
        pooch.get_logger().setLevel("WARNING")
        address = self.repository.file_url(path)
        try:
            return Path(pooch.retrieve(address, None, fname=target.name, path=str(target.parent)))
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"dataset {self.name!r}: cannot fetch {address} ({error}). Check the connection, or set "
                f"{MIRROR_VARIABLE} to a folder that holds {self.repository.name}/{path}."
            ) from error

    def is_available(self, path: str) -> bool:
        """Test whether the file can be read without a download."""
        import pooch

        mirror = os.environ.get(MIRROR_VARIABLE)
        if mirror:
            return (Path(mirror) / self.repository.name / path).is_file()
        cache = Path(pooch.os_cache("truetwin")) / self.repository.name / self.repository.commit
        return (cache / path).is_file()


def has_pin(path: Path, pin: str) -> bool:
    """Test whether a file has the pinned content: its sha256, or its git blob id, is the pin."""
    return pin == (blob_id(path) if len(pin) == _BLOB_LENGTH else _digest(path, hashlib.sha256()))


def blob_id(path: Path) -> str:
    """Compute the id that git gives the content of a file: sha1 of ``blob <size>``, a zero byte, and the content."""
    return _digest(path, hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False))


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return str(digest.hexdigest())


SYN_DIGITS = Repository(
    "syn-digits", "https://github.com/yw3453/syn-digits", "db891b6f821c914455b11763a96679864bf4fc48"
)

datasets: Registry[Dataset] = Registry(
    "dataset",
    hint="`truetwin datasets list` shows all.",
    entry_point_group="truetwin.datasets",
    check=must_be(Dataset),
)
