"""Moments as services write and read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def in_utc(moment: datetime) -> str:
    """`2026-12-31T10:00:00Z` (RFC 3339), whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime | None:
    """What ISO 8601 says, also with ` UTC` behind it; None for what is empty or something else."""
    try:
        return datetime.fromisoformat(text.replace(" UTC", "+00:00")) if text else None
    except ValueError:
        return None
