"""Keeping secrets out of what is written: by exact match on every loaded secret, by key, and by pattern."""

from __future__ import annotations

import base64
import re
from collections.abc import MutableMapping
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "[redacted]"
_SHORTEST = 8
"""A shorter secret would redact ordinary words."""
_KEYS = re.compile(
    r"(api[_-]?key|token|password|passwd|secret|authorization|cookie|credential)", re.IGNORECASE
)
_PATTERNS = re.compile(
    r"(sk-ant-[\w-]{10,}|sk-[\w-]{20,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}"
    r"|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@))"
)
_LOOKS_SECRET = re.compile(r"(?i)\b(bearer\s+)\S+|\b(?:sk|key|pk)-[\w*.-]{8,}")
_secrets: set[str] = set()


def remember_secret(value: str | None) -> None:
    """From now on `value` is redacted wherever it appears, also as base64 and URL-encoded."""
    if value and "://" in value:
        # Of an address only the password is secret: errors must be able to name the server.
        value = unquote(urlsplit(value).password or "")
    if value and len(value) >= _SHORTEST:
        encoded = base64.b64encode(value.encode()).decode()
        _secrets.update({value, encoded, encoded.rstrip("="), quote(value, safe="")})


def redact_text(text: str) -> str:
    """The text without secrets."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _PATTERNS.sub(HIDDEN, text)


def redact_given(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with each of `secrets`, and whatever looks like a key, replaced by `***`."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _LOOKS_SECRET.sub(lambda found: f"{found[1] or ''}***", text)


def redact(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log event without secrets, at any depth."""
    return cast("MutableMapping[str, Any]", _clean(event))


def _clean(value: Any, key: str = "") -> Any:
    if key and _KEYS.search(key) and value is not None and not isinstance(value, int | float | bool):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, MutableMapping):
        items = cast("MutableMapping[str, Any]", value)
        return {name: _clean(item, str(name)) for name, item in items.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in cast("list[Any]", value)]
    return value
