"""Structured logs: JSON lines, or short lines on a terminal; secrets are redacted last."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from tamma.telemetry.redaction import redact

LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}


def configure_logging(level: str = "info") -> None:
    """Log to standard error from `level` on (trace, debug, info, warn, error); unknown levels mean info."""
    number = LEVELS.get(level.lower(), logging.INFO)
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(message)s")
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,  # a cached one would not hear of a later configuration
    )


class _StandardError:
    """Whatever standard error is when a line is written: loggers are kept for longer than a stream that
    somebody put in its place for a while."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _redacted(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return redact(event)
