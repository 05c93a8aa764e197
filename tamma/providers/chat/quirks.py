"""How one vendor's OpenAI-compatible endpoint differs from the next. A new vendor is one more profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tamma.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Quirks:
    """The defaults are what most servers share."""

    base_url: str | None = None
    """Where the service is, up to what stands before `/chat/completions`. None: it must be configured."""
    key_required: bool = True
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` is understood."""
    tool_choice: bool = True
    """Whether `tool_choice` may be other than auto."""
    schema: Literal["json_schema", "json_object", "none"] = "json_schema"
    """What `response_format` can hold an answer to."""
    effort_field: str | None = "reasoning_effort"
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Where a delta carries the model's reasoning, first found wins."""
    cost_field: str | None = None
    """The field of `usage` with the US dollars that the service charged."""
    models_path: str | None = "/models"
    error_codes: Mapping[str, type[ProviderError]] = field(default_factory=dict[str, type[ProviderError]])
    """The vendor's own error codes and types; they go before the common ones."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields that every request of this vendor carries."""
