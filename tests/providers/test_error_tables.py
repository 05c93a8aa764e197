"""Which of our errors a service's answer means: the tables, without a server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tamma.errors import (
    AuthFailed,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
)
from tamma.providers.anthropic import errors as errors_anthropic
from tamma.providers.chat import errors as errors_openai
from tamma.providers.common.errors import CallContext, host_of, retry_after
from tamma.telemetry.redaction import redact_given

CONTEXT = CallContext("mine", "model-1", "host:1", ("sk-secret-123456",))


def anthropic(kind: str, message: str = "because", code: str | None = None) -> dict[str, object]:
    details = {"details": {"error_code": code}} if code else {}
    return {"type": "error", "error": {"type": kind, "message": message, **details}, "request_id": "r"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, anthropic("rate_limit_error"), RateLimited),
        (200, anthropic("rate_limit_error"), RateLimited),
        (429, anthropic("rate_limit_error", code="enforced_spend_limit_reached"), QuotaExhausted),
        (402, anthropic("billing_error"), QuotaExhausted),
        (400, anthropic("invalid_request_error", "Your credit balance is too low to …"), QuotaExhausted),
        (529, anthropic("overloaded_error"), Overloaded),
        (200, anthropic("overloaded_error"), Overloaded),
        (200, anthropic("api_error"), Overloaded),
        (500, anthropic("api_error"), Overloaded),
        (503, "<html>busy</html>", Overloaded),
        (504, anthropic("timeout_error"), ProviderTimeout),
        (504, "", ProviderTimeout),
        (408, "", ProviderTimeout),
        (401, anthropic("authentication_error"), AuthFailed),
        (403, anthropic("permission_error"), AuthFailed),
        (401, None, AuthFailed),
        (404, anthropic("not_found_error", "model: claude-x"), ModelNotFound),
        (413, anthropic("request_too_large"), ContextOverflow),
        (413, "", ContextOverflow),
        (400, anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8 max"), ContextOverflow),
        (400, anthropic("invalid_request_error", "blocked by content filtering policy"), ContentFiltered),
        (400, anthropic("invalid_request_error", "messages: field required"), InvalidRequest),
        (422, "", InvalidRequest),
        (302, "", InvalidRequest),
    ],
)  # fmt: skip
def test_anthropic(status: int, body: object, expected: type[ProviderError]) -> None:
    assert type(errors_anthropic.to_error(status, body, {}, CONTEXT)) is expected


def openai(code: object = None, kind: str | None = None, message: str = "because") -> dict[str, object]:
    return {"error": {"code": code, "type": kind, "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, openai("rate_limit_exceeded", "requests"), RateLimited),
        (429, openai(), RateLimited),
        (429, openai("insufficient_quota", "insufficient_quota"), QuotaExhausted),
        (402, openai(), QuotaExhausted),
        (400, openai("context_length_exceeded", "invalid_request_error"), ContextOverflow),
        (400, openai(400, "exceed_context_size_error", "the request exceeds …"), ContextOverflow),
        (400, {"object": "error", "message": "This model's maximum context length is 4096"}, ContextOverflow),
        (400, {"error": "prompt exceeds the context window"}, ContextOverflow),
        (413, "", ContextOverflow),
        (404, openai("model_not_found"), ModelNotFound),
        (404, {"detail": "Not Found"}, ModelNotFound),
        (401, openai("invalid_api_key"), AuthFailed),
        (403, "", AuthFailed),
        (400, openai("content_filter"), ContentFiltered),
        (400, openai("bad", "invalid_request_error"), InvalidRequest),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, InvalidRequest),
        (500, openai(None, "server_error"), Overloaded),
        (502, "<html>", Overloaded),
        (503, openai(503, "unavailable_error", "Loading model"), Overloaded),
        (504, openai("gateway_timeout", "server_error"), ProviderTimeout),
        (504, openai(None, "server_error"), ProviderTimeout),
        (408, "", ProviderTimeout),
        (200, openai(None, "server_error"), Overloaded),
        (200, openai(429, None), RateLimited),
        (200, openai("502", None), Overloaded),
        (200, {"error": "something"}, Overloaded),
        (302, "", InvalidRequest),
    ],
)
def test_openai(status: int, body: object, expected: type[ProviderError]) -> None:
    assert type(errors_openai.to_error(status, body, {}, CONTEXT)) is expected


def test_a_vendors_own_codes_go_first() -> None:
    own = {"1113": QuotaExhausted, "rate_limit_exceeded": Overloaded}
    assert errors_openai.classify(429, ("1113",), "", own) is QuotaExhausted
    assert errors_openai.classify(429, ("rate_limit_exceeded",), "", own) is Overloaded


def test_an_error_says_who_what_and_what_to_do() -> None:
    headers = {"retry-after": "7", "request-id": "req_1"}
    error = errors_anthropic.to_error(401, anthropic("authentication_error", "no"), headers, CONTEXT)
    assert str(error) == "mine (host:1), model 'model-1': no (status 401, authentication_error)"
    assert (error.provider, error.model, error.request_id) == ("mine", "model-1", "req_1")
    assert error.retry_after == 7
    assert error.hint is not None
    assert "API key" in error.hint


def test_thinking_bound_to_another_history_has_its_own_hint() -> None:
    words = "Invalid `signature` in `thinking` block. The block is bound to a different conversation."
    error = errors_anthropic.to_error(400, anthropic("invalid_request_error", words), {}, CONTEXT)
    assert type(error) is InvalidRequest
    assert "Reasoning" in (error.hint or "")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, datetime(2026, 11, 22, 12, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "bad key sk-secret-123456!",
        "you sent Authorization: Bearer abcdefgh",
        "Incorrect API key provided: sk-proj-abcd****efgh.",
    ],
)
def test_no_secret_is_repeated(text: str) -> None:
    shown = redact_given(text, ("sk-secret-123456",))
    assert "***" in shown
    assert not any(secret in shown for secret in ("123456", "abcdefgh", "efgh"))


def test_a_long_answer_is_cut() -> None:
    error = errors_openai.to_error(500, "x" * 10_000, {}, CONTEXT)
    assert len(str(error)) < 700


def test_a_host_is_shown_without_its_secrets() -> None:
    assert host_of("https://user:pass@api.example.com:8443/v1?key=1") == "api.example.com:8443"
    assert host_of("http://[::1]:8080/v1") == "::1:8080"
