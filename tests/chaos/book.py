"""What a struck run and its harness tell each other: files in one folder, written by processes that die.

`plan.json` says where to strike; `strikes.jsonl` has a line for every attempt that began and every blow.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.chaos.points import Point


class Deed(StrEnum):
    KILL = "kill"
    """The worker's process is gone at once."""
    HOLD = "hold"
    """The worker waits there until the harness releases it."""


class What(StrEnum):
    BEGUN = "begun"
    STRUCK = "struck"


@dataclass(frozen=True, slots=True)
class Line:
    """`begun`: an attempt of an execution, `point` empty. `struck`: `point` names where."""

    what: What
    at: float
    """time.time()"""
    pid: int
    activity: str
    execution: str
    """Of one run: its workflow and the activity's id there."""
    point: str = ""


class Book:
    """The folder's files. A line is one write: what was written before a kill is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plan(self, deeds: Mapping[Point, Deed]) -> None:
        """Say what is to be done where. Before the worker starts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "plan.json").write_text(
            json.dumps({str(point): deed for point, deed in deeds.items()})
        )

    def planned(self) -> dict[Point, Deed]:
        words: dict[str, str] = json.loads((self.folder / "plan.json").read_text())
        return {Point.parse(word): Deed(deed) for word, deed in words.items()}

    def lines(self) -> list[Line]:
        path = self.folder / "strikes.jsonl"
        if not path.exists():
            return []
        whole, _, _ = path.read_text().rpartition("\n")  # somebody may be in the middle of the last line
        found: list[dict[str, Any]] = [json.loads(text) for text in whole.splitlines()]
        return [Line(what=What(words.pop("what")), **words) for words in found]

    def struck(self) -> list[str]:
        """The points that were struck, in order."""
        return [line.point for line in self.lines() if line.what is What.STRUCK]

    def begin(self, activity: str, execution: str) -> int:
        """Note an attempt; the number of its execution among those of the same activity."""
        known = dict.fromkeys(
            line.execution for line in self.lines() if line.what is What.BEGUN and line.activity == activity
        )
        known[execution] = None
        self._write(Line(What.BEGUN, time.time(), os.getpid(), activity, execution))
        return list(known).index(execution) + 1

    def strike(self, point: Point, execution: str) -> Deed | None:
        """What to do here and now, noted before it is done; None where nothing is, or was already."""
        deed = self.planned().get(point)
        if deed is None or str(point) in self.struck():
            return None
        self._write(Line(What.STRUCK, time.time(), os.getpid(), point.activity, execution, str(point)))
        return deed

    @property
    def released(self) -> bool:
        return (self.folder / "go").exists()

    def release(self) -> None:
        """Let what is held go on."""
        (self.folder / "go").touch()

    def _write(self, line: Line) -> None:
        descriptor = os.open(self.folder / "strikes.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, (json.dumps(asdict(line)) + "\n").encode())
        finally:
            os.close(descriptor)


def recoveries(lines: list[Line]) -> list[float]:
    """Seconds from each blow to the next attempt of anything in another process."""
    found: list[float] = []
    for index, line in enumerate(lines):
        if line.what is What.STRUCK:
            later = (other for other in lines[index + 1 :] if other.what is What.BEGUN)
            after = next((other for other in later if other.pid != line.pid), None)
            if after is not None:
                found.append(after.at - line.at)
    return found
