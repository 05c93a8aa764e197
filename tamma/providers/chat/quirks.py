"""How one vendor's OpenAI-compatible endpoint differs from the next. A new vendor is one more profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from tamma.errors import ProviderError
from tamma.model.conversation import Capabilities, FinishReason

Effort = Callable[[str, Capabilities], Mapping[str, object]]
"""The fields that ask a model for a reasoning effort; none where it cannot be asked."""
Charge = Callable[[Mapping[str, Any]], Decimal | None]
"""US dollars that the service charged, from its `usage`; None where that does not say."""
ErrorDetail = Callable[[Mapping[str, object]], tuple[tuple[str, ...], str]]
"""More codes and words that an error's object holds, beside its `code`, `type` and `message`."""


def named_effort(level: str, able: Capabilities) -> Mapping[str, object]:
    """OpenAI's form: one field, for the levels that the model is known to have."""
    return {"reasoning_effort": level} if level in able.reasoning_levels else {}


@dataclass(frozen=True, slots=True)
class Quirks:
    """The defaults are what most servers share."""

    base_url: str | None = None
    """Where the service is, up to what stands before `/chat/completions`. None: it must be configured."""
    key_required: bool = True
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` is needed, and understood."""
    tool_choice: bool = True
    """Whether `tool_choice` may be other than auto."""
    schema: Literal["json_schema", "json_object", "none"] = "json_schema"
    """What `response_format` can hold an answer to."""
    effort: Effort = named_effort
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Where a delta carries the model's reasoning, first found wins."""
    replay_field: Literal["reasoning_content", "reasoning_details"] | None = None
    """The field of the model's reasoning that it wants back unchanged in later requests."""
    cache_marks: bool = False
    """Whether prompt caching asks for Anthropic's `cache_control`, for models that have it at all."""
    finishes: Mapping[str, FinishReason | type[ProviderError]] = field(
        default_factory=dict[str, FinishReason | type[ProviderError]]
    )
    """The vendor's own finish reasons: what they mean, or the error that they report."""
    charge: Charge | None = None
    models_path: str | None = "/models"
    """None: the models cannot be listed, and a check is a call of a few tokens."""
    error_codes: Mapping[str, type[ProviderError]] = field(default_factory=dict[str, type[ProviderError]])
    """The vendor's own error codes and types; they go before the common ones."""
    error_detail: ErrorDetail | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields that every request of this vendor carries."""
