"""A map as text: paths, and below each what it defines, within a number of characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

MORE = "    ..."


def drawn(
    files: Iterable[str],
    lines_of: Callable[[str], Sequence[tuple[float, str]]],
    room: int,
    most_lines: int,
) -> tuple[str, tuple[str, ...]]:
    """The text, never longer than `room` characters, and the files in it.

    `files` come heaviest first. `lines_of` gives a file's lines with their weights; where not all of them
    find room, or there are more than `most_lines`, the heaviest are shown, in the file's order.
    """
    shown: list[str] = []
    taken: list[str] = []
    left = room
    for path in files:
        need = len(path) + 1
        if need > left:
            break
        block = _fitting(lines_of(path), left - need, most_lines)
        shown += [path, *block]
        taken.append(path)
        left -= need + sum(len(line) + 1 for line in block)
    return "\n".join(shown), tuple(taken)


def _fitting(lines: Sequence[tuple[float, str]], room: int, most: int) -> list[str]:
    heaviest = sorted(range(len(lines)), key=lambda at: (-lines[at][0], at))
    whole = sum(len(text) + 1 for _, text in lines)
    if whole <= room and len(lines) <= most:
        return [text for _, text in lines]
    kept: list[int] = []
    left = room - len(MORE) - 1
    for at in heaviest[:most]:
        need = len(lines[at][1]) + 1
        if need <= left:
            kept.append(at)
            left -= need
    return [*(lines[at][1] for at in sorted(kept)), MORE] if kept else []
