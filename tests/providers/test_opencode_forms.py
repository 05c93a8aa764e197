"""What OpenCode is started with and asked, and its events and failures translated. No process."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    ConfigError,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import (
    Capabilities,
    FinishReason,
    Image,
    Message,
    ReasoningDelta,
    Request,
    Role,
    Start,
    StreamEvent,
    TextDelta,
    Usage,
    UsageUpdate,
    user,
)
from tamma.providers.common.errors import CallContext
from tamma.providers.interface import ProviderSettings
from tamma.providers.opencode import errors, sidecar
from tamma.providers.opencode.messages import build, qualified
from tamma.providers.opencode.provider import OpenCode
from tamma.providers.opencode.server import OpenCodeServer
from tamma.providers.opencode.stream import OpenCodeStream
from tamma.providers.opencode.zen import Zen

KEY = "canary-0123456789"
CONTEXT = CallContext("mine", "acme/m1", "host", (KEY,))
ABLE = Capabilities("m1")


def settings(**more: Any) -> ProviderSettings:
    return ProviderSettings("mine", "opencode", **more)


def properties(kind: str, **given: Any) -> dict[str, Any]:
    return {"type": kind, "properties": {"sessionID": "ses_1", **given}}


def info(completed: bool = False, **more: Any) -> dict[str, Any]:
    times = {"created": 1, **({"completed": 2} if completed else {})}
    counts = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    said = {"id": "msg_2", "role": "assistant", "providerID": "acme", "modelID": "m1", "time": times}
    return properties("message.updated", info={**said, "cost": 0, "tokens": counts, **more})


def part(text: str, kind: str = "text", message: str = "msg_2", part_id: str = "prt_1") -> dict[str, Any]:
    made = {"id": part_id, "messageID": message, "type": kind, "text": text}
    return properties("message.part.updated", part=made)


STEP_END = part("", "step-finish", part_id="prt_9")


def delta(text: str, part_id: str = "prt_1") -> dict[str, Any]:
    return properties("message.part.delta", partID=part_id, field="text", delta=text)


def fed(*events: dict[str, Any]) -> tuple[OpenCodeStream, list[StreamEvent]]:
    stream = OpenCodeStream("ses_1", "acme/m1", CONTEXT, 100)
    return stream, [ours for event in events for ours in stream.feed(event)]


# --- set-up --------------------------------------------------------------------------------------


def test_the_option_chooses_between_a_server_and_the_gateway() -> None:
    assert isinstance(OpenCode(settings()).inner, OpenCodeServer)
    assert isinstance(OpenCode(settings(options={"gateway": "zen"})).inner, Zen)
    with pytest.raises(ConfigError, match="no gateway 'den'"):
        OpenCode(settings(options={"gateway": "den"}))


def test_the_binary_is_found_or_missed_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "opencode").touch(0o755)
    assert sidecar.find_binary(settings(), {"PATH": str(tmp_path)}) == str(tmp_path / "opencode")
    for options in ({}, {"binary": "/nowhere/opencode"}):
        with pytest.raises(ConfigError) as caught:
            sidecar.find_binary(settings(options=options), {"PATH": "/nowhere"})
        assert "opencode-ai" in (caught.value.hint or "")


def test_the_configuration_denies_everything_whatever_is_given() -> None:
    given: dict[str, Any] = {
        "permission": {"bash": "allow"},
        "provider": {"acme": {"options": {"baseURL": "https://host"}}},
        "mcp": {"x": {"type": "local", "command": ["evil"]}},
    }
    made = sidecar.configuration(settings(model="acme/m1", api_key=KEY, options={"config": given}))
    assert made["permission"] == {"*": "deny"}
    assert made["tools"] == {"*": False}
    assert made["agent"][sidecar.AGENT]["permission"] == {"*": "deny"}
    assert made["mcp"] == {}
    assert (made["share"], made["autoupdate"], made["snapshot"]) == ("disabled", False, False)
    assert made["provider"]["acme"]["options"] == {"baseURL": "https://host", "apiKey": KEY}
    assert made["enabled_providers"] == ["acme"]
    assert given["provider"]["acme"]["options"] == {"baseURL": "https://host"}
    with pytest.raises(ConfigError, match="not an object"):
        sidecar.configuration(settings(options={"config": "x"}))


def test_the_password_is_in_the_environment_and_keys_of_others_are_not() -> None:
    ours = {"PATH": "/bin", "HOME": "/home/me", "OPENAI_API_KEY": "canary-other"}
    made = sidecar.variables(settings(model="acme/m1"), ours, Path("/private"), "secret")
    assert made["OPENCODE_SERVER_PASSWORD"] == "secret"
    assert made["HOME"] == "/private"
    assert "canary-other" not in made.values()
    assert json.loads(made["OPENCODE_CONFIG_CONTENT"])["default_agent"] == sidecar.AGENT


# --- the request ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "default", "expected"),
    [
        ("", "acme/m1", "acme/m1"),
        ("m2", "acme/m1", "acme/m2"),
        ("other/m2", "acme/m1", "other/m2"),
        ("m2", "", "m2"),
    ],
)
def test_a_bare_name_is_of_the_default_provider(model: str, default: str, expected: str) -> None:
    assert qualified(model, default) == expected


def test_the_prompt_holds_the_conversation_and_no_tool() -> None:
    picture = Message(Role.USER, (Image("image/png", "aGk="),))
    request = Request("", (user("see"), picture), system="Be brief.", temperature=0.5, max_output_tokens=5)
    built = build(request, "acme/lab/m1", Capabilities("m1", vision=True), CONTEXT, "tamma")
    assert built.body["model"] == {"providerID": "acme", "modelID": "lab/m1"}
    assert built.body["system"] == "Be brief."
    assert built.body["agent"] == "tamma"
    assert built.body["tools"] == {"*": False}
    text, image = built.body["parts"]
    assert "[image 1]" in text["text"]
    assert image["url"] == "data:image/png;base64,aGk="
    assert built.dropped == ("temperature", "max_output_tokens")
    plain = build(Request("", (user("hi"),)), "acme/m1", ABLE, CONTEXT, None)
    assert "agent" not in plain.body
    assert "system" not in plain.body


@pytest.mark.parametrize("model", ["", "m1", "/m1", "acme/"])
def test_a_model_without_its_provider_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest, match="does not name its provider"):
        build(Request("", (user("hi"),)), model, ABLE, CONTEXT, None)


# --- the stream ----------------------------------------------------------------------------------


def test_text_and_reasoning_are_told_once() -> None:
    counts = {"input": 6, "output": 3, "reasoning": 2, "cache": {"read": 3, "write": 1}}
    stream, events = fed(
        part("hello", message="msg_1", part_id="prt_0"),  # the user's own words
        info(),
        part("", "reasoning", part_id="prt_2"),
        delta("hm", "prt_2"),
        part(""),
        delta("Hel"),
        delta("lo"),
        part("Hello!"),
        {"type": "message.part.delta", "properties": {"sessionID": "ses_2", "delta": "another's"}},
        STEP_END,
        info(True, finish="stop", tokens=counts, cost=0.25),
    )
    assert events == [
        Start("acme/m1", "msg_2"),
        ReasoningDelta("hm"),
        TextDelta("Hel"),
        TextDelta("lo"),
        TextDelta("!"),
        UsageUpdate(Usage(10, 3, 1, 5, 2)),
    ]
    assert stream.done
    assert stream.reason is FinishReason.STOP
    assert stream.charged == Decimal("0.25")


def test_an_unpriced_model_has_no_price() -> None:
    stream, events = fed(info(), STEP_END, info(True, finish="length"))
    assert isinstance(events[0], Start)
    assert stream.reason is FinishReason.LENGTH
    assert stream.charged is None
    assert stream.usage == Usage(input_total=100, estimated=True)


def test_a_second_message_is_not_ours() -> None:
    stream, events = fed(
        info(), STEP_END, info(True, finish="tool-calls"), info(id="msg_3"), part("x", message="msg_3")
    )
    assert stream.done
    assert stream.reason is FinishReason.UNKNOWN
    assert not any(isinstance(event, TextDelta) for event in events)


def test_a_message_that_is_shown_complete_before_its_text_is_waited_for() -> None:
    said = (part(""), delta("Hel"), delta("lo"), part("Hello"))
    stream, events = fed(info(True, finish="stop"), *said)
    assert not stream.done
    more = [ours for event in (STEP_END, info(True, finish="stop")) for ours in stream.feed(event)]
    assert stream.done
    assert events[1:] == [TextDelta("Hel"), TextDelta("lo")]
    assert more == [UsageUpdate(stream.usage)]


def test_a_complete_message_without_a_step_ends_with_its_session() -> None:
    stream, events = fed(info(True, finish="stop"), properties("session.idle"))
    assert stream.done
    assert isinstance(events[0], Start)


@pytest.mark.parametrize("finish", [None, "unknown", "other", "error"])
def test_a_stream_without_its_reason_is_no_answer(finish: str | None) -> None:
    with pytest.raises(StreamInterrupted):
        fed(info(), part("partial"), info(True, finish=finish))


def test_an_idle_session_without_an_answer_is_an_error() -> None:
    with pytest.raises(StreamInterrupted):
        fed(info(), properties("session.idle"))


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("ProviderAuthError", {"providerID": "acme", "message": "no key"}, AuthFailed),
        ("ContextOverflowError", {"message": "too long"}, ContextOverflow),
        ("ContentFilterError", {"message": "blocked"}, ContentFiltered),
        ("MessageAbortedError", {"message": "aborted"}, StreamInterrupted),
        ("APIError", {"message": "x", "statusCode": 429, "isRetryable": True}, RateLimited),
        ("APIError", {"message": "x", "statusCode": 401, "isRetryable": False}, AuthFailed),
        ("APIError", {"message": "x", "statusCode": 503, "isRetryable": True}, Overloaded),
        (
            "APIError",
            {"message": "x", "statusCode": 400, "responseBody": '{"error": {"code": "model_not_found"}}'},
            ModelNotFound,
        ),
        ("UnknownError", {"message": "ProviderModelNotFoundError: Model not found: acme/m9"}, ModelNotFound),
        ("UnknownError", {"message": "Unable to connect. Is the computer able to"}, ProviderUnreachable),
    ],
)
def test_a_failed_message(name: str, data: dict[str, Any], expected: type[ProviderError]) -> None:
    with pytest.raises(expected):
        fed(properties("session.error", error={"name": name, "data": data}))
    with pytest.raises(expected):
        fed(info(error={"name": name, "data": data}))


def test_an_error_says_when_to_come_back_and_no_secret() -> None:
    data = {
        "message": f"key {KEY} is busy",
        "statusCode": 429,
        "isRetryable": True,
        "responseHeaders": {"retry-after": "7"},
    }
    found = errors.to_error({"name": "APIError", "data": data}, CONTEXT, streaming=False)
    assert found.retry_after == 7
    assert KEY not in str(found)


def test_a_retry_of_its_own_is_a_failure_here() -> None:
    status = {"type": "retry", "attempt": 1, "message": "Too Many Requests", "next": 1}
    with pytest.raises(RateLimited):
        fed(properties("session.status", status=status))
    assert fed(properties("session.status", status={"type": "busy"}))[1] == []


def test_the_servers_own_refusals() -> None:
    assert isinstance(errors.refused(401, "", CONTEXT), AuthFailed)
    assert isinstance(errors.refused(500, {"message": "boom"}, CONTEXT), Overloaded)
    refused = errors.refused(400, {"name": "BadRequest", "data": {"message": "bad part"}}, CONTEXT)
    assert isinstance(refused, InvalidRequest)
    assert "bad part" in str(refused)
