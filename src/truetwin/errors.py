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
    ├── MissingExtraError         an optional dependency is not installed (also an ImportError)
    ├── ExtensionError            what another package adds to truetwin cannot be used
    ├── RunError                  a stored run is not what it must be, or belongs to other settings
    ├── BudgetError               a cap on money, tokens or requests is reached
    └── ProviderError             a model's provider gives no answer
        ├── AccessError           the key is missing or rejected; retrying cannot help
        ├── UnknownModelError     the provider has no model of that name; retrying cannot help
        ├── RequestRefusedError   the provider rejects this one request (too long, bad field); retrying cannot help
        │   ├── ModerationError   ... because its content is flagged
        │   └── ContextOverflowError  ... because it is longer than the model's context
        ├── ForbiddenSettingError the model forbids a setting that every request has; retrying cannot help
        ├── EndpointError         nothing answers under the address
        └── TransientError        a failure that may pass: 429, 5xx, timeouts, cut connections, malformed bodies
"""

from __future__ import annotations


class TruetwinError(Exception):
    """Base of every error that truetwin raises on purpose."""


class DataError(TruetwinError, ValueError):
    """A table, file or array is not what it must be.

    Attributes
    ----------
    lines : tuple of str
        Lines of a message that is a list; empty if the message is a single line.
    """

    lines: tuple[str, ...] = ()


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


class ExtensionError(TruetwinError):
    """An entry that another package adds to truetwin cannot be used."""


class RunError(TruetwinError):
    """A stored run is not what it must be, or belongs to other settings."""


class BudgetError(TruetwinError):
    """A cap on money, tokens or requests is reached."""


class ProviderError(TruetwinError):
    """A model's provider gives no answer."""


class AccessError(ProviderError):
    """The key is missing or rejected; retrying cannot help."""


class UnknownModelError(ProviderError):
    """The provider has no model of that name; retrying cannot help."""


class RequestRefusedError(ProviderError):
    """The provider rejects this one request; retrying cannot help."""


class ModerationError(RequestRefusedError):
    """The provider's moderation rejects this one request; the model has declined."""


class ContextOverflowError(RequestRefusedError):
    """The request is longer than the model's context; retrying cannot help."""


class ForbiddenSettingError(ProviderError):
    """The model forbids a setting that every request of the run has; retrying cannot help."""


class EndpointError(ProviderError):
    """Nothing answers under the address."""


class TransientError(ProviderError):
    """A failure that may pass.

    ``retry_after`` is the wait that the provider asks for, in seconds; ``kind`` says in one word what failed; ``usage``
    holds the tokens that the provider counted for it all the same, where it said so.
    """

    def __init__(
        self, message: str, retry_after: float | None = None, *, kind: str = "transient", usage: object = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.kind = kind
        self.usage = usage
