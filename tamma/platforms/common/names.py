"""Names and numbers in the path of a request. Pure."""

from __future__ import annotations

from urllib.parse import quote

from tamma.errors import NotFound


def segment(name: str) -> str:
    """One segment of a path: slashes too are escaped."""
    return quote(name, safe="")


def segments(name: str) -> str:
    """A branch or a file's path as several segments: slashes stay, all else that has a meaning is escaped."""
    return quote(name, safe="/")


def file_path(path: str) -> str:
    """A file's path as it stands in a commit. Raises NotFound for what is none: dots would lead elsewhere."""
    if set(path.split("/")) & {"", ".", ".."}:
        raise NotFound(f"{path!r} is not the path of a file", hint="e.g. src/main.py")
    return path


def is_number(text: str) -> bool:
    """Whether it is written in the digits 0 to 9 alone."""
    return text.isascii() and text.isdigit()


def number_of(
    number: str, what: str = "an issue or pull request", hint: str | None = "e.g. owner/repo#12"
) -> str:
    """The number, as it goes into a path. Raises NotFound for what is none: it would lead elsewhere."""
    if not is_number(number):
        raise NotFound(f"{number!r} is not a number of {what}", hint=hint)
    return number
