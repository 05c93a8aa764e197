"""A conversation with a model: parts, messages, the request, the stream of its answer.

The shapes are nobody's wire format. Adapters translate to and from their vendor's; nothing vendor-specific
stands here except `provider_data`, which is opaque and replayed unchanged (reasoning signatures).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

# --- parts and messages --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Image:
    media_type: str
    data_base64: str
    kind: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool. `args_json` is what it sent, valid JSON or not."""

    id: str
    name: str
    args_json: str
    kind: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    content: str
    is_error: bool = False
    kind: Literal["tool_result"] = "tool_result"


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A model's reasoning. `provider_data` is a JSON string that only its own adapter reads."""

    text: str
    provider_data: str | None = None
    kind: Literal["reasoning"] = "reasoning"


Part = Text | Image | ToolCall | ToolResult | Reasoning


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Tool results stand in a user message. Adapters merge neighbours of the same role."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


def user(text: str) -> Message:
    """A user message with one text part."""
    return Message(Role.USER, (Text(text),))


# --- the request ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the model sees it; `input_schema` is a JSON Schema object."""

    name: str
    description: str
    input_schema: Mapping[str, object]


class ToolChoice(StrEnum):
    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model. What a model cannot do is dropped with a warning, never an error."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    """One of the levels that the model knows (`Capabilities.reasoning_levels`)."""
    output_schema: Mapping[str, object] | None = None
    """A JSON Schema that the answer's text must satisfy, where the model can be held to it."""
    cache: bool = True
    """Mark system, tools and the conversation so far for the service's prompt cache."""
    timeout: float = 600.0
    """Seconds for the whole call."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    provider_options: Mapping[str, object] = field(default_factory=dict[str, object])


# --- the answer ----------------------------------------------------------------------------------


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    CONTEXT_OVERFLOW = "context_overflow"
    PAUSED = "paused"
    UNKNOWN = "unknown"


MOST_TOKENS = 10**12
"""More than any call takes: a larger figure is no count."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `input_total` includes what the cache served or stored; `output_total` includes reasoning.

    The figures come from services, and an answer is not thrown away for a strange one: what is no count is
    taken for 0, and the whole for estimated.
    """

    input_total: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output_total: int = 0
    reasoning: int = 0
    estimated: bool = False

    def __post_init__(self) -> None:
        for name in ("input_total", "cache_read", "cache_write", "output_total", "reasoning"):
            if not _is_count(getattr(self, name)):
                object.__setattr__(self, name, 0)
                object.__setattr__(self, "estimated", True)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_total + other.input_total,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output_total + other.output_total,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_TOKENS


class CostSource(StrEnum):
    PROVIDER = "provider"
    PRICES = "genai-prices"
    CONFIG = "config"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars. None, never 0, where the price is not known, or what is told of it can be no price:
    a run's budget is counted with it."""

    usd: Decimal | None
    source: CostSource

    def __post_init__(self) -> None:
        if self.usd is not None and not (self.usd.is_finite() and self.usd >= 0):
            object.__setattr__(self, "usd", None)
            object.__setattr__(self, "source", CostSource.UNKNOWN)


UNKNOWN_COST = Cost(None, CostSource.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Start:
    model: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningEnd:
    """Closes a reasoning block; `provider_data` is what must be sent back unchanged."""

    provider_data: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    index: int
    args_fragment: str


@dataclass(frozen=True, slots=True)
class ToolCallEnd:
    """The whole call. `parse_error` says why `call.args_json` is not a JSON object, if it is not."""

    index: int
    call: ToolCall
    parse_error: str | None = None


@dataclass(frozen=True, slots=True)
class UsageUpdate:
    usage: Usage


@dataclass(frozen=True, slots=True)
class Finish:
    """The one terminal event. A stream that ends without it raises `StreamInterrupted`."""

    reason: FinishReason
    usage: Usage
    cost: Cost
    served_model: str
    request_id: str | None = None
    native_reason: str | None = None


StreamEvent = (
    Start
    | TextDelta
    | ReasoningDelta
    | ReasoningEnd
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | UsageUpdate
    | Finish
)


@dataclass(frozen=True, slots=True)
class Completion:
    """A stream folded: the assistant's message and how it ended."""

    message: Message
    finish: Finish


# --- what a model can do -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model of one provider can do. `source` says where the figures come from."""

    model: str
    streaming: bool = True
    tools: bool = True
    forced_tool: bool = True
    parallel_tools: bool = True
    vision: bool = False
    structured_output: bool = False
    reasoning_levels: tuple[str, ...] = ()
    sampling_params: bool = True
    prompt_cache: bool = False
    token_counting: bool = False
    context_window: int | None = None
    max_output: int | None = None
    lifecycle: Literal["active", "deprecated", "unknown"] = "unknown"
    source: str = "default"


@dataclass(frozen=True, slots=True)
class TokenCount:
    tokens: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as the service lists it. None: the service does not say."""

    id: str
    context_window: int | None = None
    max_output: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """The outcome of a dry-run credential test."""

    ok: bool
    detail: str
    models: tuple[str, ...] = ()
    hint: str | None = None
    exit_code: int = 0
    """What a command ends with that asked for this alone, as `TammaError.exit_code`."""
