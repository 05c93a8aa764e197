"""A run told in plain lines, each thing once: for logs, pipes and CI, where nothing can be redrawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from tamma.cli import story
from tamma.cli.story import Frame
from tamma.model.task import Phase, TaskStatus, Waiting


@dataclass(slots=True)
class Teller:
    """Remembers what it has told. `tell` returns only the lines that are new."""

    _phase: Phase | None = None
    _details: dict[Phase, str] = field(default_factory=dict[Phase, str])
    _last: tuple[str, ...] = ()
    _session: str = ""
    _turns: int = 0
    _waiting: Waiting | None = None
    _notes: int = 0
    _final: bool = False
    _begun: bool = False

    def tell(self, frame: Frame) -> list[str]:
        if self._final:
            return []
        told: list[str] = []
        if not self._begun:
            self._begun = True
            told += _opening(frame)
        told += self._steps_of_agent(frame)
        told += self._phases(frame)
        told += self._notes_of_run(frame)
        told += self._gate(frame)
        if frame.final:
            self._final = True
            told.append(ending(frame))
        return told

    def _phases(self, frame: Frame) -> list[str]:
        """A line when a phase begins, and one when something becomes known about a phase."""
        told: list[str] = []
        for phase in story.LABELS:
            words = story.detail(frame, phase)
            if words and self._details.get(phase) != words and phase is not Phase.ACCEPT:
                self._details[phase] = words
                told.append(f"  {words}")
        phase = frame.view.phase
        if phase is not self._phase:
            self._phase = phase
            if phase in story.LABELS and not frame.final:
                told.append(f"[{_clock(frame)}] {story.LABELS[phase]}")
        return told

    def _steps_of_agent(self, frame: Frame) -> list[str]:
        progress = frame.progress
        if progress is None:
            return []
        if progress.session_id != self._session:
            self._session, self._last = progress.session_id, ()
        new = _appended(self._last, progress.last)
        self._last = progress.last
        if not new:
            return []
        spend = frame.spend
        unseen = max(0, spend.turns - self._turns - len(new)) if self._turns else 0
        self._turns = spend.turns
        told = [f"    … {unseen} more {story.plural('step', unseen)}"] if unseen else []
        told += [f"    {line}" for line in new[:-1]]
        told.append(
            f"    {new[-1]}  ({spend.turns} {story.plural('turn', spend.turns)}, {story.cost(spend)})"
        )
        return told

    def _notes_of_run(self, frame: Frame) -> list[str]:
        notes = frame.view.notes[self._notes :]
        self._notes = len(frame.view.notes)
        return [f"  note: {note}" for note in notes]

    def _gate(self, frame: Frame) -> list[str]:
        waiting = frame.view.waiting_for
        if waiting == self._waiting:
            return []
        self._waiting = waiting
        if waiting is None:
            return [] if frame.final else ["  goes on"]
        told = [f"  waiting{' for you' if waiting.person else ''} ({waiting.gate}): {waiting.reason}"]
        told += [f"    {line}" for line in story.choices(frame.view)]
        return [*told, f"    {story.hint(frame.view, waiting)}"] if waiting.hint else told


def ending(frame: Frame) -> str:
    """One line on how it ended."""
    view = frame.view
    where = view.pull_request_url or (f"branch {view.branch}" if view.branch else "")
    merged = f"merged into {view.base_branch} as {view.merge_sha[:10]}" if view.merge_sha else ""
    if story.suggests(view):
        patch = story.suggestion(view)
        where = f"{'suggested' if view.suggested else 'left'} {patch}" if patch else ""
    words = [view.status.value, merged or where, story.figures(frame)]
    if view.status is not TaskStatus.COMPLETED and view.summary:
        words.insert(1, story.first_line(view.summary))
    return f"[{_clock(frame)}] " + " · ".join(word for word in words if word)


def _opening(frame: Frame) -> list[str]:
    view = frame.view
    title = f": {view.title}" if view.title else ""
    by = f" ({story.agent(view)})" if view.agent else ""
    told = [f"{story.label(view)}{title}{by} · task {view.task_id}"]
    return [*told, f"  {frame.ui_url}"] if frame.ui_url else told


def _clock(frame: Frame) -> str:
    minutes, seconds = divmod(max(0, int(frame.elapsed)), 60)
    return f"{minutes:02}:{seconds:02}"


def _appended(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """What a window of last lines gained: `after` without the longest end of `before` it begins with."""
    for size in range(min(len(before), len(after)), 0, -1):
        if before[-size:] == after[:size]:
            return after[size:]
    return after
