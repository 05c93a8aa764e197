"""The same answer in each provider's own form, so that one suite can ask the same of all of them.

A module beside this one describes one vendor and names its descriptions in `VENDORS`; the suites find them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any, Literal, Protocol, runtime_checkable

from tamma.errors import ProviderError
from tamma.model.conversation import FinishReason, Request, user
from tamma.providers.interface import Provider, ProviderSettings
from tests.support.raw_http import Answer, RawServer, Step

KEY = "sk-test-0123456789abcdef"
MODEL = "claude-sonnet-5-5"
COMMENT = b": still here\n\n"
"""What may stand anywhere between server-sent events."""


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    args: str
    """As the model wrote it, JSON or not."""


@dataclass(frozen=True)
class Said:
    """What a model answers."""

    pieces: Sequence[str] = ()
    calls: Sequence[Call] = ()
    finish: FinishReason | None = None
    usage: tuple[int, int] = (10, 5)
    interleaved: bool = False
    """Fragments of the calls come in turn, not one call after the other."""

    @property
    def reason(self) -> FinishReason:
        return self.finish or (FinishReason.TOOL_CALLS if self.calls else FinishReason.STOP)

    def in_order(self, calls: Sequence[Sequence[bytes]]) -> list[bytes]:
        """The parts of all calls, as they come over the wire."""
        rows = zip_longest(*calls, fillvalue=b"") if self.interleaved else calls
        return [part for part in chain.from_iterable(rows) if part]


def ask(text: str = "hello", **more: Any) -> Request:
    return Request(model=MODEL, messages=(user(text),), **more)


def settings_for(kind: str, url: str, **more: Any) -> ProviderSettings:
    return replace(ProviderSettings("mine", kind, api_key=KEY, base_url=url, model=MODEL), **more)


Feature = Literal[
    "broken arguments",  # tool arguments as text that may be no JSON
    "empty answer",
    "exact usage",  # counted by the service, not estimated
    "fragmented arguments",  # tool arguments that arrive in pieces
    "finish reasons",
    "interleaved calls",  # fragments of several calls, mixed
    "quota told from rate limits",  # both with status 429
    "refusals",  # an HTTP status and a body
    "refused content",  # as an error, not as a finish reason
    "retry after",
    "tools",
]
"""What most services have and some lack."""


@dataclass(frozen=True)
class Refusal:
    """One answer that is none. Each vendor says it in its own form."""

    expected: type[ProviderError]
    status: int
    kind: str
    """Anthropic's word for it; `content_filter_error` is ours, for Anthropic has none."""
    message: str = "no"
    needs: Feature = "refusals"
    """What a service must be able to say for this."""

    def __str__(self) -> str:
        return f"{self.expected.__name__}-{self.status}-{self.kind}"


class Vendor(Protocol):
    """One kind of provider, and how its service says things."""

    @property
    def lacks(self) -> Mapping[Feature, str]:
        """What this service cannot show, and why: those tests are skipped with that reason."""
        ...

    @property
    def name(self) -> str: ...

    @property
    def finishes(self) -> Mapping[FinishReason, str]: ...

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider: ...


@runtime_checkable
class HttpVendor(Vendor, Protocol):
    """A vendor whose answer is one streamed HTTP response, so that its bytes can be broken at will."""

    @property
    def models_answer(self) -> object:
        """The JSON of the call that lists models, for one model `m1`; None where there is no such call."""
        ...

    @property
    def silence(self) -> bytes:
        """What may come while nothing is said."""
        ...

    def wire(self, said: Said) -> list[bytes]:
        """The response's body, in parts: at least six for three pieces of text."""
        ...

    def error_body(self, status: int, kind: str, message: str) -> object:
        """The JSON of a refusal. `kind` is Anthropic's word for it, which the vendor translates."""
        ...

    def error_event(self, kind: str, message: str) -> bytes | None:
        """An error inside a stream of status 200; None where the protocol has no such thing."""
        ...

    def provider(self, url: str, **settings: Any) -> Provider: ...


@runtime_checkable
class PeerVendor(Vendor, Protocol):
    """A vendor whose own program runs in the tests, in front of a model's service of ours."""

    @property
    def peer(self) -> str:
        """The program, below `.peers`."""
        ...


@runtime_checkable
class RefusingVendor(Vendor, Protocol):
    """A vendor without a wire that refuses all the same."""

    async def refusing(
        self, refusals: Sequence[Refusal], stack: AsyncExitStack
    ) -> Sequence[tuple[Provider, Request]]:
        """What to ask whom, to be refused so."""
        ...


async def serve(vendor: HttpVendor, answer: Answer, stack: AsyncExitStack, **settings: Any) -> Provider:
    """A provider whose service gives `answer`; both are closed with `stack`."""
    server = await stack.enter_async_context(RawServer(answer))
    provider = vendor.provider(server.url, **settings)
    stack.push_async_callback(provider.close)
    return provider


def broken_off(vendor: HttpVendor, *steps: Step) -> Answer:
    """The first parts of an answer, then `steps`."""
    return Answer([*vendor.wire(Said(["one ", "two ", "three"]))[:4], *steps])
