"""Which modules a source file imports, and when: at import time, or later in a call."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imported(
    source: str, *, at_import_time_only: bool = False, when_run_only: bool = False
) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import; `from a import b` gives `a.b`, for b may be a module.

    `when_run_only` leaves out what only a type checker imports; `at_import_time_only` late imports, too.
    """
    yield from _walk(ast.parse(source), at_import_time_only, at_import_time_only or when_run_only)


def _walk(node: ast.AST, at_import_time_only: bool, when_run_only: bool) -> Iterator[tuple[int, str]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from ((child.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((child.lineno, f"{module}.{alias.name}") for alias in names)
            case ast.ImportFrom(level=level) if level > 0:
                raise ValueError(f"line {child.lineno}: a relative import; this project writes them out")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if at_import_time_only:
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if when_run_only:
                for other in child.orelse:
                    yield from _walk(ast.Module([other], []), at_import_time_only, when_run_only)
            case _:
                yield from _walk(child, at_import_time_only, when_run_only)
