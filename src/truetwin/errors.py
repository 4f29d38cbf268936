"""Every error that truetwin raises on purpose.

A message says what must hold, what was found, where, and how to fix it::

    TruetwinError
    ├── DataError                 a table, file or array is not what it must be (also a ValueError)
    │   ├── FileFormatError       a file cannot be read as what its name or the caller says
    │   ├── AlignmentError        two tables have nothing, or too little, in common
    │   ├── ScaleError            an answer is not on its item's scale
    │   └── NotPredictableError   nothing that was asked for can be predicted
    ├── ParameterError            an argument is out of range (also a ValueError)
    │   └── UnknownNameError      no method, preset, dataset ... of that name (also a KeyError)
    │       └── UnknownMethodError
    ├── DatasetError              a public dataset cannot be fetched or its content is not the pinned one
    ├── OutputError               a result cannot be written where it was asked for
    └── MissingExtraError         an optional dependency is not installed (also an ImportError)
"""

from __future__ import annotations


class TruetwinError(Exception):
    """Base of every error that truetwin raises on purpose."""


class DataError(TruetwinError, ValueError):
    """A table, file or array is not what it must be."""


class FileFormatError(DataError):
    """A file cannot be read as what its name or the caller says it is."""


class AlignmentError(DataError):
    """Two tables have nothing, or too little, in common."""


class ScaleError(DataError):
    """An answer is not on its item's scale."""


class NotPredictableError(DataError):
    """Nothing that was asked for can be predicted."""


class ParameterError(TruetwinError, ValueError):
    """An argument is out of range or contradicts another one."""


class UnknownNameError(ParameterError, KeyError):
    """No method, preset, dataset or the like is registered under that name."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0])


class UnknownMethodError(UnknownNameError):
    """No calibrator is registered under that name."""


class DatasetError(TruetwinError):
    """A public dataset cannot be fetched, or its content is not the pinned one."""


class OutputError(TruetwinError):
    """A result cannot be written where it was asked for."""


class MissingExtraError(TruetwinError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'truetwin[{extra}]'"
        )
