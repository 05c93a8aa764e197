"""The live display of a run. Only the modules named `render` know rich."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from tamma.cli import story
from tamma.cli.story import Frame, Mark
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
_LABEL_STYLE = {Mark.NOW: "bold", Mark.WAITING: "bold yellow", Mark.FAILED: "bold red", Mark.TODO: "dim"}
_LABEL = 1 + max(len(label) for label in story.LABELS.values())
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_SPINNER = "|/-\\"
_SPINS = 8
"""Pictures of the spinner a second."""
_STEPS_SHOWN = 4
"""Lines of the agent's last actions: enough to follow, few enough that the display does not jump."""


class LiveDisplay:
    """A display that is redrawn in place; a context manager. `notice` writes above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._live = self._new()

    def _new(self) -> Live:
        return Live(console=self._console, refresh_per_second=8, vertical_overflow="ellipsis")

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, frame: Frame) -> None:
        self._live.update(Picture(frame), refresh=frame.final)

    def notice(self, text: str) -> None:
        self._live.console.print(Text(text, style="yellow"))

    def pause(self) -> None:
        """Leave the last frame standing, so that a question can be asked below it."""
        self._live.stop()

    def resume(self) -> None:
        """Go on below what was asked; the same `Live` would draw over it."""
        self._live = self._new()
        self._live.start()


class Picture:
    """One frame, drawn line by line: a line never wraps, so that the picture keeps its height."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = (console.encoding or "").lower().startswith("utf")
        yield from self._header()
        for step in story.steps(self._frame):
            sign, style = self._sign(step.mark, console, unicode=unicode)
            words = Text.assemble(
                (sign, style), " ", (f"{step.label:<{_LABEL}}", _LABEL_STYLE.get(step.mark, ""))
            )
            yield _line(words.append(step.detail, style="dim"))
            if step.mark is Mark.NOW:
                yield from self._agent()
        yield from self._footer()

    def _header(self) -> Iterator[Text]:
        view = self._frame.view
        yield _line(Text.assemble((story.label(view), "bold"), "  ", view.title))
        yield _line(Text(f"{story.agent(view)} · task {view.task_id}", style="dim"))
        yield Text()

    def _sign(self, mark: Mark, console: Console, *, unicode: bool) -> tuple[str, str]:
        if mark is Mark.NOW:
            frames = _SPINNER if unicode else _PLAIN_SPINNER
            return frames[int(console.get_time() * _SPINS) % len(frames)], "cyan"
        sign, style = _SIGNS[mark]
        return (sign if unicode else _PLAIN_SIGNS[mark]), style

    def _agent(self) -> Iterator[Text]:
        progress = self._frame.progress
        for done in progress.last[-_STEPS_SHOWN:] if progress else ():
            yield _line(Text(f"{'':<{_LABEL + 2}}{done}", style="dim"))
        if now := story.doing(self._frame):
            yield _line(Text(f"{'':<{_LABEL + 2}}{now} …", style="cyan"))

    def _footer(self) -> Iterator[Text]:
        view = self._frame.view
        yield Text()
        if view.waiting_for and not self._frame.final:
            who = "waiting for you: " if view.waiting_for.person else "waiting: "
            yield Text.assemble((who, "bold yellow"), view.waiting_for.reason)
            for choice in story.choices(view):
                yield Text(f"  {choice}")
            yield Text(story.hint(view, view.waiting_for), style="yellow")
        for note in view.notes:
            yield Text(f"note: {note}", style="dim")
        style = _STATUS_STYLE.get(view.status, "bold")
        yield Text.assemble((view.status.value, style), " · ", story.figures(self._frame))
        for link in (
            f"branch {view.branch}" if view.branch else "",
            view.pull_request_url,
            f"patch {patch}" if (patch := story.suggestion(view)) else "",
            self._frame.ui_url,
        ):
            if link:
                yield Text(link, style="dim", overflow="fold")


def _line(text: Text) -> Text:
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text


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


def print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]], *, grow: int | None = None) -> None:
    """A plain table. Where the terminal is narrow, column `grow` gives way; without one, all but the first
    are broken into lines, so that nothing is lost and the name can be copied."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for place, column in enumerate(columns):
        if grow is None:
            table.add_column(column, no_wrap=place == 0, overflow="fold")
        else:
            last = place == grow % len(columns)
            table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)
