"""What a repository keeps elsewhere, said in words: contents in Git LFS, and submodules. Pure.

Neither is fetched. A pointer is a small text in a file's place, a submodule an empty folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tamma.workspace.lfs import is_pointer

_LINK = 0o160000
_SHOWN = 5


def notes(entries: Iterable[tuple[str, int]], peek: Callable[[str], bytes]) -> tuple[str, ...]:
    """What is to be known about (path, mode) of all tracked files; `peek` reads the beginning of one."""
    submodules: list[str] = []
    pointers: list[str] = []
    for path, mode in entries:
        if mode == _LINK:
            submodules.append(path)
        elif is_pointer(peek(path)):
            pointers.append(path)
    found: list[str] = []
    if pointers:
        found.append(
            f"contents in Git LFS are not fetched: {_few(pointers)} hold pointers only. What needs the"
            " contents fails here, and changes of these files are refused"
        )
    if submodules:
        found.append(f"submodules are not fetched: {_few(submodules)} are empty folders")
    return tuple(found)


def _few(paths: list[str]) -> str:
    names = ", ".join(repr(path) for path in paths[:_SHOWN])
    return names + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
