"""A language model behind an OpenAI-compatible server (`POST URL/chat/completions`), on this machine or elsewhere.

One request with `httpx`, which is installed anyway. A client library for models would bring seventeen packages (2026-11) for a
call that is one JSON object each way, and its retries and time-outs would compete with ours.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from caseworker.core.errors import ConfigurationError
from caseworker.reading.errors import ModelAway, ModelRefused
from caseworker.reading.prompts import Completion, Prompt

MAX_ANSWER = 4 * 1024 * 1024  # bytes
_LATER = (408, 409, 425, 429)
_SHOWN = 300  # characters of a server's own words that people see


class OpenAiModel:
    """`name` is the model as its server calls it, `url` ends before `/chat/completions`, `timeout` is for a whole call (s).

    No proxy is used and no redirect followed: the key and the material go to `url` and nowhere else.
    """

    def __init__(self, *, url: str, name: str, key: str = "", timeout: float = 120.0) -> None:
        if not key.isascii() or not key.isprintable():
            raise ConfigurationError("The model's key holds characters that no key has.", remedy="Copy it once more.")
        self.name = name
        self._url = url.rstrip("/") + "/chat/completions"
        self._key = key
        self._timeout = timeout

    async def complete(self, prompt: Prompt) -> Completion:
        """One answer. Raises ModelAway, ModelRefused, ConfigurationError (a URL that is none)."""
        body = _body(self.name, prompt)
        while True:
            status, headers, text = await self._post(body)
            if status == 200:
                return _completion(text)
            if status not in (400, 422) or not _made_simpler(body, text):
                raise self._problem(status, headers, text)

    async def _post(self, body: Mapping[str, object]) -> tuple[int, Mapping[str, str], str]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(timeout=self._timeout, trust_env=False) as client,
                client.stream("POST", self._url, json=body, headers=headers) as response,
            ):
                return response.status_code, response.headers, await self._text(response)
        except (TimeoutError, httpx.TimeoutException) as error:
            message = f"The model did not answer within {self._timeout:g} seconds."
            raise ModelAway(message, remedy="Try again, or raise CASEWORKER_MODEL_TIMEOUT.") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ConfigurationError(f"CASEWORKER_MODEL_URL: {error}.", remedy="Write for example http://host/v1.") from error
        except httpx.HTTPError as error:
            message = f"The model's server at {self._url} cannot be reached: {str(error) or type(error).__name__}."
            raise ModelAway(message, remedy="Start it, or correct CASEWORKER_MODEL_URL.") from error

    async def _text(self, response: httpx.Response) -> str:
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > MAX_ANSWER:
                raise ModelAway("The model's answer does not end.", remedy="Look at the model's server.")
        return content.decode("utf-8", "replace")

    def _problem(self, status: int, headers: Mapping[str, str], text: str) -> ModelAway | ModelRefused:
        said = " ".join(text.split())[:_SHOWN]
        said = said.replace(self._key, "***") if self._key else said
        message = f"The model's server answered {status}: {said}"
        if status in _LATER or status >= 500:
            return ModelAway(message, remedy="Try again later.", retry_after=_seconds(headers.get("retry-after")))
        return ModelRefused(message, remedy="Check CASEWORKER_MODEL, CASEWORKER_MODEL_URL and the key.")


def _body(name: str, prompt: Prompt) -> dict[str, object]:
    body: dict[str, object] = {
        "model": name,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        "max_tokens": prompt.max_tokens,
        "temperature": 0,
    }
    if prompt.schema is not None:
        wanted = {"name": prompt.schema_name, "schema": prompt.schema, "strict": False}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return body


def _made_simpler(body: dict[str, object], complaint: str) -> bool:
    """Servers differ in what they know: a field that one complains of is left out or called by its other name."""
    if "max_completion_tokens" in complaint and "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
        return True
    for name in ("response_format", "temperature"):
        if name in complaint and name in body:
            del body[name]
            return True
    return False


def _completion(text: str) -> Completion:
    try:
        answer = json.loads(text)
        choice = answer["choices"][0]
        content = choice["message"]["content"]
        cut = choice.get("finish_reason") == "length"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        remedy = "Look whether CASEWORKER_MODEL_URL leads to an OpenAI-compatible server."
        raise ModelAway("What the model's server answered is no chat completion.", remedy=remedy) from error
    usage = answer.get("usage")
    counted: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    return Completion(
        content if isinstance(content, str) else "",
        cut,
        _count(counted.get("prompt_tokens")),
        _count(counted.get("completion_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; a date or nonsense counts as not said."""
    return float(text) if text is not None and text.isdigit() else None
