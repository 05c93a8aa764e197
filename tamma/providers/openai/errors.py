"""What the Responses API reports beyond Chat Completions, to our errors.

A response that fails once it has begun comes with status 200, so its code decides.
Sources: `types/responses/response_error.py` of the openai package 3.54.
"""

from __future__ import annotations

from collections.abc import Mapping

from tamma.errors import ContentFiltered, InvalidRequest, ProviderError, ProviderTimeout, RateLimited
from tamma.providers.chat import errors as chat
from tamma.providers.chat.quirks import Quirks
from tamma.providers.common.errors import CallContext

UNREADABLE_REASONING_HINT = (
    "replayed reasoning belongs to another account or was changed: "
    'leave the Reasoning parts out, or set the option {"replayReasoning": false}'
)
_UNREADABLE_REASONING = "invalid_encrypted_content"
_CODES: dict[str, type[ProviderError]] = {
    "bio_policy": ContentFiltered,
    "cyber_policy": ContentFiltered,
    "image_content_policy_violation": ContentFiltered,
    "invalid_prompt": ContentFiltered,  # said of prompts that were flagged, not of malformed ones
    "misalignment_policy_violation": ContentFiltered,
    "too_many_requests": RateLimited,
    "vector_store_timeout": ProviderTimeout,
    "data_residency_mismatch": InvalidRequest,
    "empty_image_file": InvalidRequest,
    "failed_to_download_image": InvalidRequest,
    "image_file_not_found": InvalidRequest,
    "image_file_too_large": InvalidRequest,
    "image_parse_error": InvalidRequest,
    "image_too_large": InvalidRequest,
    "image_too_small": InvalidRequest,
    "invalid_base64_image": InvalidRequest,
    "invalid_image": InvalidRequest,
    "invalid_image_format": InvalidRequest,
    "invalid_image_mode": InvalidRequest,
    "invalid_image_url": InvalidRequest,
    "unsupported_image_media_type": InvalidRequest,
}
_QUIRKS = Quirks(error_codes=_CODES)


def to_error(status: int, body: object, headers: Mapping[str, str], context: CallContext) -> ProviderError:
    """The error for an answer with `status` and the parsed `body` (or its raw text)."""
    codes, _ = chat.read_body(body)
    if status < 400 and "invalid_request_error" in codes:
        status = 400  # what it would have been, had the response not begun
    error = chat.to_error(status, body, headers, context, _QUIRKS)
    if _UNREADABLE_REASONING in codes:
        error.hint = UNREADABLE_REASONING_HINT
    return error
