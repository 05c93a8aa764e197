"""Names of the daily look for reverts."""

from __future__ import annotations

KEPT_CHECK = "KeptCheck"
KEPT_SCHEDULE = "kept-check"
