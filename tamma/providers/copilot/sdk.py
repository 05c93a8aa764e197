"""What touches the SDK's own types: tools, answers to the runtime's questions, its exceptions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tamma.errors import ProviderError
from tamma.model.conversation import Capabilities, Image, Request, ToolChoice
from tamma.providers.common.errors import CallContext
from tamma.providers.common.flatten import Flat
from tamma.providers.common.sampling import asked
from tamma.providers.copilot import errors
from tamma.providers.copilot.runtime import Runtime

if TYPE_CHECKING:
    from copilot.rpc import PermissionDecisionReject
    from copilot.session import PreToolUseHookOutput, SessionHooks, UserPromptTransformedHookOutput
    from copilot.tools import Tool


def tools(request: Request) -> list[Tool]:
    """Declarations without handlers: nothing runs them, the calls come back in the answer."""
    from copilot.tools import Tool

    if request.tool_choice is ToolChoice.NONE:
        return []
    return [
        Tool(
            tool.name,
            tool.description,
            parameters=dict(tool.input_schema),
            skip_permission=True,  # a question would be one more thing to wait for
            overrides_built_in_tool=True,  # the built-in ones are all off, whatever their names
            defer="never",
        )
        for tool in request.tools
    ]


def deny(request: object, invocation: object) -> PermissionDecisionReject:
    """The answer to whatever the runtime asks to be allowed."""
    from copilot.rpc import PermissionDecisionReject

    return PermissionDecisionReject(feedback="nothing is permitted here")


def hooks(over: asyncio.Event) -> SessionHooks:
    """What the runtime asks us on its way. Before it runs tools it waits until the turn is `over`: else it
    would answer a call of an unknown tool by itself, and call the model again, without end."""

    async def hold(given: object, invocation: object) -> PreToolUseHookOutput:
        await over.wait()
        return {"permissionDecision": "deny"}

    return {"on_user_prompt_transformed": as_we_wrote_it, "on_pre_tool_use": hold}


def as_we_wrote_it(given: Any, invocation: object) -> UserPromptTransformedHookOutput:
    """The prompt without what the runtime puts before it (the date), which would spoil every cache."""
    return {"modifiedTransformedPrompt": given["prompt"]}


def attachments(flat: Flat) -> list[Any] | None:
    """The images of a prompt, as the SDK sends them."""
    return [_blob(image) for image in flat.images] or None


def left_out(request: Request, able: Capabilities, *, limit: bool, temperature: bool) -> list[str]:
    """What the runtime has no place for. `limit`, `temperature`: whether they are asked for and lost."""
    lost = {
        **dict.fromkeys(asked(request), True),
        "temperature": temperature,
        "max_output_tokens": limit,
        "reasoning_effort": request.reasoning_effort not in (None, *able.reasoning_levels),
        "tools": bool(request.tools) and not able.tools,
        "tool_choice 'required'": request.tool_choice is ToolChoice.REQUIRED,
        "output_schema": request.output_schema is not None and not able.structured_output,
    }
    return [name for name, is_lost in lost.items() if is_lost]


def ours(error: Exception, runtime: Runtime | None, context: CallContext) -> ProviderError:
    """Ours for what the SDK raised. The cause is not chained: it may repeat what the service echoed."""
    from copilot._jsonrpc import JsonRpcError, ProcessExitedError

    if isinstance(error, ProviderError):
        return error
    if isinstance(error, JsonRpcError):
        return errors.refused(error.message, context)
    if isinstance(error, ProcessExitedError | OSError) or (runtime is not None and not runtime.child.alive):
        return errors.died(runtime.child.output if runtime else str(error), context, streaming=False)
    if isinstance(error, RuntimeError):  # the SDK's own words for a connection or a session that is lost
        return errors.refused(str(error), context)
    raise error


def _blob(image: Image) -> dict[str, str]:
    return {"type": "blob", "data": image.data_base64, "mimeType": image.media_type}
