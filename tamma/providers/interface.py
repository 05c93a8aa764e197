"""The provider interface: what every model service looks like from inside.

An adapter translates `Request` to its vendor's call and the vendor's stream to `StreamEvent`s:

* `stream` yields one `Start`, then deltas, then **exactly one** `Finish`; or it raises one of the
  `ProviderError`s. A stream that ends without the vendor's terminal event raises `StreamInterrupted`.
* Adapters never retry: Temporal does. SDK clients run with retries off.
* Heavy SDKs are imported in `start`, never at the top of a module.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, runtime_checkable

from tamma.errors import BadAnswer, StreamInterrupted
from tamma.model.conversation import (
    Capabilities,
    Completion,
    Finish,
    Message,
    ModelInfo,
    Part,
    ProviderCheck,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    Request,
    Role,
    StreamEvent,
    Text,
    TextDelta,
    TokenCount,
    ToolCall,
    ToolCallEnd,
    ToolCallStart,
)
from tamma.model.foreign import read_json


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, from a user's configuration; overrides the price data."""

    input_mtok: Decimal
    output_mtok: Decimal
    cache_read_mtok: Decimal | None = None
    cache_write_mtok: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One configured provider, with its secret already resolved. Never logged: `api_key` is hidden."""

    name: str
    type: str
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    model: str | None = None
    """The default model of this entry."""
    timeout: float = 600.0
    """Seconds for a whole call."""
    stall_timeout: float = 120.0
    """Seconds without a single byte, after which a stream counts as dead."""
    max_output_tokens: int | None = None
    temperature: float | None = None
    context_window: int | None = None
    """Overrides what the catalogue says, tokens."""
    price: Price | None = None
    max_concurrent: int | None = None
    """Calls at once from one process."""
    requests_per_minute: float | None = None
    """Calls that one process begins in a minute."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    capabilities: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields of `Capabilities` that the user knows better than the catalogue, for every model."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """What only this type of provider understands, e.g. `{"script": "turns.json"}`."""


class Provider(Protocol):
    """A started connection to a model service. One instance serves many calls at once."""

    @property
    def settings(self) -> ProviderSettings: ...

    async def start(self) -> None:
        """Import the SDK and make the client. Makes no call. Idempotent."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see the module's docstring for the contract. Closing the generator hangs up."""
        ...

    async def count_tokens(self, request: Request) -> TokenCount:
        """Input tokens of `request`: the service's own count where it has one, else an estimate."""
        ...

    def capabilities(self, model: str) -> Capabilities: ...

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the service offers now; empty where it cannot say. Raises ProviderError."""
        ...

    async def check(self) -> ProviderCheck:
        """A dry-run credential test that costs nothing or next to nothing."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Settles(Protocol):
    """A provider that must ask its service what a model can do, or which one it serves."""

    async def settle(self, model: str) -> str:
        """The model that will answer where `model` is asked for (empty: whichever the service has).

        Afterwards `capabilities` knows it. Raises ProviderError.
        """
        ...


async def settled(provider: Provider, model: str) -> str:
    """The model that will answer, its capabilities known as well as they can be. Raises ProviderError."""
    return await provider.settle(model) if isinstance(provider, Settles) else model


class ProviderPlugin(Protocol):
    """What a type of provider declares. A third party's is the target of an entry point `tamma.providers`."""

    @property
    def name(self) -> str:
        """The type's name: `providerType` of a configuration entry."""
        ...

    @property
    def version(self) -> str: ...

    def create_provider(self, settings: ProviderSettings) -> Provider:
        """A provider that is not started yet. Imports no SDK and makes no call. Raises ConfigError."""
        ...

    def validate_config(self, settings: ProviderSettings) -> Sequence[str]:
        """What is wrong with `settings`, one sentence each; empty where nothing is. Makes no call."""
        ...


MOST_CALLS = 500
"""Tool calls of one answer. Models make a few dozen at most; each goes into the history of the run."""


class Folder:
    """Folds a stream into the assistant's message. Used by `complete` and by whoever also shows deltas."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.finish: Finish | None = None

    def add(self, event: StreamEvent) -> None:
        """Take one event. Raises StreamInterrupted for anything after the Finish, BadAnswer for calls without
        end."""
        if self.finish is not None:
            raise StreamInterrupted(f"the stream went on after its end with {type(event).__name__}")
        match event:
            case TextDelta(text):
                self._close_reasoning(None)
                self._text.append(text)
            case ReasoningDelta(text):
                self._close_text()
                self._reasoning.append(text)
            case ReasoningEnd(provider_data):
                self._close_text()
                self._close_reasoning(provider_data, force=True)
            case ToolCallStart(index) | ToolCallEnd(index) if index >= MOST_CALLS:
                raise BadAnswer(
                    f"the answer makes more than {MOST_CALLS} tool calls", hint="try another model"
                )
            case ToolCallEnd(_, call, _):
                self._close_text()
                self._close_reasoning(None)
                self._parts.append(call)
            case Finish():
                self._close_text()
                self._close_reasoning(None)
                self.finish = event
            case _:
                pass  # starts, fragments and usage updates are for those who watch

    def completion(self) -> Completion:
        """The whole answer. Raises StreamInterrupted where the Finish is missing."""
        if self.finish is None:
            raise StreamInterrupted("the stream ended without its terminal event")
        return Completion(Message(Role.ASSISTANT, tuple(self._parts)), self.finish)

    def _close_text(self) -> None:
        if self._text:
            self._parts.append(Text("".join(self._text)))
            self._text.clear()

    def _close_reasoning(self, provider_data: str | None, *, force: bool = False) -> None:
        if self._reasoning or force:
            self._parts.append(Reasoning("".join(self._reasoning), provider_data))
            self._reasoning.clear()


async def complete(provider: Provider, request: Request) -> Completion:
    """Ask the model and wait for the whole answer. Raises what `stream` raises."""
    folder = Folder()
    async for event in provider.stream(request):
        folder.add(event)
    return folder.completion()


def tool_call_end(index: int, call_id: str, name: str, args_json: str) -> ToolCallEnd:
    """The end of a tool call, saying whether its arguments are a JSON object. Empty counts as `{}`."""
    args_json = args_json.strip() or "{}"
    problem: str | None = None
    try:
        if not isinstance(read_json(args_json), dict):
            problem = "the arguments are not a JSON object"
    except ValueError as error:
        problem = f"the arguments are not valid JSON: {error}"
    return ToolCallEnd(index, ToolCall(call_id, name, args_json), problem)
