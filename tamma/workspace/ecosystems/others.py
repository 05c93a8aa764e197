"""The ecosystems whose files say in a few lines how a project is tested and built."""

from __future__ import annotations

import re

from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.interface import Command

_MAKE_TARGET = re.compile(r"^(test|check|lint|build)\s*:(?!=)", re.MULTILINE)


def rust(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Cargo.toml" not in names:
        return None
    return Found(
        "rust",
        test=Command("cargo test", "Cargo.toml"),
        build=Command("cargo build", "Cargo.toml"),
        install=(Command("cargo fetch", "Cargo.toml"),),
    )


def go(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "go.mod" not in names:
        return None
    return Found(
        "go",
        test=Command("go test ./...", "go.mod"),
        lint=Command("go vet ./...", "go.mod"),
        build=Command("go build ./...", "go.mod"),
        install=(Command("go mod download", "go.mod"),),
    )


def java(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "pom.xml" in names:
        run = "./mvnw" if "mvnw" in names else "mvn"
        return Found("java", test=Command(f"{run} -q -o test", "pom.xml"))
    if build := next((n for n in ("build.gradle", "build.gradle.kts") if n in names), None):
        run = "./gradlew" if "gradlew" in names else "gradle"
        return Found("java", test=Command(f"{run} --offline test", build))
    return None


def ruby(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Gemfile" not in names and "Rakefile" not in names:
        return None
    if ".rspec" in names or any(name.startswith("spec/") and name.endswith("_spec.rb") for name in names):
        test = Command("bundle exec rspec", "spec/")
    else:
        test = Command("bundle exec rake test", "Rakefile") if "Rakefile" in names else None
    install = (Command("bundle install", "Gemfile"),) if "Gemfile" in names else ()
    return Found("ruby", test=test, install=install)


def php(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "composer.json" not in names:
        return None
    config = next((n for n in ("phpunit.xml", "phpunit.xml.dist") if n in names), None)
    test = Command("vendor/bin/phpunit", config) if config else None
    return Found("php", test=test, install=(Command("composer install", "composer.json"),))


def make(names: frozenset[str], read: ReadFile) -> Found | None:
    name = next((n for n in ("Makefile", "GNUmakefile", "makefile") if n in names), None)
    if name is None:
        return None
    targets = set(_MAKE_TARGET.findall(read(name) or ""))

    def target(*wanted: str) -> Command | None:
        found = next((t for t in wanted if t in targets), None)
        return Command(f"make {found}", f"{name}: {found}") if found else None

    return Found("make", target("test", "check"), target("lint"), target("build"))
