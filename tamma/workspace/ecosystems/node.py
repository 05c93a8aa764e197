"""How a Node.js project is tested, linted, built and installed."""

from __future__ import annotations

from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.ecosystems.reading import json_object, table
from tamma.workspace.interface import Command

_LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)


def node(names: frozenset[str], read: ReadFile) -> Found | None:
    """The scripts of package.json, by the package manager that it names or whose lock file is there."""
    if "package.json" not in names:
        return None
    package = json_object(read("package.json"))
    scripts = table(package, "scripts")
    manager, install = _manager(names, package)

    def script(*wanted: str) -> Command | None:
        for name in wanted:
            body = scripts.get(name)
            if isinstance(body, str) and "no test specified" not in body:
                # `bun test` is bun's own runner, whatever the script says.
                short = name == "test" and manager != "bun"
                return Command(
                    f"{manager} {name}" if short else f"{manager} run {name}", f"package.json: {name}"
                )
        return None

    return Found(
        "node",
        script("test"),
        script("lint"),
        script("build"),
        (install,),
        script("format", "fmt", "prettier:write"),
        script("typecheck", "type-check", "check-types", "tsc"),
    )


def _manager(names: frozenset[str], package: dict[str, object]) -> tuple[str, Command]:
    """The package manager, and the command that installs what its lock file says."""
    declared = package.get("packageManager")
    said, _, version = declared.partition("@") if isinstance(declared, str) else ("", "", "")
    lock, by_lock = next(((lock, name) for lock, name in _LOCKS if lock in names), ("", "npm"))
    manager = said if said in {"npm", "pnpm", "yarn", "bun"} else by_lock
    source = "package.json: packageManager" if manager == said else lock or "package.json"
    if manager == "npm":
        return manager, Command("npm ci" if by_lock == "npm" and lock else "npm install", source)
    modern = manager == "yarn" and (".yarnrc.yml" in names or version.split(".")[0] not in {"", "0", "1"})
    frozen = "--immutable" if modern else "--frozen-lockfile"
    return manager, Command(f"{manager} install {frozen}" if lock else f"{manager} install", source)
