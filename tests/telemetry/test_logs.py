"""What the worker logs: JSON lines without secrets, exceptions included."""

from __future__ import annotations

import json
import subprocess
import sys

CANARY = "canary-value-that-must-not-appear"
PROGRAM = f"""
import structlog
from tamma.telemetry.logs import configure_logging
from tamma.telemetry.redaction import remember_secret
configure_logging("info")
remember_secret("{CANARY}")
log = structlog.get_logger("t")
log.debug("not this")
log.info("worker.started", url="https://x/{CANARY}")
try:
    raise ValueError("it said {CANARY}")
except ValueError:
    log.exception("worker.failed")
"""


def test_log_lines_are_json_without_secrets() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["worker.started", "worker.failed"]
    assert CANARY not in done.stderr
    assert "ValueError" in lines[1]["exception"]
    assert done.stdout == ""
