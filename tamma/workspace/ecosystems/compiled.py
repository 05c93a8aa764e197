"""Ecosystems that are built before they are tested, beside Rust, Go and Java."""

from __future__ import annotations

import re

from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.interface import Command

_DOTNET = (".sln", ".slnx", ".csproj", ".fsproj", ".vbproj")


def dotnet(names: frozenset[str], _read: ReadFile) -> Found | None:
    """A solution before a project. Where there are several, `dotnet` asks which, so one is named."""
    top = sorted(name for name in names if "/" not in name and name.lower().endswith(_DOTNET))
    if not top:
        return None
    chosen = next((name for name in top if name.lower().endswith((".sln", ".slnx"))), top[0])
    target = f" '{chosen}'" if len(top) > 1 or not re.fullmatch(r"[\w.-]+", chosen) else ""
    return Found(
        "dotnet",
        test=Command(f"dotnet test{target} --no-restore", chosen),
        lint=Command(f"dotnet format{target} --no-restore --verify-no-changes", chosen),
        build=Command(f"dotnet build{target} --no-restore", chosen),
        install=(Command(f"dotnet restore{target}", chosen),),
        format=Command(f"dotnet format{target} --no-restore", chosen),
    )


def elixir(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "mix.exs" not in names:
        return None
    formatted = ".formatter.exs" in names
    return Found(
        "elixir",
        test=Command("mix test", "mix.exs"),
        lint=Command("mix format --check-formatted", ".formatter.exs") if formatted else None,
        build=Command("mix compile", "mix.exs"),
        install=(Command("mix local.hex --force --if-missing && mix deps.get", "mix.exs"),),
        format=Command("mix format", ".formatter.exs") if formatted else None,
    )


def swift(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Package.swift" not in names:
        return None
    tests = any(name.startswith("Tests/") for name in names)
    return Found(
        "swift",
        # Its own sandbox does not work inside of another one.
        test=Command("swift test --disable-sandbox", "Package.swift, Tests/") if tests else None,
        build=Command("swift build --disable-sandbox", "Package.swift"),
        install=(Command("swift package resolve", "Package.swift"),),
    )


def dart(names: frozenset[str], read: ReadFile) -> Found | None:
    text = read("pubspec.yaml") if "pubspec.yaml" in names else None
    if text is None:
        return None
    flutter = re.search(r"^\s+sdk:\s*flutter\s*$", text, re.MULTILINE) is not None
    run = "flutter" if flutter else "dart"
    tests = any(name.startswith("test/") and name.endswith("_test.dart") for name in names)
    return Found(
        "dart",
        test=Command(f"{run} test", "pubspec.yaml, test/") if tests else None,
        lint=Command(f"{run} analyze", "pubspec.yaml"),
        install=(Command(f"{run} pub get", "pubspec.yaml"),),
        format=Command("dart format .", "pubspec.yaml"),
    )


def cmake(names: frozenset[str], read: ReadFile) -> Found | None:
    """Out of the tree, so that nothing that was built is in the change."""
    if "CMakeLists.txt" not in names:
        return None
    lists = [name for name in sorted(names) if name.rpartition("/")[2] == "CMakeLists.txt"][:50]
    tested = next((n for n in lists if re.search(r"\b(?:enable_testing|add_test)\b", read(n) or "")), None)
    build = 'cmake -S . -B "$HOME/build" && cmake --build "$HOME/build"'
    test = f'{build} && ctest --test-dir "$HOME/build" --output-on-failure'
    return Found(
        "cmake",
        test=Command(test, f"{tested}: add_test") if tested else None,
        build=Command(build, "CMakeLists.txt"),
        format=_clang_format(names),
    )


def meson(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "meson.build" not in names:
        return None
    build = '{ [ -d "$HOME/build" ] || meson setup "$HOME/build"; } && meson compile -C "$HOME/build"'
    return Found(
        "meson",
        test=Command(f'{build} && meson test -C "$HOME/build"', "meson.build"),
        build=Command(build, "meson.build"),
        format=_clang_format(names),
    )


def _clang_format(names: frozenset[str]) -> Command | None:
    command = "git ls-files '*.c' '*.h' '*.cc' '*.cpp' '*.hpp' | xargs clang-format -i"
    return Command(command, ".clang-format") if ".clang-format" in names else None
