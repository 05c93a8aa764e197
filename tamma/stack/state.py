"""`state.json`: what runs, for a supervisor that comes after this one. It holds no secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tamma.stack.process import ProcessRef


@dataclass(frozen=True, slots=True)
class StackState:
    supervisor: ProcessRef | None = None
    services: Mapping[str, ProcessRef] = field(default_factory=dict[str, ProcessRef])
    ports: tuple[int, int] | None = None
    """The Temporal server's gRPC and Web UI ports."""
    worker_fingerprint: str | None = None


def read_state(path: Path) -> StackState:
    """The recorded state; empty where there is none or where it cannot be read (it is only a memory)."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        services = cast("dict[str, Any]", data["services"])
        ports = data["ports"]
        return StackState(
            supervisor=_ref(data["supervisor"]),
            services={name: ref for name, raw in services.items() if (ref := _ref(raw))},
            ports=None if ports is None else (int(ports[0]), int(ports[1])),
            worker_fingerprint=data["workerFingerprint"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return StackState()


def write_state(path: Path, state: StackState) -> None:
    """Replace the file atomically."""
    data = {
        "supervisor": _raw(state.supervisor),
        "services": {name: _raw(ref) for name, ref in state.services.items()},
        "ports": state.ports,
        "workerFingerprint": state.worker_fingerprint,
    }
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file, indent=2)
    fresh.replace(path)


def _ref(raw: Any) -> ProcessRef | None:
    return None if raw is None else ProcessRef(int(raw["pid"]), str(raw["birth"]))


def _raw(ref: ProcessRef | None) -> dict[str, object] | None:
    return None if ref is None else {"pid": ref.pid, "birth": ref.birth}
