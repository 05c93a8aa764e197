"""A model's answer as it comes: beating while it does, and an error where it is none."""

from __future__ import annotations

from activities.heartbeat import Pulse
from tamma.errors import ContentFiltered, ContextOverflow
from tamma.model.conversation import (
    Completion,
    FinishReason,
    Message,
    Request,
    Role,
    Text,
    TextDelta,
    ToolCallStart,
)
from tamma.providers.interface import Folder, Provider


async def streamed(provider: Provider, request: Request, pulse: Pulse) -> Completion:
    """The whole answer; `pulse` says how far it is. Raises ProviderError."""
    folder = Folder()
    characters = 0
    async for event in provider.stream(request):
        folder.add(event)
        if isinstance(event, TextDelta):
            characters += len(event.text)
            pulse.say(f"{characters} characters")
        elif isinstance(event, ToolCallStart):
            pulse.say(f"calls {event.name}")
    completion = folder.completion()
    reason = completion.finish.reason
    if reason is FinishReason.CONTEXT_OVERFLOW:
        raise ContextOverflow(
            f"the conversation does not fit the window of {request.model!r}",
            hint="choose a model with a larger window, or set contextWindow of the provider",
            provider=provider.settings.name,
            model=request.model,
        )
    if reason is FinishReason.CONTENT_FILTER and not completion.message.tool_calls:
        raise ContentFiltered(
            f"{request.model!r} refused to answer",
            hint="look at the transcript with `tamma inspect`; another model may answer",
            provider=provider.settings.name,
            model=request.model,
        )
    if not completion.message.parts:
        # Services refuse empty assistant messages in a history: keep the turn, say what it was.
        return Completion(Message(Role.ASSISTANT, (Text("(no answer)"),)), completion.finish)
    return completion
