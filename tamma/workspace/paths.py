"""Paths that a model names, resolved beneath the work tree and nowhere else.

No command runs while a tool works on files (calls come one at a time and every command's process tree has
ended), yet the kernel is asked to hold the line too: `openat2(RESOLVE_BENEATH)` where it exists.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import sys
from pathlib import Path, PurePosixPath

from tamma.errors import PathDenied
from tamma.workspace.sandbox.profile import WORKSPACE

_OPENAT2 = 437
_RESOLVE_BENEATH, _RESOLVE_NO_MAGICLINKS = 0x08, 0x02
_HAS_OPENAT2 = sys.platform == "linux" and platform.machine() in {"x86_64", "aarch64"}


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class Tree:
    """The work tree's folder as models see it."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def relative(self, path: str) -> str:
        """`path` as written by a model, made relative to the tree. Raises PathDenied.

        `/workspace/src/x.py`, `src/x.py` and the real path are the same file; links inside the tree may be
        followed, links out of it may not, and `.git` may not be named, by whatever road.
        """
        text = path.strip()
        if not text or "\0" in text:
            raise PathDenied(f"the path {path!r} is empty or malformed", hint="name a file, as in src/app.py")
        pure = PurePosixPath(text)
        for prefix in (WORKSPACE, str(self.root)):
            if pure.is_relative_to(prefix):
                pure = pure.relative_to(prefix)
                break
        if pure.is_absolute():
            raise PathDenied(
                f"{path!r} is outside the workspace", hint=f"paths are relative to {WORKSPACE}: src/app.py"
            )
        # Not normpath: `link/..` is not `.` where link is a symbolic link.
        real = Path(os.path.realpath(self.root / pure))
        if not real.is_relative_to(self.root):
            raise PathDenied(
                f"{path!r} leads outside the workspace", hint="only files of the repository can be used"
            )
        named = (*pure.parts, *real.relative_to(self.root).parts)
        if any(is_git_name(part) for part in named):
            raise PathDenied(
                f"{path!r} is git's own metadata, which is read-only",
                hint="use git log, git diff or git show",
            )
        return str(real.relative_to(self.root))

    def real(self, path: str) -> Path:
        """Where `path` is on this host. Raises PathDenied."""
        return self.root / self.relative(path)

    def read(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of a regular file. Raises PathDenied, OSError."""
        descriptor = self._open(path, os.O_RDONLY | os.O_NONBLOCK, 0)
        with os.fdopen(descriptor, "rb") as file:
            self._check_regular(descriptor, path)
            return file.read(limit)

    def write(self, path: str, content: bytes) -> None:
        """Write a regular file in place (its mode stays), making folders as needed. Raises PathDenied."""
        relative = PurePosixPath(self.relative(path))
        (self.root / relative).parent.mkdir(parents=True, exist_ok=True)
        descriptor = self._open(str(relative), os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            self._check_regular(descriptor, path)
            file.truncate()
            file.write(content)

    def _open(self, path: str, flags: int, mode: int) -> int:
        relative = self.relative(path)
        flags |= os.O_CLOEXEC
        if not _HAS_OPENAT2:
            return os.open(self.root / relative, flags | os.O_NOFOLLOW, mode)
        return _open_beneath(self.root, relative, flags, mode)

    @staticmethod
    def _check_regular(descriptor: int, path: str) -> None:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, "is a folder", path)
        if not stat.S_ISREG(kind):
            raise PathDenied(f"{path!r} is not a regular file")


def is_git_name(part: str) -> bool:
    """Whether a path's part means `.git` to git on some file system (HFS+ and NTFS fold and strip)."""
    folded = "".join(c for c in part if c.isprintable()).rstrip(". ").casefold()
    return folded in {".git", "git~1"}


def _open_beneath(root: Path, relative: str, flags: int, mode: int) -> int:
    how = _OpenHow(flags, mode if flags & os.O_CREAT else 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = int(
            libc.syscall(_OPENAT2, folder, os.fsencode(relative), ctypes.byref(how), ctypes.sizeof(how))
        )
    finally:
        os.close(folder)
    if descriptor >= 0:
        return descriptor
    code = ctypes.get_errno()
    if code == errno.ENOSYS:  # Linux before 5.6, or a container's filter: `relative` is resolved already
        return os.open(root / relative, flags | os.O_NOFOLLOW, mode)
    if code == errno.EXDEV:
        raise PathDenied(f"{relative!r} leads outside the workspace")
    raise OSError(code, os.strerror(code), relative)
