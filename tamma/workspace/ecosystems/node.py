"""How a Node.js project is tested, linted, built and installed."""

from __future__ import annotations

import json
from typing import cast

from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.ecosystems.reading import table
from tamma.workspace.interface import Command


def node(names: frozenset[str], read: ReadFile) -> Found | None:
    """The scripts of package.json, by the package manager whose lock file is there."""
    if "package.json" not in names:
        return None
    try:
        package: object = json.loads(read("package.json") or "{}")
    except ValueError:
        package = {}
    scripts = table(cast(dict[str, object], package) if isinstance(package, dict) else {}, "scripts")
    if "pnpm-lock.yaml" in names:
        manager, install = "pnpm", "pnpm install --frozen-lockfile"
    elif "yarn.lock" in names:
        manager, install = "yarn", "yarn install --frozen-lockfile"
    else:
        manager, install = "npm", "npm ci" if "package-lock.json" in names else "npm install"

    def script(name: str) -> Command | None:
        body = scripts.get(name)
        if not isinstance(body, str) or "no test specified" in body:
            return None
        return Command(
            f"{manager} run {name}" if name != "test" else f"{manager} test", f"package.json: {name}"
        )

    return Found("node", script("test"), script("lint"), script("build"), (Command(install, "package.json"),))
