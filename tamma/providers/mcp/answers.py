"""Reading what a tool answered: PAL's JSON, any other JSON by a path, or plain text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tamma.errors import (
    AuthFailed,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
)
from tamma.mcp.client import McpAnswer
from tamma.model.conversation import ModelInfo
from tamma.model.foreign import read_json
from tamma.providers.common.errors import HINTS, CallContext
from tamma.providers.mcp.options import Wiring

_PAL_CONTENT = ("content",)
_PAL_TRAILER = "\n\n---\n\nAGENT'S TURN:"
"""What PAL's `chat` adds to a model's words, for the agents that usually call it."""
_TOO_LONG = frozenset({"resend_prompt", "code_too_large"})
_HINT_TOO_LONG = (
    "choose a model with a larger context window; a server of your own needs MAX_MCP_OUTPUT_TOKENS in its "
    "environment to take long prompts"
)
# The first that matches: "not available with current API keys" is about a model, not about the keys.
_BY_WORDS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (
            r"context (length|window|size)|too large for|prompt is too long|exceeds.* token",
            ContextOverflow,
        ),
        (r"model .*(not available|not found|does not exist|unknown|not supported)", ModelNotFound),
        (r"insufficient.quota|quota exceeded|billing|insufficient (funds|credits)|\b402\b", QuotaExhausted),
        (r"rate.?limit|too many requests|\b429\b", RateLimited),
        (r"api.?key|unauthori[sz]ed|authenticat|forbidden|permission denied|\b40[13]\b", AuthFailed),
        (r"safety policy|content.?(filter|policy)|may indicate content filtering", ContentFiltered),
        (r"timed? ?out|\b(408|504)\b", ProviderTimeout),
        (r"overloaded|unavailable|connection error|server error|bad gateway|\b5(00|02|03|29)\b", Overloaded),
    )
)
_LOST_THREAD = re.compile(
    r"thread .*(not found|expired|could not be retrieved)|(unknown|invalid) continuation", re.IGNORECASE
)
_LISTED_MODEL = re.compile(r"^- `([^`]+)`(?:[^\n(]*\((\d+)K context\))?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer understood. `continuation` names the server's own record of the conversation."""

    text: str
    model: str | None = None
    status: str | None = None
    continuation: str | None = None


def lost_thread(answer: McpAnswer) -> bool:
    """Whether the server no longer has the conversation that we wanted to go on with."""
    return answer.is_error and _LOST_THREAD.search(answer.text) is not None


def read(answer: McpAnswer, wiring: Wiring, context: CallContext) -> Reply:
    """The reply in `answer`. Raises the ProviderError that its words mean."""
    data = _data(answer)
    status = _string(data.get("status"))
    if answer.is_error or status == "error":
        raise _error(_string(data.get("content")) or answer.text, context)
    if status in _TOO_LONG:
        raise context.error(ContextOverflow, f"the tool refuses the prompt ({status})", hint=_HINT_TOO_LONG)
    path = wiring.result_path or _PAL_CONTENT
    # Without a path of the user's, what is not PAL's form is the answer itself, JSON or not.
    text = answer.text if wiring.result_path is None and status is None else _at(data, path)
    if text is None:
        where = ".".join(path)
        raise context.error(
            InvalidRequest,
            f"the tool {wiring.tool!r} gave no text at {where!r} (status {status})",
            hint="set `resultPath` of the provider's options to where the tool's answer stands",
        )
    metadata = data.get("metadata")
    used = cast("Mapping[str, object]", metadata).get("model_used") if isinstance(metadata, Mapping) else None
    thread = _at(data, wiring.continuation_path) if wiring.continuation_path else None
    return Reply(text.split(_PAL_TRAILER, 1)[0] if status else text, _string(used), status, thread)


def listed_models(answer: McpAnswer) -> tuple[ModelInfo, ...]:
    """The models in the Markdown of PAL's `listmodels`."""
    text = _string(_data(answer).get("content")) or answer.text
    return tuple(
        ModelInfo(found[1], int(found[2]) * 1000 if found[2] else None)
        for found in _LISTED_MODEL.finditer(text)
    )


def _error(words: str, context: CallContext) -> ProviderError:
    kind = next((kind for pattern, kind in _BY_WORDS if pattern.search(words)), InvalidRequest)
    hint = _HINT_TOO_LONG if kind is ContextOverflow else HINTS.get(kind)
    return context.error(kind, words or "the tool reports an error without words", hint=hint)


def _data(answer: McpAnswer) -> Mapping[str, object]:
    """The result as an object: its structured content, else its text where that is JSON, else empty."""
    found = answer.data
    if not isinstance(found, Mapping):
        try:
            found = read_json(answer.text)
        except ValueError:
            return {}
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


def _at(data: object, path: tuple[str, ...]) -> str | None:
    for key in path:
        if isinstance(data, Mapping):
            data = cast("Mapping[str, object]", data).get(key)
        elif isinstance(data, list) and key.isdecimal() and int(key) < len(cast("list[object]", data)):
            data = cast("list[object]", data)[int(key)]
        else:
            return None
    return _string(data)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
