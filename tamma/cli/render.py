"""The live display of a run. The only module that knows rich."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from tamma.cli import story
from tamma.cli.story import Frame, Mark, Step
from tamma.model.task import TaskStatus

_SIGNS = {
    Mark.DONE: ("✓", "green"),
    Mark.WAITING: ("●", "yellow"),
    Mark.FAILED: ("✗", "red"),
    Mark.TODO: ("·", "dim"),
}
_PLAIN_SIGNS = {Mark.DONE: "x", Mark.WAITING: "!", Mark.FAILED: "-", Mark.TODO: "."}
_STATUS_STYLE = {
    TaskStatus.COMPLETED: "bold green",
    TaskStatus.FAILED: "bold red",
    TaskStatus.CANCELLED: "bold yellow",
    TaskStatus.PAUSED: "bold yellow",
}
_STEPS_SHOWN = 4
"""Lines of the agent's last actions: enough to follow, few enough that the display does not jump."""


class LiveDisplay:
    """A display that is redrawn in place; a context manager. `notice` writes above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._spinner = Spinner("dots" if self._unicode else "line", style="cyan")
        self._live = Live(console=self._console, refresh_per_second=8, vertical_overflow="ellipsis")

    @property
    def _unicode(self) -> bool:
        return (self._console.encoding or "").lower().startswith("utf")

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, frame: Frame) -> None:
        self._live.update(self.draw(frame), refresh=frame.final)

    def notice(self, text: str) -> None:
        self._live.console.print(Text(text, style="yellow"))

    def pause(self) -> None:
        """Leave the last frame standing, so that a question can be asked below it."""
        self._live.stop()

    def resume(self) -> None:
        self._live.start()

    def draw(self, frame: Frame) -> RenderableType:
        """The whole picture of one frame."""
        return Group(*self._header(frame), self._table(frame), *self._footer(frame))

    def _header(self, frame: Frame) -> list[RenderableType]:
        view = frame.view
        title = Text.assemble((story.label(view), "bold"), "  ", view.title)
        agent = Text(f"{story.agent(view)} · task {view.task_id}", style="dim")
        return [_one_line(title), _one_line(agent), Text()]

    def _table(self, frame: Frame) -> Table:
        table = Table.grid(padding=(0, 1), expand=False)
        table.add_column(width=1)
        table.add_column(no_wrap=True, min_width=14, max_width=22)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for step in story.steps(frame):
            table.add_row(self._sign(step), _label(step), Text(step.detail, style="dim"))
            if step.mark is Mark.NOW:
                for line in self._agent_lines(frame):
                    table.add_row("", "", line)
        return table

    def _sign(self, step: Step) -> RenderableType:
        if step.mark is Mark.NOW:
            return self._spinner
        sign, style = _SIGNS[step.mark]
        return Text(sign if self._unicode else _PLAIN_SIGNS[step.mark], style=style)

    def _agent_lines(self, frame: Frame) -> list[Text]:
        progress = frame.progress
        if progress is None:
            return []
        lines = [Text(line, style="dim") for line in progress.last[-_STEPS_SHOWN:]]
        now = story.doing(frame)
        return [*lines, Text(f"{now} …", style="cyan")] if now else lines

    def _footer(self, frame: Frame) -> list[RenderableType]:
        view = frame.view
        lines: list[RenderableType] = [Text()]
        if view.waiting_for and not frame.final:
            who = "waiting for you" if view.waiting_for.person else "waiting"
            lines.append(Text.assemble((f"{who}: ", "bold yellow"), view.waiting_for.reason))
            lines.append(Text(view.waiting_for.hint, style="yellow"))
        lines += [Text(f"note: {note}", style="dim") for note in view.notes]
        style = _STATUS_STYLE.get(view.status, "bold")
        lines.append(Text.assemble((view.status.value, style), " · ", story.figures(frame)))
        lines += [_one_line(Text(line)) for line in _links(frame)]
        return lines


def _label(step: Step) -> Text:
    styles = {Mark.NOW: "bold", Mark.WAITING: "bold yellow", Mark.FAILED: "bold red", Mark.TODO: "dim"}
    return Text(step.label, style=styles.get(step.mark, ""))


def _one_line(text: Text) -> Text:
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text


def _links(frame: Frame) -> list[str]:
    view = frame.view
    links = [f"branch {view.branch}"] if view.branch else []
    links += [view.pull_request_url] if view.pull_request_url else []
    return [*links, frame.ui_url] if frame.ui_url else links


# --- documents -----------------------------------------------------------------------------------


def console() -> Console:
    """Standard output; colours only on a terminal."""
    return Console(file=sys.stdout, highlight=False)


def print_markdown(text: str, title: str = "") -> None:
    """A Markdown text in a frame, for a person to decide about."""
    console().print(Panel(Markdown(text), title=title or None, title_align="left", border_style="dim"))


def print_diff(patch: str) -> None:
    """A patch in colours."""
    console().print(
        Syntax(patch.rstrip("\n"), "diff", theme="ansi_dark", background_color="default", word_wrap=True)
    )


def print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]], *, grow: int = -1) -> None:
    """A plain table; column `grow` gives way where the terminal is narrow."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for place, column in enumerate(columns):
        last = place == grow % len(columns)
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)
