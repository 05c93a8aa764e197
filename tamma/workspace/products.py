"""What building an environment leaves in the work tree, kept for workspaces that find it in the cache."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_MOST_PRODUCT_BYTES = 50_000_000


def files_in(tree: Path) -> set[str]:
    """The paths below a folder, without what is Git's or a package manager's."""
    found: set[str] = set()
    for folder, names, files in os.walk(tree):
        names[:] = [name for name in names if name not in {".git", "node_modules", "__pycache__"}]
        found.update(os.path.relpath(os.path.join(folder, name), tree) for name in files)
    return found


def keep_products(before: set[str], tree: Path, kept: Path) -> None:
    """Keep what a build wrote into the work tree (a generated version, an extension module).

    Another workspace that finds this environment in the cache has not been built in, and needs them too.
    """
    size = 0
    for name in sorted(files_in(tree) - before):
        source = tree / name
        if source.is_symlink() or not source.is_file():
            continue
        size += source.stat().st_size
        if size > _MOST_PRODUCT_BYTES:
            return
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, kept / name)


def copy_products(kept: Path, tree: Path) -> None:
    """Put what a build left into another work tree, where nothing stands in its place.

    Never through a link: another commit may have one where this build found a folder.
    """
    for name in files_in(kept):
        target = tree / name
        parents = [tree / parent for parent in Path(name).parents if parent != Path()]
        if os.path.lexists(target) or any(os.path.lexists(p) and not _is_folder(p) for p in parents):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(kept / name, target)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
