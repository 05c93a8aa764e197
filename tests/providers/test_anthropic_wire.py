"""The adapter writes its request itself: it must be the one that the SDK's own `create` would send."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import httpx2
import pytest
from anthropic import AsyncAnthropic, AsyncStream

from tamma.model.conversation import Message, Request, Role, Text, Tool, ToolCall, ToolResult, user
from tamma.providers.anthropic.messages import Built, build
from tamma.providers.anthropic.provider import encode
from tamma.providers.catalogue import models as catalogue

MODEL = "claude-sonnet-5-5"
CONVERSATION = (
    user("Grüße, 世界 🌍 \x00 \u2028"),
    Message(Role.ASSISTANT, (Text("look"), ToolCall("t1", "bash", '{"command": "ls", "timeout": 2.5}'))),
    Message(Role.USER, (ToolResult("t1", "a\nb", is_error=True),)),
)
ASKED = Request(
    MODEL,
    CONVERSATION,
    system="be brief",
    tools=(Tool("bash", "runs", {"type": "object", "properties": {"command": {"type": "string"}}}),),
    max_output_tokens=100,
)


async def sent(built: Built, *, by_create: bool) -> tuple[httpx2.Headers, Any]:
    """The request that leaves the SDK."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"")

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    async with AsyncAnthropic(
        api_key="k", base_url="http://localhost", http_client=http, max_retries=0
    ) as client:
        if by_create:
            stream = await client.messages.create(**cast("Any", built.arguments), stream=True)
        else:
            headers, body = encode(built)
            stream = await client.post(
                "/v1/messages",
                content=body,
                cast_to=object,
                options={"headers": headers},
                stream=True,
                stream_cls=AsyncStream[object],
            )
        await stream.close()
    return seen[-1].headers, json.loads(seen[-1].content)


@pytest.mark.parametrize(
    "options", [{}, {"top_k": 3, "metadata": {"user_id": "u"}}, {"thinking": {"type": "disabled"}}]
)
@pytest.mark.parametrize("drop", [False, True])
async def test_the_request_is_the_one_that_create_sends(options: dict[str, object], drop: bool) -> None:
    request = replace(ASKED, provider_options=options)
    entry = catalogue.lookup("anthropic-claude", MODEL)
    built = build(request, MODEL, entry, drop_changed_thinking=drop)
    their_headers, theirs = await sent(built, by_create=True)
    our_headers, ours = await sent(built, by_create=False)
    assert ours == theirs
    changing = {"content-length", "x-stainless-retry-count", "idempotency-key"}
    assert {k: v for k, v in our_headers.items() if k not in changing} == {
        k: v for k, v in their_headers.items() if k not in changing
    }
