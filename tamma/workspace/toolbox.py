"""Tool calls carried out: edits in this process, scripts and searches in the sandbox."""

from __future__ import annotations

import shlex
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tamma.errors import PathDenied
from tamma.model.conversation import ToolCall, ToolResult
from tamma.workspace import edits
from tamma.workspace.edits import EditError
from tamma.workspace.interface import CommandResult, Progress, ToolOutcome
from tamma.workspace.paths import Tree
from tamma.workspace.tools import (
    BASH_DEFAULT_SECONDS,
    BASH_MOST_SECONDS,
    READ_ONLY,
    Arguments,
    BadCall,
    parse_arguments,
)

MOST_BYTES = 1_000_000
"""Larger files are for bash, not for edits."""
_VIEW_BUDGET = 20_000
_LISTED = 300
_GREP_SECONDS = 20
_GREP_LINES = 200

RunScript = Callable[[str, float, Progress], Awaitable[CommandResult]]


@dataclass(frozen=True, slots=True)
class _Done:
    """What a tool did: the text for the model, and an error's kind."""

    text: str
    kind: str | None = None


class Toolbox:
    """Carries out tool calls on one work tree."""

    def __init__(self, tree: Tree, run_script: RunScript) -> None:
        self._tree = tree
        self._run_script = run_script

    async def execute(
        self, call: ToolCall, progress: Progress, *, slice_lines: int | None = None
    ) -> ToolOutcome:
        """Run one call. Whatever a model gets wrong is an error result that says how to do better.

        `slice_lines`: lines that one `view` shows at most, beside the limit on characters.
        """
        started = time.monotonic()
        try:
            arguments = parse_arguments(call.name, call.args_json)
            done = await self._dispatch(call.name, arguments, progress, slice_lines)
        except (BadCall, EditError) as error:
            done = _Done(error.message, error.kind)
        except PathDenied as error:
            done = _Done(f"{error.message}. {error.hint or ''}".strip(), "path_denied")
        except FileNotFoundError:
            done = _Done("there is no such file; use bash `ls` or grep to find it", "not_found")
        except (IsADirectoryError, NotADirectoryError, FileExistsError):
            done = _Done("the path is a folder, or a file stands where a folder is named", "bad_arguments")
        except OSError as error:
            done = _Done(f"the file system refused: {error.strerror}", "io")
        # A failed edit wrote nothing; a failed script may have written before it failed.
        changed = call.name not in READ_ONLY and (call.name == "bash" or done.kind is None)
        if done.kind in {"unknown_tool", "bad_arguments"}:
            changed = False
        return ToolOutcome(
            ToolResult(call.id, done.text, is_error=done.kind is not None),
            changed=changed,
            error_kind=done.kind,
            seconds=time.monotonic() - started,
        )

    async def _dispatch(
        self, name: str, arguments: Arguments, progress: Progress, slice_lines: int | None
    ) -> _Done:
        if name == "bash":
            return await self._bash(arguments, progress)
        if name == "grep":
            return await self._grep(arguments, progress)
        if name == "finish":
            return _Done("noted")  # the caller reads its arguments
        if name == "view":
            return self._view(arguments, slice_lines)
        return {
            "create": self._create,
            "str_replace": self._str_replace,
            "insert": self._insert,
        }[name](arguments)

    async def _bash(self, arguments: Arguments, progress: Progress) -> _Done:
        seconds = arguments.number("timeout", BASH_DEFAULT_SECONDS)
        if not 1 <= seconds <= BASH_MOST_SECONDS:
            raise BadCall("bad_arguments", f"timeout must be 1 to {BASH_MOST_SECONDS} seconds, not {seconds}")
        result = await self._run_script(arguments.text("command"), seconds, progress)
        output = result.output.rstrip("\n") or "(no output)"
        if result.timed_out:
            return _Done(
                f"{output}\n[stopped after {seconds} s, with all it had started; it may need a larger"
                " timeout, or it waits for input that never comes]",
                "timeout",
            )
        if result.exit_code:
            return _Done(f"{output}\n[exit code {result.exit_code}]", "exit_code")
        return _Done(output)

    async def _grep(self, arguments: Arguments, progress: Progress) -> _Done:
        pattern = arguments.text("pattern")
        path = self._tree.relative(arguments.text("path", "."))
        glob = arguments.text("glob")
        spec = path if not glob else f":(glob){'' if path == '.' else path + '/'}{_glob(glob)}"
        words = ["git", "grep", "--untracked", "--no-color", "-nIP", "-e", pattern]
        script = f"{shlex.join([*words, '--', spec])} | cut -c1-400 | head -n {_GREP_LINES + 1}"
        result = await self._run_script(script + "; exit ${PIPESTATUS[0]}", _GREP_SECONDS, progress)
        if result.timed_out:
            return _Done("the search took too long: make the pattern or the path narrower", "timeout")
        if result.exit_code == 1 and not result.output:
            return _Done("nothing matches")
        if result.exit_code not in {0, 1, 141}:  # 141: git grep was cut off by `head`
            return _Done(f"the search failed: {result.output.strip()[-500:]}", "bad_arguments")
        lines = result.output.rstrip("\n").split("\n")
        note = f"\n[only the first {_GREP_LINES} lines]" if len(lines) > _GREP_LINES else ""
        return _Done("\n".join(lines[:_GREP_LINES]) + note)

    def _view(self, arguments: Arguments, slice_lines: int | None) -> _Done:
        path = arguments.text("path")
        real = self._tree.real(path)
        if real.is_dir():
            names = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in real.iterdir()
                if entry.name != ".git"
            )
            more = f"\n[{len(names) - _LISTED} more]" if len(names) > _LISTED else ""
            return _Done(("\n".join(names[:_LISTED]) or "(an empty folder)") + more)
        start = max(1, arguments.number("start_line", 1))
        end = arguments.number("end_line", 1 << 30)
        if end < start:
            raise BadCall("bad_arguments", f"end_line {end} lies before start_line {start}")
        data = self._tree.read(path, 20 * MOST_BYTES)
        if b"\0" in data[:8000]:
            raise EditError("not_text", f"{path!r} is a binary file of {real.stat().st_size} bytes")
        return _Done(edits.numbered(data.decode("utf-8", "replace"), start, end, _VIEW_BUDGET, slice_lines))

    def _create(self, arguments: Arguments) -> _Done:
        path, content = arguments.text("path"), arguments.text("content")
        try:
            before = self._tree.read(path, MOST_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            before = None
        if before is not None:
            content = edits.with_newlines_of(content, before)
        self._write(path, content)
        verb = "created" if before is None else "replaced"
        return _Done(f"{verb} {self._tree.relative(path)} ({len(content.splitlines())} lines)")

    def _str_replace(self, arguments: Arguments) -> _Done:
        path = arguments.text("path")
        before = self._text(path)
        after = edits.str_replace(before, arguments.text("old"), arguments.text("new"))
        self._write(path, after)
        return _Done(f"changed {self._tree.relative(path)}:\n{_around(before, after)}")

    def _insert(self, arguments: Arguments) -> _Done:
        path = arguments.text("path")
        before = self._text(path)
        after = edits.insert(before, arguments.number("line", 0), arguments.text("text"))
        self._write(path, after)
        return _Done(f"changed {self._tree.relative(path)}:\n{_around(before, after)}")

    def _text(self, path: str) -> str:
        data = self._tree.read(path, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise EditError("too_large", f"{path!r} is larger than 1 MB: change it with bash (sed, python)")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise EditError(
                "not_text", f"{path!r} is not UTF-8 text ({error.reason}): use bash to change it"
            ) from error

    def _write(self, path: str, text: str) -> None:
        data = text.encode("utf-8", "replace")
        if len(data) > MOST_BYTES:
            raise EditError("too_large", f"{path!r} would be {len(data)} bytes; at most 1 MB can be written")
        self._tree.write(path, data)


def _glob(glob: str) -> str:
    """`*.py` means any depth, as it does for ripgrep."""
    return glob if "/" in glob else f"**/{glob}"


def _around(before: str, after: str) -> str:
    """The changed lines with three around them, numbered: a model need not view the file again."""
    old, new = before.splitlines(), after.splitlines()
    first = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    same_end = next(
        (i for i, (a, b) in enumerate(zip(reversed(old), reversed(new), strict=False)) if a != b), 0
    )
    last = max(first + 1, len(new) - same_end)
    start, end = max(1, first + 1 - 3), min(len(new), last + 3)
    return edits.numbered(after, start, end, 3000) if new else "(the file is empty now)"
