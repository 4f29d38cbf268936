"""Any number of result files as one table of models."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.voice.outcomes import Outcome, Protocol
from truetwin.voice.replay import read_answers
from truetwin.voice.scores import score_outcomes

_NUMBERS = (
    "n", "n_answered", "n_failed", "accuracy_answered", "accuracy_all", "ci_low", "ci_high", "mean_mark",
    "baseline_accuracy",
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """One model under one protocol on one dimension.

    Accuracies lie in 0..1 and are None for marks; ``mean_mark`` is the mean of marks from 1 to 5. ``ci_low`` and
    ``ci_high`` belong to ``accuracy_all`` or ``mean_mark``, in its units. ``baseline`` names the best persona-free rule
    for the dimension, where a result file gives it.
    """

    dimension: str
    protocol: str
    model: str
    n: int
    n_answered: int
    accuracy_answered: float | None = None
    accuracy_all: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    mean_mark: float | None = None
    judge: str = ""
    n_failed: int = 0
    baseline: str = ""
    baseline_accuracy: float | None = None
    file: str = ""

    @property
    def points(self) -> float:
        """What models are ordered by: accuracy over all items, or the mean mark."""
        for value in (self.accuracy_all, self.mean_mark):
            if value is not None and not math.isnan(value):
                return value
        return -math.inf

    def to_row(self) -> dict[str, Any]:
        """The standing as a row of a table."""
        return asdict(self)


def read_standings(path: str | Path) -> list[Standing]:
    """Standings from one result file: what ``truetwin voice score --json`` printed, or stored answers.

    Raises
    ------
    FileFormatError
        If the file is neither.
    """
    path = Path(path)
    text = _text(path)
    content = _json_object(text)
    if content is not None and "rows" in content:
        if content.get("command") not in ("voice score", "voice leaderboard"):
            raise FileFormatError(
                f"{path} must be the result of 'truetwin voice score --json'; it is of {content.get('command')!r}"
            )
        rows = content["rows"]
        if not isinstance(rows, list) or not rows:
            raise FileFormatError(f"{path} must hold a list of rows; it has none")
        return [_from_row(row, path, k) for k, row in enumerate(rows, 1)]
    return standings_of(read_answers(path).outcomes, str(path))


def holds_scores(path: str | Path) -> bool:
    """Whether a file holds a table of scores rather than answers."""
    content = _json_object(_text(Path(path)))
    return content is not None and "rows" in content


def standings_of(outcomes: Iterable[Outcome], file: str = "") -> list[Standing]:
    """Standings of outcomes; written replies that nobody judged have none."""
    return [
        Standing(
            score.dimension,
            score.protocol.value,
            score.model,
            score.n,
            score.n_answered,
            score.answered.value if score.answered else None,
            score.all.value if score.all else None,
            *_ends(score),
            score.mean_mark,
            score.judge,
            score.n_failed,
            file=file,
        )
        for score in score_outcomes(outcomes)
        if score.protocol is not Protocol.REPLY
    ]


def _ends(score: Any) -> tuple[float | None, float | None]:
    """The persona-clustered interval; Wilson's where there are fewer than two personas."""
    found = score.all or score.marks
    if found is None:
        return None, None
    low, high = found.cluster_low, found.cluster_high
    if math.isnan(low):
        low, high = found.low, found.high
    if score.marks:
        return 1 + 4 * low, 1 + 4 * high
    return low, high


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """By dimension and protocol, the best model first.

    Raises
    ------
    DataError
        If there are none.
    """
    if not standings:
        raise DataError("a leaderboard needs at least one scored result; the files hold none")
    order = {p.value: k for k, p in enumerate(Protocol)}
    return sorted(
        standings, key=lambda s: (s.dimension, order.get(s.protocol, 99), s.judge, -s.points, s.model)
    )


def _from_row(row: Any, path: Path, number: int) -> Standing:
    where = f"{path}, row {number}"
    if not isinstance(row, Mapping):
        raise FileFormatError(f"{where}: a row must be an object")
    known = set(Standing.__dataclass_fields__)
    fields = {name: value for name, value in row.items() if name in known and value is not None}
    for name in _NUMBERS:
        value = fields.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise FileFormatError(f"{where}: {name!r} must be a number; got {value!r}")
    for name in set(fields) - set(_NUMBERS):
        if not isinstance(fields[name], str):
            raise FileFormatError(f"{where}: {name!r} must be a text; got {fields[name]!r}")
    try:
        return Standing(**{"file": str(path), **fields})
    except TypeError as error:
        raise FileFormatError(
            f"{where}: dimension, protocol, model, n and n_answered must be there"
        ) from error


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} must be UTF-8: {error}") from error
