"""Connect to an OpenAI-compatible endpoint: find its address and key, and turn its failures into errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from truetwin.errors import AccessError, MissingExtraError, ProviderError, TransientError, TruetwinError
from truetwin.llm.providers.bounded_responses import HEADERS, MOST_BYTES, limit_blocking, read_json
from truetwin.llm.providers.http_failures import check_base_url, from_exception, from_status
from truetwin.llm.providers.key_masking import KeyMask
from truetwin.settings.recorded_values import without_secrets

if TYPE_CHECKING:
    import openai

KEY_VARIABLE = "OPENAI_API_KEY"
_NO_KEY = "none"  # sent to endpoints that need no key, because the client requires one


class Endpoint:
    """OpenAI-compatible endpoint: an address and the key for it.

    Parameters
    ----------
    model : str
        The model that requests are for.
    base_url : str, optional
        Address up to and with ``/v1``; by default OpenAI's, or what OPENAI_BASE_URL says.
    key_variable : str, optional
        Environment variable that holds the key, by default OPENAI_API_KEY; an endpoint given by ``base_url`` may need
        none.
    service : str
        Name of the service that is used, for messages.

    Raises
    ------
    AccessError
        If a key is needed and its variable is not set, or holds what cannot be sent.
    EndpointError
        If the base URL is no address.
    MissingExtraError
        If the client is not installed.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        key_variable: str | None = None,
        *,
        service: str = "chat completions",
    ) -> None:
        self.model, self.service = model, service
        self.key = _find_key(base_url, key_variable)
        self.mask = KeyMask(self.key)
        self.base_url = check_base_url(
            base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        )
        self.url = without_secrets(self.base_url)
        import_openai()

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that every client of the endpoint is made with."""
        return {"api_key": self.key or _NO_KEY, "base_url": self.base_url}

    def blocking_client(self, *, most_bytes: int = MOST_BYTES, **options: Any) -> Any:
        """Open a client for files, batches and embeddings. It retries by itself, and the caller closes it.

        Responses are bounded as those of chats are; ``most_bytes`` is the limit of each.
        """
        package = import_openai()
        connection = package.DefaultHttpxClient(
            event_hooks={"response": [limit_blocking(most_bytes)]}, headers=HEADERS
        )
        return package.OpenAI(**{**self.arguments(), "max_retries": 3, "http_client": connection, **options})

    def failure(self, error: openai.OpenAIError, *, service: str | None = None) -> ProviderError:
        """Turn an error of the client into one of ours, without the key in its message."""
        import openai

        if isinstance(error, openai.APIStatusError):
            found = from_status(
                error.status_code,
                self.mask.value(error.body),  # before it is cut to a line
                error.response.headers,
                url=self.url,
                model=self.model,
                service=service or self.service,
            )
        elif isinstance(error, openai.APIConnectionError):
            found = from_exception(error, url=self.url)
        else:
            found = ProviderError(f"{self.url}: {error}")
        return self.clean(found)

    def status_failure(self, response: Any) -> ProviderError:
        """Turn a response that is no success into an error, without the key in its message."""
        try:
            body = read_json(response.content)
        except (ValueError, RecursionError):
            body = response.text
        body = self.mask.value(body)  # before it is cut to a line
        found = from_status(
            response.status_code, body, response.headers, url=self.url, model=self.model, service=self.service
        )
        return self.clean(found)

    @contextmanager
    def errors_told(self, service: str) -> Iterator[None]:
        """Turn what goes wrong while a blocking client asks into errors of ours, without the key."""
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            raise self.failure(error, service=service) from None
        except ProviderError as error:
            raise self.clean(error) from None
        except (TruetwinError, OSError):
            raise
        except (AttributeError, RecursionError, TypeError, ValueError) as error:  # the body is no answer
            raise self.clean(
                TransientError(f"{self.url} sent a body that cannot be read: {error}", kind="malformed")
            ) from None
        except Exception as error:  # of the libraries below
            raise self.clean(from_exception(error, url=self.url)) from None

    def clean(self, error: ProviderError) -> ProviderError:
        """Mask the key in an error, in case the endpoint has repeated it."""
        if self.mask.is_in(str(error)):
            error.args = (self.mask.text(str(error)),)
        return error


def import_openai() -> Any:
    """Import the client's package, or raise :class:`MissingExtraError`."""
    try:
        import openai
    except ImportError:
        raise MissingExtraError("openai", "llm", "asking models") from None
    return openai


def _find_key(base_url: str | None, key_variable: str | None) -> str | None:
    variable = key_variable or KEY_VARIABLE
    key = os.environ.get(variable, "").strip()
    if key and not (key.isascii() and key.isprintable()):
        raise AccessError(
            f"the environment variable {variable} must hold a key; what it holds has characters that no key has"
        )
    if key:
        return key
    if key_variable or not (base_url or os.environ.get("OPENAI_BASE_URL")):
        raise AccessError(
            f"the environment variable {variable} must hold the key; it is not set. "
            "Set it, or give the base URL of an endpoint that needs no key."
        )
    return None
