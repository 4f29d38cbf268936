"""Turn the settings of a job into options of a run, sampling settings, and a connection to a model."""

from __future__ import annotations

from typing import Any, Protocol

from truetwin.errors import DataError
from truetwin.llm.messages import Sampling
from truetwin.llm.running.budget import Caps
from truetwin.llm.running.pricing import Prices, read_prices
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.running.shards import Shard
from truetwin.settings.shared_settings import Asking, CachedPrices, ExtraFields, Reasoning, RunLimits
from truetwin.settings.shared_settings import Prices as PriceSettings


class Decoding(Protocol):
    """Settings of any job that asks a model: how the model writes its replies."""

    @property
    def temperature(self) -> float | None:
        """Sampling temperature; None leaves it to the provider."""

    @property
    def max_tokens(self) -> int | None:
        """Longest reply in tokens; None leaves it to the provider."""


def prices_of(settings: PriceSettings, model: str) -> Prices | None:
    """Return the prices that the settings state, or those of the model in a file. Returns None if there are none.

    Raises
    ------
    DataError
        If a file is given and has no prices of the model.
    """
    file = settings.prices if isinstance(settings, CachedPrices) else None
    if file is not None:
        found = read_prices(file, model)
        if found is None:
            raise DataError(f"{file} must hold prices of the model; it has none for {model!r}")
        return found
    if settings.price_in is None or settings.price_out is None:
        return None
    cached = settings.price_cached if isinstance(settings, CachedPrices) else None
    return Prices(settings.price_in, settings.price_out, cached)


def run_options_of(
    settings: RunLimits, model: str, *, shard: str | None = None, seed: int | None = None
) -> RunOptions:
    """Turn settings into the options of a run of a model. Decoding seeds are derived from ``seed``, if it is given."""
    return RunOptions(
        concurrency=settings.concurrency,
        timeout=settings.timeout,
        attempts=settings.attempts,
        context_limit=settings.context_tokens,
        caps=Caps(settings.cap_requests, settings.cap_tokens, settings.cap_cost),
        prices=prices_of(settings, model),
        shard=Shard.parse(shard) if shard else Shard(),
        decoding_seed=None if settings.no_decoding_seed else seed,
        may_differ=("model.base_url",) if settings.moved else (),
    )


def sampling_of(settings: Decoding, temperature: float | None = None) -> Sampling:
    """Turn settings into sampling settings of a model. ``temperature``, if given, replaces that of the settings."""
    return Sampling(
        temperature=settings.temperature if temperature is None else temperature,
        max_tokens=settings.max_tokens,
        reasoning_effort=settings.reasoning_effort if isinstance(settings, Reasoning) else None,
        extra=settings.extra if isinstance(settings, ExtraFields) else {},
    )


def connection_of(settings: Asking) -> dict[str, Any]:
    """Turn settings into the arguments of :func:`truetwin.llm.open_model`: address, key and connections."""
    return {
        "base_url": settings.base_url,
        "engine": settings.engine,
        "key_variable": settings.key_variable,
        "concurrency": settings.concurrency,
        "drop_unsupported": settings.drop_unsupported,
        "no_system": settings.no_system,
        "preflight": settings.preflight,
    }
