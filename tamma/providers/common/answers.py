"""From a service's own chunks to our events: what every adapter does around its translation. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar, cast

from tamma.errors import StreamInterrupted
from tamma.model.conversation import Cost, Finish, FinishReason, StreamEvent, Usage
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.common.errors import CallContext
from tamma.providers.interface import ProviderSettings

Chunk = TypeVar("Chunk")
EventsT = TypeVar("EventsT", bound=Iterable[StreamEvent])

STRANGE = (AttributeError, LookupError, TypeError, ValueError)
"""What reading a body leads to that lacks fields, or has some of another type."""


class Answer(Protocol):
    """What an adapter's translation knows once it was fed all of an answer."""

    @property
    def done(self) -> bool:
        """Whether the terminal event came; without it the answer is no answer."""
        ...

    @property
    def reason(self) -> FinishReason: ...

    @property
    def native_reason(self) -> str | None: ...

    @property
    def usage(self) -> Usage: ...

    @property
    def served_model(self) -> str: ...

    @property
    def request_id(self) -> str | None: ...


def object_of(data: str, context: CallContext) -> dict[str, Any]:
    """The JSON object that is a part of a stream. Raises StreamInterrupted where it is none."""
    try:
        chunk: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None
    if not isinstance(chunk, dict):
        raise context.error(StreamInterrupted, "a part of the stream is not a JSON object")
    return cast("dict[str, Any]", chunk)


def translated(feed: Callable[[Chunk], EventsT], chunk: Chunk, context: CallContext) -> EventsT:
    """Our events for `chunk`. Raises StreamInterrupted where it lacks what `feed` looks for."""
    try:
        return feed(chunk)
    except STRANGE as error:
        raise context.error(StreamInterrupted, f"a part of the stream is not readable ({error})") from None


def check_done(answer: Answer, headers: Mapping[str, str], context: CallContext) -> None:
    """Raise StreamInterrupted where the stream ended and the answer did not."""
    if not answer.done:
        kind = headers.get("content-type", "no content type")
        raise context.error(StreamInterrupted, f"the stream ended without its terminal event ({kind})")


def finish_of(answer: Answer, settings: ProviderSettings, cost: Cost | None = None) -> Finish:
    """The Finish of an answer that is done. `cost`: where others know better than the prices do."""
    if cost is None:
        cost = cost_of(settings.type, answer.served_model, answer.usage, settings.price)
    return Finish(
        answer.reason, answer.usage, cost, answer.served_model, answer.request_id, answer.native_reason
    )
