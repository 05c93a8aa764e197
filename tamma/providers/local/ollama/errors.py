"""Ollama's errors to ours. It says `{"error": "words"}`, with status 200 once an answer has begun."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.errors import AuthFailed, InvalidRequest, ModelNotFound, ProviderError
from tamma.providers.chat.errors import read_body
from tamma.providers.chat.errors import to_error as common
from tamma.providers.common.errors import CallContext

# What its own words mean where the status says less. Source: ollama `server/routes.go`, `server/sched.go`.
_BY_WORDS: tuple[tuple[str, type[ProviderError], str], ...] = (
    (
        "system memory",
        InvalidRequest,
        "it needs more memory than there is: set a smaller `contextWindow`, or choose another model",
    ),
    ("does not support chat", InvalidRequest, "choose a model that completes text, not an embedding model"),
    ("try pulling it first", ModelNotFound, "fetch the model: `ollama pull {model}`"),
)


def to_error(status: int, body: object, headers: Mapping[str, str], context: CallContext) -> ProviderError:
    """The error for an answer with `status` and the parsed `body` (or its raw text)."""
    _, message = read_body(body)
    lower = message.lower()
    for words, kind, hint in _BY_WORDS:
        if words in lower:
            return context.error(kind, f"{message} (status {status})", hint=hint.format(model=context.model))
    error = common(status, body, headers, context)
    if isinstance(error, ModelNotFound):
        error.hint = f"`ollama list` shows the models, `ollama pull {context.model}` fetches this one"
    elif isinstance(error, AuthFailed):
        error.hint = "models of Ollama's cloud want `ollama signin`; a server behind a proxy wants its key"
    return error
