"""What the Copilot runtime is started with, and its events and failures translated. No process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    ConfigError,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import (
    FinishReason,
    ReasoningDelta,
    Start,
    StreamEvent,
    TextDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from tamma.providers.common.errors import CallContext
from tamma.providers.copilot import errors, setup
from tamma.providers.copilot.stream import CopilotStream
from tamma.providers.interface import ProviderSettings

KEY = "canary-0123456789"
CONTEXT = CallContext("mine", "m1", "host", (KEY,))


def settings(**more: Any) -> ProviderSettings:
    return ProviderSettings("mine", "github-copilot", **more)


def data(**fields: Any) -> Any:
    """An event's data: what is not given is None, as in the SDK's own classes."""

    class Data(SimpleNamespace):
        def __getattr__(self, name: str) -> None:
            return None

    return Data(**fields)


def fed(*given: tuple[str, Any]) -> tuple[CopilotStream, list[StreamEvent]]:
    stream = CopilotStream("m1", CONTEXT, 100)
    return stream, [event for kind, fields in given for event in stream.feed(kind, fields)]


def message(content: str = "", *calls: Any) -> tuple[str, Any]:
    return "assistant.message", data(content=content, tool_requests=list(calls))


def usage(reason: str = "stop", **counts: int) -> tuple[str, Any]:
    return "assistant.usage", data(model="m2", finish_reason=reason, **counts)


# --- set-up --------------------------------------------------------------------------------------


def test_a_model_of_ones_own_comes_from_the_option_or_the_environment() -> None:
    option = {"type": "anthropic", "baseUrl": "https://host", "model": "m1"}
    assert setup.own_model(settings(options={"provider": option}, api_key=KEY), {}) == setup.OwnModel(
        "anthropic", "https://host", "m1", "completions", KEY
    )
    ours = {"COPILOT_PROVIDER_BASE_URL": "http://127.0.0.1:1", "COPILOT_MODEL": "m3"}
    assert setup.own_model(settings(), ours) == setup.OwnModel("openai", "http://127.0.0.1:1", "m3")
    assert setup.own_model(settings(), {}) is None


@pytest.mark.parametrize(
    "option",
    [
        "https://host",
        {"baseUrl": "https://host"},
        {"baseUrl": "https://host", "model": "m", "type": "gopher"},
        {"baseUrl": "http://elsewhere.example", "model": "m"},
    ],
)
def test_an_incomplete_model_of_ones_own_is_refused(option: object) -> None:
    with pytest.raises(ConfigError) as caught:
        setup.own_model(settings(options={"provider": option}), {})
    assert caught.value.hint


def test_the_cli_is_found_where_it_was_named(tmp_path: Path) -> None:
    for name in ("copilot", "node"):
        (tmp_path / name).touch(0o755)
    script = tmp_path / "index.js"
    script.touch()
    path = {"PATH": str(tmp_path)}
    assert setup.find_cli(settings(), path) == [str(tmp_path / "copilot")]
    assert setup.find_cli(settings(), {**path, "COPILOT_CLI_PATH": str(script)}) == [
        str(tmp_path / "node"),
        str(script),
    ]
    with pytest.raises(ConfigError, match="needs Node"):
        setup.find_cli(settings(options={"cliPath": str(script)}), {"PATH": ""})
    for options in ({}, {"cliPath": "/nowhere/copilot"}):
        with pytest.raises(ConfigError) as caught:
            setup.find_cli(settings(options=options), {"PATH": "/nowhere"})
        assert "npm install" in (caught.value.hint or "")


def variables(own: setup.OwnModel | None = None, **more: Any) -> Mapping[str, str]:
    ours = {"PATH": "/bin", "HOME": "/home/me", "GITHUB_TOKEN": "canary-token", "OPENAI_API_KEY": "canary-k"}
    return setup.variables(settings(**more), own, ours, Path("/private"), "token")


def test_the_runtime_sees_a_home_of_its_own_and_one_secret() -> None:
    with_key = variables(api_key=KEY)
    assert with_key[setup.TOKEN_VARIABLE] == KEY
    assert with_key["HOME"] == "/private"
    assert with_key["COPILOT_HOME"] == "/private/.copilot"
    assert "canary-token" not in with_key.values()
    assert "canary-k" not in with_key.values()
    own = setup.OwnModel("openai", "http://127.0.0.1:1", "m1", api_key=KEY)
    offline = variables(own, api_key=KEY)
    assert offline["COPILOT_OFFLINE"] == "true"
    assert KEY not in offline.values()
    logged_in = variables()
    assert logged_in["COPILOT_HOME"] == "/home/me/.copilot"
    assert "COPILOT_DISABLE_KEYTAR" not in logged_in


def test_no_secret_stands_in_the_arguments() -> None:
    words = setup.arguments(settings(api_key=KEY), None)
    assert words[-3:] == ["--auth-token-env", setup.TOKEN_VARIABLE, "--no-auto-login"]
    assert KEY not in words
    assert "--no-auto-login" not in setup.arguments(settings(), None)


def test_a_session_has_our_words_alone() -> None:
    own = setup.OwnModel("openai", "http://127.0.0.1:1", "m1", api_key=KEY)
    made = setup.session("m1", "Be brief.", own, 50)
    assert made["system_message"] == {"mode": "replace", "content": "Be brief."}
    assert made["available_tools"] == ["custom:*"]
    assert made["provider"]["max_output_tokens"] == 50
    assert "model" not in setup.session("", "", None, None)


# --- the stream ----------------------------------------------------------------------------------


def test_text_and_reasoning_are_told_in_order() -> None:
    stream, events = fed(
        ("assistant.reasoning_delta", data(delta_content="hm")),
        ("assistant.message_delta", data(delta_content="Hel")),
        ("assistant.message_delta", data(delta_content="lo")),
        usage(input_tokens=10, output_tokens=5, cache_read_tokens=4, reasoning_tokens=2),
        message("Hello"),
        ("assistant.turn_end", data()),
    )
    assert events[:4] == [Start("m1"), ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo")]
    assert not any(isinstance(event, TextDelta) for event in events[4:])
    assert stream.done
    assert stream.reason is FinishReason.STOP
    assert stream.usage == Usage(10, 4, 0, 5, 2)
    assert stream.served_model == "m2"


def test_text_that_was_not_streamed_is_told_at_the_end() -> None:
    stream, events = fed(message("whole"), ("session.idle", data()))
    assert events == [Start("m1"), TextDelta("whole")]
    assert stream.done
    assert stream.usage.estimated
    assert stream.usage.input_total == 100


def test_calls_keep_their_order_and_their_words() -> None:
    stream, events = fed(
        ("assistant.tool_call_delta", data(tool_call_id="c1", tool_name="read", input_delta='{"a":')),
        usage("tool_calls"),
        message(
            "",
            data(tool_call_id="c0", name="run", arguments={}),
            data(tool_call_id="c1", name="read", arguments={}),
            data(tool_call_id="c2", name="say", arguments={"ä": 1}),
        ),
    )
    ends = [event for event in events if isinstance(event, ToolCallEnd)]
    assert [(end.index, end.call.id, end.call.args_json) for end in ends] == [
        (0, "c0", "{}"),
        (1, "c1", '{"a":'),
        (2, "c2", '{"ä": 1}'),
    ]
    assert [end.parse_error is None for end in ends] == [True, False, True]
    assert stream.done
    assert stream.reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("ending", [usage("length"), ("model.call_final_result", data())])
def test_an_answer_without_its_message_still_ends(ending: tuple[str, Any]) -> None:
    stream, events = fed(
        ("assistant.tool_call_delta", data(tool_call_id="c1", tool_name="read", input_delta="[1]")), ending
    )
    assert stream.done
    assert [event.name for event in events if isinstance(event, ToolCallStart)] == ["read"]
    assert next(event for event in events if isinstance(event, ToolCallEnd)).parse_error


def test_nothing_is_no_answer() -> None:
    stream, events = fed(("session.idle", data()), ("assistant.turn_end", data()), ("unknown", data()))
    assert not stream.done
    assert events == []


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status_code": 429, "error_code": "rate_limit_exceeded"}, RateLimited),
        ({"status_code": 429, "error_code": "insufficient_quota"}, QuotaExhausted),
        ({"status_code": 401}, AuthFailed),
        ({"status_code": 529}, Overloaded),
        ({"status_code": 404, "error_code": "model_not_found"}, ModelNotFound),
        ({"status_code": 400, "error_message": '{"code": "context_length_exceeded"}'}, ContextOverflow),
        ({"error_message": '"Failed to finalize: missing finish_reason"'}, StreamInterrupted),
        ({"error_message": "connect ECONNREFUSED 127.0.0.1:1"}, ProviderUnreachable),
    ],
)
def test_a_failed_model_call(fields: dict[str, Any], expected: type[ProviderError]) -> None:
    found = errors.call_failed(data(**fields), CONTEXT, streaming=False)
    assert type(found) is expected


def test_an_error_shows_no_secret_and_says_what_was_said() -> None:
    failed = data(status_code=401, error_message=f'{{"message": "bad key {KEY}", "type": "auth"}}')
    with pytest.raises(AuthFailed, match=r"bad key \*\*\* \(status 401, auth\)"):
        fed(("model.call_failure", failed))


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("authentication", None, AuthFailed),
        ("quota", 402, QuotaExhausted),
        ("rate_limit", 429, RateLimited),
        ("context_limit", None, ContextOverflow),
        ("query", 503, Overloaded),
    ],
)
def test_a_failed_session(kind: str, status: int | None, expected: type[ProviderError]) -> None:
    with pytest.raises(expected):
        fed(("session.error", data(error_type=kind, message="it says why", status_code=status)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Session was not created with authentication info", AuthFailed),
        ('Model "m9" is not available', ModelNotFound),
        ("tool name is not valid", InvalidRequest),
    ],
)
def test_a_refused_call(words: str, expected: type[ProviderError]) -> None:
    found = errors.refused(words, CONTEXT)
    assert type(found) is expected
    assert found.hint


def test_the_end_of_the_runtime() -> None:
    assert isinstance(errors.died("out of memory\n", CONTEXT, streaming=True), StreamInterrupted)
    early = errors.died("bad flag\n", CONTEXT, streaming=False)
    assert isinstance(early, ProviderUnreachable)
    assert "bad flag" in str(early)
