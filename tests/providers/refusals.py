"""How services refuse, by the table of errors: what they say, and which of our errors that must become."""

from __future__ import annotations

from tamma.errors import (
    AuthFailed,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
)
from tests.providers.vendors.base import Refusal

REFUSALS = (
    Refusal(RateLimited, 429, "rate_limit_error", "Rate limit reached for requests"),
    Refusal(QuotaExhausted, 402, "billing_error"),
    Refusal(
        QuotaExhausted,
        429,
        "billing_error",
        "You exceeded your current quota",
        needs="quota told from rate limits",
    ),
    Refusal(AuthFailed, 401, "authentication_error"),
    Refusal(AuthFailed, 403, "permission_error"),
    Refusal(ModelNotFound, 404, "not_found_error"),
    Refusal(ContextOverflow, 413, "request_too_large"),
    Refusal(ContextOverflow, 400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
    Refusal(
        ContentFiltered,
        400,
        "content_filter_error",
        "Output blocked by content filtering policy",
        needs="refused content",
    ),
    Refusal(InvalidRequest, 400, "invalid_request_error"),
    Refusal(InvalidRequest, 422, "invalid_request_error"),
    Refusal(Overloaded, 500, "api_error"),
    Refusal(Overloaded, 502, "api_error"),
    Refusal(Overloaded, 503, "overloaded_error"),
    Refusal(Overloaded, 529, "overloaded_error"),
    Refusal(ProviderTimeout, 504, "gateway_timeout", "The request timed out"),
    Refusal(ProviderTimeout, 408, "request_timeout", "The request timed out"),
)
"""`StreamInterrupted` is no refusal: nothing refuses, the answer just ends."""
